"""Where a record's keys stand in its property string: what one producer sends has them in one order.

So the names of one property string become a pattern, which finds the values in the next ones at once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rmqwire.codec.message_const import (
    PROPERTY_KEYS,
    PROPERTY_TAGS,
    PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX,
)
from rmqwire.codec.properties import find_property

if TYPE_CHECKING:
    from collections.abc import Callable

    Values = tuple[bytes, ...]  # of UNIQ_KEY, KEYS and TAGS, b"" without one
    FullMatch = Callable[..., re.Match[bytes] | None]  # of a text, or of a part of it

UNIQUE_KEY = PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX.encode()
KEYS = PROPERTY_KEYS.encode()
TAGS = PROPERTY_TAGS.encode()
GROUPS = ("unique", "words", "tags")  # of a pattern, in Java's order
_WANTED = dict(zip((UNIQUE_KEY, KEYS, TAGS), GROUPS, strict=True))
_VALUE = b"[^\x02]*"
_MOST = 64  # properties of a message that has a pattern
_KEPT = 256  # patterns; compiling one takes as long as finding the keys of a hundred records


def find_values(data: bytes, begin: int, end: int) -> Values:
    """Return the values in the property string from ``begin`` to ``end``, whatever it is like."""
    return tuple([find_property(data, name, begin, end) or b"" for name in _WANTED])


class Layouts:
    """The patterns of property strings that were met before."""

    __slots__ = ("_once", "_patterns")

    def __init__(self) -> None:
        self._patterns: dict[tuple[bytes, ...], FullMatch] = {}
        self._once: set[tuple[bytes, ...]] = set()  # names that were met once

    def of(self, properties: bytes) -> FullMatch | None:
        """Return what finds the values (``GROUPS``) in this property string and in those like it.

        None when these names come for the first time or can't have a pattern.
        """
        names = tuple([entry.partition(b"\x01")[0] for entry in properties.split(b"\x02")])
        match = self._patterns.get(names)
        if match is not None or len(self._patterns) >= _KEPT:
            return match
        if names not in self._once:
            if len(self._once) >= _KEPT:
                self._once.clear()
            self._once.add(names)
        elif (match := _compile(names)) is not None:
            self._patterns[names] = match
        return match


def _compile(names: tuple[bytes, ...]) -> FullMatch | None:
    """Make the pattern of properties with certain names, None if one comes twice or they are many."""
    if len(set(names)) != len(names) or len(names) > _MOST:
        return None
    entries, left = [], dict(_WANTED)
    for name in names if names[-1] else names[:-1]:
        group = left.pop(name, None)
        value = _VALUE if group is None else _group(group, _VALUE)
        entries.append(re.escape(name) + b"\x01" + value)
    text = b"\x02".join(entries) + b"\x02?"
    return re.compile(text + b"".join(_group(group, b"") for group in left.values())).fullmatch


def _group(name: str, pattern: bytes) -> bytes:
    return b"(?P<%b>%b)" % (name.encode(), pattern)
