"""Files of the 5.x timer store (``TimerLog``, ``TimerWheel``, ``Slot``).

::

    TimerLog unit, 52 bytes
        size 4 (52)  prevPos 8  magic 4  currWriteTime 8  delayedTime 4 (ms after currWriteTime)
        offsetPy 8  sizePy 4  hash of the real topic 4  reserved 8
    TimerLog blank at a file's end, 16 bytes, the rest undefined
        size 4 (bytes left)  0 8  BLANK magic 4
    TimerWheel slot, 32 bytes; the wheel has slotsTotal * 2 of them
        time 8 (ms / precisionMs)  firstPos 8  lastPos 8  num 4  magic 4

A slot's units are a chain from lastPos along prevPos (-1 ends it).
"""

from __future__ import annotations

from struct import Struct
from struct import error as struct_error
from typing import NamedTuple

from rmqwire.codec.message import BLANK_MAGIC
from rmqwire.errors import BadRecord

Data = bytes | bytearray | memoryview

UNIT_SIZE = 52  # TimerLog.UNIT_SIZE, bytes
MIN_BLANK_SIZE = 16  # TimerLog.MIN_BLANK_LEN, bytes
SLOT_SIZE = 32  # Slot.SIZE, bytes
MAGIC_DEFAULT = 1
MAGIC_ROLL = 2
MAGIC_DELETE = 4
DEFAULT_SLOTS_TOTAL = 7 * 24 * 3600  # TimerMessageStore.TIMER_WHEEL_TTL_DAY in seconds
DEFAULT_PRECISION_MS = 1000  # timerPrecisionMs

_UNIT = Struct(">iqiqiqiiq")
_BLANK = Struct(">iqi")
_SLOT = Struct(">qqqii")


class TimerLogUnit(NamedTuple):
    """One delayed message: where it lies in the commit log and when it is due."""

    prev_pos: int
    magic: int
    curr_write_time: int
    delayed_time: int
    offset_py: int
    size_py: int
    hash_code: int = 0
    reserved: int = 0

    @property
    def deliver_time_ms(self) -> int:
        """When the message is due, ms since the epoch."""
        return self.curr_write_time + self.delayed_time


class TimerSlot(NamedTuple):
    """One tick of the wheel; ``time`` counts in units of the wheel's precision."""

    time: int = 0
    first_pos: int = 0
    last_pos: int = 0
    num: int = 0
    magic: int = 0


def pack_unit(unit: TimerLogUnit) -> bytes:
    """Write a unit of the timer log.

    Raises:
        BadRecord: a number out of range.
    """
    try:
        return _UNIT.pack(UNIT_SIZE, *unit)
    except struct_error as error:
        raise BadRecord(f"timer log unit out of range: {error}") from None


def unpack_unit(data: Data, pos: int = 0) -> TimerLogUnit | None:
    """Read the unit at byte ``pos``; None at the blank that ends a file.

    Raises:
        BadRecord: cut off, or neither a unit nor a blank (size 0: nothing written yet).
    """
    left = len(data) - pos
    if pos < 0 or left < MIN_BLANK_SIZE:
        raise BadRecord("timer log unit cut off", pos)
    size, _, magic = _BLANK.unpack_from(data, pos)
    if magic == BLANK_MAGIC and size >= MIN_BLANK_SIZE:
        return None
    if size != UNIT_SIZE or left < UNIT_SIZE:
        raise BadRecord(f"timer log unit of {size} bytes, {left} left", pos)
    return TimerLogUnit._make(_UNIT.unpack_from(data, pos)[1:])


def pack_blank(size_left: int) -> bytes:
    """Write the 16 bytes that close a file with ``size_left`` bytes left."""
    return _BLANK.pack(size_left, 0, BLANK_MAGIC)


def pack_slot(slot: TimerSlot) -> bytes:
    """Write a slot of the wheel.

    Raises:
        BadRecord: a number out of range.
    """
    try:
        return _SLOT.pack(*slot)
    except struct_error as error:
        raise BadRecord(f"timer slot out of range: {error}") from None


def unpack_slot(data: Data, pos: int = 0) -> TimerSlot:
    """Read the slot at byte ``pos``.

    Raises:
        BadRecord: fewer than 32 bytes left.
    """
    if pos < 0 or len(data) - pos < SLOT_SIZE:
        raise BadRecord("timer slot cut off", pos)
    return TimerSlot._make(_SLOT.unpack_from(data, pos))


def slot_position(
    time_ms: int,
    slots_total: int = DEFAULT_SLOTS_TOTAL,
    precision_ms: int = DEFAULT_PRECISION_MS,
) -> int:
    """Return where the slot of a time lies in the wheel's file, in bytes."""
    return time_ms // precision_ms % (slots_total * 2) * SLOT_SIZE
