"""From the log to the queues by reading records again (``ReputMessageService`` at a start).

While the store runs, dispatch goes by what the append already knows and nothing is parsed. At a
start the log is read again by ``LogScan``, and ``Redispatch`` gives the queues what they don't have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.consume_queue import UNIT, UNIT_STRUCT, pack_batch_unit
from rmqwire.codec.java_hash import TagsCodes
from rmqwire.codec.message_const import (
    LMQ_PREFIX,
    PROPERTY_DELAY_TIME_LEVEL,
    PROPERTY_TAGS,
    RMQ_SYS_SCHEDULE_TOPIC,
)
from rmqwire.codec.properties import find_property
from rmqwire.codec.record import RecordPosition, read_position
from rmqwire.codec.sys_flag import (
    INNER_BATCH_FLAG,
    is_in_no_queue,
)
from rmqwire.errors import BadRecord
from rmqwire.store.queues.batch_queue import batch_unit_of
from rmqwire.store.queues.light_queues import LMQ_QUEUE_ID, recorded_queues

if TYPE_CHECKING:
    from rmqwire.store.folder.file_queue import FileQueue
    from rmqwire.store.queues.consume_queue import ConsumeQueue
    from rmqwire.store.queues.queue_table import ConsumeQueueStore
    from rmqwire.store.recovery.bulk_dispatch import Lane

_TAGS = PROPERTY_TAGS.encode()
_DELAY = PROPERTY_DELAY_TIME_LEVEL.encode()
_UNKNOWN_LEVEL_MS = 1_000  # computeDeliverTimestamp of a level that isn't configured

_tags_codes = TagsCodes()


def record_tags_code(found: RecordPosition, delay_levels: dict[int, int]) -> int:
    """Return the tags code of a record's unit: the delivery time for delayed messages.

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
    """Return the queues the units of records, those that they have already left alone.

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
        self.added = 0  # units
        self.missing = False
        self.notes: list[str] = []
        self._found_queues = [queue for queue in queues if queue.end > queue.min]
        self.reach = queues.max_physical_offset()  # below it a record may be another queue's

    def take_lanes(self, lanes: list[Lane]) -> None:
        """Return the queues the units that a walk over usual records found."""
        for lane in lanes:
            if lane.units:
                self._queues.dispatch(lane.queue, lane.units)
                lane.queue.next_offset = lane.next_offset
                self.added += len(lane.units) // UNIT

    def _add(self, queue: ConsumeQueue, unit: bytes) -> None:
        self._queues.dispatch(queue, unit)
        queue.next_offset = queue.max_offset
        self.added += 1

    def take(self, found: RecordPosition) -> None:
        """Dispatch one record."""
        if is_in_no_queue(found.sys_flag) or self._is_deleted(found.topic, found):
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
        if found.queue_offset * UNIT == queue.end:
            if self._is_of_the_one_before(queue, found):
                return
        elif not self._is_next(queue, found):
            return
        if found.physical_offset < self.reach and self._is_anothers(found):
            return
        code = record_tags_code(found, self._delay_levels)
        unit = UNIT_STRUCT.pack(found.physical_offset, found.total_size, code)
        self._add(queue, unit)

    def _is_deleted(self, topic: str, found: RecordPosition) -> bool:
        place = found.physical_offset
        return self._queues.deleted.covers(topic, place, found.store_timestamp)

    def _is_of_the_one_before(self, queue: ConsumeQueue, found: RecordPosition) -> bool:
        """Return whether a record that would follow is older than the queue's last one.

        It is of a topic of the same name that was deleted, without a note of ours, and made again.
        """
        last = queue.max_offset - 1
        unit = queue.unit(last) if queue.end > queue.min else None
        if unit is None or unit[0] <= found.physical_offset:
            return False
        return self._is_right(queue, last, unit[0], unit[1])

    def _is_anothers(self, found: RecordPosition) -> bool:
        """Return whether another queue, as it was found, has the record already.

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
        """Return a BatchCQ queue the unit of a record that lies behind all it has."""
        unit = batch_unit_of(found, record_tags_code(found, self._delay_levels))
        if found.physical_offset < queue.max_physical_offset():
            early = unit.msg_base_offset < queue.min_offset
            if not (early and self._begins_too_late(queue, found, 0)):
                return
        if unit.msg_base_offset > queue.max_offset and not self._from_log_start:
            self.missing = True
            return
        self._add(queue, pack_batch_unit(unit))

    def _take_light(self, found: RecordPosition) -> None:
        """Return light queues the units of a record that lies behind all they have."""
        for name, offset in recorded_queues(found):
            if self._is_deleted(name, found):
                continue
            queue = self._queues.recovered(name, LMQ_QUEUE_ID)
            if queue is None:
                continue
            if found.physical_offset < queue.max_physical_offset():
                early = offset < queue.min_offset
                if not (early and self._begins_too_late(queue, found, offset * UNIT)):
                    continue
            if offset > queue.max_offset and not self._from_log_start:
                self.missing = True
                return
            if offset > queue.max_offset and queue.end == queue.min:
                queue.restart(offset * UNIT)  # what came before went with the log's first files
            code = record_tags_code(found, self._delay_levels)
            unit = UNIT_STRUCT.pack(found.physical_offset, found.total_size, code)
            self._add(queue, unit)

    def _is_next(self, queue: ConsumeQueue, found: RecordPosition) -> bool:
        """Make the record's unit the next one of the queue; False if there is nothing to add."""
        offset, end = found.queue_offset, queue.max_offset
        if offset == end:
            return True
        if queue.min_offset <= offset < end:
            return self._replaces(queue, found)
        if 0 <= offset < queue.min_offset:
            return self._begins_too_late(queue, found, offset * UNIT)
        if offset > end and not self._from_log_start:
            self.missing = True
            return False
        if offset > end and queue.end == queue.min and self._log.start > 0:
            queue.restart(offset * UNIT)  # what came before it went with the log's first files
            return True
        return self._goes_to_the_end(queue, found)

    def _begins_too_late(self, queue: ConsumeQueue, found: RecordPosition, position: int) -> bool:
        """Start a queue again whose first files are gone although the log has their records.

        Args:
            queue: it.
            found: a record that is before all it has.
            position: of the record's unit, bytes.
        """
        first = queue.unit(queue.min_offset)
        if first is not None and first[0] <= found.physical_offset:
            return False  # it is the record's queue offset that is wrong
        if not self._from_log_start:
            self.missing = True
            return False
        text = f"{queue.topic} {queue.queue_id} begins at {queue.min_offset}: all of it is rebuilt"
        self.notes.append(text)
        queue.restart(position)
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
        """Return whether the record at ``place`` is message ``offset`` of the queue."""
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
