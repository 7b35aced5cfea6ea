"""Timers of a store: do their log, their wheel and the commit log fit each other?

What doesn't fit is put right by the next start of a broker of ours; Java's may lose timers by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.checkpoint import TimerCheckpoint
from rmqwire.errors import BadRecord, CorruptLog, StoreError
from rmqwire.inspector.files import read_file
from rmqwire.inspector.findings import NOTE, PROBLEM
from rmqwire.inspector.timer import timer_log_rows, timer_wheel_rows

if TYPE_CHECKING:
    from pathlib import Path

    from rmqwire.inspector.findings import Findings

PART = "timers"


def check_timers(
    root: Path, findings: Findings, *, log_end: int, precision_ms: int, lag: str
) -> int:
    """Check the timers of a store; return how many units their log has.

    Args:
        root: the store's folder.
        findings: takes what is found.
        log_end: end of the commit log, in bytes.
        precision_ms: timerPrecisionMs of the broker.
        lag: level of what the next start puts right.
    """
    if not (root / "timerlog").is_dir() and not (root / "timerwheel").exists():
        return 0
    units = _units(root, findings, log_end, lag)
    read_ms = _read_time(root, findings)
    if (root / "timerwheel").exists():
        _check_wheel(root, findings, units, read_ms, precision_ms, lag)
    elif units:
        findings.add(lag, PART, "wheel", root / "timerwheel", None, "there is a log but no wheel")
    return len(units)


def _units(root: Path, findings: Findings, log_end: int, lag: str) -> dict[int, tuple[int, int]]:
    """Return position -> (position of the one before it on its slot, time ms) of all units."""
    units: dict[int, tuple[int, int]] = {}
    if not (root / "timerlog").is_dir() or not any((root / "timerlog").iterdir()):
        return units
    try:
        for row in timer_log_rows(root):
            if row["offsetPy"] + row["sizePy"] > log_end:
                text = f"names a record at {row['offsetPy']}, the commit log ends at {log_end}"
                findings.add(NOTE, PART, "reference", row["file"], row["offset"], text)
            units[row["offset"]] = (row["prevPos"], row["deliverTime"])
    except CorruptLog as error:
        findings.add(lag, PART, "unit", root / "timerlog", None, str(error))
    except StoreError as error:
        findings.add(lag, PART, "log", root / "timerlog", None, str(error))
    return units


def _read_time(root: Path, findings: Findings) -> int:
    """Return up to which time timers were delivered, ms since the epoch; 0 when nothing says it."""
    path = root / "config" / "timercheck"
    if not path.exists():
        return 0
    try:
        return TimerCheckpoint.decode(read_file(path)).last_read_time_ms
    except BadRecord as error:
        findings.add(PROBLEM, PART, "check", path, None, str(error))
        return 0


def _check_wheel(
    root: Path,
    findings: Findings,
    units: dict[int, tuple[int, int]],
    read_ms: int,
    precision_ms: int,
    lag: str,
) -> None:
    """Follow the chain of each slot whose tick isn't delivered yet."""
    path = root / "timerwheel"
    try:
        rows = list(timer_wheel_rows(path, read_ms, precision_ms=precision_ms))
    except CorruptLog as error:
        findings.add(lag, PART, "wheel", path, None, str(error))
        return
    for row in rows:
        position, tick = row["lastPos"], row["time"] // precision_ms
        while position >= 0:
            unit = units.get(position)
            if unit is None or unit[1] // precision_ms != tick or unit[0] >= position:
                text = f"the slot of {row['time']} ms leads to {position}, no unit of that tick"
                findings.add(lag, PART, "slot", path, row["slot"], text)
                break
            position = unit[0]
