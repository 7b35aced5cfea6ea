"""Rows of the 5.x timer store's files (``TimerWheel``, ``TimerLog``): delayed messages that wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rmqwire.codec.timer import (
    DEFAULT_PRECISION_MS,
    MAGIC_DELETE,
    MAGIC_ROLL,
    MIN_BLANK_SIZE,
    SLOT_SIZE,
    UNIT_SIZE,
    TimerLogUnit,
    unpack_slot,
    unpack_unit,
)
from rmqwire.errors import BadRecord, CorruptLog, StoreError
from rmqwire.inspector.files import Segment, open_file, segments

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Row = dict[str, Any]

_SLOTS_AT_ONCE = 8192


def timer_log_rows(path: Path, offset: int | None = None) -> Iterator[Row]:
    """Read the units of a timer log in order, up to where nothing was written.

    Args:
        path: a timer log file, the folder ``timerlog``, or the store's root.
        offset: position (bytes) in the timer log of the unit to begin with.

    Raises:
        StoreError: no such file, or the offset isn't in it.
        CorruptLog: a damaged unit; the rows before it have been given.
    """
    files = segments(path, "timerlog")
    if offset is not None:
        files = [segment for segment in files if segment.end > offset]
        if not files or files[0].start > offset:
            raise StoreError(f"{path}: offset {offset} is not in this timer log")
    for segment in files:
        begin = max(offset - segment.start, 0) if offset is not None else 0
        yield from _segment_rows(segment, begin)


def _segment_rows(segment: Segment, pos: int) -> Iterator[Row]:
    with open_file(segment.path) as file:
        file.seek(pos)
        while len(data := file.read(UNIT_SIZE)) >= MIN_BLANK_SIZE and any(data[:4]):
            try:
                unit = unpack_unit(data)
            except BadRecord as error:
                raise CorruptLog(str(error), str(segment.path), segment.start + pos) from None
            if unit is None:
                return
            yield {"file": str(segment.path), "offset": segment.start + pos, **_unit_row(unit)}
            pos += UNIT_SIZE


def _unit_row(unit: TimerLogUnit) -> Row:
    return {
        "prevPos": unit.prev_pos,
        "magic": unit.magic,
        "roll": bool(unit.magic & MAGIC_ROLL),
        "delete": bool(unit.magic & MAGIC_DELETE),
        "currWriteTime": unit.curr_write_time,
        "delayedTime": unit.delayed_time,
        "deliverTime": unit.deliver_time_ms,
        "offsetPy": unit.offset_py,
        "sizePy": unit.size_py,
        "hashCodeOfRealTopic": unit.hash_code,
    }


def timer_wheel_rows(
    path: Path, offset: int | None = None, *, precision_ms: int = DEFAULT_PRECISION_MS
) -> Iterator[Row]:
    """Read the slots of a timer wheel that were ever used, by time.

    Args:
        path: the file ``timerwheel``, or the store's root.
        offset: time (ms) to begin with.
        precision_ms: timerPrecisionMs of the broker.

    Raises:
        StoreError: no such file.
        CorruptLog: its size is no whole number of slots.
    """
    file = path / "timerwheel" if path.is_dir() else path
    found: list[Row] = []
    with open_file(file) as opened:
        first = 0
        while data := opened.read(SLOT_SIZE * _SLOTS_AT_ONCE):
            if len(data) % SLOT_SIZE:
                at = first * SLOT_SIZE + len(data) - len(data) % SLOT_SIZE
                raise CorruptLog("a slot is cut off", str(file), at)
            if data.count(0) != len(data):
                found += _slot_rows(file, data, first, precision_ms)
            first += len(data) // SLOT_SIZE
    found.sort(key=lambda row: int(row["time"]))
    yield from (row for row in found if offset is None or row["time"] >= offset)


def _slot_rows(file: Path, data: bytes, first: int, precision_ms: int) -> Iterator[Row]:
    for at in range(0, len(data), SLOT_SIZE):
        slot = unpack_slot(data, at)
        if slot.time > 0:
            yield {
                "file": str(file),
                "slot": first + at // SLOT_SIZE,
                "time": slot.time * precision_ms,
                "firstPos": slot.first_pos,
                "lastPos": slot.last_pos,
                "num": slot.num,
                "magic": slot.magic,
            }
