"""Headers of the replication stream (``DefaultHAConnection``).

::

    slave  -> master   8   max offset of its log, again and again
    master -> slave   12   physical offset 8  body size 4  + body (0: heartbeat)
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from rmqwire.errors import ProtocolError

Data = bytes | bytearray | memoryview

REPORT_SIZE = 8  # DefaultHAClient.REPORT_HEADER_SIZE, bytes
TRANSFER_HEADER_SIZE = 12  # DefaultHAConnection.TRANSFER_HEADER_SIZE, bytes
# Ours, in the runtime information of a master: followed by a slave's address, its lag in ms.
SLAVE_LAG_KEY = "haSlaveLagMillis_"

_REPORT = Struct(">q")
_TRANSFER = Struct(">qi")


class TransferHeader(NamedTuple):
    """What stands before each range of the log; a size of 0 is a heartbeat."""

    physical_offset: int
    body_size: int


def pack_report(max_offset: int) -> bytes:
    """Write a slave's report."""
    return _REPORT.pack(max_offset)


def unpack_report(data: Data, pos: int = 0) -> int:
    """Read a slave's report: its log's end in bytes.

    Raises:
        ProtocolError: fewer than 8 bytes left.
    """
    need(data, pos, REPORT_SIZE)
    offset: int = _REPORT.unpack_from(data, pos)[0]
    return offset


def pack_transfer(physical_offset: int, body_size: int) -> bytes:
    """Write the header of a range of the log."""
    return _TRANSFER.pack(physical_offset, body_size)


def unpack_transfer(data: Data, pos: int = 0) -> TransferHeader:
    """Read the header of a range of the log.

    Raises:
        ProtocolError: fewer than 12 bytes left, or a negative size.
    """
    need(data, pos, TRANSFER_HEADER_SIZE)
    header = TransferHeader._make(_TRANSFER.unpack_from(data, pos))
    if header.body_size < 0:
        raise ProtocolError(f"replicated range of {header.body_size} bytes", pos)
    return header


def need(data: Data, pos: int, size: int) -> None:
    """Make sure that so many bytes are there.

    Raises:
        ProtocolError: they aren't.
    """
    if pos < 0 or len(data) - pos < size:
        raise ProtocolError(f"{max(len(data) - pos, 0)} bytes left, {size} needed", pos)
