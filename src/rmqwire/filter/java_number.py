"""Texts as Java's whole numbers (``Integer.valueOf`` and its like)."""

from __future__ import annotations

import re
from typing import Final

from rmqwire.errors import EvaluationError

INT_MAX: Final = 0x7FFFFFFF
LONG_MAX: Final = 0x7FFFFFFFFFFFFFFF

_INTEGER = re.compile(r"[+-]?\d+")  # any decimal digits, as Character.digit takes them
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")  # Java looks at UTF-16 units, none of them a digit


def no_number(text: str) -> EvaluationError:
    """Return what Java throws at a text that is none."""
    return EvaluationError(f'NumberFormatException: For input string: "{text}"')


def _parse_integer(text: str, largest: int) -> int:
    if not _INTEGER.fullmatch(text) or (not text.isascii() and _ASTRAL.search(text)):
        raise no_number(text)
    sign, digits = (text[0], text[1:]) if text[0] in "+-" else ("", text)
    try:
        value = int(sign + (digits.lstrip("0") or "0"))
    except ValueError:  # more digits than Python reads
        raise no_number(text) from None
    if not -largest - 1 <= value <= largest:
        raise no_number(text)
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
