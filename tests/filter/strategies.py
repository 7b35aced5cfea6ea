"""Hypothesis strategies: SQL92 expressions, right and nearly right, and properties of messages."""

from __future__ import annotations

from hypothesis import strategies as st

NAMES = ("a", "b", "s", "_x1", "$y", "Contains_no")
NUMBER_TEXTS = (
    *("5", "-5", "+5", "05", "5.0", "-5.5e1", "1e3", ".5", "5.", "0", "-0", "0.0", "-0.0", "5d"),
    *("2147483647", "2147483648", "-2147483648", "-2147483649", "4294967296", "5f", "1_000"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "1e400", "1e-400"),
    *("NaN", "nan", "Infinity", "-Infinity", "inf", "0x10", "0x1p4", "0X.8P1d", "9007199254740993"),
    *(
        "\u0665",
        "\uff15",
        "\U0001d7d3",
        " 5",
        "5 ",
        "\t5",
        " 5\n",
        "\x1f5",
        "",
        "+",
        "-",
        "--5",
        "+-5",
        "5L",
        "0" * 40,
    ),
)
WORDS = (
    "abc",
    "ABC",
    "ab",
    "bc",
    "it's",
    "a%c",
    "true",
    "TRUE",
    "False",
    "null",
    "é",
    "中文",
    "😀x",
)
values = st.one_of(st.sampled_from(NUMBER_TEXTS), st.sampled_from(WORDS), st.integers().map(str))
properties = st.dictionaries(st.sampled_from(NAMES), values.filter(bool), max_size=len(NAMES))

_space = st.sampled_from((" ", " ", " ", "  ", "\t", "\n", " \r\n", "/* no * */", " -- x\n"))
_integers = st.sampled_from(
    ("0", "1", "5", "05", "5L", "10", "2147483647", "2147483648", "9223372036854775807", "16")
)
_too_large = st.sampled_from(("9223372036854775808", "0.0", "1e999", "99999999999999999999999"))
_doubles = st.sampled_from(
    ("5.0", "5.5", ".5", "5.", "1e3", "1E-3", "2.5e+1", "1.0e7", "0.001", "4.9e-324", "05.50")
)
_strings = st.sampled_from(WORDS + NUMBER_TEXTS).map(
    lambda text: "'" + text.replace("'", "''") + "'"
)
_names = st.sampled_from(NAMES)
_constants = st.sampled_from(("TRUE", "false", "NULL", "True"))
_operands = st.one_of(
    *(_names, _names, _names, _integers, _doubles, _strings, _constants),
    st.one_of(_integers, _doubles, _names).map(lambda text: f"-{text}"),
    st.one_of(_integers, _names).map(lambda text: f"+ {text}"),
)
_numbers = st.one_of(_names, _integers, _doubles, _integers.map(lambda text: f"-{text}"))


def _case(word: str) -> st.SearchStrategy[str]:
    return st.sampled_from((word, word, word.lower(), word.capitalize()))


@st.composite
def _comparisons(draw: st.DrawFn) -> str:
    form = draw(st.integers(0, 6))
    if form <= 1:
        symbol = draw(st.sampled_from((">", ">=", "<", "<=")))
        return f"{draw(_numbers)}{draw(st.sampled_from(('', ' ')))}{symbol} {draw(_numbers)}"
    if form == 2:
        return f"{draw(_operands)} {draw(st.sampled_from(('=', '<>')))} {draw(_operands)}"
    negation = draw(st.sampled_from(("", "NOT ", "not ")))
    if form == 3:
        low, high = draw(_numbers), draw(_numbers)
        return (
            f"{draw(_names)} {negation}{draw(_case('BETWEEN'))} {low} {draw(_case('AND'))} {high}"
        )
    if form == 4:
        elements = draw(st.lists(_strings, min_size=1, max_size=7))
        return f"{draw(_names)} {negation}{draw(_case('IN'))} ({', '.join(elements)})"
    if form == 5:
        word = draw(st.sampled_from(("CONTAINS", "STARTSWITH", "ENDSWITH", "Contains")))
        return f"{draw(_operands)} {negation}{word} {draw(_strings)}"
    return f"{draw(_operands)} {draw(_case('IS'))} {negation}{draw(_case('NULL'))}"


def _combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def join(parts: tuple[str, str, str, str]) -> str:
        left, space, word, right = parts
        return f"{left}{space} {word} {space}{right}"

    joined = st.tuples(inner, _space, st.sampled_from(("AND", "OR", "or", "And", "=", "<>")), inner)
    return st.one_of(
        joined.map(join),
        joined.map(join),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"NOT ({text})"),
        inner.map(lambda text: f"({text}) IS NOT NULL"),
        inner.map(lambda text: f"+ ({text})"),
    )


expressions = st.recursive(
    st.one_of(_comparisons(), _comparisons(), _names), _combined, max_leaves=5
)

_words = st.sampled_from(
    (
        *("NOT", "AND", "OR", "BETWEEN", "IN", "TRUE", "NULL", "IS", "CONTAINS", "ENDSWITH"),
        *("=", "<>", ">", ">=", "(", ")", ",", "+", "-", "a", "'x'", "5", "5.5", "0.0"),
    )
)
_garbage = st.sampled_from(
    ("#", '"', ".", "/", "'", "%", "é", "😀", "!", "/*", "[", "\x00", "\v", "*")
)


@st.composite
def mistaken_expressions(draw: st.DrawFn) -> str:
    """Return an expression in which one word is gone, is another, or is one too many."""
    text = draw(expressions)
    words = text.split(" ")
    place = draw(st.integers(0, len(words)))
    new = draw(st.one_of(_words, _words, _garbage, _too_large))
    how = draw(st.integers(0, 3))
    if how == 0:
        words[place:] = []
    else:
        words[place : place + how - 1] = [new]
    return draw(st.sampled_from(("", " ", "\t"))).join(["", " ".join(words)])
