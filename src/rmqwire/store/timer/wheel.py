"""The timer wheel: a ring of slots over 14 days, one for each tick (``TimerWheel``, ``Slot``).

A slot says where in the timer log the newest unit of its tick lies; the others hang on that one. A
slot counts only for the tick that is written in it: what is left of an earlier turn is no slot.

Only pages of the file that hold something are kept in memory, and only those that changed are
written. The file is made, with holes, when the first of them is.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from rmqwire.codec.timer import DEFAULT_SLOTS_TOTAL, SLOT_SIZE, TimerSlot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.disk.files import FileLayer

NO_UNIT = -1  # firstPos and lastPos of a slot without units
PAGE = 4096  # bytes; the last one may be shorter
_SLOTS = PAGE // SLOT_SIZE
_SLOT = Struct(">qqqii")
_READ = 1 << 20  # bytes read at once when the file is loaded


class TimerWheel:
    """The slots of one store.

    Args:
        path: ``timerwheel`` in the store's folder.
        files: the disk.
        precision_ms: length of a tick (timerPrecisionMs).
        slots_total: half the number of slots; Java's is 7 days of seconds.

    Attributes:
        dirty: numbers of the pages that changed since the last :meth:`write`.
    """

    def __init__(
        self,
        path: str,
        files: FileLayer,
        precision_ms: int,
        slots_total: int = DEFAULT_SLOTS_TOTAL,
    ) -> None:
        self.path = path
        self.precision_ms = precision_ms
        self.slots_total = slots_total
        self.dirty: set[int] = set()
        self._files = files
        self._pages: dict[int, bytearray] = {}
        self._handle = -1
        self._last = 2 * slots_total  # slots of the ring

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._last * SLOT_SIZE

    # --- slots -------------------------------------------------------------------------------

    def get(self, time_ms: int) -> TimerSlot | None:
        """Return the slot of a tick, None when it has none."""
        tick = time_ms // self.precision_ms
        index = tick % self._last
        page = self._pages.get(index // _SLOTS)
        if page is None:
            return None
        slot = _SLOT.unpack_from(page, index % _SLOTS * SLOT_SIZE)
        return TimerSlot._make(slot) if slot[0] == tick else None

    def put(self, time_ms: int, first: int, last: int, num: int, magic: int = 0) -> None:
        """Set the slot of a tick.

        Args:
            time_ms: any time within it.
            first: position (bytes) of its oldest unit in the timer log.
            last: that of its newest.
            num: how many there are, without those that are deleted.
            magic: kept as Java keeps it; nobody reads it.
        """
        tick = time_ms // self.precision_ms
        index = tick % self._last
        number = index // _SLOTS
        page = self._pages.get(number)
        if page is None:
            page = self._pages[number] = bytearray(min(PAGE, self.size - number * PAGE))
        _SLOT.pack_into(page, index % _SLOTS * SLOT_SIZE, tick, first, last, num, magic)
        self.dirty.add(number)

    def slots(self, from_ms: int = 0) -> Iterator[TimerSlot]:
        """Return the slots in use of all ticks from ``from_ms`` on, in the order of the ring."""
        first = from_ms // self.precision_ms
        for number in sorted(self._pages):
            for slot in _SLOT.iter_unpack(bytes(self._pages[number])):
                if slot[0] >= max(first, 1):
                    yield TimerSlot._make(slot)

    def next_used(self, from_ms: int, until_ms: int) -> int:
        """Return the first tick from ``from_ms`` on that has a slot, ``until_ms`` if none before it."""
        if not self._pages:  # each start asks twice, and there are ten thousand pages to look for
            return until_ms
        tick, until = from_ms // self.precision_ms, until_ms // self.precision_ms
        until = min(until, tick + self._last)
        while tick < until:
            index = tick % self._last
            page = self._pages.get(index // _SLOTS)
            if page is None:  # nothing up to the end of this page, or of the ring
                tick += min(_SLOTS - index % _SLOTS, self._last - index)
                continue
            if _SLOT.unpack_from(page, index % _SLOTS * SLOT_SIZE)[0] == tick:
                return tick * self.precision_ms
            tick += 1
        return until_ms

    def count(self, from_ms: int) -> int:
        """Return how many units wait in all ticks from ``from_ms`` on (``getAllNum``)."""
        return sum(slot.num for slot in self.slots(from_ms))

    # --- the file ----------------------------------------------------------------------------

    def load(self, path: str | None = None) -> bool:
        """Take up the slots of a file; False when there is none, or one of another size.

        Args:
            path: a snapshot; the wheel's own file when not given.

        Raises:
            OSError: the disk failed.
        """
        files, path = self._files, path or self.path
        self._pages.clear()
        self.dirty.clear()
        if not files.exists(path) or files.size(path) != self.size:
            return False
        handle = files.open(path)
        try:
            for begin, end in files.data_ranges(handle, 0):
                for at in range(begin - begin % PAGE, end, _READ):
                    self._take(at, files.pread(handle, min(_READ, self.size - at), at))
        finally:
            files.close(handle)
        return True

    def _take(self, at: int, data: bytes) -> None:
        for begin in range(0, len(data), PAGE):
            page = data[begin : begin + PAGE]
            if page.count(0) != len(page):
                self._pages[(at + begin) // PAGE] = bytearray(page)

    def clear(self) -> None:
        """Forget all slots; the pages that had some are written as zeros."""
        self.dirty.update(self._pages)
        for page in self._pages.values():
            page[:] = bytes(len(page))

    def write(self) -> int:
        """Write the pages that changed; return the handle to sync, -1 when there is no file yet.

        Raises:
            OSError: the disk failed; what isn't written is still dirty.
        """
        if self.dirty and self._handle < 0:
            self._open()
        for number in sorted(self.dirty):
            self._files.pwrite(self._handle, self._pages[number], number * PAGE)
            self.dirty.discard(number)
        return self._handle

    def _open(self) -> None:
        files = self._files
        handle = files.open(self.path, create=True)
        try:
            if files.size(self.path) != self.size:
                files.truncate(handle, 0)
                files.truncate(handle, self.size)
                files.fsync_dir(self.path.rpartition("/")[0] or ".")
        except OSError:
            files.close(handle)
            raise
        self._handle = handle

    def pages(self) -> list[tuple[int, bytes]]:
        """Return (position in the file, bytes) of every page that holds something."""
        return [(number * PAGE, bytes(page)) for number, page in sorted(self._pages.items())]

    def close(self) -> None:
        """Close the file."""
        if self._handle >= 0:
            self._files.close(self._handle)
            self._handle = -1
