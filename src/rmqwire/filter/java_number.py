"""Texts as Java numbers (``Integer.valueOf`` and its like), and the order of Java's doubles."""

from __future__ import annotations

import re
import struct
from math import inf, isnan
from typing import Final

from rmqwire.errors import EvaluationError

INT_MAX: Final = 0x7FFFFFFF
LONG_MAX: Final = 0x7FFFFFFFFFFFFFFF

_INTEGER = re.compile(r"[+-]?\d+")  # any decimal digits, as Character.digit takes them
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")  # Java looks at UTF-16 units, none of them a digit
_DOUBLE = re.compile(
    r"([+-]?)(NaN|Infinity"
    r"|(?P<decimal>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[fFdD]?"
    r"|(?P<hex>0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+)[fFdD]?)"
)
_BLANK = "".join(map(chr, range(0x21)))  # what String.trim takes away
_BITS = struct.Struct(">d")
_WORD = struct.Struct(">q")


def _no_number(text: str) -> EvaluationError:
    return EvaluationError(f'NumberFormatException: For input string: "{text}"')


def _parse_integer(text: str, largest: int) -> int:
    if not _INTEGER.fullmatch(text) or (not text.isascii() and _ASTRAL.search(text)):
        raise _no_number(text)
    sign, digits = (text[0], text[1:]) if text[0] in "+-" else ("", text)
    try:
        value = int(sign + (digits.lstrip("0") or "0"))
    except ValueError:  # more digits than Python reads
        raise _no_number(text) from None
    if not -largest - 1 <= value <= largest:
        raise _no_number(text)
    return value


def parse_int(text: str) -> int:
    """Return the value that ``Integer.valueOf`` reads.

    Raises:
        EvaluationError: Java throws NumberFormatException.
    """
    return _parse_integer(text, INT_MAX)


def parse_long(text: str) -> int:
    """Return the value that ``Long.valueOf`` reads.

    Raises:
        EvaluationError: Java throws NumberFormatException.
    """
    return _parse_integer(text, LONG_MAX)


def parse_double(text: str) -> float:
    """Return the value that ``Double.valueOf`` reads: blanks around it, suffixes, hexadecimal.

    Raises:
        EvaluationError: Java throws NumberFormatException.
    """
    trimmed = text.strip(_BLANK)
    if not trimmed:
        raise EvaluationError("NumberFormatException: empty String")
    match = _DOUBLE.fullmatch(trimmed)
    if match is None:
        raise _no_number(trimmed)
    if match["hex"]:
        return float(match[1] + "1") * _from_hex(match["hex"])
    return float(match[1] + (match["decimal"] or match[2]))


def _from_hex(text: str) -> float:
    try:
        return float.fromhex(text)
    except OverflowError:
        return inf


def order_of(number: float) -> int:
    """Return a number that orders doubles as ``Double.compareTo``: -0.0 first, NaN above all."""
    if isnan(number):  # Java takes every NaN for the same
        return LONG_MAX
    (bits,) = _WORD.unpack(_BITS.pack(number))
    return int(bits) if bits >= 0 else int(bits) ^ LONG_MAX
