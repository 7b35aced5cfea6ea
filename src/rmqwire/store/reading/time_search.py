"""Find a message by its store time (``ConsumeQueue.getOffsetInQueueByTime``).

Java picks one file of the queue first and searches in it; both steps are kept, with what is odd
about them. Store times are read from the log, one small pread per step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.consume_queue import UNIT

if TYPE_CHECKING:
    from rmqwire.store.log.commit_log import CommitLog
    from rmqwire.store.queues.consume_queue import ConsumeQueue

LOWER = "LOWER"
UPPER = "UPPER"


def unit_store_timestamp(log: CommitLog, queue: ConsumeQueue, offset: int) -> int:
    """Return the store time (ms) of message ``offset``, -1 if queue or log don't have it."""
    unit = queue.unit(offset)
    return log.store_timestamp(unit[0], unit[1]) if unit is not None else -1


class TimeSearch:
    """One search.

    Args:
        log: where the times stand.
        queue: what is searched.
        timestamp_ms: the store time looked for.
    """

    def __init__(self, log: CommitLog, queue: ConsumeQueue, timestamp_ms: int) -> None:
        self._log = log
        self._queue = queue
        self._timestamp = timestamp_ms
        self._per_file = queue.files.segment_size // UNIT

    def find(self, boundary: str) -> int:
        """Return the offset of the first message at or behind the time, for UPPER the last up to it.

        A time behind all messages gives the queue's end (LOWER) or its last message (UPPER); one
        before all gives the first offset of the file (LOWER) or 0 (UPPER).
        """
        queue = self._queue
        if queue.end == queue.min:
            return 0
        low, high = self._file(boundary)
        if high <= low:
            return 0
        if self._time(high - 1) < self._timestamp:
            return high if boundary == LOWER else high - 1
        if self._time(low) > self._timestamp:
            return low - low % self._per_file if boundary == LOWER else 0
        if boundary == LOWER:
            return self._first_not_before(low, high, self._timestamp)
        return self._first_not_before(low, high, self._timestamp + 1) - 1

    def find_nearest(self) -> int:
        """Search as 4.9 does: any message of that very time, else the one nearest to it."""
        if self._queue.end == self._queue.min:
            return 0
        low, high = self._file(LOWER)
        left, right, high = -1, -1, high - 1
        left_time = right_time = -1
        while low <= high:
            middle = (low + high) // 2
            time = self._time(middle)
            if time < 0:
                return 0
            if time == self._timestamp:
                return middle
            if time > self._timestamp:
                high, right, right_time = middle - 1, middle, time
            else:
                low, left, left_time = middle + 1, middle, time
        if left < 0 or right < 0:
            return max(left, right)
        return right if self._timestamp - left_time > right_time - self._timestamp else left

    def _time(self, offset: int) -> int:
        return unit_store_timestamp(self._log, self._queue, offset)

    def _files(self) -> list[tuple[int, int]]:
        """List (first, behind last) offset of each file, cut to what the queue has."""
        low, high, per_file = self._queue.min_offset, self._queue.max_offset, self._per_file
        starts = range(low - low % per_file, high, per_file)
        return [(max(start, low), min(start + per_file, high)) for start in starts]

    def _file(self, boundary: str) -> tuple[int, int]:
        files = self._files()
        if boundary == LOWER:
            for low, high in files[:-1]:
                if self._time(high - 1) >= self._timestamp:
                    return low, high
            return files[-1]
        for low, high in reversed(files):
            if self._time(low) <= self._timestamp:
                return low, high
        return 0, 0

    def _first_not_before(self, low: int, high: int, timestamp: int) -> int:
        while low < high:
            middle = (low + high) // 2
            if self._time(middle) < timestamp:
                low = middle + 1
            else:
                high = middle
        return low
