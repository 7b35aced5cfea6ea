"""Which test makes a Java program ask rmqwire for which code: ``recorded/codes.json``.

    RMQWIRE_INTEROP_CODES=/tmp/codes pytest interop

adds what the tests that run show to the file, from which docs/reference/request-codes.md names a test for
each code. Servers are started through ``counted.py`` then, which writes what they are asked for to the
file that the variable names.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
RECORDED = HERE / "recorded" / "codes.json"
VARIABLE = "RMQWIRE_INTEROP_CODES"
Codes = dict[str, dict[str, list[str]]]  # server: code: tests


def program() -> tuple[str, ...]:
    """Return how Python is to start rmqwire."""
    return (str(HERE / "counted.py"),) if os.environ.get(VARIABLE) else ("-m", "rmqwire")


def recorded() -> Codes:
    """Return the tests by server and code."""
    codes: Codes = json.loads(RECORDED.read_text("utf-8")) if RECORDED.exists() else {}
    return codes


@contextmanager
def during(test: str, version: str | None) -> Iterator[None]:
    """Keep what servers are asked for meanwhile as shown by ``test``."""
    name = os.environ.get(VARIABLE)
    if not name or version is None:
        yield
        return
    file = Path(name)
    file.write_text(f"{test} {version}\n")
    yield
    codes = recorded()
    for line in file.read_text().splitlines()[1:]:
        server, code = line.split()
        tests = codes.setdefault(server, {}).setdefault(code, [])
        if test not in tests:
            tests.append(test)
            tests.sort()
    text = json.dumps({server: dict(sorted(known.items(), key=lambda item: int(item[0])))
                       for server, known in sorted(codes.items())}, indent=1)  # fmt: skip
    RECORDED.write_text(f"{text}\n", "utf-8")
