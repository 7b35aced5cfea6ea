"""Expressions and names that rocketmq-filter is asked about, by java/Filters.java.

``python -m interop.filters`` records its answers for ``tests/``, which runs without Java.
"""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote_plus

from hypothesis import HealthCheck, given, seed, settings
from hypothesis.strategies import SearchStrategy

from interop.conftest import VERSIONS
from interop.jars import class_path
from tests.filter import strategies
from tests.support.golden import GOLDEN

EXPRESSIONS = 500  # right ones, and as many with a mistake
PROPERTY_SETS = 200
NAMES = [
    "g#t",
    "",
    "group_1#TopicTest",
    "%RETRY%g#t",
    "é#中文😀",
    *(f"g{i}#t{i}" for i in range(20)),
]
NAMES += ["x" * length for length in range(1, 40)]


def draw(strategy: SearchStrategy[Any], count: int, number: int) -> list[Any]:
    """Return ``count`` different examples, the same ones for the same number."""
    found: list[Any] = []

    @seed(number)
    @settings(
        max_examples=count * 4, database=None, deadline=None, suppress_health_check=HealthCheck
    )
    @given(strategy)
    def collect(example: Any) -> None:
        if len(found) < count and example not in found:
            found.append(example)

    collect()
    assert len(found) == count
    return found


def ask(version: str, questions: Iterable[list[str]]) -> list[list[str]]:
    """Return one answer, in words, to each question that has one."""
    lines = "\n".join(" ".join(quote(word, safe="") for word in words) for words in questions)
    run = subprocess.run(
        ["java", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-cp", class_path(version), "Filters"],
        input=lines.encode(), capture_output=True, check=True, timeout=120,
    )  # fmt: skip
    return [
        [unquote_plus(word) for word in line.split(" ")]
        for line in run.stdout.decode().splitlines()
    ]


def ask_verdicts(
    version: str, expressions: list[str], sets: list[dict[str, str]]
) -> list[list[str]]:
    """Return what a release makes of each expression.

    Returns:
        ``["refused", text]``, or ``["compiled", text]`` and one word per property set: T, F, N for
        null, or the exception.
    """
    told = [["p", *(word for item in one.items() for word in item)] for one in sets]
    return ask(version, told + [["e", text] for text in expressions])


def ask_bits(version: str) -> list[dict[str, Any]]:
    """Return the length of the bit maps and the bits of names, for sizes of bloom filters."""
    asked = [(rate, 32, "group#topic") for rate in range(1, 100)]
    asked += [(20, count, "group#topic") for count in (1, 2, 3, 7, 64, 100, 1000, 4096, 100_000)]
    asked += [(20, 32, name) for name in NAMES]
    answers = ask(version, [["b", str(rate), str(count), name] for rate, count, name in asked])
    return [
        {
            "f": rate,
            "n": count,
            "name": name,
            "m": int(words[0]),
            "bits": json.loads("".join(words[1:])),
        }
        for (rate, count, name), words in zip(asked, answers, strict=True)
    ]


def main() -> None:
    """Record the answers of all releases."""
    expressions = draw(strategies.expressions, EXPRESSIONS, 1)
    expressions += draw(strategies.mistaken_expressions(), EXPRESSIONS, 2)
    sets = draw(strategies.properties, PROPERTY_SETS, 3)
    for version in VERSIONS:
        answers = ask_verdicts(version, expressions, sets)
        errors: dict[str, int] = {}
        rows = [
            [text, *words[:2], "".join(_letter(word, errors) for word in words[2:])]
            for text, words in zip(expressions, answers, strict=True)
        ]
        recording = {"sets": sets, "errors": list(errors), "rows": rows, "bits": ask_bits(version)}
        path = GOLDEN / "filter" / f"random-{version}.json.gz"
        path.write_bytes(gzip.compress(json.dumps(recording).encode(), mtime=0))
        print(path, path.stat().st_size)


def _letter(word: str, errors: dict[str, int]) -> str:
    """Return one character for a verdict: its own letter, or one above U+0100 for an error."""
    return word if len(word) == 1 else chr(0x100 + errors.setdefault(word, len(errors)))


if __name__ == "__main__":
    main()
