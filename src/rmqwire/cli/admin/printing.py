"""Values as Java prints them, and the same as JSON."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from typing import TYPE_CHECKING

from rmqwire.codec.bodies.base import Body

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def row(layout: str, *cells: object) -> str:
    """Return a line as Java's ``printf`` lays it out: null, true and false in its spelling.

    Args:
        layout: Java's format string, without its ``%n``.
        cells: its values.
    """
    return layout % tuple(_java(cell) for cell in cells)


def _java(cell: object) -> object:
    if cell is None:
        return "null"
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return cell


def front(text: str, size: int) -> str:
    """Return the beginning of a long text (``UtilAll.frontStringAtLeast``)."""
    return text[:size]


def time_text(timestamp_ms: int) -> str:
    """Write a time of day in local time, as ``UtilAll.timeMillisToHumanString2`` does."""
    return f"{second_text(timestamp_ms)},{timestamp_ms % 1000:03d}"


def second_text(timestamp_ms: int, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """Write a time of day in local time to the second, as ``UtilAll.formatDate`` does."""
    found = datetime.fromtimestamp(timestamp_ms // 1000)  # noqa: DTZ006  local time, as Java's tool
    return f"{found:{form}}"


def jsonable(value: object) -> object:
    """Return what ``json.dumps`` writes of a result: fields under Java's spelling of their names."""
    if isinstance(value, Body):
        found = json.loads(value.encode(standard=True))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        found = {
            _camel(field.name): jsonable(getattr(value, field.name))
            for field in dataclasses.fields(value)
        }
    elif isinstance(value, dict):
        found = {str(key): jsonable(one) for key, one in value.items()}
    elif isinstance(value, (list, tuple)):
        found = [jsonable(one) for one in value]
    else:
        found = value
    return found


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(one.capitalize() for one in others)


def setting_lines(settings: Mapping[str, str]) -> Iterator[str]:
    """Return the lines of a server's settings."""
    for key, value in settings.items():
        yield f"{key:<50}=  {value}"
