"""The hashes of many records' keys at once, where these stand at the same places in their property strings.

The strings of a run have one length and are looked at column by column: a column is the bytes that all
have at one place. Those of names and separators must be the same in all; then each key is a number of
columns. Java's hash is a sum over the characters, ``c * 31 ** (characters behind it)``, so a column that is the
same in all adds one number, and another is added as one big integer with 64 bits for each record. There is
room for 255 characters of 8 bits, times powers of 32 bits: nothing is carried into the next record.
"""

from __future__ import annotations

import sys
from array import array
from functools import lru_cache
from typing import TYPE_CHECKING

from rmqwire.codec.java_hash import positive_hash

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence

    from rmqwire.codec.columns import Grid

    Span = tuple[int, int]

LONGEST = 0xFF  # characters of a key that is hashed so
POWERS = tuple(pow(31, length, 1 << 32) for length in range(LONGEST + 1))
_LANE = 8  # bytes of a number in the big integer
_CHARACTER_AT = 0 if sys.byteorder == "little" else _LANE - 1
_MASK = 0xFFFFFFFF
_SPACE = b" "


class Shape:
    """Where the keys stand in property strings of one length.

    Args:
        text: one of them.
        found: the match of its pattern (``key_layout``).
    """

    __slots__ = ("_fixed", "_is_short", "_values", "_words", "length", "tags", "unique")

    def __init__(self, text: bytes, found: re.Match[bytes]) -> None:
        self.length = len(text)
        self.unique = _spans(text, found.span("unique"), words=False)
        self._words = _spans(text, found.span("words"), words=True)
        self.tags = _spans(text, found.span("tags"), words=False)
        self._is_short = all(end - begin <= LONGEST for begin, end in (*self.keys, *self.tags))
        fixed = _fixed(text, found.span("words"))
        self._fixed = [(at, text[at : at + 1]) for at in fixed]
        self._values = [at for at in range(len(text)) if at not in fixed]

    @property
    def keys(self) -> list[Span]:
        """Return begin and end of each key but the tag, in Java's order."""
        return [*self.unique, *self._words]

    def columns(self, texts: Grid) -> list[bytes] | None:
        """Return the bytes that all texts of a run have at each place; None if one isn't like this one.

        Args:
            texts: rows that begin with texts of ``length`` bytes.
        """
        count, columns = texts.count, [texts.column(at) for at in range(self.length)]
        values = b"".join([columns[at] for at in self._values])
        if not self._is_short or not values.isascii() or b"\x02" in values:
            return None
        for at, byte in self._fixed:
            if columns[at] != byte * count:
                return None
        for begin, end in self._words:
            if _SPACE in b"".join(columns[begin:end]):
                return None
        return columns

    def hashes(self, columns: Sequence[bytes], span: Span, begins: Sequence[int]) -> list[int]:
        """Return the hashes that one key has in each text of a run, one if they are all the same.

        Args:
            columns: of the texts.
            span: where in a text the key stands.
            begins: the hash of what is hashed before the key, once or for each text.
        """
        (first, stop), count = span, len(columns[0])
        total, ones, power = 0, _ones(count), POWERS[stop - first]
        several = 0
        if len(begins) == 1:
            total = begins[0] * power
        else:
            several = _lanes(array("Q", begins)) * power & ones * _MASK
        lanes = bytearray(_LANE * count)
        for column, behind in zip(
            columns[first:stop], range(stop - first - 1, -1, -1), strict=True
        ):
            if column == column[:1] * count:
                total += column[0] * POWERS[behind]
            else:
                lanes[_CHARACTER_AT::_LANE] = column
                several += _lanes(lanes) * POWERS[behind]
        if not several:
            return [positive_hash(total & _MASK)]
        return _positive_hashes(several + (total & _MASK) * ones, ones, count)


@lru_cache(maxsize=64)
def _ones(count: int) -> int:
    """Return the big integer that has 1 for each of so many records."""
    return _lanes(array("Q", [1]) * count)


def _lanes(numbers: bytearray | array[int]) -> int:
    return int.from_bytes(memoryview(numbers).cast("B"), sys.byteorder)


def _positive_hashes(sums: int, ones: int, count: int) -> list[int]:
    """Do what ``positive_hash`` does for many sums at once."""
    low = sums & ones * _MASK
    negative = low >> 31 & ones
    low = (low ^ negative * _MASK) + negative & ones * (_MASK >> 1)
    return memoryview(low.to_bytes(_LANE * count, sys.byteorder)).cast("Q").tolist()


def _spans(text: bytes, span: Span, *, words: bool) -> Sequence[Span]:
    """Return begin and end of the key in a value, or of each blank-separated word of it."""
    begin, end = span
    spans = []
    for word in text[begin:end].split(_SPACE) if words else [text[begin:end]]:
        if word:
            spans.append((begin, begin + len(word)))
        begin += len(word) + 1
    return spans


def _fixed(text: bytes, words: Span) -> Sequence[int]:
    """Return the places of names and separators, those between the words of KEYS included."""
    fixed, at = [], 0
    for entry in text.split(b"\x02"):
        name = entry.find(b"\x01") + 1
        fixed += [*range(at, at + name), at + len(entry)]
        at += len(entry) + 1
    fixed += [at for at in range(*words) if text[at : at + 1] == _SPACE]
    return [at for at in fixed if at < len(text)]
