"""The records of batch sends, made in one go: they share topic, sender and time of storing.

``append_record`` makes the same bytes one by one, and takes what is more than this: records of version 2,
a closing CRC property.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate
from struct import Struct
from struct import error as struct_error
from typing import TYPE_CHECKING
from zlib import crc32

from rmqwire.codec.columns import interleave, map_column, pack_columns, unpack_columns, write_field
from rmqwire.codec.consume_queue import UNIT_FIELDS, UNIT_STRUCT
from rmqwire.codec.properties import MAX_PROPERTIES_LENGTH
from rmqwire.codec.record import HOST_BITS, MAX_TOPIC_V1, MESSAGE_MAGIC_V1
from rmqwire.errors import BadRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmqwire.codec.batch import BatchColumns

_HEAD_FIELDS = "8sI2i2q"  # size and magic, CRC, queue, flag, offsets in queue and log
_HEAD = Struct(f">{_HEAD_FIELDS}")
_SIZE_AND_MAGIC = Struct(">2i")
_CRC_AT = _SIZE_AND_MAGIC.size
_WITHOUT_SIGN = bytes([byte & 0x7F for byte in range(256)])
_OFFSET = 8  # bytes of an offset in a message id
_INT, _SHORT = Struct(">i"), Struct(">h")


@lru_cache(maxsize=4)
def _shared(born_host: int, store_host: int) -> Struct:
    """Return the layout of what all records have in common, for hosts of so many bytes."""
    return Struct(f">iq{born_host}sq{store_host}siq")


def make_records(  # noqa: PLR0913 - one argument per field of the record
    messages: BatchColumns,
    tags_codes: Sequence[int],
    *,
    topic: bytes,
    queue_ids: Sequence[int],
    queue_offsets: Sequence[int],
    physical_offset: int,
    sys_flag: int,
    born_timestamps: Sequence[int],
    born_host: bytes,
    store_timestamp: int,
    store_host: bytes,
    reconsume_times: int,
    prepared_transaction_offset: int = 0,
) -> tuple[bytes, list[int], list[int], bytes]:
    """Return records that follow each other in the log.

    Args:
        messages: what they are of.
        tags_codes: of each, or one for all; ``queue_ids`` and ``born_timestamps`` (ms) likewise.
        topic: UTF-8, at most 127 bytes.
        queue_offsets: of each message.
        physical_offset: of the first.
        store_timestamp: ms.
        born_host: ip and port, 8 or 20 bytes; ``store_host`` likewise.

    Returns:
        the records, the offsets and sizes of them, and the units of all.

    Raises:
        BadRecord: a field that doesn't fit.
    """
    hosts = (len(born_host) == 20) | (len(store_host) == 20) << 1
    if len(topic) > MAX_TOPIC_V1:
        raise BadRecord(f"a topic of {len(topic)} bytes doesn't fit")
    layout = _shared(len(born_host), len(store_host))
    flags, bodies, properties, alike = messages
    count, named = len(bodies), bytes([len(topic)]) + topic
    fixed = _HEAD.size + layout.size + _INT.size + len(named) + _SHORT.size
    if alike:
        size = fixed + sum(alike)
        sizes = [size] * count
        offsets = [*range(physical_offset, physical_offset + size * count, size)]
    else:
        body_lengths, lengths = [*map(len, bodies)], [*map(len, properties)]
        sizes = [fixed + body + text for body, text in zip(body_lengths, lengths, strict=True)]
        offsets = [*accumulate(sizes[:-1], initial=physical_offset)]

    def shared(born_timestamp: int) -> bytes:
        return layout.pack(
            sys_flag & ~HOST_BITS | hosts << 4, born_timestamp, born_host, store_timestamp,
            store_host, reconsume_times, prepared_transaction_offset,
        )  # fmt: skip

    try:
        heads = (
            map_column(sizes[:1] if alike else sizes, _size_and_magic),
            [*map(crc32, bodies)], queue_ids, flags, queue_offsets, offsets,
        )  # fmt: skip
        if alike:
            length, named = _INT.pack(alike[0]), named + _SHORT.pack(alike[1])
            before = map_column(born_timestamps, lambda born: shared(born) + length)
            row = f"{_HEAD_FIELDS}{len(before[0])}s{alike[0]}s{len(named)}s{alike[1]}s"
            packed = pack_columns(row, *heads, before, bodies, [named], properties)
            records = _positive_crcs(packed, size)
        else:
            packed = _positive_crcs(pack_columns(_HEAD_FIELDS, *heads), _HEAD.size)
            pieces = (
                *unpack_columns(f"{_HEAD.size}s", 1, count, packed),
                map_column(born_timestamps, shared), map_column(body_lengths, _INT.pack), bodies,
                map_column(lengths, lambda length: named + _SHORT.pack(length)), properties,
            )  # fmt: skip
            records = b"".join(interleave(pieces))
        units = _units(offsets, sizes[:1] if alike else sizes, tags_codes)
    except struct_error as error:
        raise BadRecord(
            f"a field is out of range, or properties are over {MAX_PROPERTIES_LENGTH} bytes: {error}"
        ) from None
    return records, offsets, sizes, units


def _units(offsets: Sequence[int], sizes: Sequence[int], tags_codes: Sequence[int]) -> bytes:
    """Return the units of records; one size, or one code, is that of all."""
    if len(sizes) > 1 or len(tags_codes) > 1:
        return pack_columns(UNIT_FIELDS, offsets, sizes, tags_codes)
    units = bytearray(UNIT_STRUCT.pack(0, sizes[0], tags_codes[0]) * len(offsets))
    write_field(units, UNIT_STRUCT.size, 0, pack_columns("q", offsets))
    return bytes(units)


def _size_and_magic(size: int) -> bytes:
    return _SIZE_AND_MAGIC.pack(size, MESSAGE_MAGIC_V1)


def _positive_crcs(rows: bytes, width: int) -> bytes:
    """Take the sign off the CRC in the head of each row, as Java does."""
    changed = bytearray(rows)
    changed[_CRC_AT::width] = changed[_CRC_AT::width].translate(_WITHOUT_SIGN)
    return bytes(changed)


def offset_ids(host: bytes, offsets: Sequence[int]) -> bytes:
    """Return the offset message ids of many records, joined with commas, as a batch is answered.

    Args:
        host: of the store, packed, 8 or 20 bytes.
        offsets: of the records, at least one, none negative.
    """
    begin = host.hex().upper()
    ids = pack_columns("q", offsets).hex(",", _OFFSET).upper()
    return (begin + ids.replace(",", f",{begin}")).encode()
