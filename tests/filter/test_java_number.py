from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.errors import EvaluationError
from rmqwire.filter.java_double import order_of, parse_double
from rmqwire.filter.java_number import parse_int, parse_long


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), ("+5", 5), ("-05", -5), ("\u0665", 5), ("\uff150", 50), ("0" * 5000 + "1", 1)],
)
def test_integers_are_read_as_java_reads_them(text, value):
    assert parse_int(text) == parse_long(text) == value


@pytest.mark.parametrize(
    "text", ["", "+", "-", "--5", " 5", "5 ", "1_0", "5.0", "5L", "0x5", "\U0001d7d3"]
)
def test_what_java_takes_for_no_integer_is_refused(text):
    with pytest.raises(EvaluationError, match="NumberFormatException: For input string: "):
        parse_long(text)


def test_integers_end_where_their_type_ends():
    assert parse_int("2147483647") == 2147483647
    assert parse_int("-2147483648") == -2147483648
    assert parse_long("9223372036854775807") == 2**63 - 1
    for parse, text in [(parse_int, "2147483648"), (parse_long, "-9223372036854775809")]:
        with pytest.raises(EvaluationError, match=text):
            parse(text)
    with pytest.raises(EvaluationError):
        parse_long("9" * 10_000)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((" 5 ", 5.0), ("\x005\x1f", 5.0), ("5d", 5.0), ("5.F", 5.0), (".5e1", 5.0), ("-5", -5.0)),
        *(("1e400", float("inf")), ("-1e400", float("-inf")), ("1e-400", 0.0)),
        *(("Infinity", float("inf")), ("-Infinity", float("-inf"))),
        *(("0x10p0", 16.0), ("-0X.8P1d", -1.0), ("0x1p99999", float("inf"))),
    ],
)
def test_doubles_are_read_as_java_reads_them(text, value):
    assert parse_double(text) == value


@pytest.mark.parametrize(
    "text", ["x", "inf", "nan", "infinity", "1_0", "0x10", "5dd", "\u0665", "\u00a05"]
)
def test_what_java_takes_for_no_double_is_refused(text):
    with pytest.raises(EvaluationError, match="NumberFormatException: For input string: "):
        parse_double(text)


def test_a_blank_double_has_a_message_of_its_own():
    with pytest.raises(EvaluationError, match=r"^NumberFormatException: empty String$"):
        parse_double(" \t")


@given(st.floats())
def test_any_double_that_python_prints_is_read(number):
    text = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(str(number), repr(number))
    assert order_of(parse_double(text)) == order_of(number)


def test_doubles_stand_in_javas_order():
    numbers = [float("-inf"), -1.5, -5e-324, -0.0, 0.0, 5e-324, 1.5, float("inf"), float("nan")]
    assert all(order_of(less) < order_of(more) for less, more in pairwise(numbers))
    assert order_of(float("nan")) == order_of(-float("nan"))
