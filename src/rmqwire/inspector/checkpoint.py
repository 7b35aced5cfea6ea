"""The store's checkpoint files as rows (``StoreCheckpoint``, ``TimerCheckpoint``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from rmqwire.codec.checkpoint import StoreCheckpoint, TimerCheckpoint
from rmqwire.errors import BadRecord, CorruptLog
from rmqwire.inspector.files import read_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Row = dict[str, Any]

_TIMER_NAME = "timercheck"


def checkpoint_rows(path: Path) -> Iterator[Row]:
    """Read a checkpoint file, or those of a store's root: one row per number.

    Raises:
        StoreError: no such file.
        CorruptLog: too short for its numbers.
    """
    files = [path]
    if path.is_dir():
        timer = path / "config" / _TIMER_NAME
        files = [path / "checkpoint", *([timer] if timer.exists() else [])]
    for file in files:
        kind = TimerCheckpoint if file.name == _TIMER_NAME else StoreCheckpoint
        try:
            found = kind.decode(read_file(file))
        except BadRecord as error:
            raise CorruptLog(str(error), str(file), 0) from None
        for name, value in msgspec.structs.asdict(found).items():
            yield {"file": str(file), "name": _camel(name), "value": value}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
