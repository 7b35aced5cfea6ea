"""Rows of a broker's tables under ``store/config`` (``ConfigManager``): one per entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rmqwire.codec import java_json
from rmqwire.errors import BadBody, CorruptLog, StoreError
from rmqwire.inspector.files import read_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Row = dict[str, Any]


def config_files(path: Path) -> list[Path]:
    """Return the tables under ``path``: one file, the folder ``config``, or the store's root.

    Raises:
        StoreError: nothing there.
    """
    if path.is_file():
        return [path]
    if not path.exists():
        raise StoreError(f"{path}: no such file or folder")
    folder = path / "config" if (path / "config").is_dir() else path
    found = sorted(folder.glob("*.json"))
    if not found:
        raise StoreError(f"{folder}: no tables (*.json) in this folder")
    return found


def config_rows(path: Path) -> Iterator[Row]:
    """Read tables as fastjson writes them: a row per entry of each table, or per plain value.

    Raises:
        StoreError: no such file.
        CorruptLog: a file that is no JSON object; the rows before it have been given.
    """
    for file in config_files(path):
        try:
            tables = java_json.loads(read_file(file))
        except BadBody as error:
            raise CorruptLog(str(error), str(file), error.offset or 0) from None
        if not isinstance(tables, dict):
            raise CorruptLog("no JSON object", str(file), 0)
        for table, entries in tables.items():
            if isinstance(entries, dict):
                for key, value in entries.items():
                    yield {"file": str(file), "table": table, "key": key, "value": value}
            else:
                yield {"file": str(file), "table": table, "key": None, "value": entries}
