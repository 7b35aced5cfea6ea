"""The ROCKETMQ form of a command header. RocketMQ: ``RocketMQSerializable``.

::

    code 2 | language 1 | version 2 | opaque 4 | flag 4
    remark length 4 | remark                    0 = none; an empty remark is written as 0 too
    ext fields length 4 | entries               0 = none
    entry: name length 2 | name | value length 4 | value

All numbers are signed and big-endian. ``code`` has 16 bits: 200050 arrives as 3442, in Java too.
"""

from __future__ import annotations

from struct import Struct, error
from typing import TYPE_CHECKING

from rmqwire.codec.codes import LanguageCode
from rmqwire.errors import BadHeader, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.codec.header_json import HeaderValues

_FIXED = Struct(">hBhiii")  # up to and with the remark length
_FIXED_OUT = Struct(">HBHiii")
_INT = Struct(">i")
_unpack_fixed = _FIXED.unpack_from
_unpack_int = _INT.unpack_from
_OTHER = LanguageCode.OTHER.value
_decode = bytes.decode

SHAPES = 512  # kept, one for each total length
SHAPE_BYTES = 4096  # of the longest entries that are kept: what they cost is bounded
LEARN_EVERY = 8  # headers of no known shape: to learn one costs as much as to read it


def decode_binary_header(data: bytes) -> HeaderValues:
    """Read the ROCKETMQ form. Empty values stay ``''``; only a typed header reads them as None.

    Raises:
        BadHeader: a length that leads out of the header, bytes left over, or text that is not UTF-8.
    """
    size = len(data)
    if size < 21:
        raise BadHeader(f"a ROCKETMQ header of {size} bytes, 21 is the least")
    code, language, version, opaque, flag, remark_length = _unpack_fixed(data)
    position = 17 + remark_length
    if remark_length < 0 or position + 4 > size:
        raise BadHeader(f"remark length {remark_length} in a header of {size} bytes", 13)
    remark = None
    if remark_length:
        remark = _text(data, 17, position)
    ext_length = _unpack_int(data, position)[0]
    if position + 4 + ext_length != size or ext_length < 0:
        raise BadHeader(f"extFields length {ext_length} in a header of {size} bytes", position)
    ext_fields = _shapes.decode(data, position + 4, size) if ext_length else None
    return code, language, version, opaque, flag, remark, ext_fields


def _decode_entries(data: bytes, position: int, end: int) -> dict[str, str]:
    ext_fields: dict[str, str] = {}
    try:
        while position < end:
            name_end = position + 2 + ((data[position] << 8) | data[position + 1])
            value_start = name_end + 4
            length = _unpack_int(data, name_end)[0]
            value_end = value_start + length
            if length < 0 or value_end > end:
                raise BadHeader(f"an ext field value of {length} bytes", name_end)
            name = data[position + 2 : name_end].decode()
            ext_fields[name] = data[value_start:value_end].decode()
            position = value_end
    except (IndexError, error):
        raise BadHeader("an ext field entry is cut short", position) from None
    except UnicodeDecodeError:
        raise BadHeader("an ext field is not UTF-8", position) from None
    return ext_fields


class _Shapes:
    """Lengths and names of the entries that came lately: where they are the same, one unpack reads.

    A producer's headers differ in their values, seldom in how long each is. The first shape that is
    known for a total length is tried; names and length words must be the ones it was made from.
    """

    def __init__(self) -> None:
        self._known: dict[
            int, tuple[Callable[..., tuple[bytes, ...]], tuple[bytes, ...], list[str]]
        ] = {}
        self._misses = 0

    def decode(self, data: bytes, position: int, end: int) -> dict[str, str]:
        """Return what ``_decode_entries`` returns."""
        shape = self._known.get(end - position)
        if shape is not None:
            unpack, heads, names = shape
            parts = unpack(data, position)
            if parts[::2] == heads:
                try:
                    return dict(zip(names, map(_decode, parts[1::2]), strict=True))
                except UnicodeDecodeError:
                    pass  # the walk says where
        ext_fields = _decode_entries(data, position, end)
        self._misses += 1
        if not self._misses % LEARN_EVERY and end - position <= SHAPE_BYTES:
            self._learn(data, position, end)
        return ext_fields

    def _learn(self, data: bytes, position: int, end: int) -> None:
        """Keep the shape of entries that have been read."""
        begin, formats, heads, names = position, [">"], [], []
        while position < end:
            name_end = position + 2 + (data[position] << 8 | data[position + 1])
            length = _unpack_int(data, name_end)[0]
            formats.append(f"{name_end + 4 - position}s{length}s")
            heads.append(data[position : name_end + 4])
            names.append(data[position + 2 : name_end].decode())
            position = name_end + 4 + length
        if len(self._known) >= SHAPES:
            del self._known[next(iter(self._known))]
        self._known[end - begin] = (Struct("".join(formats)).unpack_from, tuple(heads), names)


_shapes = _Shapes()


def _text(data: bytes, start: int, end: int) -> str:
    try:
        return data[start:end].decode()
    except UnicodeDecodeError:
        raise BadHeader("the remark is not UTF-8", start) from None


def encode_binary_header(values: HeaderValues) -> bytes:
    """Write the ROCKETMQ form; ``code`` and ``version`` lose all but 16 bits, as in Java.

    Raises:
        UsageError: an opaque or flag of more than 32 bits, or a field name of more than 32767 bytes.
    """
    code, language, version, opaque, flag, remark, ext_fields = values
    remark_bytes = remark.encode("utf-8", "replace") if remark else b""
    entries = _encode_entries(ext_fields) if ext_fields else b""
    try:
        fixed = _FIXED_OUT.pack(
            code & 0xFFFF,
            _OTHER if language is None else language & 0xFF,
            version & 0xFFFF,
            opaque,
            flag,
            len(remark_bytes),
        )
    except error:
        raise UsageError(f"opaque {opaque} or flag {flag} is not a 32-bit number") from None
    return b"".join((fixed, remark_bytes, _INT.pack(len(entries)), entries))


def _encode_entries(ext_fields: dict[str, str]) -> bytes:
    parts: list[bytes] = []
    for name, value in ext_fields.items():
        name_bytes = name.encode("utf-8", "replace")
        value_bytes = value.encode("utf-8", "replace")
        if len(name_bytes) > 32767:
            raise UsageError(f"an ext field name of {len(name_bytes)} bytes, 32767 is the most")
        parts += (
            len(name_bytes).to_bytes(2, "big"),
            name_bytes,
            len(value_bytes).to_bytes(4, "big"),
            value_bytes,
        )
    return b"".join(parts)
