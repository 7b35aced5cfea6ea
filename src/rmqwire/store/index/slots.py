"""The hash slots of one index file in memory: each has the number of its newest entry, 0 without one.

They are read page by page (4 KiB) when they are first needed; what of them isn't used takes no memory.
"""

from __future__ import annotations

import mmap
import sys
from array import array
from itertools import chain, count
from operator import itemgetter
from typing import TYPE_CHECKING, Protocol

from rmqwire.codec.columns import pack_columns, write_field
from rmqwire.codec.index_file import ENTRY_SIZE, ENTRY_STRUCT, HEADER_SIZE, SLOT_SIZE
from rmqwire.codec.native import is_native

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Key = tuple[int, int, int]  # hash, offset of its record in the log, store time of that in ms
    MakeSlots = Callable[[int, bool], "Slots"]

PAGE_SLOTS = 1024
_PAGE_SIZE = PAGE_SLOTS * SLOT_SIZE
_RUN_PAGES = 256  # pages written at once at most
_OFFSET_AT, _TIME_AT, _PREVIOUS_AT = 4, 12, 16  # in an entry, bytes
_MAX_DIFF_S = 0x7FFFFFFF
_SWAPPED = sys.byteorder == "little"  # the file is big-endian


class Keys(Protocol):
    """Keys of records, in the order of the log."""

    def __len__(self) -> int: ...

    def __getitem__(self, at: int, /) -> Key: ...


class KeyRows:
    """Keys of records that all have as many, with a list for each field: most of the work is done list by list.

    Args:
        hashes: of the first key of each record, of the second, and so on; one for all records that have the same.
        offsets: of the records in the log.
        times: when they were stored, ms.
    """

    __slots__ = ("hashes", "offsets", "times")

    def __init__(
        self, hashes: Sequence[Sequence[int]], offsets: Sequence[int], times: Sequence[int]
    ) -> None:
        self.hashes = hashes
        self.offsets = offsets
        self.times = times

    def __len__(self) -> int:
        """Return how many keys there are."""
        return len(self.offsets) * len(self.hashes)

    def __getitem__(self, at: int, /) -> Key:
        """Return one of them."""
        row, number = divmod(at, len(self.hashes))
        hashes = self.hashes[number]
        return hashes[row if len(hashes) > 1 else 0], self.offsets[row], self.times[row]

    def part(self, first: int, stop: int) -> KeyRows:
        """Return those from ``first`` up to before ``stop``, as those of records with one key each."""
        return rows_of([self[at] for at in range(first, stop)])


class KeyColumns:
    """The keys of many records, as rows of several kinds one behind the other."""

    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows: list[KeyRows] = []

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(map(len, self.rows))

    def __getitem__(self, at: int, /) -> Key:
        """Return one of them."""
        for rows in self.rows:
            if at < len(rows):
                return rows[at]
            at -= len(rows)
        raise IndexError

    def parts(self, first: int, stop: int) -> Iterator[KeyRows]:
        """Return those from ``first`` up to before ``stop``."""
        for rows in self.rows:
            count = len(rows)
            if first < count and stop > 0:
                whole = first <= 0 and stop >= count
                yield rows if whole else rows.part(max(first, 0), min(stop, count))
            first, stop = first - count, stop - count


def rows_of(keys: Sequence[Key]) -> KeyRows:
    """Return keys as those of records with one key each."""
    return KeyRows([[one[0] for one in keys]], [one[1] for one in keys], [one[2] for one in keys])


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

    __slots__ = ("_all_known", "_all_ours", "_changed", "_known", "_memory", "_touched", "_values")

    def __init__(self, slot_num: int, empty: bool) -> None:
        pages = -(-slot_num // PAGE_SLOTS)
        self._known = bytearray(b"\1" * pages if empty else pages)
        self._all_known = self._all_ours = empty  # a file may have any numbers in it
        self._changed = bytearray(pages)
        self._touched: set[int] = set()  # pages that have changed since that was asked for
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
        changed, touched = self._changed, self._touched
        while touched:
            changed[touched.pop()] = 1
        if (begin := changed.find(1, page)) < 0:
            return None
        end = changed.find(0, begin, begin + _RUN_PAGES)
        if end < 0:
            end = min(begin + _RUN_PAGES, len(changed))
        return begin, _swapped(self._memory[begin * _PAGE_SIZE : end * _PAGE_SIZE])

    def written(self) -> None:
        """Note that the file has all values."""
        self._changed[:] = bytes(len(self._changed))
        self._touched.clear()

    def append(
        self, keys: Keys, first: int, stop: int, number: int, begin: int
    ) -> tuple[bytes, int, int]:
        """Make entries of keys."""
        if isinstance(keys, KeyColumns):
            parts: Iterable[KeyRows] = keys.parts(first, stop)
        else:
            parts = [rows_of([keys[at] for at in range(first, stop)])]
        entries, fresh, missing = [], 0, -1
        for rows in parts:
            made, some, missing = self._append_rows(rows, number, begin)
            entries.append(made)
            fresh += some
            number += len(rows)
            if missing >= 0:
                break
        return b"".join(entries), fresh, missing

    def _append_rows(self, rows: KeyRows, number: int, begin: int) -> tuple[bytes, int, int]:
        """Do what ``append`` does with rows."""
        slots, missing = self._slots_of(rows), -1
        pages = {slot // PAGE_SLOTS for slot in chain.from_iterable(slots)}
        if not (self._all_known or all(map(self._known.__getitem__, pages))):
            rows, missing = self._known_part(rows)
            slots = self._slots_of(rows)
            pages = {slot // PAGE_SLOTS for slot in slots[0]}
        if len({*chain.from_iterable(slots)}) == sum(map(len, slots)):
            previous = self._lead_to_rows(slots, number, len(rows.offsets))
        else:  # one slot comes twice
            rows = rows.part(0, len(rows))
            previous = [self._lead_to_each(self._slots_of(rows)[0], number)]
        if not self._all_ours:
            previous = _without_later(previous, number)
        self._touched |= pages
        return (
            bytes(_entries(rows, previous, begin)),
            sum([one.count(0) for one in previous]),
            missing,
        )

    def _slots_of(self, rows: KeyRows) -> list[list[int]]:
        slot_num = len(self._values)
        return [[key_hash % slot_num for key_hash in hashes] for hashes in rows.hashes]

    def _known_part(self, rows: KeyRows) -> tuple[KeyRows, int]:
        """Return the keys before the first whose page isn't known, and that page."""
        rows = rows.part(0, len(rows))
        pages = [slot // PAGE_SLOTS for slot in self._slots_of(rows)[0]]
        unknown = bytes(map(self._known.__getitem__, pages)).find(0)
        return rows.part(0, unknown), pages[unknown]

    def _lead_to_rows(
        self, slots: Sequence[Sequence[int]], number: int, count: int
    ) -> list[Sequence[int]]:
        """Let slots, each of which comes in one column only and once, lead to the entries of rows.

        Returns:
            what they led to before.
        """
        values, width = self._values, len(slots)
        previous: list[Sequence[int]] = []
        for first, column in enumerate(slots, number):
            numbers = range(first, first + count * width, width)
            if len(column) == 1 and count:  # it leads from each entry to the one before
                previous.append([values[column[0]], *numbers[:-1]])
                values[column[0]] = numbers[-1]
                continue
            # by one call: those of many topics are all over the memory
            previous.append(itemgetter(*column)(values) if column else ())
            for slot, at in zip(column, numbers, strict=True):
                values[slot] = at
        return previous

    def _lead_to_each(self, slots: Sequence[int], number: int) -> Sequence[int]:
        """Let slots, of which some come many times, lead to their entries; return what they led to before."""
        values, previous = self._values, []
        for at, slot in enumerate(slots, number):
            previous.append(values[slot])
            values[slot] = at
        return previous


def _without_later(previous: Sequence[Sequence[int]], number: int) -> list[Sequence[int]]:
    """Return what leads on from entries, 0 where a file's slot led to one that was not there yet."""
    width = len(previous)
    return [
        [n if 0 < n < at else 0 for n, at in zip(column, count(first, width), strict=False)]
        for first, column in enumerate(previous, number)
    ]


def _entries(rows: KeyRows, previous: Sequence[Sequence[int]], begin: int) -> bytearray:
    """Return the entries of keys.

    Args:
        rows: the keys.
        previous: what leads on from each entry, column by column.
        begin: store time (ms) of the file's first record, 0 without one.
    """
    if not rows.offsets:
        return bytearray()
    seconds, width = _seconds(rows.times, begin), ENTRY_SIZE * len(rows.hashes)
    row = [ENTRY_STRUCT.pack(hashes[0], 0, seconds[0], 0) for hashes in rows.hashes]
    entries, offsets = bytearray(b"".join(row) * len(rows.offsets)), pack_columns("q", rows.offsets)
    for at, hashes, numbers in zip(range(0, width, ENTRY_SIZE), rows.hashes, previous, strict=True):
        if len(hashes) > 1:
            write_field(entries, width, at, pack_columns("i", hashes))
        write_field(entries, width, at + _OFFSET_AT, offsets)
        if len(seconds) > 1:
            write_field(entries, width, at + _TIME_AT, pack_columns("i", seconds))
        write_field(entries, width, at + _PREVIOUS_AT, pack_columns("i", numbers))
    return entries


def _seconds(times: Sequence[int], begin: int) -> list[int]:
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
