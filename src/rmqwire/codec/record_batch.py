"""The records of one batch send, made in one go: they share topic, queue, sender and time.

``append_record`` makes the same bytes one by one, and takes what is more than this: records of version 2,
a closing CRC property.
"""

from __future__ import annotations

from struct import Struct
from struct import error as struct_error
from typing import TYPE_CHECKING
from zlib import crc32

from rmqwire.codec.consume_queue import UNIT_STRUCT
from rmqwire.codec.properties import MAX_PROPERTIES_LENGTH
from rmqwire.codec.record import HOST_BITS, MAX_TOPIC_V1, MESSAGE_MAGIC_V1, PREFIXES
from rmqwire.errors import BadRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    Data = bytes | memoryview

_SHORT = Struct(">h")


def make_records(  # noqa: PLR0913 - one argument per field of the record
    members: Iterable[tuple[int, Data, bytes, int]],
    *,
    topic: bytes,
    queue_id: int,
    queue_offset: int,
    physical_offset: int,
    sys_flag: int,
    born_timestamp: int,
    born_host: bytes,
    store_timestamp: int,
    store_host: bytes,
    reconsume_times: int,
    prepared_transaction_offset: int = 0,
) -> tuple[bytes, list[tuple[int, int]], bytes]:
    """Return records that follow each other in log and queue.

    Args:
        members: flag, body, properties and tags code of each.
        topic: UTF-8, at most 127 bytes.
        queue_offset: of the first; ``physical_offset`` likewise.
        born_timestamp: ms; ``store_timestamp`` likewise.
        born_host: ip and port, 8 or 20 bytes; ``store_host`` likewise.

    Returns:
        the records, offset and size of each, and the units of all.

    Raises:
        BadRecord: a field that doesn't fit.
    """
    hosts = (len(born_host) == 20) | (len(store_host) == 20) << 1
    layout, sys_flag = PREFIXES[hosts], sys_flag & ~HOST_BITS | hosts << 4
    if len(topic) > MAX_TOPIC_V1:
        raise BadRecord(f"a topic of {len(topic)} bytes doesn't fit")
    named = bytes([len(topic)]) + topic
    fixed = layout.size + len(named) + _SHORT.size
    pack, pack_unit, pack_length = layout.pack, UNIT_STRUCT.pack, _SHORT.pack
    places: list[tuple[int, int]] = []
    units: list[bytes] = []
    parts: list[Data] = []
    at = physical_offset
    try:
        for flag, body, properties, tags_code in members:
            body_length, length = len(body), len(properties)
            size = fixed + body_length + length
            prefix = pack(
                size, MESSAGE_MAGIC_V1, crc32(body) & 0x7FFFFFFF, queue_id, flag, queue_offset, at,
                sys_flag, born_timestamp, born_host, store_timestamp, store_host, reconsume_times,
                prepared_transaction_offset, body_length,
            )  # fmt: skip
            parts += (prefix, body, named, pack_length(length), properties)
            units.append(pack_unit(at, size, tags_code))
            places.append((at, size))
            at += size
            queue_offset += 1
    except struct_error as error:
        raise BadRecord(
            f"a field is out of range, or properties are over {MAX_PROPERTIES_LENGTH} bytes: {error}"
        ) from None
    return b"".join(parts), places, b"".join(units)
