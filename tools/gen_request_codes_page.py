"""Write docs/reference/request-codes.md from the tables of requests.

Run: python -m tools.gen_request_codes_page
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmqwire.broker.requests import REQUESTS as BROKER
from rmqwire.broker.requests import Row
from rmqwire.codec.release import RELEASES, V5_5_0
from rmqwire.namesrv.requests import REQUESTS as NAMESRV

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmqwire.remoting.request_row import RequestRow

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "request-codes.md"
JAVA = ROOT / "tests" / "data" / "protocol" / "request_codes.json"
SEEN = ROOT / "interop" / "recorded" / "codes.json"
REASONS = {
    "UPDATE_AND_CREATE_STATIC_TOPIC": "static topics (RIP-37) are not there: hardly anybody has them",
}
IDLE = """
### Answered, and nothing done

A broker without the mode that a request is about answers it all the same, in Java and here:

| code | about | answer |
|---|---|---|
| 354 | consume queues in RocksDB | in progress; that there is nothing to compare stands in the log |
| 355 | tables in RocksDB | `export done.`: they are JSON files |
| 905 | a slave that acts as master (`enableSlaveActingMaster`, refused at the start) | 0 |
| 1007, 1008 | a controller (`enableControllerMode`, refused at the start) | 1 `this request only for controllerMode`; 0 |
"""
INTRO = """\
# Request codes

What the broker and the name server answer, code by code, and what a slave does with it. *Access* is
what access control asks for, as Java 5.5.0 declares it; `-`: the sender must only be known. What the
access control of 4.9 (`aclEnable`) asks for stands in [its how-to](../how-to/control-access.md).
Every other code is answered with `REQUEST_CODE_NOT_SUPPORTED` (3), as Java answers a code that it
doesn't know, and one line in the log says so.

*Seen with Java* names a test in `interop/` in which a program of Java's (client, mqadmin, broker) asks for
the code, as the servers noted in the run that recorded it (`interop/codes_seen.py`).

This page is generated from the tables that the servers themselves read, and from that run:
`python -m tools.gen_request_codes_page`.
"""


def since(row: RequestRow[Any]) -> str:
    """Show the first release that has a code."""
    if row.since > V5_5_0.mq_version:
        return next(name for name, release in RELEASES.items() if row.known_to(release))
    if row.until:
        return "4.x only"
    return "5.x" if row.since else "4.x"


def tests_by_code(server: str) -> dict[int, str]:
    """Return a test for each code that Java asked one of our servers for.

    Of several the one in which Java asked for the fewest codes is the most about it.
    """
    known = json.loads(SEEN.read_text("utf-8"))
    asked = Counter(test for codes in known.values() for tests in codes.values() for test in tests)
    return {
        int(code): min(tests, key=lambda test: (asked[test], test)).removeprefix("interop/")
        for code, tests in known[server].items()
    }


def broker_row(row: Row, tests: Mapping[int, str]) -> str:
    """Show a code of the broker as a row."""
    code, test = int(row.code), tests.get(int(row.code))
    cells = (
        code,
        row.code.name,
        since(row),
        row.access or "-",
        row.on_slave,
        row.queue,
        shown(test),
    )
    return "| " + " | ".join(str(cell) for cell in cells) + " |\n"


def shown(test: str | None) -> str:
    return f"`{test}`" if test else "-"


def namesrv_row(row: RequestRow[Any], tests: Mapping[int, str]) -> str:
    """Show a code of the name server as a row."""
    test = tests.get(int(row.code))
    cells = (int(row.code), row.code.name, since(row), row.access or "-", shown(test))
    return "| " + " | ".join(str(cell) for cell in cells) + " |\n"


def missing(server: str, served: set[int]) -> list[str]:
    """Show the codes that a Java server answers and ours doesn't."""
    lines = []
    for entry in json.loads(JAVA.read_text("utf-8"))["codes"]:
        releases = [
            release
            for release, handlers in entry["handler"].items()
            if any(handler.startswith(f"{server}:") for handler in handlers)
        ]
        if releases and entry["value"] not in served:
            cells = (entry["value"], entry["name"], ", ".join(releases), REASONS[entry["name"]])
            lines.append("| " + " | ".join(str(cell) for cell in cells) + " |\n")
    return lines


def page() -> str:
    """Return the text of the page."""
    by_code = lambda row: int(row.code)  # noqa: E731
    parts = [INTRO, "\n## Broker\n\n"]
    parts.append(
        "| code | name | since | access | on a slave | thread pool in Java | seen with Java |\n"
        "|---|---|---|---|---|---|---|\n"
    )
    tests = tests_by_code("broker")
    parts += [broker_row(row, tests) for row in sorted(BROKER, key=by_code)]
    parts.append(IDLE)
    parts.append(
        "\n## Name server\n\n| code | name | since | access | seen with Java |\n|---|---|---|---|---|\n"
    )
    tests = tests_by_code("namesrv")
    parts += [namesrv_row(row, tests) for row in sorted(NAMESRV, key=by_code)]
    for title, server, rows in (("broker", "broker", BROKER), ("name server", "namesrv", NAMESRV)):
        lines = missing(server, {int(row.code) for row in rows})
        if lines:
            parts.append(f"\n## Not there: {title}\n\n")
            parts.append("| code | name | answered by Java | why |\n|---|---|---|---|\n")
            parts += lines
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
