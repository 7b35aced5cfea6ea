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
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence

    Span = tuple[int, int]

LONGEST = 0xFF  # characters of a key that is hashed so
POWERS = tuple(pow(31, length, 1 << 32) for length in range(LONGEST + 1))
_LANE = 8  # bytes of a number in the big integer
_CHARACTER_AT, _LOW_AT = (0, 0) if sys.byteorder == "little" else (_LANE - 1, 1)
_SPACE = b" "


class Shape:
    """Where the keys stand in property strings of one length.

    Args:
        text: one of them.
        found: the match of its pattern (``key_layout``).
    """

    __slots__ = ("_fixed", "_is_short", "_separators", "_words", "length", "tags", "unique")

    def __init__(self, text: bytes, found: re.Match[bytes]) -> None:
        self.length = len(text)
        self.unique = _spans(text, found.span("unique"), words=False)
        self._words = _spans(text, found.span("words"), words=True)
        self.tags = _spans(text, found.span("tags"), words=False)
        self._is_short = all(end - begin <= LONGEST for begin, end in (*self.keys, *self.tags))
        self._separators = text.count(b"\x02")
        fixed = {at: text[at : at + 1] for at in _fixed(text, found.span("words"))}
        self._fixed = [*fixed.items()]

    @property
    def keys(self) -> list[Span]:
        """Return begin and end of each key but the tag, in Java's order."""
        return [*self.unique, *self._words]

    def is_of(self, run: bytes, count: int) -> bool:
        """Return whether all texts of a run are like this one.

        Args:
            run: texts of ``length`` bytes, one after the other.
            count: how many.
        """
        length = self.length
        if not self._is_short or len(run) != count * length or not run.isascii():
            return False
        if run.count(b"\x02") != count * self._separators:
            return False
        for at, byte in self._fixed:
            if run[at::length] != byte * count:
                return False
        return not any(_SPACE in run[at::length] for word in self._words for at in range(*word))

    def hashes(self, run: bytes, count: int, span: Span, begins: Sequence[int]) -> list[int]:
        """Return the hashes that one key has in each text of a run.

        Args:
            run: texts for which ``is_of`` is true.
            count: how many.
            span: where in a text the key stands.
            begins: the hash of what is hashed before the key, once or for each text.
        """
        length, (first, stop), power = self.length, span, POWERS[span[1] - span[0]]
        total = several = 0
        if len(begins) == 1:
            total = begins[0] * power
        else:
            starts = array("Q", [begin * power & 0xFFFFFFFF for begin in begins])
            several = int.from_bytes(starts.tobytes(), sys.byteorder)
        lanes = bytearray(_LANE * count)
        for at in range(first, stop):
            column, power = run[at::length], POWERS[stop - at - 1]
            if column == column[:1] * count:
                total += column[0] * power
            else:
                lanes[_CHARACTER_AT::_LANE] = column
                several += int.from_bytes(lanes, sys.byteorder) * power
        total &= 0xFFFFFFFF
        if not several:
            return [total if total < 0x80000000 else -total & 0x7FFFFFFF] * count
        several += int.from_bytes(total.to_bytes(_LANE, sys.byteorder) * count, sys.byteorder)
        words = memoryview(several.to_bytes(_LANE * count, sys.byteorder)).cast("I")
        sums = words[_LOW_AT::2].tolist()
        return [one if one < 0x80000000 else -one & 0x7FFFFFFF for one in sums]


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
