"""The property strings of plain sends, rewritten by their bytes.

What ``properties.py`` does for any string, done for those of one producer, which carry the same names
with values of the same lengths again and again: a string is cut where one like it was cut before, and
is known by everything in it but its values. A string that is not known is split at its separators.
"""

from __future__ import annotations

from itertools import accumulate
from operator import itemgetter
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rmqwire.codec.java_hash import TagsCodes
from rmqwire.codec.properties import MAX_PROPERTIES_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Plan = tuple[Sequence[int], int, int, int]

Stored = tuple[bytes, "bytes | None", int]
"""A record's property string behind its length word, the answered UNIQ_KEY, the tags code."""

LEARN_EVERY: Final = 8  # strings that are not known: to learn one costs more than to read it
LONGEST: Final = 1024  # bytes of a string that is kept; all lengths may be
_OF_ONE_LENGTH: Final = 4  # strings of one length that are known
_MAX_KEY: Final = 255  # bytes: a longer key's answer needs the general encoder


class _Known(NamedTuple):
    """What strings with the same names, and values of the same lengths, are stored as.

    Attributes:
        cut: cuts a string of this length at its values.
        names: all between these.
        format: length word and stored string, without the values.
        pick: takes the values out of all, in the stored order.
        tags: which of them is TAGS, -1: none.
        unique: which is the UNIQ_KEY, -1 when that isn't answered.
        separators: 0x02 in the string; one more than these is part of a value.
    """

    cut: Callable[[bytes], tuple[bytes, ...]]
    names: tuple[bytes, ...]
    format: bytes
    pick: Callable[[Sequence[bytes]], Any]
    tags: int
    unique: int
    separators: int


class PlainProperties:
    """Reads and rewrites the property strings of plain sends.

    Args:
        plan: told the names of a string's properties; returns which entries are stored in order (the
            string's own first, then ``ours``), and the indexes of TAGS, UNIQ_KEY and WAIT, -1 without; None
            when these names are not plain.
        ours: entries of the broker.
        trailing: the stored string ends with a separator.
        answers_key: answers have the UNIQ_KEY.
    """

    def __init__(
        self,
        plan: Callable[[Sequence[str]], Plan | None],
        ours: Sequence[str],
        *,
        trailing: bool,
        answers_key: bool,
    ) -> None:
        self._plan = plan
        self._ours = [entry.encode() for entry in ours]
        self._tail = b"\x02" if trailing else b""
        self._answers_key = answers_key
        self._tags_codes = TagsCodes()
        self._known: dict[int, list[_Known]] = {}  # by the length of the string
        self._misses = 0

    def read(self, data: bytes) -> Stored | None:
        """Return what is stored for a property string; None when it is not plain."""
        for cut, names, stored, pick, tags, unique, separators in self._known.get(len(data), ()):
            parts = cut(data)
            if parts[::2] == names:
                if data.count(2) != separators or not (data.isascii() or _is_utf8(data)):
                    break
                values = parts[1::2]
                key = values[unique] if unique >= 0 else None
                if key is not None and not key.isalnum():
                    return None
                return (
                    stored % pick(values),
                    key,
                    self._tags_codes[values[tags]] if tags >= 0 else 0,
                )
        return self._read_slowly(data)

    def _read_slowly(self, data: bytes) -> Stored | None:
        entries = data.split(b"\x02")
        if not entries[-1]:
            entries.pop()
        heads = [entry.find(b"\x01") + 1 for entry in entries]
        plan = self._plan_of(data, entries, heads)
        if plan is None:
            return None
        indexes, tags, unique, wait = plan
        key = entries[unique][heads[unique] :] if unique >= 0 and self._answers_key else None
        stored = b"\x02".join([(*entries, *self._ours)[index] for index in indexes]) + self._tail
        if (
            (wait >= 0 and entries[wait] != b"WAIT\x01true")
            or (key is not None and not (len(key) <= _MAX_KEY and key.isalnum()))
            or len(stored) > MAX_PROPERTIES_LENGTH
        ):
            return None
        self._misses += 1
        if not self._misses % LEARN_EVERY and len(data) <= LONGEST:
            self._learn(data, entries, heads, plan)
        code = self._tags_codes[entries[tags][heads[tags] :]] if tags >= 0 else 0
        return len(stored).to_bytes(2, "big") + stored, key, code

    def _plan_of(self, data: bytes, entries: list[bytes], heads: list[int]) -> Plan | None:
        """Return what to do with entries whose values begin at ``heads``; None if they are odd."""
        if not all(1 < head < len(entry) for head, entry in zip(heads, entries, strict=True)):
            return None
        try:
            data.decode()
            names = [entry[: head - 1].decode() for head, entry in zip(heads, entries, strict=True)]
        except UnicodeDecodeError:
            return None
        return self._plan(names)

    def _learn(self, data: bytes, entries: list[bytes], heads: list[int], plan: Plan) -> None:
        """Keep how this string is cut and what is stored for those like it."""
        indexes, tags, unique, wait = plan
        values = [n for n in range(len(entries)) if n != wait]
        if not values:
            return
        begins = [0, *accumulate(len(entry) + 1 for entry in entries)]
        layout, position = ">", 0
        for n in values:
            begin, end = begins[n] + heads[n], begins[n] + len(entries[n])
            layout += f"{begin - position}s{end - begin}s"
            position = end
        cut = Struct(f"{layout}{len(data) - position}s").unpack
        slots = [
            entry[:head].replace(b"%", b"%%") + b"%b" if n != wait else entry
            for n, (entry, head) in enumerate(zip(entries, heads, strict=True))
        ]
        slots += [entry.replace(b"%", b"%%") for entry in self._ours]
        stored = b"\x02".join([slots[index] for index in indexes]) + self._tail
        picked = [values.index(index) for index in indexes if index in values]
        size = len(stored % tuple(entries[values[n]][heads[values[n]] :] for n in picked))
        known = self._known.setdefault(len(data), [])
        known.insert(
            0,
            _Known(
                cut,
                cut(data)[::2],
                size.to_bytes(2, "big").replace(b"%", b"%%") + stored,
                itemgetter(*picked),
                values.index(tags) if tags >= 0 else -1,
                values.index(unique) if unique >= 0 and self._answers_key else -1,
                data.count(2),
            ),
        )
        del known[_OF_ONE_LENGTH:]


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
