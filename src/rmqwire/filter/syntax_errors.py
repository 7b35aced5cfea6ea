"""What Java's parser says of a text that is no expression (``ParseException``, ``TokenMgrError``).

A broker answers CHECK_CLIENT_CONFIG with it and Java's client shows it to its user. Places are
counted as JavaCC's ``SimpleCharStream`` counts them: from 1, in UTF-16 units, with tabs of 8.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Final

from rmqwire.errors import BadExpression

if TYPE_CHECKING:
    from lark import Token
    from lark.parsers.lalr_interactive_parser import InteractiveParser

_PACKAGE = "org.apache.rocketmq.filter.parser"
_TAB = 8
_TEXT_TESTS = ("CONTAINS", "STARTSWITH", "ENDSWITH")
_LITERALS = ("DECIMAL_LITERAL", "FLOATING_POINT_LITERAL", "STRING_LITERAL", "ID")
_SYMBOLS: Final = {
    "EQ": "=",
    "NE": "<>",
    "GT": ">",
    "GE": ">=",
    "LT": "<",
    "LE": "<=",
    "LPAR": "(",
    "COMMA": ",",
    "RPAR": ")",
    "MINUS": "-",
    "PLUS": "+",
}
_KEYWORDS = ("NOT", "AND", "OR", "BETWEEN", "IN", "TRUE", "FALSE", "NULL", "IS", *_TEXT_TESTS)
_IMAGES: Final = {  # in the order in which Java lists what it expected
    **{word: f'"{word}"' for word in _KEYWORDS},
    **{word: f"<{word}>" for word in _LITERALS},
    **{name: f'"{symbol}"' for name, symbol in _SYMBOLS.items()},
}
_AFTER_NOT = {"BETWEEN", "IN", *_TEXT_TESTS}
_ORDERINGS = {"GT", "GE", "LT", "LE"}
_OPERANDS = {"NOT", "TRUE", "FALSE", "NULL", *_LITERALS, "LPAR", "MINUS"}
_ESCAPES: Final = {
    "\b": "\\b",
    "\t": "\\t",
    "\n": "\\n",
    "\f": "\\f",
    "\r": "\\r",
    '"': '\\"',
    "'": "\\'",
    "\\": "\\\\",
    "\0": "",
}


def unexpected_token(
    text: str, token: Token, parser: InteractiveParser, *, text_operators: bool
) -> BadExpression:
    """Return the refusal of a word that can't stand where it does, or of an end too early.

    Args:
        text: the expression.
        token: the word; its type is ``$END`` at the end.
        parser: has read what precedes the word.
        text_operators: as of ``compile_sql92``; the parsers without them list less.

    Raises:
        BadExpression: what precedes it is refused, which Java finds first.
    """
    expected = parser.accepts()
    if plus := _unfinished_plus(
        parser, expected, type(token)
    ):  # Java looks ahead to the end of its operand
        token, expected = plus, _OPERANDS
    else:
        last = parser.parser_state.value_stack[-1:]
        parser.feed_token(_some(expected, type(token)))
        if "BETWEEN" in expected and expected <= _AFTER_NOT:  # and at NOT with the word behind it
            token, expected = last[0], expected | _ORDERINGS
    if not text_operators:
        expected = expected - {*_TEXT_TESTS, "PLUS"}
        if expected == {"NOT", "NULL"}:
            expected = {"NOT"}
    if token.type == "$END":
        seen, place = '"<EOF>"', _place(_units(text)) if text else (0, 0)
    else:
        seen = f'" {_IMAGES[token.type]} "{_escape(_units(str(token)))} ""'
        place = _place(_units(text[: token.start_pos] + token[0]))
    listed = "".join(f"    {image} ...\n" for name, image in _IMAGES.items() if name in expected)
    return BadExpression(
        f"{_PACKAGE}.ParseException: Encountered {seen} at line {place[0]}, column {place[1]}.\n"
        f"Was expecting{'' if len(expected) == 1 else ' one of'}:\n{listed}    "
    )


def _unfinished_plus(
    parser: InteractiveParser, expected: set[str], token_type: type[Token]
) -> Token | None:
    """Return the outermost + whose operand isn't complete."""
    ahead = parser.copy(deepcopy_values=False)
    ahead.parser_state.parse_conf = copy(ahead.parser_state.parse_conf)
    ahead.parser_state.parse_conf.callbacks = {}
    ahead.feed_token(_some(expected, token_type))
    stack = ahead.parser_state.value_stack
    return next((value for value in stack if getattr(value, "type", "") == "PLUS"), None)


def _some(expected: set[str], token_type: type[Token]) -> Token:
    """Return a word that can stand next and, if one can, completes all that is in parentheses."""
    return token_type("RPAR" if "RPAR" in expected else min(expected - {"PLUS"}), "")


def unexpected_character(text: str, begin: int) -> BadExpression:
    """Return the refusal of characters that begin no word.

    Args:
        text: the expression.
        begin: index of the first of them.
    """
    units = _units(text)
    begin = len(_units(text[:begin]))
    last = begin  # the last character that Java looked at
    if units[begin] == "'" or units.startswith("/*", begin):
        last = len(units) - 1
    elif units[begin] in "./":
        last = min(begin + 1, len(units) - 1)
    line, column = _place(units[: last + 1])
    ends = last == len(units) - 1
    if not ends:
        seen = f'"{_escape(units[last])}" ({ord(units[last])}), '
    elif units[last] in "\n\r":
        seen, line, column = "<EOF> ", line + 1, 0
    else:
        seen, column = "<EOF> ", column + 1
    after = units[begin : last + 1 if ends else last] if last > begin else ""
    return BadExpression(
        f"{_PACKAGE}.TokenMgrError: Lexical error at line {line}, column {column}.  "
        f'Encountered: {seen}after : "{_escape(after)}"'
    )


def _units(text: str) -> str:
    """Return a text with one character per UTF-16 unit."""
    if text.isascii():
        return text
    data = text.encode("utf-16-be", "surrogatepass")
    return "".join(chr(high << 8 | low) for high, low in zip(data[::2], data[1::2], strict=True))


def _place(units: str) -> tuple[int, int]:
    """Return line and column of the last character."""
    line, column, before = 1, 0, ""
    for unit in units:
        column += 1
        if before == "\n" or (before == "\r" and unit != "\n"):
            line, column = line + 1, 1
        if unit == "\t":
            column += _TAB - 1 - (column - 1) % _TAB
        before = unit
    return line, column


def _escape(units: str) -> str:
    return "".join(
        _ESCAPES[unit]
        if unit in _ESCAPES
        else unit
        if " " <= unit <= "~"
        else f"\\u{ord(unit):04x}"
        for unit in units
    )
