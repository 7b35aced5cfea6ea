"""docs/reference/grpc-clients.md: which client showed what through the proxy, before which servers.

    RMQWIRE_GRPC_PAGE=1 pytest interop/proxy -m optin --rocketmq 5.5.0

writes what the tests that run show to ``recorded.json`` here, and the page from it: of this run alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
VARIABLE = "RMQWIRE_GRPC_PAGE"
RECORDED = HERE / "recorded.json"
PAGE = HERE.parent.parent / "docs" / "reference" / "grpc-clients.md"
PACKAGES = {
    "java": "Java, Maven `rocketmq-client-java`",
    "node": "Node, npm `rocketmq-client-nodejs`",
    "python": "Python, PyPI `rocketmq-python-client`",
}
Results = dict[str, dict[str, str]]  # scenario: "KIND CLIENT": outcome

HEADING = """\
# gRPC clients seen to work

Apache's clients of RocketMQ 5 speak gRPC to [Apache's proxy](../how-to/grpc-clients.md), version {proxy}, in cluster
mode. Each row is a test of `interop/proxy`, run with rmqwire's name server and broker below the proxy and with
Java {proxy}'s: `+` it passed, `-` it failed, an empty cell: it was not run. While rmqwire's are asked, their logs
have no warning. The rows about users are `test_access.py`'s: broker and proxy both control access (2.0).

All cells are of one run, which makes this page: `RMQWIRE_GRPC_PAGE=1 pytest interop/proxy -m optin --rocketmq {proxy}`.
"""

CLOSING = """\
That two proxies tell each other of their clients is the proxies' own doing: one client shows it.

RocketMQ's MQTT gateway ([rocketmq-mqtt](https://github.com/apache/rocketmq-mqtt)) was not tried: none of its
programs (`org.apache.rocketmq:mqtt-cs`, `mqtt-ds`, release 1.0.1) is at Maven Central.
"""


def recorded() -> Results:
    """Return the outcomes of the last run."""
    known: Results = json.loads(RECORDED.read_text("utf-8")) if RECORDED.exists() else {}
    return known


def record(outcomes: Mapping[tuple[str, str, str], str]) -> None:
    """Keep a run's outcomes by scenario, kind of servers and client, and write the page of them alone."""
    found: Results = {}
    for (scenario, kind, client), outcome in outcomes.items():
        found.setdefault(scenario, {})[f"{kind} {client}"] = outcome
    RECORDED.write_text(f"{json.dumps(found, indent=1, sort_keys=True)}\n", "utf-8")
    PAGE.write_text(page(found), "utf-8")


def page(known: Results, proxy: str = "5.5.0") -> str:
    """Return the page of these outcomes."""
    versions = client_versions()
    columns = [(kind, client) for client in PACKAGES for kind in ("rmqwire", "java")]
    lines = [HEADING.format(proxy=proxy), "| client | version |", "|---|---|"]
    lines += [f"| {package} | {versions[client]} |" for client, package in PACKAGES.items()]
    heads = (
        f"{client.capitalize()} on {kind.capitalize() if kind == 'java' else kind}"
        for kind, client in columns
    )
    lines += ["", f"| scenario | {' | '.join(heads)} |", f"|---|{'---|' * len(columns)}"]
    for scenario, cells in sorted(known.items()):
        marks = (cells.get(f"{kind} {client}", "") for kind, client in columns)
        lines.append(f"| {scenario} | {' | '.join(marks)} |")
    return "\n".join([*lines, "", CLOSING])


def client_versions() -> dict[str, str]:
    """Return the releases that the tests install."""
    pom = (HERE / "java" / "pom.xml").read_text("utf-8")
    package = json.loads((HERE / "node" / "package.json").read_text("utf-8"))
    requirements = (HERE / "python" / "requirements.txt").read_text("utf-8")
    [java] = re.findall(r"rocketmq-client-java</artifactId><version>([\d.]+)<", pom)
    return {
        "java": java,
        "node": package["dependencies"]["rocketmq-client-nodejs"],
        "python": requirements.strip().partition("==")[2],
    }
