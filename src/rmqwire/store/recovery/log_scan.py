"""Walk the log record by record (``CommitLog.checkMessageAndReturnSize``), as a start does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.record import BLANK_SIZE, check_record, peek
from rmqwire.errors import BadRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.codec.record import RecordPosition
    from rmqwire.store.folder.file_queue import FileQueue, Segment
    from rmqwire.store.recovery.bulk_dispatch import BulkDispatch

WINDOW = 4 << 20  # bytes read at once


class LogScan:
    """Walk the records of a log from one offset on, up to the first that is not whole.

    Args:
        queue: the log's files.
        start: offset of a record.
        check_crc: compare CRCs.
        bulk: takes the usual records; what it leaves is given to who goes through this one by one,
            and what it has found by then comes before that.

    Attributes:
        end: where the last whole record ended.
        stopped: why it was the last one, empty if only zeros followed.
        records: how many there were.
        last_record: offset and size of the last one.
        last_store_timestamp: when it was stored, ms.
    """

    def __init__(
        self, queue: FileQueue, start: int, *, check_crc: bool, bulk: BulkDispatch | None = None
    ) -> None:
        self._queue = queue
        self._check_crc = check_crc
        self._bulk = bulk
        self._window = b""
        self._window_start = start
        self.end = start
        self.stopped = ""
        self.records = 0
        self.last_record = (0, 0)
        self.last_store_timestamp = 0

    def __iter__(self) -> Iterator[RecordPosition]:
        """Return record after record but for those that ``bulk`` takes."""
        while (segment := self._queue.find(self.end)) is not None:
            stop = segment.start + segment.size
            while self.end < stop:
                if self._bulk is not None:
                    self._walk(self._bulk)
                if self.end >= stop:
                    break
                found = self._next(segment)
                if found is None:
                    return
                self.end += found.total_size
                if not found.is_blank:
                    self.records += 1
                    self.last_record = found.physical_offset, found.total_size
                    self.last_store_timestamp = found.store_timestamp
                    yield found

    def _walk(self, bulk: BulkDispatch) -> None:
        """Have the usual records of the window taken."""
        window, base, before = self._window, self._window_start, bulk.records
        pos = self.end - base
        if not 0 <= pos < len(window):
            return
        end = bulk.walk(window, pos, len(window), base)
        if end > pos:
            self.end = base + end
            self.records += bulk.records - before
            self.last_record = bulk.last_record
            self.last_store_timestamp = bulk.last_store_timestamp

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
