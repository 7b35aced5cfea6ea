"""Extension units of consume queues (Java ``ConsumeQueueExt``): ``consumequeue_ext/TOPIC/ID/...``.

With ``enableConsumeQueueExt`` a unit holds the address of an extension unit where its tags code
would be; the extension unit has the code, the store time and, where filters are calculated in
advance, their bits. Here those never are: without a bit map each filter looks at the message itself.

A file ends with a size of -1 where the next unit has no room (4 bytes stay free). Files are sparse,
as Java's are: one of 48 MiB has a queue of a single message too. So they may find the disk full; the
unit keeps its tags code then, as in Java. A code that can't be found counts as wanted: the client
filters too.

The files are read whenever they are there, whether or not new units are written.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.codec.consume_queue import (
    EXT_END_SIZE,
    EXT_MAX_ADDRESS,
    EXT_MIN_UNIT,
    UNIT,
    UNIT_STRUCT,
    ConsumeQueueExtUnit,
    ext_address,
    ext_offset,
    pack_ext_unit,
    unpack_ext_unit,
)
from rmqwire.errors import BadRecord, StoreError
from rmqwire.store.consume_queue import ConsumeQueue
from rmqwire.store.file_queue import FileQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.store.file_queue import HandleCache
    from rmqwire.store.files import FileLayer
    from rmqwire.store.flush import FlushPlan

LOG = logging.getLogger(__name__)
FOLDER = "consumequeue_ext"
_WINDOW = 64 * 1024  # bytes read at once: twice the largest unit
_LARGEST = 32 * 1024
_END = EXT_END_SIZE.to_bytes(2, "big", signed=True)
_END_ROOM = 4  # ConsumeQueueExt.END_BLANK_DATA_LENGTH, bytes
_UNITS = 1024  # units looked at once
MIN_EXT_SEGMENT = EXT_MIN_UNIT + _END_ROOM  # bytes: a file of one unit


class ConsumeQueueExt:
    """The extension files of one queue.

    Args:
        folder: where they are.
        segment_size: bytes of each file; files that are there keep the size they have.
        files: the disk.
        handles: open handles, shared by all queues.
    """

    __slots__ = ("_disk", "_window", "_window_start", "files", "flushed", "written")

    def __init__(
        self, folder: str, segment_size: int, files: FileLayer, handles: HandleCache
    ) -> None:
        names = files.list(folder)
        size = files.size(f"{folder}/{names[0]}") if names else 0
        self.files = FileQueue(folder, size or segment_size, files, handles, sparse=True)
        self.written = 0  # offset behind the last unit
        self.flushed = 0
        self._disk = files
        self._window = b""
        self._window_start = 0

    def load(self) -> None:
        """Take up the files.

        Raises:
            CorruptLog: they don't fit together.
            OSError: the disk failed.
        """
        self.files.load()
        self.flushed = self.files.start

    def unit(self, address: int) -> ConsumeQueueExtUnit | None:
        """Give the unit that a tags code is the address of, None if there is none.

        Raises:
            OSError: the disk failed.
        """
        offset = ext_offset(address)
        if offset is None:
            return None
        at = self._show(offset)
        try:
            return unpack_ext_unit(self._window, at)
        except BadRecord:
            return None

    def _show(self, offset: int) -> int:
        """Have the unit at ``offset`` in the window; give its position there."""
        at = offset - self._window_start
        if 0 <= at <= len(self._window) - _LARGEST:
            return at
        self._window, self._window_start = self.files.read(offset, _WINDOW), offset
        return 0

    def tags_code(self, code: int) -> int | None:
        """Give the tags code of a queue's unit, from its extension unit if it is an address.

        Returns:
            None when the extension unit is not there.
        """
        if code > EXT_MAX_ADDRESS:
            return code
        unit = self.unit(code)
        return unit.tags_code if unit is not None else None

    def append(self, units: list[bytes]) -> list[int]:
        """Write units behind the last one; give their addresses.

        Raises:
            DiskFull: no room for a new file.
            OSError: the disk failed. No unit counts as written.
        """
        size = self.files.segment_size
        addresses: list[int] = []
        begin = end = self.written
        run = bytearray()  # what goes into one file
        for unit in units:
            left = size - end % size
            if len(unit) > left - _END_ROOM:
                self.files.write(run + _END, begin)
                run.clear()
                begin = end = end + left
            addresses.append(ext_address(end))
            run += unit
            end += len(unit)
        self.files.write(run, begin)
        self._window = b""
        self.written = end
        return addresses

    def cut_behind(self, address: int | None) -> None:
        """Forget all units behind the one at ``address``; all of them for None.

        Raises:
            OSError: the disk failed.
        """
        offset = ext_offset(address) if address is not None else None
        unit = self.unit(address) if address is not None else None
        self.written = offset + unit.size if offset is not None and unit is not None else 0
        self.flushed = min(self.flushed, self.written)
        self.files.drop_from(self.written)
        self.files.zero_tail(self.written)
        self._window = b""

    def drop_before(self, address: int) -> None:
        """Remove the files that end before the unit at ``address`` (``truncateByMinAddress``).

        Raises:
            OSError: the disk failed.
        """
        offset = ext_offset(address) or 0
        segments = self.files.segments
        while len(segments) > 1 and segments[1].start < offset:
            self.files.drop(segments[0])

    def clear(self) -> None:
        """Remove all files, those too that don't fit.

        Raises:
            OSError: the disk failed.
        """
        self.files.drop_from(0)
        for name in self._disk.list(self.files.folder):
            self._disk.unlink(f"{self.files.folder}/{name}")
        self.written = self.flushed = 0
        self._window = b""


class ExtConsumeQueue(ConsumeQueue):
    """A queue whose units may have extension units.

    Args:
        store_time: gives the store time (ms) of the record at (offset, size) of the log; None if
            new units keep their tags code (``enableConsumeQueueExt`` is off).
        ext: its extension files.
    """

    __slots__ = ("_store_time", "ext")

    def __init__(
        self,
        topic: str,
        queue_id: int,
        folder: str,
        segment_size: int,
        files: FileLayer,
        handles: HandleCache,
        ext: ConsumeQueueExt,
        store_time: Callable[[int, int], int] | None,
    ) -> None:
        super().__init__(topic, queue_id, folder, segment_size, files, handles)
        self.ext = ext
        self._store_time = store_time

    # --- writing and reading -------------------------------------------------------------------

    def dispatch(self, units: bytes | bytearray) -> None:
        """Make units visible; they follow the last one."""
        super().dispatch(units if self._store_time is None else self._extended(units))

    def _extended(self, units: bytes | bytearray) -> bytes | bytearray:
        """Put the units' tags codes into extension units."""
        stored_at = self._store_time
        assert stored_at is not None
        plain = list(UNIT_STRUCT.iter_unpack(units))
        made = [
            pack_ext_unit(ConsumeQueueExtUnit(code, stored_at(place, size)))
            for place, size, code in plain
        ]
        try:
            addresses = self.ext.append(made)
        except (OSError, StoreError) as error:
            LOG.warning("%s %d keeps its tags codes: %s", self.topic, self.queue_id, error)
            return units
        both = zip(plain, addresses, strict=True)
        return b"".join(UNIT_STRUCT.pack(one[0], one[1], address) for one, address in both)

    def matching(self, matches: Callable[[int], bool]) -> Callable[[int], bool]:
        """Make a filter of tags codes one of codes and addresses."""

        def match(code: int) -> bool:
            found = self.ext.tags_code(code)
            return found is None or matches(found)

        return match

    def plan_flush(self, plan: FlushPlan) -> None:
        """Let a plan sync the extension units, too."""
        plan.add(self.ext.files, self.ext.flushed, self.ext.written)
        plan.book.append((self.ext, self.ext.written))
        super().plan_flush(plan)

    # --- opening, cutting, removing ------------------------------------------------------------

    def load(self, *, thorough: bool = False) -> None:
        """Take up the files; units whose extension unit is not there go: the log gives them back.

        Args:
            thorough: look at all units and extension units.

        Raises:
            CorruptLog: the files don't fit together.
            OSError: the disk failed.
        """
        super().load(thorough=thorough)
        self.ext.load()
        if thorough or not self._ends_are_there():
            self._cut_broken()
        self.ext.cut_behind(self._last_address())

    def _ends_are_there(self) -> bool:
        """Tell whether the first and the last extension unit are there: what a clean stop left."""
        first, last = self.unit(self.min_offset), self._last_address()
        ends = [first[2]] if first is not None and first[2] <= EXT_MAX_ADDRESS else []
        ends += [last] if last is not None else []
        return all(self._follows(address, 0) for address in ends)

    def _last_address(self) -> int | None:
        """Give the newest address, None if no unit has one."""
        high, low = self.max_offset, self.min_offset
        while high > low:
            begin = max(low, high - _UNITS)
            for _, _, code in reversed(list(UNIT_STRUCT.iter_unpack(self._units(begin, high)))):
                if code <= EXT_MAX_ADDRESS:
                    return int(code)
            high = begin
        return None

    def _units(self, begin: int, end: int) -> bytes:
        """Give the units of messages ``begin`` to ``end``, across files."""
        parts = []
        while begin < end and (part := self.read(begin, end - begin)):
            parts.append(part)
            begin += len(part) // UNIT
        return b"".join(parts)

    def _follows(self, address: int, floor: int) -> bool:
        """Tell whether there is an extension unit, written whole, at or behind a place."""
        unit = self.ext.unit(address)
        return (
            unit is not None
            and unit.msg_store_time > 0  # the last of what is written of most units
            and (ext_offset(address) or 0) >= floor
        )

    def _cut_broken(self) -> None:
        """Cut the queue at the first unit whose extension unit isn't there."""
        floor, at = 0, self.min_offset
        while at < self.max_offset:
            data = self._units(at, min(at + _UNITS, self.max_offset))
            for _, _, code in UNIT_STRUCT.iter_unpack(data):
                if code <= EXT_MAX_ADDRESS:
                    if not self._follows(code, floor):
                        self.cut(at * UNIT)
                        return
                    floor = (ext_offset(code) or 0) + EXT_MIN_UNIT
                at += 1

    def cut(self, position: int) -> None:
        """Forget the units from ``position`` on, in memory and on the disk.

        Raises:
            OSError: the disk failed.
        """
        super().cut(position)
        self.ext.cut_behind(self._last_address())

    def restart(self, position: int) -> None:
        """Forget all units and begin at ``position``: the log has nothing before it."""
        super().restart(position)
        self.ext.clear()

    def correct_min(self, min_physical_offset: int) -> None:
        """Let the queue begin at its first message that the log still has."""
        super().correct_min(min_physical_offset)
        unit = self.unit(self.min_offset)
        if unit is not None and unit[2] <= EXT_MAX_ADDRESS:
            self.ext.drop_before(unit[2])

    def remove(self) -> None:
        """Remove all files and the folders."""
        super().remove()
        self.ext.files.remove()
