"""The property string of a message (``MessageDecoder.messageProperties2String`` and back).

::

    name 0x01 value 0x02   repeated; UTF-8

5.x writes the last 0x02, 4.9 doesn't; both read either form. On reading Java drops entries without
0x01, without a name or without a value; an extra 0x01 stays in the value and a later entry of the
same name wins. Bytes that are no UTF-8 become U+FFFD, as Java's String constructor does it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.columns import Grid
from rmqwire.codec.release import DEFAULT_RELEASE, Release
from rmqwire.errors import BadProperties

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    return properties_text(properties, release).encode("utf-8", "replace")


def properties_text(properties: Mapping[str, str], release: Release = DEFAULT_RELEASE) -> str:
    """Write properties as ``encode_properties`` does, as text; lone surrogates stay.

    Raises:
        BadProperties: as said.
    """
    if not properties:
        return ""
    text = "\x02".join([f"{name}\x01{value}" for name, value in properties.items()])
    count = len(properties)
    if (
        text.count("\x02") != count - 1
        or "" in properties
        or (text.count("\x01") != count and "\x01" in "".join(properties))
    ):
        raise BadProperties(f"{_culprit(properties)} has a separator in it, or no name")
    return f"{text}\x02" if release.wire.trailing_property_separator else text


def _culprit(properties: Mapping[str, str]) -> str:
    for name, value in properties.items():
        if not name or "\x01" in name or "\x02" in name or "\x02" in value:
            return f"property {name!r}"
    return "a property"  # pragma: no cover - only called when one is bad


def find_property(
    data: bytes | bytearray | memoryview, name: bytes, begin: int = 0, end: int | None = None
) -> bytes | None:
    """Find one value in the raw bytes, without building a dict.

    Agrees with ``decode_properties(data[begin:end]).get(name)``: the last entry with a value wins.
    """
    raw = data if isinstance(data, bytes) else bytes(data)
    stop = end = len(raw) if end is None else end
    while (at := raw.rfind(name, begin, stop)) >= 0:
        stop = at + len(name)
        if raw[stop : stop + 1] == b"\x01" and stop < end and (at == begin or raw[at - 1] == 2):
            until = raw.find(b"\x02", stop, end)
            if value := raw[stop + 1 : end if until < 0 else until]:
                return value
        stop -= 1
    return None


def find_in_each(texts: Sequence[bytes], name: bytes) -> list[bytes | None]:
    """Do what ``find_property`` does for each of many, at once where all have the same entry in one place."""
    first, mark = texts[0] if texts else b"", name + b"\x01"
    at = first.rfind(mark)
    begin, value_at = max(at - 1, 0), at + len(mark)
    until = first.find(b"\x02", value_at)
    entry = first[begin : until + 1]
    joined = b"\x02".join(texts)
    count = joined.count(mark)
    if at < 0 and not count:
        return [None] * len(texts)
    if (
        at >= 0
        and value_at < until
        and (at == 0 or entry.startswith(b"\x02"))
        and count == len(texts)
        and [*map(len, texts)].count(len(first)) == count
        and Grid(joined, len(first) + 1, count).is_same(begin, until + 1)
    ):
        return [first[value_at:until]] * len(texts)
    return [find_property(text, name) for text in texts]
