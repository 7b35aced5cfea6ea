"""From records to units of consume queues, many at once (``ReputMessageService``).

A log mostly holds records of one kind: version 1, IPv4 hosts, of a queue whose last unit is that
of the message before, or that has the record's unit already. ``BulkDispatch`` walks those in one
loop, with every check that ``codec.record.check_record`` makes, and stops at the first that is
anything else: BLANK, cut off, damaged, a delayed message, an inner batch, a strange queue offset.
Whoever called it, a slave that receives or a start that recovers, looks at that one more closely
and goes on behind it.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING
from zlib import crc32

from rmqwire.codec.consume_queue import UNIT, UNIT_STRUCT
from rmqwire.codec.crc import CRC32_PREFIX, CRC32_RESERVED_LEN
from rmqwire.codec.java_hash import TagsCodes
from rmqwire.codec.message_const import PROPERTY_TAGS, RMQ_SYS_SCHEDULE_TOPIC
from rmqwire.codec.native import is_native
from rmqwire.codec.properties import MAX_PROPERTIES_LENGTH, find_property
from rmqwire.codec.record import MAX_TOPIC_V1, MESSAGE_MAGIC_V1, MIN_RECORD_SIZE
from rmqwire.codec.record_views import BODY_AT, UNIT_VIEW
from rmqwire.codec.sys_flag import (
    BORNHOST_V6_FLAG,
    INNER_BATCH_FLAG,
    STOREHOSTADDRESS_V6_FLAG,
    TRANSACTION_PREPARED_TYPE,
)

if TYPE_CHECKING:
    from rmqwire.store.queues.consume_queue import ConsumeQueue
    from rmqwire.store.queues.queue_table import ConsumeQueueStore

_KNOWN_UNITS = 4096  # units of a queue read at once to be compared
_RECORD_OF = Struct(">qi")  # the beginning of a unit
_TAGS = PROPERTY_TAGS.encode()
_TAGS_KEY = _TAGS + b"\x01"
_NO_LANES: dict[int, Lane] = {}
_STRANGE = BORNHOST_V6_FLAG | STOREHOSTADDRESS_V6_FLAG | INNER_BATCH_FLAG
_IN_NO_QUEUE = TRANSACTION_PREPARED_TYPE  # this bit: half messages and rollbacks
_TOPIC_AT = BODY_AT + 1  # plus the body's length


class Lane:
    """What a walk found for one queue: its units in a row and their tags codes."""

    __slots__ = ("_known", "_known_from", "codes", "next_offset", "queue", "units")

    def __init__(self, queue: ConsumeQueue) -> None:
        self.queue = queue
        self.next_offset = queue.next_offset
        self.units = bytearray()
        self.codes: set[int] = set()
        self._known = b""  # units that the queue has
        self._known_from = 0  # offset of the first of them

    def has(self, offset: int, place: int, size: int) -> bool:
        """Return whether message ``offset`` of the queue is the record at ``place``, of that size."""
        at = (offset - self._known_from) * UNIT
        if not 0 <= at < len(self._known):
            if not self.queue.min_offset <= offset < self.queue.max_offset:
                return False
            self._known, self._known_from, at = self.queue.read(offset, _KNOWN_UNITS), offset, 0
        return self._known[at : at + _RECORD_OF.size] == _RECORD_OF.pack(place, size)


class BulkDispatch:
    """Collect the units of usual records.

    Args:
        queues: all queues.
        check_crc: compare CRCs.
        reach: queues get no units of records below it, an offset of the log, without a closer look.

    Attributes:
        walk: collects the units of many records, by the native lane if there is one.
        records: how many were walked over.
        last_record: offset and size of the last record walked over.
        last_store_timestamp: when it was stored, ms.
    """

    def __init__(self, queues: ConsumeQueueStore, *, check_crc: bool, reach: int = 0) -> None:
        self._queues = queues
        self._check_crc = check_crc
        self._reach = reach
        self._codes = TagsCodes()
        self.walk = self._walk_natively if is_native() else self.walk_in_python
        self._lanes: dict[bytes, dict[int, Lane]] = {}
        self.records = 0
        self.last_record = (0, 0)
        self.last_store_timestamp = 0

    def take(self) -> list[Lane]:
        """Hand out what was found since the last time; the queues don't have it yet."""
        lanes, self._lanes = self._lanes, {}
        return [lane for by_id in lanes.values() for lane in by_id.values()]

    def walk_in_python(self, data: bytes, pos: int, stop: int, base: int) -> int:
        """Do what ``walk`` does: collect the units of the records from ``pos`` on.

        Args:
            data: a part of the log.
            pos: where in it a record begins, bytes.
            stop: where in it to end; no record may cross that.
            base: the log's offset of its first byte.

        The theory: nothing of a record is decoded. ``UNIT_VIEW`` gives what a unit needs and the
        body's length; behind the body stand the topic's length and the topic, behind that the
        properties' length, which must lead exactly to the record's end: a record that says so, with
        its own offset and a body that has its CRC, is whole. The topic's bytes find the lane of its
        queue, a dictionary each for topic and id. A record whose queue offset is the lane's next
        appends a unit; one that the queue has is skipped; any other ends the walk.

        Returns:
            Position behind the last record taken, ``pos`` if there was none.
        """
        if self._queues.multi_dispatch:
            return pos
        view, lanes = memoryview(data), self._lanes
        unpack, pack, check_crc = UNIT_VIEW.unpack_from, UNIT_STRUCT.pack, self._check_crc
        begin, count, size, stored = pos, 0, 0, 0
        appends_from = self._reach - base
        limit = stop - MIN_RECORD_SIZE
        while pos <= limit:
            fields = unpack(data, pos)
            total, magic, body_crc, queue_id, queue_offset, place, sys_flag, time, length = fields
            end = pos + total
            topic_at = pos + _TOPIC_AT + length
            if (
                magic != MESSAGE_MAGIC_V1
                or place != base + pos
                or length < 0
                or not topic_at < end <= stop
                or sys_flag & _STRANGE
            ):
                break
            topic_length = data[topic_at - 1]
            properties_at = topic_at + topic_length + 2
            if (
                topic_length > MAX_TOPIC_V1
                or not 0 <= end - properties_at <= MAX_PROPERTIES_LENGTH
                or end - properties_at != data[properties_at - 2] << 8 | data[properties_at - 1]
                or data.startswith(CRC32_PREFIX, end - CRC32_RESERVED_LEN)
                or (not data[end - 1] and end > properties_at)  # torn, it may be
            ):
                break
            if (
                check_crc
                and length
                and crc32(view[pos + BODY_AT : topic_at - 1]) & 0x7FFFFFFF != body_crc
            ):
                break
            if not sys_flag & _IN_NO_QUEUE:
                topic = data[topic_at : properties_at - 2]
                lane = lanes.get(topic, _NO_LANES).get(queue_id) or self._lane(
                    topic, queue_id, place
                )
                if lane and lane.next_offset == queue_offset and pos >= appends_from:
                    code = self._code(data, properties_at, end)
                    lane.next_offset = queue_offset + 1
                    lane.codes.add(code)
                    lane.units += pack(place, total, code)
                elif lane is None or not lane.has(queue_offset, place, total):
                    break
            count += 1
            pos, size, stored = end, total, time
        if pos > begin:
            self.records += count
            self.last_record = base + pos - size, size
            self.last_store_timestamp = stored
        return pos

    def _walk_natively(self, data: bytes, pos: int, stop: int, base: int) -> int:
        """Do the same by the native lane."""
        from rmqwire_speedups import walk_units  # noqa: PLC0415  a distribution of its own

        if self._queues.multi_dispatch:
            return pos
        appends_from = self._reach - base
        end, count, size, stored, found = walk_units(
            data, pos, stop, base, appends_from, self._check_crc, self._find, Lane.has
        )
        for lane, next_offset, units, codes in found:
            lane.next_offset = next_offset
            lane.codes.update(codes)
            lane.units += units
        if end > pos:
            self.records += count
            self.last_record = base + end - size, size
            self.last_store_timestamp = stored
        return end

    def _find(self, topic: bytes, queue_id: int, place: int) -> tuple[Lane, int] | None:
        """Return the lane of a queue and its next offset, None if its units need a closer look."""
        lane = self._lanes.get(topic, _NO_LANES).get(queue_id) or self._lane(topic, queue_id, place)
        return None if lane is None else (lane, lane.next_offset)

    def _lane(self, topic: bytes, queue_id: int, place: int) -> Lane | None:
        """Return the lane of a queue, None if its units need a closer look."""
        name = topic.decode("utf-8", "replace")
        if place < self._queues.deleted.below(name):
            return None
        queue = self._queues.recovered(name, queue_id)
        if queue is None or queue.unit_size != UNIT or name == RMQ_SYS_SCHEDULE_TOPIC:
            return None
        lane = self._lanes.setdefault(topic, {})[queue_id] = Lane(queue)
        return lane

    def _code(self, data: bytes, begin: int, end: int) -> int:
        """Hash TAGS of the properties from ``begin`` to ``end``."""
        at = data.rfind(_TAGS_KEY, begin, end)
        if at < 0:
            return 0
        start = at + len(_TAGS_KEY)
        stop = data.find(b"\x02", start, end)
        if (at == begin or data[at - 1] == 2) and start < stop:
            return self._codes[data[start:stop]]
        tags = find_property(data[begin:end], _TAGS)
        return self._codes[tags] if tags else 0
