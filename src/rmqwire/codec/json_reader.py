"""Read the JSON that fastjson writes and accepts: the tolerant half of ``java_json``.

Beyond RFC 8259 it takes what fastjson 1.2.69 and fastjson2 2.0.59 were seen to take: keys that
are bare integers, words or whole objects (``{0:"a"}``, ``{{"topic":"t"}:1}``), single quotes,
extra commas, comments, ``NaN``, ``1L``, ``Set[1]`` and the escapes ``\\x41 \\v \\0 \\'``.
Depth and digits are limited; everything else that is wrong is a ``BadBody`` with its offset.
"""

from __future__ import annotations

import re
from math import isinf
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from rmqwire.errors import BadBody

if TYPE_CHECKING:
    from collections.abc import Callable

JsonValue: TypeAlias = Any  # whatever a JSON text can stand for
MAX_DEPTH: Final = 96  # levels of nesting; RocketMQ's own bodies stay below 10
MAX_DIGITS: Final = 64  # digits of one integer; a Java long has 19

_SPACE = re.compile(r"(?:[ \t\r\n\f\b]+|/\*.*?\*/|//[^\n]*)*", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(\d+)?(\.\d*)?([eE][+-]?\d+)?[LSBFDlsbfd]?")
_WORD = re.compile(r"[A-Za-z_$][\w$.\-]*")
_PLAIN = {'"': re.compile(r'[^"\\]*'), "'": re.compile(r"[^'\\]*")}
_HEX = {"u": re.compile(r"[0-9A-Fa-f]{4}"), "x": re.compile(r"[0-9A-Fa-f]{2}")}
_ESCAPES = {
    **{c: c for c in "\"'\\/"},
    "b": "\b",
    "f": "\f",
    "F": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    **{str(n): chr(n) for n in range(8)},
}
_WORDS: Final = {"true": True, "false": False, "null": None, "NaN": None, "undefined": None}
_END: Final = "\0"  # stands behind the text, so that looking ahead never runs over


class Spelled(str):
    """A number with a fraction or an exponent, as it is spelled."""

    __slots__ = ()


class ObjectKey(dict[str, Any]):
    """A JSON object that was the key of a map, such as a ``MessageQueue``; flat and hashable."""

    __slots__ = ()

    def __hash__(self) -> int:  # type: ignore[override]  # a dict says it has none
        return hash(frozenset(self.items()))


def read_tolerant(text: str, fraction: Callable[[str], JsonValue] = float) -> JsonValue:
    """Return the value that ``text`` stands for, by fastjson's rules.

    Args:
        text: the JSON text.
        fraction: makes a number with a fraction or an exponent of its spelling.

    Raises:
        BadBody: the text is not one JSON value, nests deeper than ``MAX_DEPTH`` or holds a
            number nobody can mean.
    """
    reader = _Reader(text.removeprefix("\ufeff") + _END, fraction)
    value = reader.value(0)
    if reader.peek() != _END or reader.pos != len(reader.text) - 1:
        raise BadBody("text after the JSON value", reader.pos)
    return value


class _Reader:
    """One pass over one text; ``pos`` is the next character to read."""

    __slots__ = ("fraction", "pos", "text")

    def __init__(self, text: str, fraction: Callable[[str], JsonValue]) -> None:
        self.text = text
        self.fraction = fraction
        self.pos = 0

    def peek(self) -> str:
        """Skip blanks and comments, then give the next character without taking it."""
        self.pos = _SPACE.match(self.text, self.pos).end()  # type: ignore[union-attr]  # matches ""
        return self.text[self.pos]

    def value(self, depth: int) -> JsonValue:
        char = self.peek()
        if char == "{":
            return self.object(depth + 1)
        if char == "[":
            return self.array(depth + 1)
        if char in "\"'":
            return self.string(char)
        if char in "+-.0123456789":
            return self.number()
        return self.word(depth)

    def object(self, depth: int) -> dict[Any, Any]:
        self.open(depth)
        result: dict[Any, Any] = {}
        while (char := self.peek()) != "}":
            if char == ",":
                self.pos += 1
                continue
            key = self.key(char, depth)
            if self.peek() != ":":
                raise BadBody("expected ':' after a key", self.pos)
            self.pos += 1
            result[key] = self.value(depth)
            if self.peek() not in ",}":
                raise BadBody("expected ',' or '}'", self.pos)
        self.pos += 1
        return result

    def array(self, depth: int) -> list[Any]:
        self.open(depth)
        result: list[Any] = []
        while (char := self.peek()) != "]":
            if char == ",":
                self.pos += 1
                continue
            result.append(self.value(depth))
            if self.peek() not in ",]":
                raise BadBody("expected ',' or ']'", self.pos)
        self.pos += 1
        return result

    def open(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise BadBody(f"nested deeper than {MAX_DEPTH}", self.pos)
        self.pos += 1

    def key(self, char: str, depth: int) -> JsonValue:
        if char in "\"'":
            return self.string(char)
        if char == "{":
            return self.object_key(depth)
        if char in "+-0123456789":
            number = self.number()
            return number if isinstance(number, int) else str(number)
        return self.take(_WORD, "expected a key")

    def object_key(self, depth: int) -> ObjectKey:
        start = self.pos
        key = ObjectKey(self.object(depth + 1))
        if any(isinstance(item, (dict, list)) for item in key.values()):
            raise BadBody("an object used as key must be flat", start)
        return key

    def string(self, quote: str) -> str:
        self.pos += 1
        plain = _PLAIN[quote]
        pieces: list[str] = []
        while True:
            pieces.append(self.take(plain, "unreadable string", empty=True))
            char = self.text[self.pos]
            if self.pos == len(self.text) - 1 or self.pos >= len(self.text):
                raise BadBody("the text ends inside a string", self.pos)
            self.pos += 1
            if char == quote:
                return _whole_characters("".join(pieces))
            pieces.append(self.escape())

    def escape(self) -> str:
        char = self.text[self.pos]
        self.pos += 1
        digits = _HEX.get(char)
        if digits is not None:
            return chr(int(self.take(digits, "bad hexadecimal escape"), 16))
        try:
            return _ESCAPES[char]
        except KeyError:
            raise BadBody(f"unknown escape \\{char!a}", self.pos - 1) from None

    def number(self) -> JsonValue:
        start = self.pos
        match = _NUMBER.match(self.text, start)
        if match is None or not (match[1] or len(match[2] or "") > 1):
            raise BadBody("unreadable number", start)
        self.pos = match.end()
        text = match[0].rstrip("LSBFDlsbfd")
        if match[2] is None and match[3] is None:
            if len(text) > MAX_DIGITS:
                raise BadBody(f"an integer of more than {MAX_DIGITS} digits", start)
            return int(text)
        number = self.fraction(text)
        if isinstance(number, float) and isinf(number):
            raise BadBody("number out of range", start)
        return number

    def word(self, depth: int) -> JsonValue:
        start = self.pos
        word = self.take(_WORD, "expected a value")
        if word in _WORDS:
            return _WORDS[word]
        if word in {"Set", "TreeSet"} and self.peek() == "[":
            return self.array(depth + 1)
        raise BadBody(f"unknown word {word[:20]!a}", start)

    def take(self, pattern: re.Pattern[str], problem: str, *, empty: bool = False) -> str:
        match = pattern.match(self.text, self.pos)
        if match is None or not (empty or match[0]):
            raise BadBody(problem, self.pos)
        self.pos = min(match.end(), len(self.text) - 1)
        return match[0]


def _whole_characters(text: str) -> str:
    """Join surrogate pairs written as two escapes; a lone one becomes U+FFFD."""
    if not any("\ud800" <= char <= "\udfff" for char in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
