"""The body of a batch send (``MessageDecoder.encodeMessage``), entries back to back.

::

    TOTALSIZE 4   MAGICCODE 4 (0)   BODYCRC 4 (0)   FLAG 4
    BODY length 4 + body   PROPERTIES length 2 + properties

Java's broker reads FLAG, body and properties and ignores the first three fields: so does this.
"""

from __future__ import annotations

from struct import Struct
from struct import error as struct_error
from typing import TYPE_CHECKING, NamedTuple

from rmqwire.codec.columns import Grid, unpack_columns
from rmqwire.codec.properties import MAX_PROPERTIES_LENGTH, encode_properties
from rmqwire.codec.release import DEFAULT_RELEASE, Release
from rmqwire.errors import BadBody

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Protocol

    class BatchMessage(Protocol):
        """What an entry is made from: ``Message`` has it all."""

        flag: int
        body: bytes
        properties: dict[str, str]


_PREFIX = Struct(">5i")
_FLAG_AND_LENGTH = Struct(">12x2i")  # of the same
_LENGTH = Struct(">h")
_LENGTH_AT = 16  # of the body
_OVERHEAD = _PREFIX.size + _LENGTH.size


class BatchColumns(NamedTuple):
    """The messages of a batch, column by column.

    Args:
        flags: of each; ``bodies`` and ``properties`` likewise.
        lengths: of a body and a property string, where all messages have the same.
    """

    flags: Sequence[int]
    bodies: Sequence[bytes]
    properties: Sequence[bytes]
    lengths: tuple[int, int] | None = None


def columns_of(
    flags: Sequence[int], bodies: Sequence[bytes], properties: Sequence[bytes]
) -> BatchColumns:
    """Return the columns of some messages, which tell whether they all have the same lengths."""
    lengths = {(len(body), len(text)) for body, text in zip(bodies, properties, strict=True)}
    return BatchColumns(flags, bodies, properties, lengths.pop() if len(lengths) == 1 else None)


class BatchEntry(NamedTuple):
    """One message of a batch; ``properties`` is the raw property string."""

    flag: int
    body: bytes
    properties: bytes


def encode_batch(messages: Iterable[BatchMessage], release: Release = DEFAULT_RELEASE) -> bytes:
    """Write the body of a batch send.

    Raises:
        BadProperties: a property that can't be written.
        BadBody: a flag, body or property string that doesn't fit its field.
    """
    return b"".join(
        [encode_entry(m.flag, m.body, encode_properties(m.properties, release)) for m in messages]
    )


def encode_entry(flag: int, body: bytes, properties: bytes) -> bytes:
    """Write one entry from its raw parts; see ``encode_batch``."""
    size = _OVERHEAD + len(body) + len(properties)
    if len(properties) > MAX_PROPERTIES_LENGTH:
        raise BadBody(f"properties of {len(properties)} bytes, at most {MAX_PROPERTIES_LENGTH} fit")
    try:
        prefix = _PREFIX.pack(size, 0, 0, flag, len(body))
    except struct_error:
        raise BadBody(f"flag {flag} or a body of {len(body)} bytes is out of range") from None
    return b"".join((prefix, body, _LENGTH.pack(len(properties)), properties))


def decode_batch(body: bytes | bytearray | memoryview) -> list[BatchEntry]:
    """Take the body of a batch send apart.

    Raises:
        BadBody: cut off, or a negative length.
    """
    return [BatchEntry(*one) for one in zip(*split_batch(body)[:3], strict=True)]


def split_batch(body: bytes | bytearray | memoryview) -> BatchColumns:
    """Do the same with columns.

    Raises:
        BadBody: as said.
    """
    data = body if isinstance(body, bytes) else bytes(body)
    return _split_alike(data) or _split_each(data)


def _split_alike(data: bytes) -> BatchColumns | None:
    """Split entries that all have the lengths of the first one; None if they don't."""
    end = len(data) - _OVERHEAD
    body_length = _FLAG_AND_LENGTH.unpack_from(data)[1] if end >= 0 else -1
    if not 0 <= body_length <= end:
        return None
    stop = _PREFIX.size + body_length
    (length,) = _LENGTH.unpack_from(data, stop)
    if length < 0 or len(data) % (_OVERHEAD + body_length + length):
        return None
    width = _OVERHEAD + body_length + length
    grid = Grid(data, width, len(data) // width)
    if not (grid.is_same(_LENGTH_AT, _PREFIX.size) and grid.is_same(stop, stop + _LENGTH.size)):
        return None
    row = f"12xi4x{body_length}s2x{length}s"
    flags, bodies, properties = unpack_columns(row, 3, grid.count, data)
    return BatchColumns(flags, bodies, properties, (body_length, length))


def _split_each(data: bytes) -> BatchColumns:
    flags, bodies, texts = [], [], []
    unpack_head, unpack_length = _FLAG_AND_LENGTH.unpack_from, _LENGTH.unpack_from
    pos, end = 0, len(data)
    while pos < end:
        if end - pos < _OVERHEAD:
            raise BadBody(f"batch entry cut off: {end - pos} bytes left", pos)
        flag, body_length = unpack_head(data, pos)
        start = pos + _PREFIX.size
        stop = start + body_length
        if body_length < 0 or stop + 2 > end:
            raise BadBody(f"batch entry with a body of {body_length} bytes", pos)
        (length,) = unpack_length(data, stop)
        after = stop + 2 + length
        if length < 0 or after > end:
            raise BadBody(f"batch entry with properties of {length} bytes", pos)
        flags.append(flag)
        bodies.append(data[start:stop])
        texts.append(data[stop + 2 : after])
        pos = after
    return BatchColumns(flags, bodies, texts)
