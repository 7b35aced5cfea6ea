"""SQL92 expressions: from the text to something that judges messages (``SelectorParser``).

lark reads the grammar of ``sql92.lark``; its callbacks make the parts bottom up, so there is no tree
and no depth of parentheses that could overflow the stack. As in Java, reading ends before the first
word that can't go on after a complete expression, whatever follows: ``a > 1 b > 1`` is ``a > 1``.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import resources
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final

from rmqwire.errors import BadExpression, EvaluationError
from rmqwire.filter import expression as make
from rmqwire.filter.comments import without_line_comments
from rmqwire.filter.comparison import Kind
from rmqwire.filter.syntax_errors import unexpected_character, unexpected_token

if TYPE_CHECKING:
    from lark import Lark, Token

    from rmqwire.filter.comparison import Properties
    from rmqwire.filter.expression import Part

MAX_LENGTH: Final = 32 * 1024  # characters; each takes up to 9 us, in which nothing else is served
_KEPT = 100  # compiled expressions, and refusals, as SelectorParser.PARSE_CACHE

TEXT_KEYWORDS: Final = frozenset(("CONTAINS", "STARTSWITH", "ENDSWITH"))
KEYWORDS: Final = TEXT_KEYWORDS.union(
    ("NOT", "AND", "OR", "BETWEEN", "IN", "TRUE", "FALSE", "NULL", "IS")
)


class Expression:
    """A compiled expression; the same for every subscription that has it.

    Args:
        part: its outermost part.
        ignored: what stands behind it and is not looked at.
    """

    __slots__ = ("_part", "evaluate", "ignored")

    def __init__(self, part: Part, ignored: str) -> None:
        self._part = part
        self.evaluate = part.evaluate
        self.ignored = ignored

    def __str__(self) -> str:
        return self._part.to_text()

    def matches(self, properties: Properties) -> bool:
        """Return whether a message is wanted: null and errors mean no, as in Java."""
        try:
            return self.evaluate(properties) is True
        except EvaluationError:
            return False


def compile_sql92(text: str, *, text_operators: bool = True) -> Expression:
    """Return the compiled expression.

    Args:
        text: e.g. ``a > 5 AND color IN ('red', 'blue')``.
        text_operators: CONTAINS, STARTSWITH and ENDSWITH are operators, as since 5.0; otherwise
            they are names.

    Raises:
        BadExpression: in the words of the Java release that has or hasn't these operators.
    """
    result = _compile(text, text_operators)
    if isinstance(result, Expression):
        return result
    raise BadExpression(result)


@lru_cache(maxsize=_KEPT)
def _compile(text: str, text_operators: bool) -> Expression | str:
    if len(text) > MAX_LENGTH:
        return f"the expression is longer than {MAX_LENGTH} characters"
    try:
        return _read(text, text_operators)
    except BadExpression as refusal:
        return str(refusal)


def _read(text: str, text_operators: bool) -> Expression:
    from lark import Token, UnexpectedCharacters, UnexpectedToken  # noqa: PLC0415 - see the room

    code = without_line_comments(text)
    parser = _parser(text_operators).parse_interactive(code)
    try:
        parser.exhaust_lexer()
        return Expression(make.as_test(parser.feed_eof()), "")
    except UnexpectedCharacters as error:
        if "GT" in parser.accepts():  # Java makes comparisons without looking at the next word
            parser.feed_token(Token("GT", ">"))
        raise unexpected_character(text, error.pos_in_stream or 0) from None
    except UnexpectedToken as error:
        if "$END" in parser.accepts():
            ignored = text[error.token.start_pos :]
            return Expression(make.as_test(parser.feed_eof()), ignored)
        token = error.token
        before = code if token.type == "$END" else code[: token.start_pos]
        parser = _parser(text_operators).parse_interactive(before)
        parser.exhaust_lexer()
        raise unexpected_token(text, token, parser, text_operators=text_operators) from None


@cache
def _parser(text_operators: bool) -> Lark:
    from lark import Lark  # noqa: PLC0415

    keywords = KEYWORDS if text_operators else KEYWORDS - TEXT_KEYWORDS

    def name_keyword(token: Token) -> Token:
        word = token.upper()
        return token.update(type=word) if word in keywords else token

    return Lark(
        resources.files(__package__).joinpath("sql92.lark").read_text(),
        parser="lalr",
        lexer="basic",
        start="selector",
        transformer=_CALLBACKS,
        lexer_callbacks={"ID": name_keyword},
    )


_CALLBACKS = SimpleNamespace(
    or_=lambda words: make.joined("||", words[0], words[2]),
    and_=lambda words: make.joined("&&", words[0], words[2]),
    equal=lambda words: make.equal(*words),
    not_equal=lambda words: make.negated(make.equal(*words)),
    is_null=lambda words: make.is_null(words[0]),
    is_not_null=lambda words: make.negated(make.is_null(words[0])),
    ordered=lambda words: make.ordered(str(words[1]), words[0], words[2]),
    text_test=lambda words: make.text_test(words[1].type, words[0], words[2], negate=False),
    not_text_test=lambda words: make.text_test(words[2].type, words[0], words[3], negate=True),
    between=lambda words: make.between(words[0], words[2], words[4]),
    not_between=lambda words: make.not_between(words[0], words[3], words[5]),
    within=lambda words: make.within(words[0], words[2], negate=False),
    not_within=lambda words: make.within(words[0], words[3], negate=True),
    list=lambda words: [make.unquote(word) for word in words],
    string=lambda words: make.string(words[0]),
    integer=lambda words: make.integer(words[0]),
    floating=lambda words: make.floating(words[0]),
    true=lambda _words: make.Constant(True, Kind.BOOLEAN),
    false=lambda _words: make.Constant(False, Kind.BOOLEAN),
    null=lambda _words: make.Constant(None, Kind.NOTHING),
    property=lambda words: make.Property(str(words[0])),
    minus=lambda words: make.minus(words[0]),
    not_=lambda words: make.negated(words[1]),
)
