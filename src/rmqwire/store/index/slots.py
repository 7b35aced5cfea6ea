"""The hash slots of one index file in memory: each has the number of its newest entry, 0 without one.

They are read page by page (4 KiB) when they are first needed; what of them isn't used takes no memory.
"""

from __future__ import annotations

import mmap
import sys
from array import array
from typing import TYPE_CHECKING

from rmqwire.codec.index_file import HEADER_SIZE, SLOT_SIZE, entries_struct
from rmqwire.codec.native import is_native

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Key = tuple[int, int, int]  # hash, offset of its record in the log, store time of that in ms
    AppendKeys = Callable[
        [Sequence[Key], memoryview, bytearray, bytearray, int, int], tuple[bytes, int, int]
    ]

PAGE_SLOTS = 1024
_PAGE_SIZE = PAGE_SLOTS * SLOT_SIZE
_RUN_PAGES = 256  # pages written at once at most
_MAX_DIFF_S = 0x7FFFFFFF
_SWAPPED = sys.byteorder == "little"  # the file is big-endian


class Slots:
    """All slots of one file.

    Args:
        slot_num: how many.
        read: reads bytes of the file, given their number and position.
        empty: the file was just made: there is nothing to read.

    Attributes:
        values: of each slot, in this machine's byte order.
        known: for each page 1 if its values are here.
        changed: for each page 1 if the file doesn't have its values yet.
    """

    __slots__ = ("_memory", "_read", "changed", "known", "values")

    def __init__(self, slot_num: int, read: Callable[[int, int], bytes], *, empty: bool) -> None:
        pages = -(-slot_num // PAGE_SLOTS)
        self.known = bytearray(b"\1" * pages if empty else pages)
        self.changed = bytearray(pages)
        self._memory = _lazy_zeros(slot_num * SLOT_SIZE)
        self.values = memoryview(self._memory).cast("i")
        self._read = read

    def get(self, slot: int) -> int | None:
        """Return a slot's value, None if it isn't known here."""
        value: int = self.values[slot]
        return value if self.known[slot // PAGE_SLOTS] else None

    def load(self, page: int) -> None:
        """Read a page of the file.

        Raises:
            OSError: the disk failed.
        """
        begin = page * _PAGE_SIZE
        size = min(_PAGE_SIZE, len(self._memory) - begin)
        data = self._read(size, HEADER_SIZE + begin).ljust(size, b"\0")
        self._memory[begin : begin + size] = _swapped(data)
        self.known[page] = 1

    def changed_runs(self) -> Iterator[tuple[int, bytes]]:
        """Return what has changed: (position in the file, bytes as in the file), neighbours joined."""
        changed, begin = self.changed, 0
        while (begin := changed.find(1, begin)) >= 0:
            end = changed.find(0, begin, begin + _RUN_PAGES)
            if end < 0:
                end = min(begin + _RUN_PAGES, len(changed))
            data = self._memory[begin * _PAGE_SIZE : end * _PAGE_SIZE]
            yield HEADER_SIZE + begin * _PAGE_SIZE, _swapped(data)
            begin = end

    def written(self) -> None:
        """Note that the file has all values."""
        self.changed[:] = bytes(len(self.changed))


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


def append_keys(
    keys: Sequence[Key],
    values: memoryview,
    known: bytearray,
    changed: bytearray,
    number: int,
    begin: int,
) -> tuple[bytes, int, int]:
    """Make entries of keys (``IndexFile.putKey``), up to the first whose slot isn't known.

    Args:
        keys: what to append.
        values: the slots; those of the keys then lead to their entries.
        known: the pages whose slots are known.
        changed: the pages whose slots have changed.
        number: of the first entry.
        begin: store time (ms) of the file's first record, 0 without one.

    Returns:
        The entries, how many slots were empty before, and the page that must be known to go on, -1 at
        the end.
    """
    slot_num = len(values)
    numbers: list[int] = []  # of all entries, in a row
    fresh = seconds = last = 0
    missing = -1
    for key_hash, phy_offset, stored in keys:
        slot = key_hash % slot_num
        page = slot // PAGE_SLOTS
        if not known[page]:
            missing = page
            break
        previous = values[slot]
        if not 0 < previous < number:
            previous = 0
            fresh += 1
        if stored != last:  # many records have one time
            last = stored
            seconds = min((stored - begin) // 1000, _MAX_DIFF_S) if 0 < begin < stored else 0
        numbers += (key_hash, phy_offset, seconds, previous)
        values[slot] = number
        changed[page] = 1
        number += 1
    return entries_struct(len(numbers) // 4).pack(*numbers), fresh, missing


def append_keys_lane() -> AppendKeys:
    """Return what appends keys: the native twin of ``append_keys`` if there is one.

    Raises:
        ConfigError: the switch wants a lane that can't be used.
    """
    if not is_native():
        return append_keys
    from rmqwire_speedups import append_keys as native  # noqa: PLC0415  a distribution of its own

    return native
