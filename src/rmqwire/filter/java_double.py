"""Texts as Java's doubles (``Double.valueOf``), and the order of these."""

from __future__ import annotations

import re
import struct
from math import inf, isnan

from rmqwire.errors import EvaluationError
from rmqwire.filter.java_number import LONG_MAX, no_number

_DOUBLE = re.compile(
    r"([+-]?)(NaN|Infinity"
    r"|(?P<decimal>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[fFdD]?"
    r"|(?P<hex>0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+)[fFdD]?)"
)
_BLANK = "".join(map(chr, range(0x21)))  # what String.trim takes away
_BITS = struct.Struct(">d")
_WORD = struct.Struct(">q")


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
        raise no_number(trimmed)
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
