"""The records of one batch send, made in one go: they share topic, queue, sender and time.

``append_record`` makes the same bytes one by one, and takes what is more than this: records of version 2,
a closing CRC property.
"""

from __future__ import annotations

from struct import Struct
from struct import error as struct_error
from typing import TYPE_CHECKING, Protocol
from zlib import crc32

from rmqwire.codec.consume_queue import UNIT_STRUCT
from rmqwire.codec.properties import MAX_PROPERTIES_LENGTH
from rmqwire.codec.record import HOST_BITS, MAX_TOPIC_V1, MESSAGE_MAGIC_V1, PREFIXES
from rmqwire.errors import BadRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    class BatchedMessage(Protocol):
        """What a record is made from."""

        queue_id: int
        flag: int
        sys_flag: int
        properties: bytes
        body: bytes | memoryview
        tags_code: int
        born_timestamp: int
        born_host: bytes
        reconsume_times: int
        prepared_transaction_offset: int


_SHORT = Struct(">h")


def append_records(
    buffer: bytearray,
    messages: Sequence[BatchedMessage],
    *,
    topic: bytes,
    queue_offset: int,
    physical_offset: int,
    store_timestamp: int,
    store_host: bytes,
) -> tuple[list[tuple[int, int]], bytes]:
    """Append records that follow each other in log and queue.

    Args:
        buffer: grows by the records, or stays as it is when an error is raised.
        messages: one at least; queue, system flag, born time and host, times of reconsumption and offset of
            the half message are the first one's.
        topic: UTF-8, at most 127 bytes.
        queue_offset: of the first; ``physical_offset`` likewise.
        store_timestamp: ms.
        store_host: ip and port, 8 or 20 bytes.

    Returns:
        offset and size of each record, and the units of all.

    Raises:
        BadRecord: a field that doesn't fit.
    """
    first = messages[0]
    queue_id, born_timestamp, born_host = first.queue_id, first.born_timestamp, first.born_host
    reconsumed, prepared = first.reconsume_times, first.prepared_transaction_offset
    hosts = (len(born_host) == 20) | (len(store_host) == 20) << 1
    layout, sys_flag = PREFIXES[hosts], first.sys_flag & ~HOST_BITS | hosts << 4
    if len(topic) > MAX_TOPIC_V1:
        raise BadRecord(f"a topic of {len(topic)} bytes doesn't fit")
    named = bytes([len(topic)]) + topic
    fixed = layout.size + len(named) + _SHORT.size
    pack, pack_unit, pack_length = layout.pack, UNIT_STRUCT.pack, _SHORT.pack
    places: list[tuple[int, int]] = []
    units: list[bytes] = []
    parts: list[bytes | memoryview] = []
    at = physical_offset
    try:
        for message in messages:
            body, properties = message.body, message.properties
            size = fixed + len(body) + len(properties)
            prefix = pack(
                size, MESSAGE_MAGIC_V1, crc32(body) & 0x7FFFFFFF, queue_id, message.flag, queue_offset,
                at, sys_flag, born_timestamp, born_host, store_timestamp, store_host, reconsumed,
                prepared, len(body),
            )  # fmt: skip
            parts += (prefix, body, named, pack_length(len(properties)), properties)
            units.append(pack_unit(at, size, message.tags_code))
            places.append((at, size))
            at += size
            queue_offset += 1
    except struct_error as error:
        raise BadRecord(
            f"a field is out of range, or properties are over {MAX_PROPERTIES_LENGTH} bytes: {error}"
        ) from None
    buffer += b"".join(parts)
    return places, b"".join(units)
