"""The records of one batch send, made in one go: they share topic, queue, sender and time.

``append_record`` makes the same bytes one by one, and takes what is more than this: records of version 2,
a closing CRC property.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate, repeat
from struct import Struct
from struct import error as struct_error
from typing import TYPE_CHECKING
from zlib import crc32

from rmqwire.codec.consume_queue import units_struct
from rmqwire.codec.properties import MAX_PROPERTIES_LENGTH
from rmqwire.codec.record import HOST_BITS, MAX_TOPIC_V1, MESSAGE_MAGIC_V1
from rmqwire.errors import BadRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    Data = bytes | memoryview

_SHORT = Struct(">h")


@lru_cache(maxsize=4)
def _layout(born_host: int, store_host: int) -> tuple[Struct, Struct]:
    """Return the layout of what all records have in common, and that of a record up to its body.

    Args:
        born_host: its bytes; ``store_host`` likewise.
    """
    shared = Struct(f">iq{born_host}sq{store_host}siq")
    return shared, Struct(f">5i2q{shared.size}si")


def make_records(  # noqa: PLR0913 - one argument per field of the record
    flags: Sequence[int],
    bodies: Sequence[Data],
    properties: Sequence[bytes],
    tags_codes: Sequence[int],
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
) -> tuple[bytes, list[int], list[int], bytes]:
    """Return records that follow each other in log and queue.

    Args:
        flags: of each message; ``bodies``, ``properties`` and ``tags_codes`` likewise.
        topic: UTF-8, at most 127 bytes.
        queue_offset: of the first; ``physical_offset`` likewise.
        born_timestamp: ms; ``store_timestamp`` likewise.
        born_host: ip and port, 8 or 20 bytes; ``store_host`` likewise.

    Returns:
        the records, the offsets and sizes of them, and the units of all.

    Raises:
        BadRecord: a field that doesn't fit.
    """
    hosts = (len(born_host) == 20) | (len(store_host) == 20) << 1
    if len(topic) > MAX_TOPIC_V1:
        raise BadRecord(f"a topic of {len(topic)} bytes doesn't fit")
    layout, head = _layout(len(born_host), len(store_host))
    count, named = len(bodies), bytes([len(topic)]) + topic
    fixed = head.size + len(named) + _SHORT.size
    body_lengths, lengths = [*map(len, bodies)], [*map(len, properties)]
    sizes = [fixed + body + text for body, text in zip(body_lengths, lengths, strict=True)]
    offsets = [*accumulate(sizes[:-1], initial=physical_offset)]
    parts: list[Data] = [b""] * (4 * count)
    try:
        shared = layout.pack(
            sys_flag & ~HOST_BITS | hosts << 4, born_timestamp, born_host, store_timestamp,
            store_host, reconsume_times, prepared_transaction_offset,
        )  # fmt: skip
        parts[0::4] = map(
            head.pack, sizes, repeat(MESSAGE_MAGIC_V1), [crc32(one) & 0x7FFFFFFF for one in bodies],
            repeat(queue_id), flags, range(queue_offset, queue_offset + count), offsets,
            repeat(shared), body_lengths,
        )  # fmt: skip
        topics = {length: named + _SHORT.pack(length) for length in {*lengths}}
    except struct_error as error:
        raise BadRecord(
            f"a field is out of range, or properties are over {MAX_PROPERTIES_LENGTH} bytes: {error}"
        ) from None
    parts[1::4] = bodies
    parts[2::4] = map(topics.__getitem__, lengths)
    parts[3::4] = properties
    numbers = [0] * (3 * count)
    numbers[0::3], numbers[1::3], numbers[2::3] = offsets, sizes, tags_codes
    return b"".join(parts), offsets, sizes, units_struct(count).pack(*numbers)
