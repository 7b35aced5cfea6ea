"""What leaves the store is what came in: a look at each record before it is pulled.

Disks rot, and a unit may point to another record than its own (Java serves what stands there). The
look costs about a microsecond a record, and less where many are alike: where it stands, which message of
which queue it is, its topic, its lengths, its body's CRC, and the record's CRC when there is a
``__CRC32#``. Without that property no checksum covers flag, times, hosts and properties.
"""

from __future__ import annotations

from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING
from zlib import crc32

from rmqwire.codec.columns import unpack_columns
from rmqwire.codec.crc import CRC32_PREFIX, CRC32_RESERVED_LEN, parse_crc_property
from rmqwire.codec.message_const import LMQ_PREFIX
from rmqwire.codec.properties import MAX_PROPERTIES_LENGTH
from rmqwire.codec.record import MAX_TOPIC_V1, MESSAGE_MAGIC_V1, MIN_RECORD_SIZE, check_record
from rmqwire.codec.record_views import BODY_AT, UNIT_VIEW
from rmqwire.codec.sys_flag import BORNHOST_V6_FLAG, STOREHOSTADDRESS_V6_FLAG
from rmqwire.errors import BadRecord, CorruptLog

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rmqwire.store.log.commit_log import CommitLog
    from rmqwire.store.queues.consume_queue import ConsumeQueue

_V6_HOSTS = BORNHOST_V6_FLAG | STOREHOSTADDRESS_V6_FLAG
_NAME = slice(-CRC32_RESERVED_LEN, len(CRC32_PREFIX) - CRC32_RESERVED_LEN)
_DIGITS_BEGIN = CRC32_RESERVED_LEN - len(CRC32_PREFIX)  # before the end, of __CRC32#
_DIGITS = slice(-_DIGITS_BEGIN, -1)
_FEWEST = 8  # records that are worth a look at their columns
_MAGIC = MESSAGE_MAGIC_V1.to_bytes(4, signed=True)
_SYS_FLAG, _UPPER_TIME, _BODY_LENGTH = slice(36, 40), slice(56, 60), slice(BODY_AT - 4, BODY_AT)
_SAME = (*range(8), *range(12, 16), *range(36, 40), *range(56, 60), *range(BODY_AT - 4, BODY_AT))
"""Bytes of a head that are the same in all heads of records that are alike: TOTALSIZE and MAGICCODE, QUEUEID, SYSFLAG, the
upper half of STORETIMESTAMP (seven weeks), body's length."""
_WIDTH = 5
_ROW = "8xi8x2q52x"
"""BODYCRC, QUEUEOFFSET PHYSICALOFFSET."""


def count_right(
    records: Sequence[bytes], places: Sequence[tuple[int, int]], queue: ConsumeQueue, first: int
) -> int:
    """Count the records up to the first that is not the one its unit is for.

    ``UNIT_VIEW`` tells where the record says it stands; what the unit names must be the same. Behind
    the body the topic is compared as bytes, and the properties' length must lead to the record's
    end. Other hosts, version 2, a light queue's record or one that has a ``__CRC32#`` are decoded.

    Args:
        records: as the log gave them.
        places: (offset, size) of each, from its unit.
        queue: whose units they are.
        first: message offset of the first; -1 when they are not in a row.
    """
    topic, queue_id = queue.topic.encode("utf-8", "surrogateescape"), queue.queue_id
    foreign = queue.topic.startswith(LMQ_PREFIX)  # they hold records of other topics
    unpack = UNIT_VIEW.unpack_from
    for index, ((offset, size), record) in enumerate(zip(places, records, strict=True)):
        if size < MIN_RECORD_SIZE or len(record) != size:
            return index
        fields = unpack(record)
        total, magic, body_crc, of_queue, number, at, sys_flag, stored, length = fields
        if total != size or at != offset:
            return index
        if not foreign and (of_queue != queue_id or (first >= 0 and number != first + index)):
            return index
        topic_at = BODY_AT + length
        if (
            magic != MESSAGE_MAGIC_V1
            or sys_flag & _V6_HOSTS
            or foreign
            or record[_NAME] == CRC32_PREFIX
            or record[_DIGITS].isdigit()  # the same with a damaged name
        ):
            if not _is_whole(record, "" if foreign else queue.topic):
                return index
        elif (
            stored <= 0
            or length < 0
            or topic_at >= size
            or record[topic_at] != len(topic)
            or not record.startswith(topic, topic_at + 1)
            or (length and crc32(memoryview(record)[BODY_AT:topic_at]) & 0x7FFFFFFF != body_crc)
            or not _ends_well(record, topic_at + 1 + len(topic))
        ):
            return index
    return len(records)


def all_right(
    records: bytes, offsets: Sequence[int], sizes: Sequence[int], queue: ConsumeQueue, first: int
) -> bool:
    """Return whether records of the usual kind are those of a queue, message ``first`` and those behind it.

    False says that one of them isn't right or isn't usual: ``count_right`` tells.

    Args:
        records: one after the other.
        offsets: of each in the log, from its unit.
        sizes: of each, ``MIN_RECORD_SIZE`` at least.
        queue: whose units they are.
        first: message offset of the first.
    """
    topic = queue.topic.encode("utf-8", "surrogateescape")
    if len(topic) > MAX_TOPIC_V1 or queue.topic.startswith(LMQ_PREFIX):
        return False
    named = bytes([len(topic)]) + topic
    asked = (records, offsets, sizes, queue.queue_id, named, first)
    return (len(sizes) >= _FEWEST and alike_right(*asked)) or each_right(*asked)


def each_right(
    records: bytes,
    offsets: Sequence[int],
    sizes: Sequence[int],
    queue_id: int,
    named: bytes,
    first: int,
) -> bool:
    """Return what ``all_right`` does, by a look at one record after the other.

    Args:
        named: the length and the name of their topic.
    """
    unpack, view, behind_topic = UNIT_VIEW.unpack_from, memoryview(records), len(named) + 2
    begin = 0
    for offset, size in zip(offsets, sizes, strict=True):
        total, magic, body_crc, of_queue, number, at, sys_flag, stored, length = unpack(
            records, begin
        )
        topic_at, end = begin + BODY_AT + length, begin + size
        properties_at = topic_at + behind_topic
        if (
            total != size
            or magic != MESSAGE_MAGIC_V1
            or of_queue != queue_id
            or number != first
            or at != offset
            or sys_flag & _V6_HOSTS
            or stored <= 0
            or length < 0
            or not records.startswith(named, topic_at)
            or int.from_bytes(records[properties_at - 2 : properties_at]) != end - properties_at
            or records.startswith(CRC32_PREFIX, end - CRC32_RESERVED_LEN)
            or records[end - _DIGITS_BEGIN : end - 1].isdigit()
            or (length and crc32(view[begin + BODY_AT : topic_at]) & 0x7FFFFFFF != body_crc)
        ):
            return False
        begin = end
        first += 1
    return True


def alike_right(
    records: bytes,
    offsets: Sequence[int],
    sizes: Sequence[int],
    queue_id: int,
    named: bytes,
    first: int,
) -> bool:
    """Return whether ``each_right`` says yes to records that are alike in all lengths; False says nothing.

    What says the same in all of them is compared as columns of bytes: a slice costs less than a number.
    """
    count, size, length = len(sizes), sizes[0], int.from_bytes(records[_BODY_LENGTH])
    fixed = len(named) + 2
    properties = size - BODY_AT - length - fixed
    if sizes.count(size) != count or not CRC32_RESERVED_LEN <= properties <= MAX_PROPERTIES_LENGTH:
        return False
    flag, time = records[_SYS_FLAG], records[_UPPER_TIME]
    if int.from_bytes(flag) & _V6_HOSTS or int.from_bytes(time, signed=True) <= 0:
        return False
    head = (size.to_bytes(4), _MAGIC, queue_id.to_bytes(4), flag, time, length.to_bytes(4))
    same = b"".join((*head, named, properties.to_bytes(2)))
    columns, row = _layout(size, length, fixed)
    if columns(records) != _repeated(same, count):
        return False
    crcs, numbers, places, bodies, ends = unpack_columns(row, _WIDTH, count, records)
    return (
        numbers == (*range(first, first + count),)
        and places == offsets
        and b"_" not in records[size - CRC32_RESERVED_LEN :: size]  # a __CRC32# begins with it
        and not any(map(bytes.isdigit, ends))
        and [crc & 0x7FFFFFFF for crc in map(crc32, bodies)] == [*crcs]
    )


@lru_cache(128)
def _layout(size: int, length: int, fixed: int) -> tuple[Callable[[bytes], tuple[bytes, ...]], str]:
    """Return what takes columns out of records that are alike, and their rows for the other fields.

    Args:
        size: of a record,
        length: and of its body.
        fixed: bytes behind the body that are the same in all.
    """
    topic_at = BODY_AT + length
    places = (*_SAME, *range(topic_at, topic_at + fixed))
    columns = itemgetter(*(slice(place, None, size) for place in places))
    return columns, f"{_ROW}{length}s{size - topic_at - _DIGITS_BEGIN}x{_DIGITS_BEGIN - 1}sx"


@lru_cache(128)
def _repeated(row: bytes, count: int) -> tuple[bytes, ...]:
    """Return the columns of rows that are all the same."""
    return tuple(bytes([value]) * count for value in row)


def _ends_well(record: bytes, at: int) -> bool:
    """Return whether the properties' length at ``at`` leads to the record's end."""
    return int.from_bytes(record[at : at + 2], "big") == len(record) - at - 2


def _is_whole(record: bytes, topic: str) -> bool:
    try:
        found = check_record(record)
    except BadRecord:
        return False
    if found.total_size != len(record) or topic not in {"", found.topic}:
        return False
    if found.store_timestamp <= 0:
        return False
    reserved = record[-CRC32_RESERVED_LEN:]
    if reserved.startswith(CRC32_PREFIX) or not record[_DIGITS].isdigit():
        return True
    named = CRC32_PREFIX + reserved[len(CRC32_PREFIX) :]
    crc = crc32(memoryview(record)[:-CRC32_RESERVED_LEN]) & 0x7FFFFFFF
    return parse_crc_property(named) != crc  # else only the property's name is another one


def damaged(log: CommitLog, offset: int, queue: ConsumeQueue, number: int) -> CorruptLog:
    """Return the error of a pull whose first record is not right."""
    segment = log.queue.find(offset)
    text = f"not message {number} of {queue.topic} {queue.queue_id}: the record is damaged"
    return CorruptLog(text, segment.path if segment else log.queue.folder, offset)
