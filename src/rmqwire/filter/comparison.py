"""Tests of two values, as closures (``ComparisonExpression`` of rocketmq-filter).

A value is a Java object: a text, an int or long, a double, a Boolean, or null (None). What a side of
a comparison can be, null aside, is known when it is compiled; so the conversions that Java chooses
per message, by the classes of both values, are chosen once from the kinds of both sides. A text is
read as a number of the other side's type, and when it holds none the whole expression fails.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, TypeAlias

from rmqwire.errors import EvaluationError
from rmqwire.filter.java_double import order_of, parse_double
from rmqwire.filter.java_number import parse_int, parse_long

Value: TypeAlias = str | int | float | bool | None
Properties: TypeAlias = Mapping[str, str]
Evaluate: TypeAlias = Callable[[Properties], Value]


class Kind(IntEnum):
    """The Java class of what a side gives when that isn't null."""

    TEXT = 0
    INT = 1
    LONG = 2
    DOUBLE = 3
    BOOLEAN = 4
    NOTHING = 5  # it is always null


NUMBERS = (Kind.INT, Kind.LONG, Kind.DOUBLE)
ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


def _double_of_text(text: str) -> int:
    return order_of(parse_double(text))


def _double_of_number(number: float) -> int:
    return order_of(float(number))


def _boolean_of_text(text: str) -> bool:
    return text.lower() == "true"


def _text_of_boolean(_value: bool) -> str:
    raise EvaluationError(  # Java converts the wrong side here
        "ClassCastException: class java.lang.Boolean cannot be cast to class java.lang.String "
        "(java.lang.Boolean and java.lang.String are in module java.base of loader 'bootstrap')"
    )


def _same(value: Value) -> Value:
    return value


_PARSERS: dict[Kind, Callable[[str], Value]] = {
    Kind.TEXT: _same,
    Kind.INT: parse_int,
    Kind.LONG: parse_long,
    Kind.DOUBLE: _double_of_text,
    Kind.BOOLEAN: _boolean_of_text,
    Kind.NOTHING: _same,
}


def converters(left: Kind, right: Kind) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Return what makes a left and a right value comparable (``ComparisonExpression.__compare``).

    Doubles become whole numbers that stand in the order of ``Double.compareTo``. The converter of a
    text raises EvaluationError when it holds no number of the other side's type.
    """
    if (left, right) == (Kind.BOOLEAN, Kind.TEXT):
        return _text_of_boolean, _same
    return _converter(left, right), _converter(right, left)


def _converter(kind: Kind, other: Kind) -> Callable[[Any], Any]:
    if kind == Kind.TEXT:
        return _PARSERS[other]
    return _double_of_number if Kind.DOUBLE in (kind, other) else _same


def are_comparable(left: Kind, right: Kind) -> bool:
    """Return whether Java compares the sides at all; a Boolean is never equal to a number."""
    return (left == Kind.BOOLEAN) == (right == Kind.BOOLEAN) or Kind.TEXT in (left, right)


def ordering(symbol: str, left: Evaluate, right: Evaluate, kinds: tuple[Kind, Kind]) -> Evaluate:
    """Return the test of ``>``, ``>=``, ``<`` or ``<=``: null when a side is null.

    Two texts, which are two properties, are compared as doubles.

    Args:
        symbol: a key of ORDERINGS.
        left: gives the left value of a message.
        right: gives the right one.
        kinds: what both give.
    """
    compare = ORDERINGS[symbol]
    of_left, of_right = converters(*kinds)
    if kinds == (Kind.TEXT, Kind.TEXT):
        of_left = of_right = _double_of_text

    def test(properties: Properties) -> bool | None:
        left_value = left(properties)
        if left_value is None:
            return None
        right_value = right(properties)
        if right_value is None:
            return None
        return compare(of_left(left_value), of_right(right_value))

    return test


def equality(left: Evaluate, right: Evaluate, kinds: tuple[Kind, Kind]) -> Evaluate:
    """Return the test of ``=``: null when only the left side is null, false when only the right is.

    Args:
        left: gives the left value of a message.
        right: gives the right one; both are always asked for.
        kinds: what both give.
    """
    comparable = are_comparable(*kinds)
    of_left, of_right = converters(*kinds)

    def test(properties: Properties) -> bool | None:
        left_value = left(properties)
        right_value = right(properties)
        if left_value is None:
            return True if right_value is None else None
        if right_value is None or not comparable:
            return False
        return bool(of_left(left_value) == of_right(right_value))

    return test


def is_less(left: Value, right: Value, kinds: tuple[Kind, Kind]) -> bool:
    """Return whether Java takes the left value, not null, for less than the right one.

    Raises:
        EvaluationError: a text that is no number.
    """
    if not are_comparable(*kinds):
        return True
    of_left, of_right = converters(*kinds)
    return bool(of_left(left) < of_right(right))
