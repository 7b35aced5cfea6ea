"""The timer log: one unit for each message that went into the wheel (``TimerLog``).

Positions are bytes from the log's beginning. Units are appended in memory and written once a pass;
``written`` follows ``end`` and ``flushed`` follows ``written``.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from rmqwire.codec.message import BLANK_MAGIC
from rmqwire.codec.timer import (
    MAGIC_DEFAULT,
    MAGIC_DELETE,
    MAGIC_ROLL,
    MIN_BLANK_SIZE,
    UNIT_SIZE,
    TimerLogUnit,
    pack_blank,
    pack_unit,
)
from rmqwire.store.folder.file_queue import (
    NAME_DIGITS,
    FileQueue,
    HandleCache,
    may_be_segment,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.disk.files import FileLayer
    from rmqwire.store.folder.flush_plan import FlushPlan

_OPEN_FILES = 8
_UNIT = Struct(">iqiqiqiiq")
_MAGICS = MAGIC_DEFAULT | MAGIC_ROLL | MAGIC_DELETE | 8  # TimerMessageStore.isMagicOK: up to 0xF
_AT_ONCE = 20_000 * UNIT_SIZE  # bytes read at once by a scan


class TimerLog:
    """Append, read and cut the units of one store.

    Args:
        folder: ``timerlog`` in the store's folder.
        file_size: bytes of each file (mappedFileSizeTimerLog).
        files: the disk.
    """

    unit_size = UNIT_SIZE

    def __init__(self, folder: str, file_size: int, files: FileLayer) -> None:
        self._handles = HandleCache(files, _OPEN_FILES)
        self.queue = FileQueue(folder, file_size, files, self._handles)
        self._files = files
        self._file_size = file_size
        self._start_at(0)

    def _start_at(self, position: int) -> None:
        self.end = self.written = self.flushed = position
        self._buffer = bytearray()

    @property
    def start(self) -> int:
        """Position of the first byte that is still there."""
        return self.queue.start

    # --- appending ---------------------------------------------------------------------------

    def append(self, unit: TimerLogUnit) -> int:
        """Append a unit in memory; return its position.

        Raises:
            DiskFull: no room for a new file.
            OSError: the disk failed. In both cases nothing was appended.
        """
        left = self._file_size - self.end % self._file_size
        if left < UNIT_SIZE + MIN_BLANK_SIZE:
            self.write()
            self.queue.write(pack_blank(left), self.end)
            self.end = self.written = self.end + left
        if self.queue.find(self.end) is None:
            self.queue.create(self.end)
        position = self.end
        self._buffer += pack_unit(unit)
        self.end = position + UNIT_SIZE
        return position

    def write(self) -> None:
        """Write what is only in memory.

        Raises:
            OSError: the disk failed; the next call tries again.
        """
        if self._buffer:
            self.queue.write(self._buffer, self.written)
            self.written = self.end
            self._buffer = bytearray()

    def plan_flush(self, plan: FlushPlan) -> None:
        """Let a plan sync what is written and not on the disk yet."""
        plan.add(self.queue, self.flushed, self.written)

    # --- reading -----------------------------------------------------------------------------

    def unit(self, position: int) -> TimerLogUnit | None:
        """Return the unit at a position, None when none can be there."""
        if position >= self.written:
            at = position - self.written
            data = bytes(self._buffer[at : at + UNIT_SIZE])
        else:
            data = self.queue.read(position, UNIT_SIZE) if position >= self.start else b""
        if len(data) < UNIT_SIZE:
            return None
        fields = _UNIT.unpack(data)
        return TimerLogUnit._make(fields[1:]) if _is_unit(fields) else None

    def scan(self, position: int) -> Iterator[tuple[int, TimerLogUnit]]:
        """Return (position, unit) of all units from ``position`` on, where one begins or a file does.

        Ends where no unit is, which :attr:`end` isn't compared with: before a recovery it's unknown.
        """
        for at, fields in self._units(position):
            yield at, TimerLogUnit._make(fields[1:])

    def is_whole(self, begin: int, end: int, physical_offset: int) -> bool:
        """Return whether units without a gap reach from a file's begin to ``end``.

        Args:
            begin: where a file begins.
            end: behind a unit.
            physical_offset: all of them are to name records before it.
        """
        reached = begin
        for at, fields in self._units(begin):
            if at >= end or fields[5] + fields[6] > physical_offset:
                break
            reached = at + UNIT_SIZE
        return reached == end

    def _units(self, position: int) -> Iterator[tuple[int, tuple[int, ...]]]:
        for segment in self.queue.segments:
            stop = segment.start + segment.size
            at = max(segment.start, position)
            while stop - at >= UNIT_SIZE + MIN_BLANK_SIZE:
                data = self.queue.read(at, min(_AT_ONCE, (stop - at) // UNIT_SIZE * UNIT_SIZE))
                for fields in _UNIT.iter_unpack(data):
                    if fields[2] == BLANK_MAGIC:
                        at = stop
                        break
                    if not _is_unit(fields):
                        return
                    yield at, fields
                    at += UNIT_SIZE
                if not data:
                    return

    # --- opening, cutting, cleaning ----------------------------------------------------------

    def load(self) -> list[str]:
        """Take up the files that are there; :meth:`cut` says where the log ends.

        A power cut may leave files of other sizes, or a gap: those from the first of them on are removed,
        since all can be made again.

        Returns:
            The paths of files that were removed.

        Raises:
            OSError: the disk failed.
        """
        folder, files = self.queue.folder, self._files
        wanted, removed = -1, list[str]()
        for name in filter(may_be_segment, files.list(folder)):
            path = f"{folder}/{name}"
            start = int(name) if name.isascii() and name.isdigit() else -1
            fits = len(name) == NAME_DIGITS and files.size(path) == self._file_size
            follows = wanted in {-1, start}
            if removed or not fits or not follows:
                files.unlink(path)
                removed.append(path)
            wanted = start + self._file_size
        self.queue.load()
        self._start_at(self.queue.end_of_files)
        return removed

    def cut(self, position: int) -> None:
        """Let the log end at ``position``; what stands behind it is removed or zeroed.

        Raises:
            OSError: the disk failed.
        """
        self.queue.drop_from(max(position, self.start + 1) if position else 0)
        self.queue.zero_tail(position)
        self._start_at(position)

    def remove_before(self, physical_offset: int) -> None:
        """Remove old files all of whose units are of records before ``physical_offset``.

        The newest file stays (``deleteExpiredFileByOffsetForTimerLog``).

        Raises:
            OSError: the disk failed.
        """
        last_unit = (self._file_size - MIN_BLANK_SIZE) // UNIT_SIZE * UNIT_SIZE - UNIT_SIZE
        for segment in self.queue.segments[:-1]:
            unit = self.unit(segment.start + last_unit)
            if unit is None or unit.offset_py >= physical_offset:
                return
            self.queue.drop(segment)

    def close(self) -> None:
        """Close the files."""
        self.queue.close()


def _is_unit(fields: tuple[int, ...]) -> bool:
    """Return whether 52 bytes can be a unit, whole and not torn."""
    size, prev, magic, written, _, offset, record_size, _, _ = fields
    return (
        size == UNIT_SIZE
        and 0 < magic <= _MAGICS
        and prev >= -1
        and written > 0
        and offset >= 0
        and record_size > 0
    )
