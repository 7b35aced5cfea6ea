"""Values as Java prints them, and the same as JSON."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from rmqwire.codec.bodies.base import Body
from rmqwire.codec.java_map import hash_map_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def row(layout: str, *cells: object) -> str:
    """Return a line as Java's ``printf`` lays it out: null, true and false in its spelling.

    Args:
        layout: Java's format string, without its ``%n``.
        cells: its values.
    """
    return layout % tuple(
        cell if isinstance(cell, (int, float)) and not isinstance(cell, bool) else java_text(cell)
        for cell in cells
    )


def java_text(value: object) -> str:
    """Return what Java's ``String.valueOf`` makes of a value; of a body what its ``toString`` does."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(java_text, value))}]"
    if isinstance(value, dict):
        keys = hash_map_order(value) if all(isinstance(key, str) for key in value) else value
        return f"{{{', '.join(f'{java_text(key)}={java_text(value[key])}' for key in keys)}}}"
    if isinstance(value, Body):
        told = (f"{name}={java_text(one)}" for name, one in fields_of(value))
        return f"{type(value).__name__}{{{', '.join(told)}}}"
    return str(value)


def fields_of(body: Body) -> Iterator[tuple[str, object]]:
    """Yield the fields of a body under Java's names, in their order, with their values."""
    for name, spelled in zip(body.__struct_fields__, body.__struct_encode_fields__, strict=True):
        yield spelled, getattr(body, name)


def front(text: str, size: int) -> str:
    """Return the beginning of a long text (``UtilAll.frontStringAtLeast``)."""
    return text[:size]


def time_text(timestamp_ms: int) -> str:
    """Write a time of day in local time, as ``UtilAll.timeMillisToHumanString2`` does."""
    return f"{second_text(timestamp_ms)},{timestamp_ms % 1000:03d}"


def second_text(timestamp_ms: int, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """Write a time of day in local time to the second, as ``UtilAll.formatDate`` does.

    A time beyond Python's calendar is written as its ms.
    """
    try:
        found = datetime.fromtimestamp(timestamp_ms // 1000)  # noqa: DTZ006  local time, as Java's tool
    except (OverflowError, OSError, ValueError):
        return str(timestamp_ms)
    return f"{found:{form}}"


def compact_time(timestamp_ms: int) -> str:
    """Write a time of day in 17 digits, as ``UtilAll.timeMillisToHumanString`` does."""
    return f"{second_text(timestamp_ms, '%Y%m%d%H%M%S')}{timestamp_ms % 1000:03d}"


def jsonable(value: object) -> object:
    """Return what ``json.dumps`` writes of a result: fields under Java's spelling of their names."""
    found: object
    if isinstance(value, Body):
        found = {name: jsonable(one) for name, one in fields_of(value)}
    elif isinstance(value, msgspec.Struct):
        found = {_camel(name): jsonable(getattr(value, name)) for name in value.__struct_fields__}
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        found = {
            _camel(field.name): jsonable(getattr(value, field.name))
            for field in dataclasses.fields(value)
        }
    elif isinstance(value, dict) and any(isinstance(key, Body) for key in value):
        found = [{"key": jsonable(key), "value": jsonable(one)} for key, one in value.items()]
    elif isinstance(value, dict):
        found = {str(key): jsonable(one) for key, one in value.items()}
    elif isinstance(value, Enum):
        found = value.value
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
