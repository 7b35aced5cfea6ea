"""The hash slots of one index file in memory: each has the number of its newest entry, 0 without one.

They are read page by page (4 KiB) when they are first needed; what of them isn't used takes no memory.
"""

from __future__ import annotations

import mmap
import sys
from array import array
from typing import TYPE_CHECKING, Protocol

from rmqwire.codec.columns import interleave, pack_columns
from rmqwire.codec.index_file import ENTRY_FIELDS, HEADER_SIZE, SLOT_SIZE
from rmqwire.codec.native import is_native

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Key = tuple[int, int, int]  # hash, offset of its record in the log, store time of that in ms
    MakeSlots = Callable[[int, bool], "Slots"]

PAGE_SLOTS = 1024
_PAGE_SIZE = PAGE_SLOTS * SLOT_SIZE
_RUN_PAGES = 256  # pages written at once at most
_MAX_DIFF_S = 0x7FFFFFFF
_SWAPPED = sys.byteorder == "little"  # the file is big-endian


class Keys(Protocol):
    """Keys of records, in the order of the log."""

    def __len__(self) -> int: ...

    def __getitem__(self, at: int, /) -> Key: ...


class KeyColumns:
    """Keys of records with a list for each of their three fields: most of the work is done list by list."""

    __slots__ = ("hashes", "offsets", "times")

    def __init__(self, hashes: list[int], offsets: list[int], times: list[int]) -> None:
        self.hashes = hashes
        self.offsets = offsets
        self.times = times

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.hashes)

    def __getitem__(self, at: int, /) -> Key:
        """Return one of them."""
        return self.hashes[at], self.offsets[at], self.times[at]

    def add(
        self, hashes: Sequence[Sequence[int]], offsets: Sequence[int], times: Sequence[int]
    ) -> None:
        """Add the keys of records that all have as many.

        Args:
            hashes: of the first key of each, of the second, and so on.
            offsets: of the records; ``times`` likewise.
        """
        number = len(hashes)
        self.hashes += interleave(hashes)
        self.offsets += interleave([[*offsets]] * number)
        self.times += interleave([times] * number)

    def part(self, first: int, stop: int) -> KeyColumns:
        """Return those from ``first`` up to before ``stop``."""
        if not first and stop == len(self.hashes):
            return self
        hashes, offsets, times = self.hashes, self.offsets, self.times
        return KeyColumns(hashes[first:stop], offsets[first:stop], times[first:stop])


def _part(keys: Keys, first: int, stop: int) -> KeyColumns:
    if isinstance(keys, KeyColumns):
        return keys.part(first, stop)
    some = [keys[at] for at in range(first, stop)]
    return KeyColumns([one[0] for one in some], [one[1] for one in some], [one[2] for one in some])


class Slots(Protocol):
    """All slots of one file."""

    def get(self, slot: int, /) -> int | None:
        """Return a slot's value, None if it isn't known here."""

    def load(self, page: int, data: bytes, /) -> None:
        """Know a page (``page_place``), which the file has as these bytes; what they lack is 0."""

    def changed_run(self, page: int, /) -> tuple[int, bytes] | None:
        """Return the first changed pages from one on: the first's number, the bytes as in the file."""

    def written(self) -> None:
        """Note that the file has all values."""

    def append(
        self, keys: Keys, first: int, stop: int, number: int, begin: int, /
    ) -> tuple[bytes, int, int]:
        """Make entries of keys (``IndexFile.putKey``), up to the first whose slot isn't known.

        Args:
            keys: what to append,
            first: from this one on,
            stop: and up to before this one; the slots of those then lead to their entries.
            number: of the first entry.
            begin: store time (ms) of the file's first record, 0 without one.

        Returns:
            The entries, how many slots were empty before, and the page that must be known to go on, -1
            at the end.
        """


def page_place(page: int, slot_num: int) -> tuple[int, int]:
    """Return size and position of a page in a file with so many slots, in bytes."""
    begin = page * _PAGE_SIZE
    return min(_PAGE_SIZE, slot_num * SLOT_SIZE - begin), HEADER_SIZE + begin


def changed_runs(slots: Slots) -> Iterator[tuple[int, bytes]]:
    """Return what has changed: (position in the file, bytes as in the file), neighbours joined."""
    page = 0
    while (run := slots.changed_run(page)) is not None:
        page, data = run
        yield HEADER_SIZE + page * _PAGE_SIZE, data
        page += -(-len(data) // _PAGE_SIZE)


class PythonSlots:
    """The slots of one file, the reference of the native lane's; see ``Slots``.

    Args:
        slot_num: how many.
        empty: the file was just made: there is nothing to read.
    """

    __slots__ = ("_all_known", "_all_ours", "_changed", "_known", "_memory", "_values")

    def __init__(self, slot_num: int, empty: bool) -> None:
        pages = -(-slot_num // PAGE_SLOTS)
        self._known = bytearray(b"\1" * pages if empty else pages)
        self._all_known = self._all_ours = empty  # a file may have any numbers in it
        self._changed = bytearray(pages)
        self._memory = _lazy_zeros(slot_num * SLOT_SIZE)
        self._values = memoryview(self._memory).cast("i")  # in this machine's byte order

    def get(self, slot: int) -> int | None:
        """Return a slot's value, None if it isn't known here."""
        value: int = self._values[slot]
        return value if self._known[slot // PAGE_SLOTS] else None

    def load(self, page: int, data: bytes) -> None:
        """Know a page."""
        begin = page * _PAGE_SIZE
        size = min(_PAGE_SIZE, len(self._memory) - begin)
        self._memory[begin : begin + size] = _swapped(data.ljust(size, b"\0"))
        self._known[page] = 1
        self._all_known, self._all_ours = 0 not in self._known, False

    def changed_run(self, page: int) -> tuple[int, bytes] | None:
        """Return the first changed pages from one on."""
        changed = self._changed
        if (begin := changed.find(1, page)) < 0:
            return None
        end = changed.find(0, begin, begin + _RUN_PAGES)
        if end < 0:
            end = min(begin + _RUN_PAGES, len(changed))
        return begin, _swapped(self._memory[begin * _PAGE_SIZE : end * _PAGE_SIZE])

    def written(self) -> None:
        """Note that the file has all values."""
        self._changed[:] = bytes(len(self._changed))

    def append(
        self, keys: Keys, first: int, stop: int, number: int, begin: int
    ) -> tuple[bytes, int, int]:
        """Make entries of keys."""
        part, values = _part(keys, first, stop), self._values
        slot_num = len(values)
        slots = [key_hash % slot_num for key_hash in part.hashes]
        missing = -1
        if not self._all_known:
            pages = [slot // PAGE_SLOTS for slot in slots]
            unknown = bytes(map(self._known.__getitem__, pages)).find(0)
            if unknown >= 0:
                missing = pages[unknown]
                part = part.part(0, unknown)
                del slots[unknown:]
        previous: list[int] = []
        note = previous.append
        for at, slot in enumerate(slots, number):  # one slot may come many times
            note(values[slot])
            values[slot] = at
        if not self._all_ours:
            previous = [n if 0 < n < at else 0 for at, n in enumerate(previous, number)]
        for page in {slot // PAGE_SLOTS for slot in slots}:
            self._changed[page] = 1
        times = _seconds(part.times, begin)
        entries = pack_columns(ENTRY_FIELDS, part.hashes, part.offsets, times, previous)
        return entries, previous.count(0), missing


def _seconds(times: list[int], begin: int) -> list[int]:
    """Return store times as entries have them, counted from that of the file's first record; one if all are the same."""

    def since_begin(stored: int) -> int:
        return min((stored - begin) // 1000, _MAX_DIFF_S) if 0 < begin < stored else 0

    known = {stored: since_begin(stored) for stored in {*times}}
    seconds = {*known.values()}
    return [*seconds] if len(seconds) == 1 else [*map(known.__getitem__, times)]


def _swapped(data: bytes) -> bytes:
    """Turn values from the file's byte order into this machine's, and back."""
    if not _SWAPPED:
        return data
    values = array("i")
    values.frombytes(data)
    values.byteswap()
    return values.tobytes()


def _lazy_zeros(size: int) -> mmap.mmap:
    """Return zeros that take memory only where they are changed."""
    if sys.platform == "win32":
        return mmap.mmap(-1, size)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if sys.platform == "linux":  # a large page would be 2 MiB for the first of its values
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    return memory


def slots_lane() -> MakeSlots:
    """Return what makes the slots of a file (their number, is it new): the native lane's, if there is one.

    Raises:
        ConfigError: the switch wants a lane that can't be used.
    """
    if not is_native():
        return PythonSlots
    from rmqwire_speedups import Slots as NativeSlots  # noqa: PLC0415  a distribution of its own

    return NativeSlots
