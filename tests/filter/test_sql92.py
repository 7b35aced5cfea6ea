from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.errors import BadExpression, EvaluationError
from rmqwire.filter.expression import MAX_DEPTH
from rmqwire.filter.sql92 import MAX_LENGTH, compile_sql92
from tests.filter import recordings, strategies
from tests.support.golden import RELEASE_NAMES

LETTERS = {True: "T", False: "F", None: "N"}


def verdict(text: str, properties: dict[str, str], **release: bool) -> str:
    """Return what a compiled expression says: T, F, N or its exception."""
    try:
        return LETTERS[compile_sql92(text, **release).evaluate(properties)]
    except EvaluationError as error:
        return str(error)


def refusal(text: str, **release: bool) -> str | None:
    try:
        compile_sql92(text, **release)
    except BadExpression as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    "recorded", recordings.chosen()["expressions"], ids=lambda one: one["expr"]
)
def test_the_chosen_expressions_are_judged_as_java_judged_them(recorded):
    text = recorded["expr"]
    if not recorded["compiles"]:
        assert refusal(text).partition("\nWas expecting")[0] == recorded["error"]
        return
    assert str(compile_sql92(text)) == recorded["text"]
    for case in recorded["cases"]:
        properties = recordings.chosen()["props"][case["props"]]
        value = {"true": "T", "false": "F", None: "N"}[case.get("value")]
        assert verdict(text, properties) == case.get("error", value)
        assert compile_sql92(text).matches(properties) == case["match"]


@pytest.mark.parametrize("version", RELEASE_NAMES)
def test_drawn_expressions_are_judged_as_java_judged_them(version):
    recorded = recordings.drawn(version)
    errors = recorded["errors"]
    release = {"text_operators": version >= "5"}
    for text, outcome, said, letters in recorded["rows"]:
        if outcome == "compiled":
            assert str(compile_sql92(text, **release)) == said
            java = [errors[ord(one) - 0x100] if one >= "\u0100" else one for one in letters]
            assert [verdict(text, one, **release) for one in recorded["sets"]] == java, text
        elif "+" in text:  # of two mistakes behind a + Java may name the other one
            assert refusal(text, **release) is not None
        else:
            assert refusal(text, **release) == said


def test_the_text_operators_are_names_before_5():
    text = "contains = 'x' AND startswith IS NULL"
    assert verdict(text, {"contains": "x"}, text_operators=False) == "T"
    assert 'Encountered " "CONTAINS" "contains ""' in refusal(text)


def test_what_stands_behind_a_complete_expression_is_ignored_and_known():
    assert compile_sql92("a > 1  b > 1").ignored == "b > 1"
    assert compile_sql92("a > 1)").ignored == ")"
    assert compile_sql92("a > 1 -- ").ignored == "-- "
    assert compile_sql92(" a > 1 ").ignored == ""
    assert compile_sql92("a CONTAINS 'x'", text_operators=False).ignored == "CONTAINS 'x'"


def test_long_chains_are_judged_without_depth():
    text = " OR ".join(f"a = {number}" for number in range(2500))
    assert verdict(text, {"a": "2499"}) == "T"
    assert verdict(text, {"a": "2500"}) == "F"
    assert str(compile_sql92(text)).startswith("((((")


def test_parentheses_cost_no_depth():
    text = "(" * 3000 + "a = 1" + ")" * 3000
    assert verdict(text, {"a": "1"}) == "T"
    assert "Encountered" in refusal("(" * 10_000)


@pytest.mark.parametrize(
    "nested",
    [
        lambda depth: "NOT " * depth + "a",
        lambda depth: "-" * depth + "5 > a",
        lambda depth: "a" + " = a" * depth,
        lambda depth: "a" + " IS NULL" * depth,
        lambda depth: "(a OR (" * (depth // 2) + "b" + " AND c))" * (depth // 2),
    ],
)
def test_deep_nesting_is_judged_up_to_the_limit_and_refused_above_it(nested):
    text = nested(MAX_DEPTH - 1)
    compile_sql92(text).matches({"a": "5"})
    assert str(compile_sql92(text))
    assert "nested deeper than 256 levels" in refusal(nested(MAX_DEPTH + 2))


def test_too_long_an_expression_is_refused_before_it_is_read():
    text = "a = 1" + " " * (MAX_LENGTH - 5)
    assert refusal(text) is None
    assert refusal(text + " ") == f"the expression is longer than {MAX_LENGTH} characters"


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "sign", ["-", "+", "'", "/*", "*/", "--\n", "(", "NOT ", "(a OR ", "''", "."]
)
def test_the_longest_texts_take_no_time_that_grows_faster_than_they(sign):
    assert refusal((sign * MAX_LENGTH)[:MAX_LENGTH])


@given(st.one_of(st.text(), strategies.mistaken_expressions()), st.booleans())
def test_any_text_is_an_expression_or_refused(text, text_operators):
    try:
        expression = compile_sql92(text, text_operators=text_operators)
    except BadExpression:
        return
    assert str(expression)
    assert expression.matches({}) in {True, False}


@given(strategies.expressions, st.dictionaries(st.sampled_from(strategies.NAMES), st.text()))
def test_any_property_gets_a_verdict_or_an_evaluation_error(text, properties):
    assert refusal(text) or verdict(text, properties)


def test_lark_is_imported_with_the_first_expression():
    code = (
        "import sys, rmqwire.filter.sql92 as f; assert 'lark' not in sys.modules;"
        "f.compile_sql92('a'); assert 'lark' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
