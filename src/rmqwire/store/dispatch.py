"""From the log to the queues by reading records again (``ReputMessageService`` at a start).

While the store runs, dispatch goes by what the append already knows and nothing is parsed. At a
start the log is read again: ``LogScan`` walks it record by record and stops at the first that is
not whole, ``Redispatch`` gives the queues what they don't have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.consume_queue import UNIT, UNIT_STRUCT
from rmqwire.codec.java_hash import tags_code
from rmqwire.codec.message_const import (
    PROPERTY_DELAY_TIME_LEVEL,
    PROPERTY_TAGS,
    RMQ_SYS_SCHEDULE_TOPIC,
)
from rmqwire.codec.properties import find_property
from rmqwire.codec.record import BLANK_SIZE, RecordPosition, check_record, peek, read_position
from rmqwire.codec.sys_flag import (
    TRANSACTION_PREPARED_TYPE,
    TRANSACTION_ROLLBACK_TYPE,
    transaction_type,
)
from rmqwire.errors import BadRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.store.consume_queue import ConsumeQueue
    from rmqwire.store.consume_queue_store import ConsumeQueueStore
    from rmqwire.store.file_queue import FileQueue, Segment

WINDOW = 4 << 20  # bytes read at once
_TAGS = PROPERTY_TAGS.encode()
_DELAY = PROPERTY_DELAY_TIME_LEVEL.encode()
_UNSEEN = (TRANSACTION_PREPARED_TYPE, TRANSACTION_ROLLBACK_TYPE)
_UNKNOWN_LEVEL_MS = 1_000  # computeDeliverTimestamp of a level that isn't configured


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
        self.end = start
        self.stopped = ""

    def __iter__(self) -> Iterator[RecordPosition]:
        """Give record after record."""
        while (segment := self._queue.find(self.end)) is not None:
            stop = segment.start + segment.size
            while self.end < stop:
                found = self._next(segment)
                if found is None:
                    return
                self.end += found.total_size
                if not found.is_blank:
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
        elif "\0" in found.topic or found.properties.endswith(b"\0"):
            # The body's CRC says nothing about these: a record torn here ends in zeros.
            raise BadRecord(f"record at {self.end} ends in zeros")


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
    return tags_code(tags.decode("utf-8", "replace")) if tags else 0


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

    def take(self, found: RecordPosition) -> None:
        """Dispatch one record."""
        if transaction_type(found.sys_flag) in _UNSEEN:
            return
        queue = self._queues.recovered(found.topic, found.queue_id)
        if queue is None or not self._is_next(queue, found):
            return
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
            return False  # the queue begins later: its first files were removed
        if offset > end and not self._from_log_start:
            self.missing = True
            return False
        if offset > end and queue.end == queue.min and self._log.start > 0:
            queue.restart(offset * UNIT)  # what came before it went with the log's first files
            return True
        return self._goes_to_the_end(queue, found)

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
