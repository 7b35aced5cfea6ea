"""The queue kind BatchCQ (Java ``BatchConsumeQueue``, 5.x): one 46-byte unit for a batch of messages.

A topic with the attribute ``queue.type=BatchCQ`` has such queues, under ``batchconsumequeue``. A
record may hold many messages (an inner batch, INNER_NUM of them); it takes as many queue offsets,
the first of which is its base. So a unit is looked for by its base, and what is served is the whole
record, of which the client takes what it wants. A record of one message has base and number too.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, ClassVar

from rmqwire.codec.consume_queue import (
    BATCH_UNIT,
    UNIT_STRUCT,
    BatchConsumeQueueUnit,
    unpack_batch_unit,
)
from rmqwire.codec.message_const import PROPERTY_INNER_BASE, PROPERTY_INNER_NUM
from rmqwire.codec.properties import find_property
from rmqwire.store.queues.consume_queue import ConsumeQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rmqwire.codec.record import RecordPosition

MAX_INNER_NUM = 0x7FFF  # the number stands in two bytes
_UNITS = 1024  # units read at once
_INNER_NUM = PROPERTY_INNER_NUM.encode()
_INNER_BASE = PROPERTY_INNER_BASE.encode()
_BASE = Struct(">qiqqqh")  # a unit up to its number
UPPER = "UPPER"


class BatchConsumeQueue(ConsumeQueue):
    """Units of one queue of a BatchCQ topic; positions in bytes are multiples of 46."""

    __slots__ = ("first_offset", "last_offset")
    unit_size: ClassVar[int] = BATCH_UNIT

    def start_at(self, position: int) -> None:
        """Begin, empty in memory, at ``position`` bytes."""
        super().start_at(position)
        self.first_offset = self.last_offset = self.next_offset = 0

    @property
    def min_offset(self) -> int:
        """Offset of the first message."""
        return self.first_offset

    @property
    def max_offset(self) -> int:
        """Offset behind the last visible message."""
        return self.last_offset

    # --- writing -----------------------------------------------------------------------------

    def dispatch(self, units: bytes | bytearray) -> None:
        """Make units visible; they follow the last one."""
        if self.end == self.min:
            self.first_offset = unpack_batch_unit(units).msg_base_offset
        last = unpack_batch_unit(units, len(units) - BATCH_UNIT)
        self.last_offset = last.msg_base_offset + last.batch_num
        super().dispatch(units)

    def tags_codes(self, units: bytes | bytearray) -> dict[int, None]:
        """Return the tags codes of units, each once."""
        places = range(0, len(units), BATCH_UNIT)
        return {unpack_batch_unit(units, at).tags_code: None for at in places}

    def forget_pending(self) -> None:
        """Take the offsets of the running pass back."""
        if self.pending:
            self.next_offset = unpack_batch_unit(self.pending).msg_base_offset
            self.pending.clear()

    # --- reading -----------------------------------------------------------------------------

    def _at(self, index: int) -> BatchConsumeQueueUnit | None:
        """Return the unit at a place of the row, counted from position 0; None if it isn't there."""
        begin = index * BATCH_UNIT
        if not self.min <= begin < self.end:
            return None
        if begin >= self.tail.start:
            return unpack_batch_unit(self.tail.read(begin, begin + BATCH_UNIT))
        data = self.files.read(begin, BATCH_UNIT)
        return unpack_batch_unit(data) if len(data) == BATCH_UNIT else None

    def _indexes(self) -> tuple[int, int]:
        return self.min // BATCH_UNIT, self.end // BATCH_UNIT

    def _first(self, is_behind: Callable[[BatchConsumeQueueUnit], bool]) -> int:
        """Return the index of the first unit behind some border, the end's if there is none."""
        low, high = self._indexes()
        while low < high:
            middle = (low + high) // 2
            unit = self._at(middle)
            if unit is None or is_behind(unit):
                high = middle
            else:
                low = middle + 1
        return low

    def _holding(self, offset: int) -> int:
        """Return the index of the unit that holds message ``offset``."""
        behind = self._first(lambda unit: unit.msg_base_offset > offset)
        return max(behind - 1, self._indexes()[0])

    def unit(self, offset: int) -> tuple[int, int, int] | None:
        """Return (physical offset, size, tags code) of the record that holds one message."""
        found = self.batch_unit(offset)
        return (found.physical_offset, found.size, found.tags_code) if found is not None else None

    def read(self, offset: int, count: int) -> bytes:
        """Return the unit that holds message ``offset`` in the form of a plain one; b"" without."""
        found = self.unit(offset) if count else None
        return UNIT_STRUCT.pack(*found) if found is not None else b""

    def batch_unit(self, offset: int) -> BatchConsumeQueueUnit | None:
        """Return the unit that holds one message, None outside the queue."""
        if not self.first_offset <= offset < self.last_offset:
            return None
        return self._at(self._holding(offset))

    def record_offset(self, offset: int) -> int:
        """Return the offset that the record which holds message ``offset`` says of itself."""
        found = self.batch_unit(offset)
        return found.msg_base_offset if found is not None else offset

    def units_from(self, offset: int) -> Iterator[BatchConsumeQueueUnit]:
        """Return unit after unit, beginning with the one that holds message ``offset``."""
        index, stop = self._holding(offset), self._indexes()[1]
        while index < stop:
            unit = self._at(index)
            if unit is None:
                return
            yield unit
            index += 1

    def offset_by_time(self, timestamp_ms: int, boundary: str) -> int:
        """Return the base of a unit by its store time, in Java's way (``getOffsetInQueueByTime``).

        Behind all: the last unit. LOWER: the first one not before the time. UPPER: as Java's
        search ends, -1 where that finds nothing.
        """
        low, high = self._indexes()
        if low == high:
            return -1
        per_file = self.files.segment_size // BATCH_UNIT
        left = low
        for start in range(low - low % per_file + per_file, high, per_file):
            if self._time(start) <= timestamp_ms:
                left = start
        right = min(left - left % per_file + per_file, high) - 1
        if timestamp_ms >= self._time(right):
            return self._base(right)
        found = self._search(left, right, timestamp_ms, boundary)
        return self._base(found) if found >= 0 else -1

    def _search(self, left: int, right: int, timestamp_ms: int, boundary: str) -> int:
        while left <= right:
            middle = (left + right) // 2
            time = self._time(middle)
            if middle == right:
                return middle if time >= timestamp_ms else -1
            if middle == left:
                if time >= timestamp_ms:
                    return middle
                left = middle + 1
            elif boundary == UPPER:
                left, right = (middle, right) if time <= timestamp_ms else (left, middle - 1)
            else:
                left, right = (middle + 1, right) if time < timestamp_ms else (left, middle)
        return -1

    def _time(self, index: int) -> int:
        unit = self._at(index)
        return unit.store_time if unit is not None else 0

    def _base(self, index: int) -> int:
        unit = self._at(index)
        return unit.msg_base_offset if unit is not None else -1

    # --- opening and cutting -----------------------------------------------------------------

    def load(self, *, thorough: bool = False) -> None:
        """Take up the files and find the end: the first unit that can't be one.

        Raises:
            CorruptLog: the files don't fit together.
            OSError: the disk failed.
        """
        super().load(thorough=thorough)
        self._revise()

    def _revise(self) -> None:
        """Read from the units which offsets the queue has."""
        low, high = self._indexes()
        first = self._at(low)
        last = self._at(high - 1)
        self.last_offset = last.msg_base_offset + last.batch_num if last is not None else 0
        self.first_offset = first.msg_base_offset if first is not None else self.last_offset
        self.next_offset = self.last_offset

    def _used_until(self, begin: int, floor: int) -> tuple[int, int]:
        """Return the position of the first unit of a file that can't be one, and the next floor."""
        stop = begin + self.files.segment_size
        while begin < stop:
            data = self.files.read(begin, min(_UNITS * BATCH_UNIT, stop - begin))
            for at in range(0, len(data) - BATCH_UNIT + 1, BATCH_UNIT):
                place, size, _, _, base, number = _BASE.unpack_from(data, at)
                if place < floor or size <= 0 or base < 0 or number <= 0:
                    return begin + at, floor
                floor = place + size
            begin += len(data)
        return stop, floor

    def cut(self, position: int) -> None:
        """Forget the units from ``position`` on, in memory and on the disk.

        Raises:
            OSError: the disk failed.
        """
        super().cut(position)
        self._revise()

    def cut_log_end(self, log_end: int) -> int:
        """Forget units of records that don't end at or below ``log_end``; give how many."""
        high = self._indexes()[1]
        keep = self._first(lambda unit: unit.physical_offset + unit.size > log_end)
        if keep < high:
            self.cut(keep * BATCH_UNIT)
        return high - keep

    def first_unit(self, is_wanted: Callable[[int, int], bool]) -> int | None:
        """Return the physical offset of the first unit that is wanted, None without one."""
        unit = self._at(self._first(lambda unit: is_wanted(unit.physical_offset, unit.size)))
        return unit.physical_offset if unit is not None else None

    def correct_min(self, min_physical_offset: int) -> None:
        """Let the queue begin at its first record that the log still has."""
        last = self.last_offset
        first = self._first(lambda unit: unit.physical_offset >= min_physical_offset)
        self.min = first * BATCH_UNIT
        self._revise()
        if self.end == self.min:  # the offsets go on although no message is left
            self.first_offset = self.last_offset = self.next_offset = last


def inner_batch(properties: bytes, queue_offset: int) -> tuple[int, int]:
    """Return (base, number) of a record's messages as dispatch takes them (``DispatchRequest``).

    Args:
        properties: the record's property string.
        queue_offset: of the record: the base of a single message.
    """
    number, base = find_property(properties, _INNER_NUM), find_property(properties, _INNER_BASE)
    if number is not None and base is not None and number.isdigit() and base.isdigit():
        return int(base), min(int(number), MAX_INNER_NUM)
    return queue_offset, 1


def messages_in(properties: bytes) -> int:
    """Return how many queue offsets a message takes that is put: INNER_NUM, else 1."""
    if _INNER_NUM not in properties:
        return 1  # the usual case
    number = find_property(properties, _INNER_NUM)
    return min(int(number), MAX_INNER_NUM) if number is not None and number.isdigit() else 1


def batch_unit_of(found: RecordPosition, tags_code: int) -> BatchConsumeQueueUnit:
    """Return the unit that a record in the log must have."""
    base, number = inner_batch(found.properties, found.queue_offset)
    place, size, time = found.physical_offset, found.total_size, found.store_timestamp
    return BatchConsumeQueueUnit(place, size, tags_code, time, base, number)
