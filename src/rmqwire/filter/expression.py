"""The parts of an SQL92 expression, made from the bottom up while it is parsed.

Stands for the ``expression`` package of rocketmq-filter: what may be combined with what, the texts
of the refusals, ``toString``. A part is a closure over the closures of its operands, so a message
costs calls and nothing else. Chains of AND and OR are one part however long they are; other nesting
costs the interpreter's stack and is refused above MAX_DEPTH, where Java's ends at some thousands
with a StackOverflowError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.codec.java_map import hash_map_order
from rmqwire.codec.json_writer import java_double
from rmqwire.errors import BadExpression, EvaluationError
from rmqwire.filter.comparison import (
    NUMBERS,
    Evaluate,
    Kind,
    Properties,
    Value,
    equality,
    is_less,
    ordering,
)
from rmqwire.filter.java_number import INT_MAX, LONG_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_DEPTH: Final = 256
_MAX_LIST: Final = 4  # an IN list with more elements is a HashSet in Java, in its order


class Part:
    """One part of an expression (``Expression``).

    Args:
        evaluate: gives the value for the properties of a message; may raise EvaluationError.
        kind: what that is when it isn't null.
        to_text: gives the part as Java prints it.
        operands: what it is made of, for the depth.

    Attributes:
        is_test: it may stand where a Boolean is asked for (``BooleanExpression``).
        is_constant: its value stands in the expression (``ConstantExpression``).
    """

    __slots__ = ("depth", "evaluate", "is_constant", "is_test", "kind", "to_text")

    def __init__(
        self,
        evaluate: Evaluate,
        kind: Kind,
        to_text: Callable[[], str],
        operands: Sequence[Part] = (),
    ) -> None:
        self.evaluate = evaluate
        self.kind = kind
        self.to_text = to_text
        self.is_constant = False
        self.is_test = kind == Kind.BOOLEAN
        self.depth = 0
        for operand in operands:
            self.nest(operand)

    def nest(self, operand: Part) -> None:
        """Count one more operand.

        Raises:
            BadExpression: the parts are nested too deep.
        """
        self.depth = max(self.depth, operand.depth + 1)
        if self.depth > MAX_DEPTH:
            raise BadExpression(f"the expression is nested deeper than {MAX_DEPTH} levels")


class Constant(Part):
    """A literal (``ConstantExpression``, ``BooleanConstantExpression`` for TRUE, FALSE and NULL)."""

    __slots__ = ("value",)

    def __init__(self, value: Value, kind: Kind) -> None:
        super().__init__(lambda _properties: value, kind, lambda: _constant_text(value))
        self.value = value
        self.is_constant = True
        self.is_test = kind in (Kind.BOOLEAN, Kind.NOTHING)


class Property(Part):
    """A property of the message (``PropertyExpression``)."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        super().__init__(lambda properties: properties.get(name), Kind.TEXT, lambda: name)
        self.name = name


class Chain(Part):
    """Tests joined by AND, or by OR (``LogicExpression``); the tests are asked in their order."""

    __slots__ = ("parts", "symbol", "tests")

    def __init__(self, symbol: str, first: Part) -> None:
        self.symbol = symbol
        self.parts = [first]
        self.tests = [first.evaluate]
        evaluate = _all_of(self.tests) if symbol == "&&" else _any_of(self.tests)
        super().__init__(evaluate, Kind.BOOLEAN, self._text, (first,))

    def append(self, part: Part) -> Chain:
        """Join one more test."""
        self.nest(part)
        self.parts.append(part)
        self.tests.append(part.evaluate)
        return self

    def _text(self) -> str:
        first, *rest = (part.to_text() for part in self.parts)
        return "(" * len(rest) + first + "".join(f" {self.symbol} {text})" for text in rest)


def _all_of(tests: list[Evaluate]) -> Evaluate:
    def evaluate(properties: Properties) -> bool | None:
        answer: bool | None = True
        for test in tests:
            value = test(properties)
            if value is None:
                answer = None
            elif not value:
                return False
        return answer

    return evaluate


def _any_of(tests: list[Evaluate]) -> Evaluate:
    def evaluate(properties: Properties) -> bool | None:
        answer: bool | None = False
        for test in tests:
            value = test(properties)
            if value is None:
                answer = None
            elif value:
                return True
        return answer

    return evaluate


def _constant_text(value: Value) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return java_text(value)


def java_text(value: Value) -> str:
    """Return the ``toString`` of a value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return java_double(value) if isinstance(value, float) else str(value)


# --- literals


def integer(text: str) -> Constant:
    """Return a whole number (``ConstantExpression.createFromDecimal``): an Integer if it fits.

    Raises:
        BadExpression: more than a long.
    """
    digits = text.rstrip("lL")
    value = int(digits) if len(digits) <= len(str(LONG_MAX)) else LONG_MAX + 1
    if value > LONG_MAX:
        raise BadExpression(f'java.lang.NumberFormatException: For input string: "{digits}"')
    return Constant(value, Kind.INT if value <= INT_MAX else Kind.LONG)


def floating(text: str) -> Constant:
    """Return a double (``ConstantExpression.createFloat``).

    Raises:
        BadExpression: it is infinite, or zero.
    """
    value = float(text)
    if value == float("inf"):
        raise BadExpression(_runtime(f"{text} is greater than 1.7976931348623157E308"))
    if value == 0:
        raise BadExpression(_runtime(f"{text} is less than 4.9E-324"))
    return Constant(value, Kind.DOUBLE)


def string(image: str) -> Constant:
    """Return a text; ``image`` is quoted, quotes in it stand twice."""
    return Constant(unquote(image), Kind.TEXT)


def unquote(image: str) -> str:
    """Return the text that a string literal stands for."""
    return image[1:-1].replace("''", "'")


# --- what is made of other parts, each with Java's checks


def _runtime(text: str) -> str:
    return f"java.lang.RuntimeException: {text}"


def as_test(part: Part) -> Part:
    """Return what stands where a Boolean is asked for (``SelectorParser.asBooleanExpression``).

    A property alone is never true: its value is a text, which no Boolean is.

    Raises:
        BadExpression: a number, a text, or a negated something.
    """
    if part.is_test:
        return part
    if not isinstance(part, Property):
        raise BadExpression(
            "org.apache.rocketmq.filter.parser.ParseException: "
            f"Expression will not result in a boolean value: {part.to_text()}"
        )
    name = part.name
    return Part(
        lambda properties: None if properties.get(name) is None else False,
        Kind.BOOLEAN,
        part.to_text,
    )


def joined(symbol: str, left: Part, right: Part) -> Part:
    """Return ``left AND right`` (``&&``) or ``left OR right`` (``||``).

    Raises:
        BadExpression: a side is no test.
    """
    first, second = as_test(left), as_test(right)
    if not (isinstance(first, Chain) and first.symbol == symbol):
        first = Chain(symbol, first)
    return first.append(second)


def negated(part: Part) -> Part:
    """Return ``NOT part``.

    Raises:
        BadExpression: it is no test.
    """
    test = as_test(part)
    inner = test.evaluate

    def evaluate(properties: Properties) -> bool | None:
        value = inner(properties)
        return None if value is None else not value

    return Part(evaluate, Kind.BOOLEAN, lambda: f"(NOT {test.to_text()})", (test,))


def minus(part: Part) -> Part:
    """Return ``- part``: null but for a number, which can only be a literal."""
    inner, kind = part.evaluate, part.kind
    if kind in NUMBERS:
        number = inner({})
        assert isinstance(number, int | float)
        negative = -number
        evaluate: Evaluate = lambda _properties: negative  # noqa: E731
    else:
        kind = Kind.NOTHING

        def evaluate(properties: Properties) -> None:
            inner(properties)  # which may fail

    return Part(evaluate, kind, lambda: f"(- {part.to_text()})", (part,))


def ordered(symbol: str, left: Part, right: Part) -> Part:
    """Return ``left > right`` or its like.

    Raises:
        BadExpression: a side is a text, TRUE, FALSE, NULL or a test.
    """
    for side in (left, right):
        if side.is_test or (side.is_constant and side.kind == Kind.TEXT):
            raise BadExpression(_runtime(f"Value '{side.to_text()}' cannot be compared."))
    test = ordering(symbol, left.evaluate, right.evaluate, (left.kind, right.kind))
    return _binary(test, symbol, left, right)


def equal(left: Part, right: Part) -> Part:
    """Return ``left = right``.

    Raises:
        BadExpression: a side is NULL, or TRUE or FALSE stand before a text or a number.
    """
    for side in (left, right):
        if isinstance(side, Constant) and side.value is None:
            raise BadExpression(_runtime(f"'{side.to_text()}' cannot be compared."))
    if left.is_constant and right.is_constant and left.is_test and not right.is_test:
        raise BadExpression(
            _runtime(f"'{left.to_text()}' cannot be compared with '{right.to_text()}'")
        )
    return _equality(left, right)


def is_null(part: Part) -> Part:
    """Return ``part IS NULL``."""
    return _equality(part, Constant(None, Kind.NOTHING))


def _equality(left: Part, right: Part) -> Part:
    test = equality(left.evaluate, right.evaluate, (left.kind, right.kind))
    return _binary(test, "==", left, right)


def _binary(test: Evaluate, symbol: str, left: Part, right: Part) -> Part:
    return Part(
        test,
        Kind.BOOLEAN,
        lambda: f"({left.to_text()} {symbol} {right.to_text()})",
        (left, right),
    )


def between(part: Part, low: Part, high: Part) -> Part:
    """Return ``part BETWEEN low AND high``: both ends belong to it.

    Raises:
        BadExpression: two literals in the wrong order, or something that has no order.
    """
    if isinstance(low, Constant) and isinstance(high, Constant):
        _check_ends(low, high)
    return joined("&&", ordered(">=", part, low), ordered("<=", part, high))


def _check_ends(low: Constant, high: Constant) -> None:
    if low.value is None or high.value is None:
        raise BadExpression(_runtime("Illegal values of between, values can not be null!"))
    try:
        in_order = not is_less(high.value, low.value, (high.kind, low.kind))
    except EvaluationError as error:
        raise BadExpression(f"java.lang.{error}") from None
    if not in_order:
        raise BadExpression(
            _runtime(
                f"Illegal values of between, left value({java_text(low.value)}) must less than "
                f"or equal to right value({java_text(high.value)})"
            )
        )


def not_between(part: Part, low: Part, high: Part) -> Part:
    """Return ``part NOT BETWEEN low AND high``.

    Raises:
        BadExpression: something that has no order.
    """
    return joined("||", ordered("<", part, low), ordered(">", part, high))


def within(part: Part, elements: list[str], *, negate: bool) -> Part:
    """Return ``part IN (elements)``, or ``NOT IN``: null when the property isn't there.

    Raises:
        BadExpression: it is no property.
    """
    if not isinstance(part, Property):
        raise BadExpression(
            _runtime(f"Expected a property for In expression, got: {part.to_text()}")
        )
    name, wanted = part.name, frozenset(elements)

    def evaluate(properties: Properties) -> bool | None:
        value = properties.get(name)
        return None if value is None else (value in wanted) != negate

    def to_text() -> str:
        listed = elements if len(elements) <= _MAX_LIST else _hash_set_order(elements)
        return f"{name} {'NOT IN' if negate else 'IN'} ( {', '.join(listed)} )"

    return Part(evaluate, Kind.BOOLEAN, to_text, (part,))


def _hash_set_order(elements: list[str]) -> list[str]:
    capacity = max(len(elements) * 4 // 3 + 1, 16)
    return hash_map_order(dict.fromkeys(elements), 1 << (capacity - 1).bit_length())


_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "CONTAINS": str.__contains__,
    "STARTSWITH": str.startswith,
    "ENDSWITH": str.endswith,
}


def text_test(keyword: str, part: Part, image: str, *, negate: bool) -> Part:
    """Return ``part CONTAINS image`` or its like, or the test with NOT.

    False, with NOT too, when nothing is looked for or the value isn't a text.

    Args:
        keyword: CONTAINS, STARTSWITH or ENDSWITH.
        part: what is looked at.
        image: what is looked for, quoted.
        negate: it is the test with NOT.
    """
    test, inner, search = _TEXT_TESTS[keyword], part.evaluate, unquote(image)

    def evaluate(properties: Properties) -> bool:
        if not search:
            return False
        value = inner(properties)
        return isinstance(value, str) and test(value, search) != negate

    symbol = f"NOT {keyword}" if negate else keyword
    return Part(evaluate, Kind.BOOLEAN, lambda: f"({symbol} {part.to_text()})", (part,))
