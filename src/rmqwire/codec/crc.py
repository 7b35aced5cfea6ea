"""CRCs of the record (``UtilAll.crc32``, ``MessageDecoder.createCrc32``).

Java cuts off the top bit of every CRC-32 so that it stays a non-negative int, and 5.x may close the
properties of a record with a CRC over everything before it::

    __CRC32#  0x01  ten ASCII digits, least significant first, '0' after the last  0x02
"""

from __future__ import annotations

from zlib import crc32

CRC32_PREFIX = b"__CRC32#\x01"
CRC32_RESERVED_LEN = 20  # CommitLog.CRC32_RESERVED_LEN
_DIGITS = 10


def body_crc(data: bytes | bytearray | memoryview) -> int:
    """Return the CRC-32 of ``data`` without its top bit, as BODYCRC holds it."""
    return crc32(data) & 0x7FFFFFFF


def crc_property(value: int) -> bytes:
    """Return the 20 bytes of the ``__CRC32#`` property for a CRC already cut to 31 bits."""
    return CRC32_PREFIX + str(value)[::-1].ljust(_DIGITS, "0").encode("ascii") + b"\x02"


def parse_crc_property(data: bytes) -> int | None:
    """Read the CRC out of the 20 reserved bytes; None when they hold no such property."""
    digits = data[len(CRC32_PREFIX) : -1]
    if (
        len(data) != CRC32_RESERVED_LEN
        or not data.startswith(CRC32_PREFIX)
        or data[-1] != 2
        or not digits.isdigit()
    ):
        return None
    return int(digits[::-1])
