"""One index file (Java ``IndexFile``): which records of the log a key leads to.

The newest entries and the slots they changed stay in memory until ``write`` puts them into the
file: entries first, then slots, the header last, so that what a reader of the file finds through
the header is there. Slots are kept by pages of 4 KiB, read when first needed. Nothing is lost by
that: after a kill the file is dropped and built again from the log.

Numbers fall strictly along a chain of entries, so a damaged chain ends and never loops.
"""

from __future__ import annotations

import sys
from array import array
from typing import TYPE_CHECKING

from rmqwire.codec.index_file import (
    ENTRY_SIZE,
    ENTRY_STRUCT,
    HEADER_SIZE,
    SLOT_SIZE,
    IndexEntry,
    IndexHeader,
    entry_position,
    file_size,
    unpack_entry,
)
from rmqwire.errors import BadRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rmqwire.disk.files import FileLayer
    from rmqwire.store.index.index_keys import Key

_PAGE_SLOTS = 1024  # slots in a page of 4 KiB
_PAGE_SIZE = _PAGE_SLOTS * SLOT_SIZE
_RUN_PAGES = 256  # pages written at once at most
_MAX_DIFF_S = 0x7FFFFFFF
_SWAPPED = sys.byteorder == "little"  # the file is big-endian
MAX_WALK = 100_000  # entries looked at in one query: a tag of a full file has millions


class IndexFile:
    """Append keys to one file and find records by key.

    Args:
        path: the file.
        slot_num: ``maxHashSlotNum`` it was made with.
        index_num: ``maxIndexNum`` it was made with: entries it has room for, one is never used.
        files: the disk.
    """

    __slots__ = (
        "_dirty",
        "_files",
        "_handle",
        "_pages",
        "_tail",
        "_tail_from",
        "header",
        "index_num",
        "path",
        "slot_num",
        "unsynced",
    )

    def __init__(self, path: str, slot_num: int, index_num: int, files: FileLayer) -> None:
        self.path = path
        self.slot_num = slot_num
        self.index_num = index_num
        self.header = IndexHeader()
        self.unsynced = False  # written since the last ``synced``
        self._files = files
        self._handle = -1
        self._pages: dict[int, array[int]] = {}
        self._dirty: set[int] = set()
        self._tail = bytearray()  # entries that are not in the file yet
        self._tail_from = 1  # number of the first of them

    # --- making and opening --------------------------------------------------------------------

    def create(self, previous: IndexHeader | None) -> None:
        """Make the file in its full size (420 MB by default), without taking the space, as Java.

        So the index grows into what is free of the disk, as it is needed. On a full one its writes
        fail and are tried again; nothing waits for them, and the log has the space of its file.

        Args:
            previous: header of the file before it: until the first key comes, times and offsets
                go on from there, as Java leaves them.

        Raises:
            OSError: the disk failed.
        """
        if previous is not None:
            self.header.begin_phy_offset = self.header.end_phy_offset = previous.end_phy_offset
            self.header.begin_timestamp = self.header.end_timestamp = previous.end_timestamp
        self._handle = self._files.open(self.path, create=True)
        self._files.truncate(self._handle, file_size(self.slot_num, self.index_num))
        self.unsynced = True

    def load(self) -> None:
        """Read the header and check that it can be true.

        Raises:
            BadRecord: it can't: the file is of another size, half written or damaged.
            OSError: the disk failed.
        """
        size, wanted = self._files.size(self.path), file_size(self.slot_num, self.index_num)
        if size != wanted:
            raise BadRecord(f"index file of {size} bytes instead of {wanted}")
        self.header = header = IndexHeader.decode(self._read(HEADER_SIZE, 0))
        header.index_count = header.index_count or 1  # Java leaves 0 until the first key
        if not 0 < header.index_count <= self.index_num:
            raise BadRecord(f"index count {header.index_count} of {self.index_num}")
        if not 0 <= header.hash_slot_count < min(header.index_count, self.slot_num + 1):
            raise BadRecord(f"slot count {header.hash_slot_count} of {self.slot_num}")
        if not 0 <= header.begin_phy_offset <= header.end_phy_offset:
            raise BadRecord(f"offsets {header.begin_phy_offset} to {header.end_phy_offset}")
        if header.begin_timestamp < 0 or header.end_timestamp < 0:
            raise BadRecord(f"times {header.begin_timestamp} to {header.end_timestamp}")
        self._tail_from = header.index_count

    @property
    def is_full(self) -> bool:
        """No further key fits."""
        return self.header.index_count >= self.index_num

    # --- appending -----------------------------------------------------------------------------

    def extend(self, keys: Sequence[Key]) -> None:
        """Append keys as far as they fit: ``header.index_count`` tells how many that were.

        Args:
            keys: (``index_key_hash`` of the key, where in the log its record begins, store time
                of that in ms).

        Raises:
            OSError: a page of slots can't be read; the keys before it are appended.
        """
        header, tail, pages, dirty = self.header, self._tail, self._pages, self._dirty
        slot_num, pack, begin = self.slot_num, ENTRY_STRUCT.pack, header.begin_timestamp
        for key_hash, phy_offset, stored in keys[: self.index_num - header.index_count]:
            number = header.index_count
            page_number, place = divmod(key_hash % slot_num, _PAGE_SLOTS)
            page = pages.get(page_number)
            if page is None:
                page = self._page(page_number)
            previous = page[place]
            if not 0 < previous < number:
                previous = 0
                header.hash_slot_count += 1
            seconds = (stored - begin) // 1000 if 0 < begin < stored else 0
            tail += pack(key_hash, phy_offset, min(seconds, _MAX_DIFF_S), previous)
            page[place] = number
            dirty.add(page_number)
            if (
                number <= 1
            ):  # after the entry, whose time is counted from the file before, as Java's
                header.begin_phy_offset = phy_offset
                header.begin_timestamp = begin = stored
            header.index_count = number + 1
            header.end_phy_offset = phy_offset
            header.end_timestamp = stored

    def _page(self, number: int) -> array[int]:
        """Return a page of slots, read from the file when it is asked for the first time."""
        size = min(_PAGE_SIZE, self.slot_num * SLOT_SIZE - number * _PAGE_SIZE)
        page = array("i")
        page.frombytes(self._read(size, HEADER_SIZE + number * _PAGE_SIZE).ljust(size, b"\0"))
        if _SWAPPED:
            page.byteswap()
        self._pages[number] = page
        return page

    @property
    def unwritten(self) -> int:
        """Bytes of entries that are in memory only."""
        return len(self._tail)

    def write(self) -> None:
        """Put what is only in memory into the file.

        Raises:
            OSError: the disk failed; all stays in memory, to be tried again.
        """
        if not self._tail:
            return
        write, handle = self._files.pwrite, self._open()
        write(handle, self._tail, entry_position(self._tail_from, self.slot_num))
        for first, pages in self._dirty_runs():
            write(handle, pages, HEADER_SIZE + first * _PAGE_SIZE)
        write(handle, self.header.encode(), 0)
        self._tail.clear()
        self._tail_from = self.header.index_count
        self._dirty.clear()
        self.unsynced = True
        if self.is_full:
            self._pages.clear()  # it is only read from now on

    def _dirty_runs(self) -> Iterator[tuple[int, bytes]]:
        """Return the changed pages, neighbours joined: (number of the first, bytes as in the file)."""
        run: list[int] = []
        for number in [*sorted(self._dirty), None]:
            if run and (number != run[-1] + 1 or len(run) == _RUN_PAGES):
                joined = array("i")
                for one in run:
                    joined += self._pages[one]
                if _SWAPPED:
                    joined.byteswap()
                yield run[0], joined.tobytes()
                run = []
            if number is not None:
                run.append(number)

    def sync(self) -> None:
        """Sync what is written; blocks.

        Raises:
            OSError: the disk failed.
        """
        if self.unsynced:
            self._files.datasync(self._open())
            self.unsynced = False

    # --- finding -------------------------------------------------------------------------------

    def is_time_matched(self, begin: int, end: int) -> bool:
        """Return whether the file may hold records stored between two times (ms, both included)."""
        first, last = self.header.begin_timestamp, self.header.end_timestamp
        return (begin < first and end > last) or first <= begin <= last or first <= end <= last

    def select(self, key_hash: int, begin: int, end: int, limit: int, found: list[int]) -> None:
        """Add the log offsets of records with a key's hash, newest first (``selectPhyOffset``).

        Args:
            key_hash: ``index_key_hash`` of the key.
            begin: earliest store time, ms; the file knows whole seconds.
            end: latest store time, ms.
            limit: ``found`` grows up to this length.
            found: where to add them.

        Raises:
            OSError: the disk failed.
        """
        first = self.header.begin_timestamp
        upper = self.header.index_count
        index = self._slot(key_hash % self.slot_num)
        steps = 0
        while 0 < index < upper and len(found) < limit and steps < MAX_WALK:
            entry = self._entry(index)
            if entry is None or entry.time_diff < 0:
                return
            stored = first + entry.time_diff * 1000
            if entry.key_hash == key_hash and begin <= stored <= end:
                found.append(entry.phy_offset)
            if stored < begin:
                return
            upper, index = index, entry.previous
            steps += 1

    def _slot(self, slot: int) -> int:
        number, place = divmod(slot, _PAGE_SLOTS)
        page = self._pages.get(number)
        if page is not None:
            return page[place]
        data = self._read(SLOT_SIZE, HEADER_SIZE + slot * SLOT_SIZE)
        return int.from_bytes(data, "big", signed=True)

    def _entry(self, index: int) -> IndexEntry | None:
        """Return an entry, None if the file is too short for it."""
        if index >= self._tail_from:
            return unpack_entry(self._tail, (index - self._tail_from) * ENTRY_SIZE)
        data = self._read(ENTRY_SIZE, entry_position(index, self.slot_num))
        return unpack_entry(data) if len(data) == ENTRY_SIZE else None

    # --- the handle ----------------------------------------------------------------------------

    def _open(self) -> int:
        if self._handle < 0:
            self._handle = self._files.open(self.path)
        return self._handle

    def _read(self, size: int, position: int) -> bytes:
        return self._files.pread(self._open(), size, position)

    def close(self) -> None:
        """Close the file; what was not written is forgotten."""
        if self._handle >= 0:
            self._files.close(self._handle)
            self._handle = -1

    def remove(self) -> None:
        """Close and delete the file.

        Raises:
            OSError: the disk failed.
        """
        self.close()
        self._files.unlink(self.path)
