"""One index file (Java ``IndexFile``): which records of the log a key leads to.

The newest entries and the slots they changed stay in memory until ``write`` puts them into the
file: entries first, then slots, the header last, so that what a reader of the file finds through
the header is there. Nothing is lost by that: after a kill the file is dropped and built again from
the log.

Numbers fall strictly along a chain of entries, so a damaged chain ends and never loops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.index_file import (
    ENTRY_SIZE,
    HEADER_SIZE,
    SLOT_SIZE,
    IndexEntry,
    IndexHeader,
    entry_position,
    file_size,
    unpack_entry,
)
from rmqwire.errors import BadRecord
from rmqwire.store.index.slots import PythonSlots, changed_runs, page_place

if TYPE_CHECKING:
    from rmqwire.disk.files import FileLayer
    from rmqwire.store.index.slots import Keys, MakeSlots, Slots

MAX_WALK = 100_000  # entries looked at in one query: a tag of a full file has millions


class IndexFile:
    """Append keys to one file and find records by key.

    Args:
        path: the file.
        slot_num: ``maxHashSlotNum`` it was made with.
        index_num: ``maxIndexNum`` it was made with: entries it has room for, one is never used.
        files: the disk.
        make_slots: makes the slots: how many, is the file new.
    """

    __slots__ = (
        "_files",
        "_handle",
        "_make_slots",
        "_slots",
        "_tail",
        "_tail_from",
        "header",
        "index_num",
        "path",
        "slot_num",
        "unsynced",
    )

    def __init__(
        self,
        path: str,
        slot_num: int,
        index_num: int,
        files: FileLayer,
        make_slots: MakeSlots = PythonSlots,
    ) -> None:
        self.path = path
        self.slot_num = slot_num
        self.index_num = index_num
        self.header = IndexHeader()
        self.unsynced = False  # written since the last ``synced``
        self._files = files
        self._handle = -1
        self._make_slots = make_slots
        self._slots: Slots | None = None  # made when a key is to be appended
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
        self._slots = self._make_slots(self.slot_num, True)
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

    def extend(self, keys: Keys, first: int = 0) -> None:
        """Append keys as far as they fit: ``header.index_count`` tells how many that were.

        Args:
            keys: (``index_key_hash`` of the key, where in the log its record begins, store time
                of that in ms).
            first: the first of them to append.

        Raises:
            OSError: a page of slots can't be read; the keys before it are appended.
        """
        stop = min(len(keys), first + self.index_num - self.header.index_count)
        if first >= stop:
            return
        slots = self._slots
        if slots is None:
            slots = self._slots = self._make_slots(self.slot_num, False)
        if self.header.index_count <= 1:  # its time is counted from the file before, as Java's
            first += self._extend_to(slots, keys, first, first + 1)
            self.header.begin_phy_offset, self.header.begin_timestamp = keys[first - 1][1:]
        self._extend_to(slots, keys, first, stop)

    def _extend_to(self, slots: Slots, keys: Keys, first: int, stop: int) -> int:
        """Append the keys from one on up to before another; return how many."""
        at, header = first, self.header
        while at < stop:
            entries, fresh, page = slots.append(
                keys, at, stop, header.index_count, header.begin_timestamp
            )
            if done := len(entries) // ENTRY_SIZE:
                at += done
                self._tail += entries
                header.index_count += done
                header.hash_slot_count += fresh
                header.end_phy_offset, header.end_timestamp = keys[at - 1][1:]
            if page >= 0:
                slots.load(page, self._read(*page_place(page, self.slot_num)))
        return at - first

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
        for position, values in changed_runs(self._slots) if self._slots else ():
            write(handle, values, position)
        write(handle, self.header.encode(), 0)
        self._tail.clear()
        self._tail_from = self.header.index_count
        self.unsynced = True
        if self.is_full:
            self._slots = None  # it is only read from now on
        elif self._slots is not None:
            self._slots.written()

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
        known = None if self._slots is None else self._slots.get(slot)
        if known is not None:
            return known
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
