"""From the log to the queues by reading records again (``ReputMessageService`` at a start).

While the store runs, dispatch goes by what the append already knows and nothing is parsed. At a
start the log is read again: ``LogScan`` walks it record by record and stops at the first that is
not whole, ``Redispatch`` gives the queues what they don't have.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING
from zlib import crc32

from rmqwire.codec.consume_queue import UNIT, UNIT_STRUCT, pack_batch_unit
from rmqwire.codec.crc import CRC32_PREFIX, CRC32_RESERVED_LEN
from rmqwire.codec.message_const import (
    LMQ_PREFIX,
    PROPERTY_DELAY_TIME_LEVEL,
    PROPERTY_TAGS,
    RMQ_SYS_SCHEDULE_TOPIC,
)
from rmqwire.codec.properties import find_property
from rmqwire.codec.record import (
    BLANK_SIZE,
    MESSAGE_MAGIC_V1,
    MIN_RECORD_SIZE,
    RecordPosition,
    check_record,
    peek,
    read_position,
)
from rmqwire.codec.sys_flag import (
    INNER_BATCH_FLAG,
    TRANSACTION_PREPARED_TYPE,
    TRANSACTION_ROLLBACK_TYPE,
)
from rmqwire.errors import BadRecord
from rmqwire.store.batch_consume_queue import batch_unit_of
from rmqwire.store.bulk_dispatch import TagsCodes
from rmqwire.store.multi_dispatch import LMQ_QUEUE_ID, recorded_queues

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.store.consume_queue import ConsumeQueue
    from rmqwire.store.consume_queue_store import ConsumeQueueStore
    from rmqwire.store.file_queue import FileQueue, Segment

WINDOW = 4 << 20  # bytes read at once
_TAGS = PROPERTY_TAGS.encode()
_DELAY = PROPERTY_DELAY_TIME_LEVEL.encode()
_TRANSACTION_MASK = 0xC
_UNSEEN = (TRANSACTION_PREPARED_TYPE, TRANSACTION_ROLLBACK_TYPE)
_UNKNOWN_LEVEL_MS = 1_000  # computeDeliverTimestamp of a level that isn't configured
_PREFIX = Struct(">5i2qiq8sq8siqi")  # a record up to BODY length, both hosts IPv4
_V6_HOSTS = 0x30
_CRC_STOP = len(CRC32_PREFIX) - CRC32_RESERVED_LEN
_KNOWN_NAMES = 10_000  # topics remembered in one scan


class LogScan:
    """Walk the records of a log from one offset on.

    ``end`` is where the last whole record ended; ``stopped`` says why it was the last one, empty
    if only zeros followed.

    Args:
        queue: the log's files.
        start: offset of a record.
        check_crc: compare CRCs.
    """

    def __init__(self, queue: FileQueue, start: int, *, check_crc: bool) -> None:
        self._queue = queue
        self._check_crc = check_crc
        self._window = b""
        self._window_start = start
        self._topics: dict[bytes, str] = {}
        self.end = start
        self.stopped = ""

    def __iter__(self) -> Iterator[RecordPosition]:
        """Give record after record."""
        while (segment := self._queue.find(self.end)) is not None:
            stop = segment.start + segment.size
            while self.end < stop:
                yield from self._usual()
                if self.end >= stop:
                    break
                found = self._next(segment)
                if found is None:
                    return
                self.end += found.total_size
                if not found.is_blank:
                    self._know(found.topic)
                    yield found

    def _know(self, topic: str) -> None:
        if len(self._topics) < _KNOWN_NAMES:
            self._topics[topic.encode("utf-8", "replace")] = topic

    def _usual(self) -> Iterator[RecordPosition]:
        """Give the records of the window as long as they are whole, right and of the usual kind.

        The same checks as ``_next`` makes, in one go and without a call per check; whatever is not
        plain (IPv6, version 2, BLANK, a new topic, damage, the window's end) is left to it.
        """
        window, base, topics = self._window, self._window_start, self._topics
        unpack, make, check_crc = _PREFIX.unpack_from, RecordPosition, self._check_crc
        view = memoryview(window)
        pos, limit = self.end - base, len(window)
        while 0 <= pos <= limit - MIN_RECORD_SIZE:
            fields = unpack(window, pos)
            size, magic, body_crc, queue_id, _, _, physical_offset, sys_flag, *_, body_length = (
                fields
            )
            stop = pos + size
            topic_at = pos + body_length + 89
            if (
                magic != MESSAGE_MAGIC_V1
                or body_length < 0
                or not topic_at < stop <= limit
                or sys_flag & _V6_HOSTS
                or queue_id < 0
                or physical_offset != base + pos
            ):
                return
            properties_at = topic_at + window[topic_at - 1] + 2
            if not properties_at < stop or not 0 < stop - properties_at < 0x8000:
                return
            length = window[properties_at - 2] << 8 | window[properties_at - 1]
            topic = topics.get(window[topic_at : properties_at - 2])
            properties = window[properties_at:stop]
            if (
                topic is None
                or length != stop - properties_at
                or properties[-CRC32_RESERVED_LEN:_CRC_STOP] == CRC32_PREFIX
                or not window[stop - 1]
            ):
                return
            if (
                check_crc
                and body_length
                and crc32(view[pos + 88 : topic_at - 1]) & 0x7FFFFFFF != body_crc
            ):
                return
            found = make()
            (
                found.total_size,
                found.magic,
                found.body_crc,
                found.queue_id,
                _,
                found.queue_offset,
                found.physical_offset,
                found.sys_flag,
                _,
                _,
                found.store_timestamp,
                _,
                found.reconsume_times,
                found.prepared_transaction_offset,
                _,
            ) = fields
            found.body_start = pos + 88
            found.body_end = topic_at - 1
            found.topic = topic
            found.properties = properties
            pos = stop
            self.end = base + stop
            yield found

    def _next(self, segment: Segment) -> RecordPosition | None:
        left = segment.start + segment.size - self.end
        try:
            pos = self._show(BLANK_SIZE, left)
            size, magic = peek(self._window, pos)
            if size == 0 and magic == 0:
                return None
            if BLANK_SIZE < size <= left:
                pos = self._show(size, left)
            found = check_record(self._window, pos, check_crc=self._check_crc)
            self._check_record(found, left)
        except BadRecord as error:
            self.stopped = str(error)
            return None
        return found

    def _show(self, size: int, left: int) -> int:
        """Have ``size`` bytes from ``end`` on in the window; give their position there."""
        pos = self.end - self._window_start
        if not 0 <= pos <= len(self._window) - min(size, left):
            self._window = self._queue.read(self.end, min(max(size, WINDOW), left))
            self._window_start = self.end
            pos = 0
        return pos

    def _check_record(self, found: RecordPosition, left: int) -> None:
        if found.is_blank:
            if found.total_size != left:
                raise BadRecord(f"blank of {found.total_size} bytes where {left} are left")
        elif found.physical_offset != self.end:
            raise BadRecord(f"record of offset {found.physical_offset} at {self.end}")
        elif found.queue_id < 0:
            raise BadRecord(f"record at {self.end} says queue {found.queue_id}")
        elif "\0" in found.topic or found.properties.endswith(b"\0"):
            # The body's CRC says nothing about these: a record torn here ends in zeros.
            raise BadRecord(f"record at {self.end} ends in zeros")


_tags_codes = TagsCodes()


def record_tags_code(found: RecordPosition, delay_levels: dict[int, int]) -> int:
    """Give the tags code of a record's unit: the delivery time for delayed messages.

    Args:
        found: the record.
        delay_levels: level -> delay in ms.
    """
    if found.topic == RMQ_SYS_SCHEDULE_TOPIC:
        text = find_property(found.properties, _DELAY)
        if text is not None and text.isdigit() and len(text) < 10:
            level = min(int(text), max(delay_levels, default=0))
            if level > 0:
                return found.store_timestamp + delay_levels.get(level, _UNKNOWN_LEVEL_MS)
    tags = find_property(found.properties, _TAGS)
    return _tags_codes[tags] if tags else 0


class Redispatch:
    """Give the queues the units of records, those that they have already left alone.

    A queue offset is not covered by any CRC, so one that doesn't follow is believed only if that
    does no harm: a unit is replaced only if the record it points to is another one, and a record
    with a strange offset is put at its queue's end, as Java does, once.

    ``missing`` turns true if a queue lacks units of records before the scan's start; then nothing
    more is done and the scan must begin again at the log's start.

    Args:
        queues: all queues.
        log: the files of the log.
        delay_levels: level -> delay in ms.
        from_log_start: the scan began at the first record there is.
    """

    def __init__(
        self,
        queues: ConsumeQueueStore,
        log: FileQueue,
        delay_levels: dict[int, int],
        *,
        from_log_start: bool,
    ) -> None:
        self._queues = queues
        self._log = log
        self._delay_levels = delay_levels
        self._from_log_start = from_log_start
        self.added = 0
        self.missing = False
        self.notes: list[str] = []
        self._found_queues = [queue for queue in queues if queue.end > queue.min]
        self._reach = queues.max_physical_offset()

    def take(self, found: RecordPosition) -> None:
        """Dispatch one record."""
        if found.sys_flag & _TRANSACTION_MASK in _UNSEEN:
            return
        if found.sys_flag & INNER_BATCH_FLAG:
            self._queues.has_batches(found.topic)
        queue = self._queues.recovered(found.topic, found.queue_id)
        if queue is None:
            return
        if self._queues.multi_dispatch:
            self._take_light(found)
        if queue.unit_size != UNIT:
            self._take_batch(queue, found)
            return
        if found.queue_offset * UNIT != queue.end and not self._is_next(queue, found):
            return
        if found.physical_offset < self._reach and self._is_anothers(found):
            return
        code = record_tags_code(found, self._delay_levels)
        unit = UNIT_STRUCT.pack(found.physical_offset, found.total_size, code)
        self._queues.dispatch(queue, unit)
        self.added += 1

    def _is_anothers(self, found: RecordPosition) -> bool:
        """Tell whether another queue, as it was found, has the record already.

        No CRC covers topic and queue id: a damaged one must not make a message appear where
        nobody sent it. Its own queue tells the damage when it is read.
        """
        place = found.physical_offset
        for queue in self._found_queues:
            if queue.unit_size != UNIT or queue.topic.startswith(LMQ_PREFIX):
                continue
            unit = queue.unit(found.queue_offset)
            if unit is not None and unit[:2] == (place, found.total_size):
                name = f"{found.topic} {found.queue_id}"
                self.notes.append(
                    f"the record at {place} says {name}, it is of {queue.topic} {queue.queue_id}"
                )
                return True
        return False

    def _take_batch(self, queue: ConsumeQueue, found: RecordPosition) -> None:
        """Give a BatchCQ queue the unit of a record that lies behind all it has."""
        if found.physical_offset < queue.max_physical_offset():
            return
        unit = batch_unit_of(found, record_tags_code(found, self._delay_levels))
        if unit.msg_base_offset > queue.max_offset and not self._from_log_start:
            self.missing = True
            return
        self._queues.dispatch(queue, pack_batch_unit(unit))
        self.added += 1

    def _take_light(self, found: RecordPosition) -> None:
        """Give light queues the units of a record that lies behind all they have."""
        for name, offset in recorded_queues(found):
            queue = self._queues.recovered(name, LMQ_QUEUE_ID)
            if queue is None or found.physical_offset < queue.max_physical_offset():
                continue
            if offset > queue.max_offset and not self._from_log_start:
                self.missing = True
                return
            if offset > queue.max_offset and queue.end == queue.min:
                queue.restart(offset * UNIT)  # what came before went with the log's first files
            code = record_tags_code(found, self._delay_levels)
            unit = UNIT_STRUCT.pack(found.physical_offset, found.total_size, code)
            self._queues.dispatch(queue, unit)
            self.added += 1

    def _is_next(self, queue: ConsumeQueue, found: RecordPosition) -> bool:
        """Make the record's unit the next one of the queue; False if there is nothing to add."""
        offset, end = found.queue_offset, queue.max_offset
        if offset == end:
            return True
        if queue.min_offset <= offset < end:
            return self._replaces(queue, found)
        if 0 <= offset < queue.min_offset:
            return self._begins_too_late(queue, found)
        if offset > end and not self._from_log_start:
            self.missing = True
            return False
        if offset > end and queue.end == queue.min and self._log.start > 0:
            queue.restart(offset * UNIT)  # what came before it went with the log's first files
            return True
        return self._goes_to_the_end(queue, found)

    def _begins_too_late(self, queue: ConsumeQueue, found: RecordPosition) -> bool:
        """Begin a queue anew whose first files are gone although the log has their records."""
        first = queue.unit(queue.min_offset)
        if first is not None and first[0] <= found.physical_offset:
            return False  # it is the record's queue offset that is wrong
        if not self._from_log_start:
            self.missing = True
            return False
        text = f"{queue.topic} {queue.queue_id} begins at {queue.min_offset}: all of it is rebuilt"
        self.notes.append(text)
        queue.restart(found.queue_offset * UNIT)
        return True

    def _replaces(self, queue: ConsumeQueue, found: RecordPosition) -> bool:
        """Cut a unit that is in the record's place and not its own; False if it must stay."""
        offset = found.queue_offset
        unit = queue.unit(offset)
        if unit is not None:
            if unit[:2] == (found.physical_offset, found.total_size):
                return False
            # A topic deleted and made again begins at 0 behind all that the queue had.
            made_again = offset == 0 and queue.max_physical_offset() <= found.physical_offset
            if not made_again and self._is_right(queue, offset, unit[0], unit[1]):
                return self._goes_to_the_end(queue, found)
        self.notes.append(f"{queue.topic} {queue.queue_id} is cut at {offset}: it was stale")
        queue.cut(offset * UNIT)
        return True

    def _is_right(self, queue: ConsumeQueue, offset: int, place: int, size: int) -> bool:
        """Tell whether the record at ``place`` is message ``offset`` of the queue."""
        try:
            record = read_position(self._log.read(place, size))
        except BadRecord:
            return False
        if record.is_blank or record.total_size != size:
            return False
        said = (record.physical_offset, record.topic, record.queue_id, record.queue_offset)
        return said == (place, queue.topic, queue.queue_id, offset)

    def _goes_to_the_end(self, queue: ConsumeQueue, found: RecordPosition) -> bool:
        place = found.physical_offset
        low, high = queue.min_offset, queue.max_offset
        if queue.first_index(low, high, lambda at, _: at >= place) < high:
            return False  # it is there, or newer ones are
        text = f"{queue.topic} {queue.queue_id}: the record at {place} says {found.queue_offset}"
        self.notes.append(f"{text} where {high} follows")
        return True
