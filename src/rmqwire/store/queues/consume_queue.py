"""One queue's index into the commit log (Java ``ConsumeQueue``): 20-byte units, one per message.

All positions are bytes from the queue's beginning, 20 per message::

    min <= tail.start <= written <= tail.end          flushed <= written

Units live in ``tail`` until ``write_tail`` puts them into the files (within a second, of many queues
within a minute; at once when the tail is long), so a pass costs no system call per queue.
Nothing is lost by that: a store that was not closed rebuilds the units from the log. The tail keeps
the newest units for readers. The files are sparse, as Java's are: 10,000 of 6 MB take what is in them.
"""

from __future__ import annotations

from itertools import chain
from struct import Struct
from typing import TYPE_CHECKING, ClassVar

from rmqwire.codec.consume_queue import PRE_BLANK, UNIT, UNIT_STRUCT
from rmqwire.store.folder.file_queue import FileQueue
from rmqwire.store.queues.queue_tail import PythonTail

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.disk.files import FileLayer
    from rmqwire.store.folder.file_queue import HandleCache
    from rmqwire.store.folder.flush_plan import FlushPlan
    from rmqwire.store.queues.queue_tail import Tail

TAIL_LIMIT = 3200 * UNIT  # a longer tail is written at once
TAIL_KEPT = 400 * UNIT  # bytes that stay in memory for readers after a write
_AHEAD = 256 * UNIT  # bytes read at once for who walks along the files
_NONE_AHEAD = (0, b"")
_SCAN = 3200 * UNIT  # bytes read at once when a file is scanned
_TAGS_CODE = Struct(">12xq")  # of a unit
_RECOVERED_FILES = 3  # Java looks at the last three files
BLANK_SIZE_FIELD = 0x7FFFFFFF  # size of a pre-blank unit


class ConsumeQueue:
    """Units of one queue of one topic.

    Args:
        topic: its name.
        queue_id: number of the queue.
        folder: where its files are.
        segment_size: bytes of each file, a multiple of 20.
        files: the disk.
        handles: open handles, shared by all queues.

    Attributes:
        tail: its newest units, and what else changes with each message; who makes the queue gives it its lane's.
    """

    __slots__ = (
        "_ahead",
        "files",
        "flushed",
        "min",
        "pending",
        "queue_id",
        "tail",
        "topic",
        "written",
    )

    def __init__(
        self,
        topic: str,
        queue_id: int,
        folder: str,
        segment_size: int,
        files: FileLayer,
        handles: HandleCache,
    ) -> None:
        self.topic = topic
        self.queue_id = queue_id
        self.files = FileQueue(folder, segment_size, files, handles, sparse=True)
        self.tail: Tail = PythonTail(self)
        self.pending = bytearray()  # units of the running pass, not visible yet
        self.start_at(0)

    unit_size: ClassVar[int] = UNIT

    def start_at(self, position: int) -> None:
        """Begin, empty in memory, at ``position`` bytes."""
        self.min = self.written = self.flushed = position
        self.tail.restart(position)
        self._ahead = _NONE_AHEAD  # position and bytes of what was read last from the files
        self.next_offset = position // UNIT  # offset of the next message that is put

    @property
    def next_offset(self) -> int:
        """Offset of the next message that is put."""
        return self.tail.next_offset

    @next_offset.setter
    def next_offset(self, offset: int) -> None:
        self.tail.next_offset = offset

    @property
    def end(self) -> int:
        """Position behind the last visible unit."""
        return self.tail.end

    @property
    def min_offset(self) -> int:
        """Offset of the first message."""
        return self.min // UNIT

    @property
    def max_offset(self) -> int:
        """Offset behind the last visible message."""
        return self.tail.end // UNIT

    # --- writing -----------------------------------------------------------------------------

    def dispatch(self, units: bytes | bytearray) -> None:
        """Make units visible; they follow the last one."""
        self.tail.append(units)
        if len(self.tail) > TAIL_LIMIT:
            self.write_tail()

    def write_tail(self) -> None:
        """Put what is only in memory into the files.

        Raises:
            DiskFull: no room for a new file; the units stay in memory.
            OSError: the disk failed; likewise.
        """
        size = self.files.segment_size
        if not self.files.segments and self.written % size:
            self._fill_pre_blank()
        end = self.tail.end
        while self.written < end:
            stop = min(end, self.written - self.written % size + size)
            self.files.write(self.tail.read(self.written, stop), self.written)
            self.written = stop
        self.tail.shorten(TAIL_KEPT)

    def _fill_pre_blank(self) -> None:
        """Mark the units of the first file that come before the queue's first message."""
        begin = self.written - self.written % self.files.segment_size
        self.files.write(PRE_BLANK * ((self.written - begin) // UNIT), begin)

    def plan_flush(self, plan: FlushPlan) -> None:
        """Let a plan sync what is written and not on the disk."""
        plan.add_one_of_many(self.files, self.flushed, self.written)
        plan.book.append((self, self.written))

    def tags_codes(self, units: bytes | bytearray) -> dict[int, None]:
        """Return the tags codes of units, each once."""
        return dict.fromkeys(chain.from_iterable(_TAGS_CODE.iter_unpack(units)))

    def forget_pending(self) -> None:
        """Take the offsets of the running pass back."""
        self.next_offset -= len(self.pending) // UNIT
        self.pending.clear()

    def record_offset(self, offset: int) -> int:
        """Return the offset that the record of message ``offset`` says of itself."""
        return offset

    # --- reading -----------------------------------------------------------------------------

    def read(self, offset: int, count: int) -> bytes:
        """Return up to ``count`` units from message ``offset`` on, not beyond one file (as Java).

        b"" means that they should be there but are not.
        """
        begin = offset * UNIT
        at, units = self._ahead
        if at <= begin and begin + count * UNIT <= at + len(units):
            return units[begin - at : begin - at + count * UNIT]
        size = self.files.segment_size
        stop = min(self.end, begin + count * UNIT, begin - begin % size + size)
        start = self.tail.start
        if begin >= start:
            self._ahead = _NONE_AHEAD
            return self.tail.read(begin, stop)
        if stop <= start:
            return self._read_files(begin, stop)
        old = self.files.read(begin, start - begin)
        if len(old) < start - begin:
            return b""
        return old + self.tail.read(start, stop)

    def _read_files(self, begin: int, stop: int) -> bytes:
        """Read what is in one file; several units bring those behind them along, for the next pull."""
        if stop - begin <= UNIT:
            return self.files.read(begin, stop - begin)
        at, units = self._ahead
        if begin < at or stop > at + len(units):
            size = self.files.segment_size
            limit = min(begin + _AHEAD, self.tail.start, begin - begin % size + size)
            at, units = self._ahead = begin, self.files.read(begin, max(stop, limit) - begin)
        return units[begin - at : stop - at]

    def unit(self, offset: int) -> tuple[int, int, int] | None:
        """Return (physical offset, size, tags code) of one message, None outside the queue."""
        if not self.min <= offset * UNIT < self.end:
            return None
        data = self.read(offset, 1)
        if len(data) < UNIT:
            return None
        physical_offset, size, tags_code = UNIT_STRUCT.unpack(data)
        return physical_offset, size, tags_code

    def next_file(self, offset: int) -> int:
        """Return the offset of the first message of the file behind the one that holds ``offset``."""
        per_file = self.files.segment_size // UNIT
        return offset + per_file - offset % per_file

    def max_physical_offset(self) -> int:
        """Return where in the log the last unit's record ends, -1 for an empty queue."""
        last = self.unit(self.max_offset - 1) if self.end > self.min else None
        return last[0] + last[1] if last is not None else -1

    def first_index(self, low: int, high: int, is_behind: Callable[[int, int], bool]) -> int:
        """Find the first message of ``low`` to ``high`` whose unit is behind some border.

        Args:
            low: first offset to look at.
            high: offset behind the last one; the answer if no unit is behind.
            is_behind: told (physical offset, size) of a unit; monotonic over the queue.
        """
        while low < high:
            middle = (low + high) // 2
            unit = self.unit(middle)
            if unit is None or (unit[1] != BLANK_SIZE_FIELD and is_behind(unit[0], unit[1])):
                high = middle
            else:
                low = middle + 1
        return low

    # --- opening and cutting -----------------------------------------------------------------

    def load(self, *, thorough: bool = False) -> None:
        """Take up the files and find the end: the first unit without a size.

        Args:
            thorough: look at all files, not only at the last three as Java does.

        Raises:
            CorruptLog: the files don't fit together.
            OSError: the disk failed.
        """
        self.files.load()
        segments = self.files.segments
        first = end = self.files.start
        floor = 0
        for segment in segments if thorough else segments[-_RECOVERED_FILES:]:
            end, floor = self._used_until(segment.start, floor)
            if end < segment.start + segment.size:
                break
        self.files.drop_from(max(end, 1))  # files behind a gap; an empty first one may stay
        self.start_at(end)
        self.min = first

    def _used_until(self, begin: int, floor: int) -> tuple[int, int]:
        """Return the position of the first unit of a file that can't be one, and the next floor.

        It has no size, or does not lie behind the record of the unit before it: a power cut may leave
        the second file of a topic that was deleted behind the first of the one made again.

        Args:
            begin: where the file begins.
            floor: where the record of the unit before it ends in the log.
        """
        stop = begin + self.files.segment_size
        while begin < stop:
            data = self.files.read(begin, min(_SCAN, stop - begin))
            for index, (physical_offset, size, _) in enumerate(UNIT_STRUCT.iter_unpack(data)):
                if physical_offset < floor or size <= 0:
                    return begin + index * UNIT, floor
                if size != BLANK_SIZE_FIELD:
                    floor = physical_offset + size
            begin += len(data)
        return stop, floor

    def cut(self, position: int) -> None:
        """Forget the units from ``position`` on, in memory and on the disk.

        Raises:
            OSError: the disk failed.
        """
        self._ahead = _NONE_AHEAD
        on_disk = self.written > position
        self.tail.cut(position)
        self.written = min(self.written, position)
        self.flushed = min(self.flushed, position)
        self.min = min(self.min, position)
        self.next_offset = position // UNIT
        if on_disk:
            self.files.drop_from(position)
            self.files.zero_tail(position)

    def restart(self, position: int) -> None:
        """Forget all units and begin at ``position``: the log has nothing before it."""
        self.files.drop_from(0)
        self.start_at(position)

    def cut_log_end(self, log_end: int) -> int:
        """Forget units of records that don't end at or below ``log_end``; give how many."""
        low, high = self.min_offset, self.max_offset
        keep = self.first_index(low, high, lambda at, size: at + size > log_end)
        if keep < high:
            self.cut(keep * UNIT)
        return high - keep

    def remove(self) -> None:
        """Remove all files and the folder."""
        self.files.remove()

    def first_unit(self, is_wanted: Callable[[int, int], bool]) -> int | None:
        """Return the physical offset of the first unit that is wanted, None without one.

        Args:
            is_wanted: told (physical offset, size) of a unit; from the first one on all are.
        """
        low, high = self.min_offset, self.max_offset
        unit = self.unit(self.first_index(low, high, is_wanted)) if high > low else None
        return unit[0] if unit is not None else None

    def correct_min(self, min_physical_offset: int) -> None:
        """Let the queue begin at its first message that the log still has."""
        low, high = self.min_offset, self.max_offset
        first = self.first_index(low, high, lambda at, _: at >= min_physical_offset)
        self.min = first * UNIT
