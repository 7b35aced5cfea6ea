"""Torn or damaged: what stands where the log's whole records end (no Java counterpart).

A torn tail was never promised and is cut. Damage lies below what was promised, and cutting there
would throw away what had been acknowledged, as Java does. What was promised is known:

- from ``rmqwire.mark``, if the record it names is still there;
- after a clean stop, from the queues: what they point to was whole.

A mark that Java has overtaken (its record is another one now) says nothing: Java's rules, a cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from rmqwire.codec.record import read_position
from rmqwire.errors import BadRecord, CorruptLog
from rmqwire.store.folder.file_queue import NAME_DIGITS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rmqwire.codec.record import RecordPosition
    from rmqwire.store.folder.file_queue import FileQueue
    from rmqwire.store.folder.mark import DurableMark
    from rmqwire.store.queues.consume_queue import ConsumeQueue
    from rmqwire.store.queues.queue_table import ConsumeQueueStore

REFUSE = "refuse"
READ_ONLY = "readonly"
JAVA = "java"
POLICIES = (REFUSE, READ_ONLY, JAVA)


class DamageCheck:
    """Judge the end of one log.

    Args:
        log: its files.
        mark: what was promised; None if nobody says.
    """

    def __init__(self, log: FileQueue, mark: DurableMark | None) -> None:
        self._log = log
        self._mark = mark
        self.stale = False  # Java has written since the mark was

    def fault(self, end: int, last_stored_ms: int, stopped: str) -> CorruptLog | None:
        """Say what is wrong with a log whose whole records end at ``end``; None if nothing is.

        Args:
            end: bytes.
            last_stored_ms: store time of the last whole record.
            stopped: what stands at ``end``, "" for zeros.
        """
        mark = self._mark
        if mark is None or not mark.promised:
            return None
        same = self._record_crc(mark) == mark.record_crc
        if end < mark.promised:
            if not same and last_stored_ms > mark.store_timestamp:
                self.stale = True
                return None
            what = stopped or "nothing is written"
            return self._corrupt(f"{what}, but {mark.promised} bytes were on the disk", end)
        if same:
            return None
        if self._is_the_same_one(mark):
            return self._corrupt("the record is not as it was synced", mark.record_at)
        self.stale = True
        return None

    def _corrupt(self, text: str, offset: int) -> CorruptLog:
        size = self._log.segment_size
        segment = self._log.find(offset)
        name = f"{self._log.folder}/{offset - offset % size:0{NAME_DIGITS}d}"
        return CorruptLog(text, segment.path if segment else name, offset)

    def _record_crc(self, mark: DurableMark) -> int:
        return crc32(self._log.read(mark.record_at, mark.record_size))

    def _is_the_same_one(self, mark: DurableMark) -> bool:
        """Return whether the mark's record stands there, only with other bytes in it."""
        try:
            found = read_position(self._log.read(mark.record_at, mark.record_size))
        except BadRecord:
            return False
        if found.is_blank or found.total_size != mark.record_size:
            return False
        return found.store_timestamp == mark.store_timestamp

    def beyond(self, end: int, queues: Iterable[ConsumeQueue]) -> CorruptLog | None:
        """After a clean stop: name a whole record behind ``end`` that a queue points to."""
        for queue in queues:
            offset = queue.max_offset - 1
            unit = queue.unit(offset)
            if unit is not None and unit[0] >= end and self.is_right(queue, offset):
                text = f"no whole record, but {queue.topic} {queue.queue_id} has one at {unit[0]}"
                return self._corrupt(text, end)
        return None

    def is_right(self, queue: ConsumeQueue, offset: int) -> bool:
        """Return whether a queue's unit points to the record of that message."""
        unit = queue.unit(offset)
        found = self._record_of(unit) if unit is not None else None
        if found is None:
            return False
        said = (found.topic, found.queue_id, found.queue_offset)
        offset = queue.record_offset(offset)
        return said == (queue.topic, queue.queue_id, offset) or queue.topic != found.topic

    def _record_of(self, unit: tuple[int, int, int]) -> RecordPosition | None:
        """Return the record that a unit points to, None if there is none of that size."""
        place, size, _ = unit
        try:
            found = read_position(self._log.read(place, size))
        except BadRecord:
            return None
        right = (found.total_size, found.physical_offset) == (size, place) and not found.is_blank
        return found if right else None

    def doubtful(self, queues: Iterable[ConsumeQueue]) -> list[ConsumeQueue]:
        """Return the queues that can't be trusted though their files look well.

        Cheap on purpose: the last unit of each, and whether it begins where the log does.
        """
        whole = not self._log.start
        return [
            queue
            for queue in queues
            if (queue.min and whole)
            or (queue.end > queue.min and not self.is_right(queue, queue.max_offset - 1))
        ]

    def wrong(
        self, doubtful: Iterable[ConsumeQueue], queues: ConsumeQueueStore, end: int
    ) -> list[ConsumeQueue]:
        """Return those of the doubtful queues whose last unit is wrong, not the record it is for.

        Args:
            doubtful: they; what the log tells of them is in them by now.
            queues: all queues.
            end: below it the log is a chain of whole records: a unit that leads there leads to
                the beginning of one of them, or is wrong.
        """
        return [
            queue
            for queue in doubtful
            if queue.end > queue.min and self._is_wrong(queue, queues, queue.max_offset - 1, end)
        ]

    def _is_wrong(
        self, queue: ConsumeQueue, queues: ConsumeQueueStore, offset: int, end: int
    ) -> bool:
        unit = queue.unit(offset)
        if unit is None or unit[0] + unit[1] > end or self.is_right(queue, offset):
            return False
        found = self._record_of(unit)
        if found is None:
            return True
        other = queues.find(found.topic, found.queue_id)
        has = other.unit(found.queue_offset) if other is not None else None
        return has is not None and has[:2] == unit[:2]  # else the record's own names are damaged
