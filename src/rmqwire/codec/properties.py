"""The property string of a message (``MessageDecoder.messageProperties2String`` and back).

::

    name 0x01 value 0x02   repeated; UTF-8

5.x writes the last 0x02, 4.9 doesn't; both read either form. On reading Java drops entries without
0x01, without a name or without a value; an extra 0x01 stays in the value and a later entry of the
same name wins. Bytes that are no UTF-8 become U+FFFD, as Java's String constructor does it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.release import DEFAULT_RELEASE, Release
from rmqwire.errors import BadProperties

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME_VALUE_SEPARATOR = "\x01"
PROPERTY_SEPARATOR = "\x02"
MAX_PROPERTIES_LENGTH = 32767  # bytes: PROPERTIES length is a signed short


def decode_properties(data: bytes | bytearray | memoryview | str) -> dict[str, str]:
    """Read a property string into a dict, in the order of the bytes. Never fails, as in Java."""
    text = data if isinstance(data, str) else str(data, "utf-8", "replace")
    properties = {}
    for entry in text.split("\x02"):
        name, _, value = entry.partition("\x01")
        if value and name:
            properties[name] = value
    return properties


def encode_properties(properties: Mapping[str, str], release: Release = DEFAULT_RELEASE) -> bytes:
    """Write properties in the order of the mapping, with the release's last separator.

    An empty value is written, as Java does, and lost on reading. A lone surrogate becomes ``?``.

    Raises:
        BadProperties: an empty name, a separator inside a name, or 0x02 inside a value.
    """
    if not properties:
        return b""
    text = "\x02".join([f"{name}\x01{value}" for name, value in properties.items()])
    if (
        text.count("\x02") != len(properties) - 1
        or "" in properties
        or "\x01" in "".join(properties)
    ):
        raise BadProperties(f"{_culprit(properties)} has a separator in it, or no name")
    if release.trailing_property_separator:
        text += "\x02"
    return text.encode("utf-8", "replace")


def _culprit(properties: Mapping[str, str]) -> str:
    for name, value in properties.items():
        if not name or "\x01" in name or "\x02" in name or "\x02" in value:
            return f"property {name!r}"
    return "a property"  # pragma: no cover - only called when one is bad


def find_property(data: bytes | bytearray | memoryview, name: bytes) -> bytes | None:
    """Find one value in the raw bytes, without building a dict.

    Agrees with ``decode_properties(data).get(name)``: the last entry with a value wins.
    """
    raw = data if isinstance(data, bytes) else bytes(data)
    if name not in raw:
        return None
    needle = b"\x02" + name + b"\x01"
    end = len(raw)
    while (at := raw.rfind(needle, 0, end)) >= 0:
        start = at + len(needle)
        if value := _value_at(raw, start):
            return value
        end = start - 1
    if raw.startswith(needle[1:]):
        return _value_at(raw, len(needle) - 1)
    return None


def _value_at(raw: bytes, start: int) -> bytes | None:
    """Give the value that begins at ``start``, or None when it is empty."""
    stop = raw.find(b"\x02", start)
    return (raw[start:] if stop < 0 else raw[start:stop]) or None
