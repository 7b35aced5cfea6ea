"""The queues that have extension units (``ConsumeQueue`` with its ``ConsumeQueueExt``).

The extension files are read whenever they are there, whether or not new units get one. What a power
cut took of them goes from the queue too when it is opened; the log gives both back.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.codec.consume_queue import (
    EXT_MAX_ADDRESS,
    EXT_MIN_UNIT,
    UNIT,
    UNIT_STRUCT,
    ext_offset,
)
from rmqwire.errors import StoreError
from rmqwire.store.queues.consume_queue import ConsumeQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.disk.files import FileLayer
    from rmqwire.filter.message_filter import Filter
    from rmqwire.store.folder.file_queue import HandleCache
    from rmqwire.store.folder.flush_plan import FlushPlan
    from rmqwire.store.queues.ext_files import ConsumeQueueExt

    MakeUnit = Callable[[str, int, int, int], bytes]

logger = logging.getLogger(__name__)
_UNITS = 1024  # units looked at once


class ExtConsumeQueue(ConsumeQueue):
    """A queue whose units may have extension units.

    Args:
        ext: its extension files.
        make_unit: makes the extension unit of a record, see ``ConsumeQueueStore.write_ext``; None
            if new units keep their tags code (``enableConsumeQueueExt`` is off).
    """

    __slots__ = ("_make_unit", "ext")

    def __init__(
        self,
        topic: str,
        queue_id: int,
        folder: str,
        segment_size: int,
        files: FileLayer,
        handles: HandleCache,
        ext: ConsumeQueueExt,
        make_unit: MakeUnit | None,
    ) -> None:
        super().__init__(topic, queue_id, folder, segment_size, files, handles)
        self.ext = ext
        self._make_unit = make_unit

    # --- writing and reading -------------------------------------------------------------------

    def dispatch(self, units: bytes | bytearray) -> None:
        """Make units visible; they follow the last one."""
        make = self._make_unit
        super().dispatch(units if make is None else self._extended(units, make))

    def _extended(self, units: bytes | bytearray, make: MakeUnit) -> bytes | bytearray:
        """Put the units' tags codes into extension units."""
        plain = list(UNIT_STRUCT.iter_unpack(units))
        made = [make(self.topic, place, size, code) for place, size, code in plain]
        try:
            addresses = self.ext.append(made)
        except (OSError, StoreError) as error:
            logger.warning("%s %d keeps its tags codes: %s", self.topic, self.queue_id, error)
            return units
        both = zip(plain, addresses, strict=True)
        return b"".join(UNIT_STRUCT.pack(one[0], one[1], address) for one, address in both)

    def matching(self, wanted: Filter) -> Callable[[int], bool]:
        """Return the cheap test of a filter for codes and addresses.

        What can't be found counts as wanted: the client filters too.
        """
        wants_code = wanted.wants_code

        def match(code: int) -> bool:
            if code > EXT_MAX_ADDRESS:
                return wants_code is None or wants_code(code)
            unit = self.ext.unit(code)
            return unit is None or wanted.wants_unit(unit)

        return match

    def plan_flush(self, plan: FlushPlan) -> None:
        """Let a plan sync the extension units, too."""
        plan.add_one_of_many(self.ext.files, self.ext.flushed, self.ext.written)
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
        """Return whether the first and the last extension unit are there: what a clean stop left."""
        first, last = self.unit(self.min_offset), self._last_address()
        ends = [first[2]] if first is not None and first[2] <= EXT_MAX_ADDRESS else []
        ends += [last] if last is not None else []
        return all(self._follows(address, 0) for address in ends)

    def _last_address(self) -> int | None:
        """Return the newest address, None if no unit has one."""
        high, low = self.max_offset, self.min_offset
        while high > low:
            begin = max(low, high - _UNITS)
            for _, _, code in reversed(list(UNIT_STRUCT.iter_unpack(self._units(begin, high)))):
                if code <= EXT_MAX_ADDRESS:
                    return int(code)
            high = begin
        return None

    def _units(self, begin: int, end: int) -> bytes:
        """Return the units of messages ``begin`` to ``end``, across files."""
        parts = []
        while begin < end and (part := self.read(begin, end - begin)):
            parts.append(part)
            begin += len(part) // UNIT
        return b"".join(parts)

    def _follows(self, address: int, floor: int) -> bool:
        """Return whether there is an extension unit, written whole, at or behind a place."""
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
