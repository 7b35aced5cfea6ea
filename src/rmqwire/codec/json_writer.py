"""Write JSON as fastjson does: 1.2.69 for release 4.9.7, fastjson2 2.0.59 for 5.5.0.

Properties stand in alphabetical order, nulls are left out, integer map keys are bare and
objects used as keys are raw. Seen from the jars, character by character:

=============  ==================================  ==================================
what           4.9.7                               5.5.0
=============  ==================================  ==================================
control chars  ``\\u000B`` upper-case hex           ``\\u000b`` lower-case hex
escaped else   U+007F-U+009F, U+2028, U+2029       nothing
standard       ``/`` and everything from U+007F    nothing
object twice   ``{"$ref":"$.path"}``               written again
pretty         bare-key entries on one line        each entry on its own line
=============  ==================================  ==================================
"""

from __future__ import annotations

import base64
import re
from decimal import Decimal
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

import msgspec

from rmqwire.codec.json_reader import Spelled
from rmqwire.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rmqwire.codec.json_reader import JsonValue
    from rmqwire.codec.release import Release

_MAX_SAFE_INTEGER: Final = (1 << 53) - 1  # BrowserCompatible quotes longs beyond it
_SHORT: Final = {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}
_FASTJSON2 = re.compile(r'[\x00-\x1f"\\]')
_FASTJSON1 = re.compile('[\x00-\x1f"\\\\\x7f-\x9f\u2028\u2029]')
# Sets of few characters: one that ends at U+10FFFF takes 4 ms to compile.
_FASTJSON1_STANDARD = re.compile(r"[^ !#-.0-\[\]-~]")
_PATH_SPECIAL = re.compile(r"[\x00-/:-@\[-`{-\x80]")


def write(value: JsonValue, release: Release, *, standard: bool, pretty: bool) -> str:
    """Return the text of ``value``; see ``java_json.dumps``."""
    writer = _Writer(release, standard=standard, pretty=pretty)
    try:
        writer.value(value, "$")
    except RecursionError:
        raise UsageError("a value that contains itself has no JSON text") from None
    return "".join(writer.out)


class Written(dict[str, str]):
    """A map whose entries are text already, each as :func:`write_entry` gives it."""


def write_entry(key: str, value: JsonValue, release: Release, depth: int) -> str:
    """Return the text of one entry of a map in a pretty text; ``depth`` counts the braces around it."""
    writer = _Writer(release, standard=False, pretty=True)
    writer.depth = depth
    writer.out.append(writer.key(key, "$"))
    writer.value(value, "$")
    return "".join(writer.out)


def java_double(number: float) -> str:
    """Return ``number`` as Java's ``Double.toString`` prints it; NaN and infinity as ``null``."""
    if not isfinite(number):
        return "null"
    size = abs(number)
    if size == 0 or 1e-3 <= size < 1e7:
        return repr(float(number))
    digits = Decimal(repr(size)).normalize().as_tuple()
    if len(digits.digits) == 1:  # Java takes the nearest of two digits: 4.9E-324
        mantissa, _, exponent = f"{size:.1e}".partition("e")
    else:
        first, *rest = map(str, digits.digits)
        mantissa = f"{first}.{''.join(rest)}"
        exponent = str(len(rest) + int(digits.exponent))
    return f"{'-' if number < 0 else ''}{mantissa}E{int(exponent)}"


@cache
def property_plan(cls: type[Any], newest: bool) -> tuple[tuple[str, str, bool], ...]:
    """Return (text of the key, attribute, leave out when empty) of a body class, in Java's order.

    A class says the rest itself: ``_since_5`` names attributes that 4.9.7 does not know,
    ``_hidden`` those that Java never writes, ``_derived`` maps further JSON names to
    Python properties.
    """
    skipped = set(getattr(cls, "_hidden", ()))
    if not newest:
        skipped.update(getattr(cls, "_since_5", ()))
    rows = [
        (f'"{field.encode_name}":', field.name, field.default == "")
        for field in msgspec.structs.fields(cls)
        if field.name not in skipped
    ]
    derived = getattr(cls, "_derived", {})
    rows += [(f'"{name}":', attribute, False) for name, attribute in derived.items()]
    return tuple(sorted(rows))


def _escaper(release: Release, *, standard: bool) -> Callable[[str], str]:
    old = release.wire.escape_line_separators
    pattern = _FASTJSON2 if not old else _FASTJSON1_STANDARD if standard else _FASTJSON1
    form = "\\u{:04X}" if old else "\\u{:04x}"

    def replace(match: re.Match[str]) -> str:
        char = match[0]
        if char in _SHORT:
            return _SHORT[char]
        if char == "/":
            return "\\/"
        code = ord(char)
        if code < 0x10000:
            return form.format(code)
        code -= 0x10000
        return form.format(0xD800 + (code >> 10)) + form.format(0xDC00 + (code & 0x3FF))

    search = pattern.search

    def quote(text: str) -> str:
        return f'"{text}"' if search(text) is None else f'"{pattern.sub(replace, text)}"'

    return quote


def _sorted_entries(value: dict[Any, Any]) -> Iterable[tuple[Any, Any]]:
    """Sort a map as fastjson's MapSortField does; keys without an order stay as they are."""
    try:
        return sorted(value.items(), key=lambda item: (isinstance(item[0], str), item[0]))
    except TypeError:
        return value.items()


class _Writer:
    """Collects the pieces of one text; ``path`` is where a value stands, for ``$ref``."""

    __slots__ = (
        "depth",
        "inline_bare_keys",
        "newest",
        "out",
        "pretty",
        "quote",
        "seen",
        "standard",
    )

    def __init__(self, release: Release, *, standard: bool, pretty: bool) -> None:
        self.out: list[str] = []
        self.quote = _escaper(release, standard=standard)
        self.standard = standard
        self.pretty = pretty
        self.inline_bare_keys = release.wire.json_references
        self.newest = release.wire.new_body_fields
        self.seen: dict[int, str] | None = {} if release.wire.json_references else None
        self.depth = 0

    def value(self, value: JsonValue, path: str) -> None:
        write = _WRITERS.get(type(value))
        if write is not None:
            write(self, value, path)
        elif isinstance(value, dict):
            self.map(value, path)
        elif isinstance(value, msgspec.Struct):
            self.body(value, path)
        elif isinstance(value, (int, str)):  # an IntEnum or StrEnum member
            self.value(value.value if hasattr(value, "value") else value, path)
        else:
            raise UsageError(f"no JSON text for a {type(value).__name__}")

    def text(self, value: str, _path: str) -> None:
        self.out.append(self.quote(value))

    def integer(self, value: int, _path: str) -> None:
        far = self.standard and abs(value) > _MAX_SAFE_INTEGER
        self.out.append(f'"{value}"' if far else str(value))

    def double(self, value: float, _path: str) -> None:
        self.out.append(java_double(value))

    def spelled(self, value: Spelled, _path: str) -> None:
        self.out.append(value)

    def boolean(self, value: bool, _path: str) -> None:
        self.out.append("true" if value else "false")

    def null(self, _value: None, _path: str) -> None:
        self.out.append("null")

    def octets(self, value: bytes, _path: str) -> None:
        self.out.append(f'"{base64.b64encode(value).decode()}"')

    def body(self, value: msgspec.Struct, path: str) -> None:
        if self.refers(value, path):
            return
        entries: list[tuple[str, Any, str]] = []
        step = path
        for key, attribute, drop_empty in property_plan(type(value), self.newest):
            item = getattr(value, attribute)
            if item is not None and not (drop_empty and item == ""):
                if self.seen is not None:
                    step = f"{path}.{key[1:-2]}"
                entries.append((key, item, step))
        self.entries(entries)

    def map(self, value: dict[Any, Any], path: str) -> None:
        if self.refers(value, path):
            return
        items: Iterable[tuple[Any, Any]] = value.items()
        if self.standard:
            items = _sorted_entries(value)
        self.entries(
            [
                (self.key(key, path), item, self.step(path, key))
                for key, item in items
                if item is not None
            ]
        )

    def written(self, value: Written, _path: str) -> None:
        if not value:
            self.out.append("{}")
            return
        line = "\n" + "\t" * self.depth
        self.out.append(f"{{{line}\t" + f",{line}\t".join(value.values()) + f"{line}}}")

    def key(self, key: JsonValue, path: str) -> str:
        if isinstance(key, str):
            return self.quote(key) + ":"
        if type(key) is int:
            return f'"{key}":' if self.standard else f"{key}:"
        outer, self.out = self.out, []
        self.depth += 1  # a key that is an object has lines of its own, as deep as the entry
        self.value(key, f"{path}.key")
        self.depth -= 1
        text = "".join(self.out)
        self.out = outer
        bare = not self.standard or text.startswith(("{", '"'))
        return f"{text}:" if bare else f'"{text}":'

    def entries(self, entries: list[tuple[str, Any, str]]) -> None:
        if not entries:
            self.out.append("{}")
            return
        if self.pretty:
            self.pretty_entries(entries)
            return
        lead, append, quote, value = "{", self.out.append, self.quote, self.value
        for key, item, path in entries:
            if type(item) is str:
                append(f"{lead}{key}{quote(item)}")
            else:
                append(lead + key)
                value(item, path)
            lead = ","
        append("}")

    def pretty_entries(self, entries: list[tuple[str, Any, str]]) -> None:
        self.out.append("{")
        self.depth += 1
        for number, (key, item, path) in enumerate(entries):
            if number:
                self.out.append(",")
            if not (self.inline_bare_keys and key[0] != '"'):
                self.new_line()
            self.out.append(key)
            self.value(item, path)
        self.depth -= 1
        self.new_line()
        self.out.append("}")

    def array(self, value: Iterable[Any], path: str) -> None:
        items = list(value)
        if not items:
            self.out.append("[]")
            return
        self.out.append("[")
        self.depth += 1
        for number, item in enumerate(items):
            if number:
                self.out.append(",")
            self.new_line()
            self.value(item, f"{path}[{number}]" if self.seen is not None else path)
        self.depth -= 1
        self.new_line()
        self.out.append("]")

    def numbers(self, value: tuple[int, ...], _path: str) -> None:
        """Write a Java ``int[]``: on one line, whatever the rest is written like."""
        self.out.append(f"[{','.join(map(str, value))}]")

    def unordered(self, value: Iterable[Any], path: str) -> None:
        self.array(sorted(value), path)  # any order is right; this one can be tested

    def new_line(self) -> None:
        if self.pretty:
            self.out.append("\n" + "\t" * self.depth)

    def step(self, path: str, key: JsonValue) -> str:
        if self.seen is None:
            return path
        if isinstance(key, int):
            return f"{path}[{key}]"
        return f"{path}." + _PATH_SPECIAL.sub(r"\\\g<0>", str(key))

    def refers(self, value: object, path: str) -> bool:
        """Write ``$ref`` when this very object stands elsewhere in the text already."""
        if self.seen is None:
            return False
        first = self.seen.setdefault(id(value), path)
        if first == path:
            return False
        self.out.append(f'{{"$ref":{self.quote(first)}}}')
        return True


_WRITERS: dict[type, Callable[[_Writer, Any, str], None]] = {
    str: _Writer.text,
    int: _Writer.integer,
    float: _Writer.double,
    Spelled: _Writer.spelled,
    bool: _Writer.boolean,
    type(None): _Writer.null,
    Written: _Writer.written,
    bytes: _Writer.octets,
    list: _Writer.array,
    tuple: _Writer.numbers,
    set: _Writer.unordered,
    frozenset: _Writer.unordered,
}
