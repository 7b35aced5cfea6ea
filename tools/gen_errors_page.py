"""Write docs/reference/errors.md: the exception tree, and each response code with its class.

The tree is the docstring of ``rmqwire.errors``; the texts stand in ``tools/error_texts.toml``.

Run: python -m tools.gen_errors_page
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import NamedTuple

from rmqwire import errors
from rmqwire.codec.release import V4_9_7, V5_5_0
from tools.gen_codes import TEXTS, class_name, code_rows, load

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "errors.md"
INTRO = """\
# Errors

Everything that rmqwire raises on purpose is an `RmqError`. An answer that is a refusal raises the
class of its response code, on every road: calls of a client, `Producer.send`, consumers, tools.

```python
from rmqwire import BrokerError, Message, RemotingError, RmqError
from rmqwire.broker_errors import MessageIllegal, TopicNotExist

try:
    await producer.send(Message("Orders", body))
except TopicNotExist:
    ...  # the broker has no such topic
except MessageIllegal as refused:
    print(refused.code, refused.remark, refused.addr)
except (BrokerError, RemotingError) as failed:
    for attempt in failed.attempts:
        print(attempt.broker_name, attempt.addr, attempt.cost_ms, attempt.error)
    if failed.maybe_stored:
        ...  # sending it again may store it twice
```

- `maybe_stored`: the request may have been carried out although the error was raised: there was no
  answer in time, or the connection broke after the request had left. False is a promise: it was not.
  An error that ends a send of several attempts says it of all of them together.
- `attempts`: of a send that takes turns among the brokers, every attempt in order, with
  `broker_name`, `addr`, `error` and `cost_ms`.
- After which codes a producer tries another broker is a column of the release (see below, as in
  Java's `retryResponseCodes`); `Producer(..., retry_response_codes=frozenset({...}))` replaces it. An
  attempt that got no answer is always repeated. No refusal makes a client ask for the route at once:
  Java's does not either, and routes are asked for every `poll_name_server_interval` (30 s).

This page is generated: `python -m tools.gen_errors_page`.

## Classes

"""
CODES = """
## Response codes

The classes are in `rmqwire.broker_errors`. A code that is not here raises a plain `BrokerError`.
"retried" says that a producer tries another broker.

| code | class | when | what to do |
|---|---|---|---|
"""
_NODE = re.compile(r"^( {4,})(\w+)  +(\S.*)$")


class Node(NamedTuple):
    """One class of the printed tree: how deep, its name, its base's name, what it stands for."""

    depth: int
    name: str
    base: str
    text: str


def tree() -> list[Node]:
    """Return the classes below RmqError as the docstring of ``rmqwire.errors`` prints them."""
    nodes: list[Node] = []
    above = ["RmqError"]
    for line in (errors.__doc__ or "").splitlines():
        match = _NODE.match(line)
        if match is not None:
            depth = len(match[1]) // 2 - 2
            del above[depth:]
            nodes.append(Node(depth, match[2], above[-1], match[3]))
            above.append(match[2])
    return nodes


def row(*cells: str) -> str:
    """Return a row of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def class_row(node: Node, cure: str) -> str:
    """Return the row of a class."""
    indent = "&emsp;" * (node.depth - 1)
    return row(f"{indent}`{node.name}`", f"{node.text[0].upper()}{node.text[1:]}.", cure)


def code_row(name: str, code: int, note: str, text: dict[str, str]) -> str:
    """Return the row of a response code."""
    remarks = [f"`{name}`", *([note] if note else [])]
    newer, older = (code in r.client.retry_response_codes for r in (V5_5_0, V4_9_7))
    if newer or older:
        remarks.append("retried" if newer and older else f"retried by {'5.x' if newer else '4.x'}")
    told = ", ".join(remarks)
    return row(str(code), f"`{class_name(name)}`<br>{told}", text["cause"], text["cure"])


def page() -> str:
    """Return the text of the page."""
    texts = tomllib.loads(TEXTS.read_text("utf-8"))
    parts = [INTRO, "| class | what | what to do |\n|---|---|---|\n"]
    parts += [class_row(node, texts["class"][node.name]["cure"]) for node in tree()]
    parts.append(CODES)
    for name, code, note in code_rows(load("response_codes.json")["codes"]):
        if code and "same number" not in note:
            parts.append(code_row(name, code, note, texts["code"][name]))
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
