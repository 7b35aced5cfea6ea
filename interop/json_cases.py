"""Texts that a body, a header or a command may be read from: every field in every shape.

The cases of a class come from the text that Java itself wrote for it: each place of that text in
turn holds each of ``SHAPES``, is left out, or goes by another spelling of its name; the whole is
written in the dialects that fastjson knows; and a seeded few hundred combine several of these.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from rmqwire.codec import java_json
from rmqwire.codec.java_json import ObjectKey

NUMBERS = """0 1 2 3 7 12 -1 -0 1.0 2.0 0.0 1.5 -1.5 1e2 1.0E2 1e-7 2147483647 2147483648 -2147483648
-2147483649 9007199254740993 9223372036854775807 -9223372036854775808 9223372036854775808
100000000000.0 1.10 12345678901234567890123"""
TEXTS = """0 1 2 -1 +1 01 1.0 1.5 1e2 1,000 2147483648 9223372036854775807 9223372036854775808 0x10
null NULL true TRUE false False Y N T F y n t f yes x a,b [1] {} {"a":1} SINGLE_TAG JAVA"""
ODD_TEXTS = ["", " ", " 1", "1 ", " true", "tab\there", 'quote"backslash\\', "中文", "\0\x1f\u2028"]
OTHERS = """true false null [] [1] ["1"] ["x"] [null] [true] [1.5] [[]] [[1]] [{}] [{"a":"b"}] ["x","x"]
[1,"x",null] {} {"a":1} {"a":"b"} {"a":null} {"1":2} {"1":"2"} {"x":{"1":2}} {"a":[]} {"a":{}}
{"a":["b"]} {"b":1,"a":[1.50,null,{"c":true}]} {"name":"x"}
"\\x41\\u00e9\\/\\b\\f" "\\uD83D\\uDE00" 'x' '1' ["a",] 01 +1 1L 1."""
QUOTED = [json.dumps(text, ensure_ascii=False) for text in [*TEXTS.split(), *ODD_TEXTS]]
SHAPES = [*NUMBERS.split(), *QUOTED, *OTHERS.split()]
MAP_KEYS = ["0", "1", "-1", "+1", "01", "1.0", "1.5", "", "x", " 1", "null", "true", "3000000000",
            "1,000", "99999999999999999999", "1e2", "{}", "a b",
            '{"topic":"t","brokerName":"b","queueId":1}']  # fmt: skip
BARE_KEYS = ["0", "-1", "1.0", "1.5", "3000000000", "null", "true", "x", "'0'", "'x'", '{"a":1}',
             "{}", '{"queueId":"1"}', '{"queueId":1,"x":2}']  # fmt: skip

Path = tuple[Any, ...]


class Raw(str):
    """Text that stands in a case as it is."""

    __slots__ = ()


@dataclass(frozen=True)
class Oddity:
    """One thing that is odd in a text.

    ``what`` says which: a ``shape`` stands at the path, what stands there is ``missing``, its name
    is ``named`` otherwise or its map's ``key`` is another, or the whole is ``written`` in a dialect.
    """

    path: Path
    what: str
    text: str = ""

    def __str__(self) -> str:
        place = ".".join("{}" if isinstance(step, ObjectKey) else str(step) for step in self.path)
        return f"{place} {self.what} {self.text}".strip()


@dataclass(frozen=True)
class Case:
    """One text for one class, and what is odd in it."""

    name: str
    oddities: tuple[Oddity, ...]
    text: str

    @property
    def data(self) -> bytes:
        return self.text.encode()


def body_cases(name: str, sample_text: str) -> list[Case]:
    """Return the cases of one class with one oddity each, first the text as Java wrote it."""
    sample = java_json.loads(sample_text)
    cases = [Case(name, (), json_text(sample))]
    for oddity in oddities(sample):
        if oddity.what == "written":
            text = DIALECTS[oddity.text](json_text(sample))
        else:
            text = json_text(applied(sample, oddity))
        cases.append(Case(name, (oddity,), text))
    return list({case.text: case for case in reversed(cases)}.values())[::-1]


def mixed_cases(
    name: str, sample_text: str, agreed: Iterable[Oddity], count: int, seed: int = 1
) -> list[Case]:
    """Return up to ``count`` cases with two to five of the oddities ``agreed``, none within another."""
    sample = java_json.loads(sample_text)
    # fastjson2 takes an escape for one of a later value too: escapes stand alone.
    choice = [one for one in agreed if one.what != "written" and "\\" not in one.text]
    chance = random.Random(f"{name} {seed}")
    cases: dict[str, Case] = {}
    for _ in range(count if choice else 0):
        chosen: list[Oddity] = []
        for oddity in chance.choices(choice, k=chance.randint(2, 5)):
            if not any(_overlap(oddity.path, other.path) for other in chosen):
                chosen.append(oddity)
        value = sample
        for oddity in chosen:
            value = applied(value, oddity)
        text = json_text(value)
        cases.setdefault(text, Case(name, tuple(chosen), text))
    return list(cases.values())


def _overlap(one: Path, other: Path) -> bool:
    size = min(len(one), len(other))
    return one[:size] == other[:size]


# ---- texts ------------------------------------------------------------------------------------


def json_text(value: Any) -> str:
    """Write a tree whose leaves and keys may be :class:`Raw`."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_key(k)}:{json_text(item)}" for k, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _key(key: Any) -> str:
    if isinstance(key, (Raw, int)):
        return str(key)
    return json_text(dict(key)) if isinstance(key, ObjectKey) else json.dumps(key)


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the place of every value in a tree; the first of a list or map stands for all."""
    if path:
        yield path
    if isinstance(value, dict):
        for key in list(value)[: 1 if is_map(value) else None]:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*path, 0))


def is_map(value: Any) -> bool:
    """Whether an object of a sample has keys that are no names."""
    return any(isinstance(key, (int, ObjectKey)) for key in value)


def at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


# ---- oddities ---------------------------------------------------------------------------------


def oddities(sample: Any) -> Iterator[Oddity]:
    """Yield everything that can be odd in a text, one at a time."""
    for path in places(sample):
        value, parent = at(sample, path), at(sample, path[:-1])
        for shape in [*SHAPES, *_own_shapes(value)]:
            yield Oddity(path, "shape", shape)
        yield Oddity(path, "missing")
        if isinstance(parent, dict) and is_map(parent):
            keys = [*map(json.dumps, MAP_KEYS), *BARE_KEYS]
            if isinstance(path[-1], ObjectKey):
                keys.append(json.dumps(json_text(dict(path[-1]))))
            for key in keys:
                yield Oddity(path, "key", key)
        elif isinstance(path[-1], str):
            for name in _spellings(path[-1]):
                yield Oddity(path, "named", json.dumps(name))
    for dialect in DIALECTS:
        yield Oddity((), "written", dialect)


def applied(sample: Any, oddity: Oddity) -> Any:
    """Return a copy of a tree in which something is odd."""
    path = oddity.path
    if oddity.what == "shape":
        return _replaced(sample, path, Raw(oddity.text))
    parent = at(sample, path[:-1])
    if oddity.what == "missing":
        rest: Any = (
            [] if isinstance(parent, list) else {k: v for k, v in parent.items() if k != path[-1]}
        )
        return _replaced(sample, path[:-1], rest)
    renamed = {Raw(oddity.text) if key == path[-1] else key: item for key, item in parent.items()}
    return _replaced(sample, path[:-1], renamed)


def _replaced(value: Any, path: Path, new: Any) -> Any:
    if not path:
        return new
    copy = type(value)(value)
    copy[path[0]] = _replaced(value[path[0]], path[1:], new)
    return copy


def _own_shapes(value: Any) -> list[str]:
    """Return a text in other spellings: the names of enums may come in them."""
    if not isinstance(value, str):
        return []
    own = [
        value.lower(),
        value.title(),
        value.replace("_", "-"),
        value.replace("_", " "),
        value + " ",
    ]
    return [json.dumps(text) for text in own]


def _spellings(key: str) -> list[str]:
    """Return other spellings of a name, some of which fastjson takes."""
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in key)
    capital = key[:1].upper() + key[1:]
    return [key.lower(), key.upper(), capital, snake, snake.replace("_", "-"), snake.upper(),
            "is" + capital, f" {key}", f"{key} ", key + "x"]  # fmt: skip


def _single_quotes(text: str) -> str:
    return text.replace('"', "'") if "'" not in text and "\\" not in text else text


def _wide(text: str) -> str:
    return text.replace(",", " ,\n\t").replace(":", " : ") if "{{" not in text else text


DIALECTS: dict[str, Callable[[str], str]] = {
    "in single quotes": _single_quotes,
    "with blanks": _wide,
    "between blanks": lambda text: f" \t\r\n{text}\n ",
    "behind a comment": lambda text: f"/* c */{text}",
    "behind a comment line": lambda text: f"// c\n{text}",
    "before a comment": lambda text: f"{text}/**/",
    "behind a byte order mark": lambda text: f"\ufeff{text}",
    "with a comma at the end": lambda text: f"{text[:-1]},}}",
    "with an unknown name first": lambda text: (
        f'{{"zzz":{{"a":[1,{{}},null,"x",1.5e3]}},{text[1:]}'
    ),
    "with an unknown name last": lambda text: f'{text[:-1]},"zzz":[[],{{"y":"}}"}}]}}',
    "with an empty name": lambda text: f'{{"":1,{text[1:]}',
    "with a type": lambda text: f'{{"@type":"java.lang.Object",{text[1:]}',
    "cut short": lambda text: text[:-1],
    "with a brace more": lambda text: text + "}",
    "with a word behind": lambda text: text + "x",
    "in a list": lambda text: f"[{text}]",
    "with = for :": lambda text: text.replace(":", "=", 1),
} | {
    f"replaced by {other!r}": lambda _text, other=other: other
    for other in ("null", "", "{}", "[]", '""', "1", "true", '"x"', "{", "{]")
}
