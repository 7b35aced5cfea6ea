"""Run all programs of rocketmq-example at Java's servers and at ours.

    python -m interop.record_examples RELEASE KIND [RUN...]     KIND: java or rmqwire

What each showed goes to ``recorded/examples-RELEASE.json``, and from there to docs/reference/examples.md.
Port 9876 of 127.0.0.1 must be free: the programs look for a name server there.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from interop import codes_seen, nodes
from interop.cluster import MavenCluster
from interop.examples import NAMESRV, PROGRAMS, RUNS, SETTINGS, Outcome, make_topics, run_together
from interop.peer import Peer

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "reference" / "examples.md"
TEST = "interop/test_examples.py::test_each_program_shows_what_it_must"  # does the same
RELEASES = ("4.9.7", "5.5.0")
INTRO = """\
# The programs of rocketmq-example

RocketMQ's own `example` programs, unchanged, against rmqwire (and, where a column says so, against Java's
servers): how often each printed what it must, a line per message sent or received if nothing else is said.
Consumers go on for as long as they are left alone, so that their numbers are no measure. *faults*:
exceptions that the program printed. Those of 4.9.7 are not published; they must be
[compiled first](../how-to/run-interop.md#long-runs).

This page is made by the run: `python -m interop.record_examples RELEASE KIND`.
"""
Answers = dict[str, dict[str, dict[str, Any]]]


def run_all(
    version: str, kind: str, peer: Peer, home: Path, runs: Sequence[str]
) -> Iterator[Outcome]:
    """Give what each program showed at one kind of servers."""
    cluster = MavenCluster(version, home)
    port = int(NAMESRV.rpartition(":")[2])
    release = {"rocketmqVersion": version}
    if kind == "java":
        namesrv = cluster.start_namesrv(home / "namesrv", port)
        broker = cluster.start_broker(home / "broker", NAMESRV, SETTINGS)
    else:
        namesrv = nodes.start_namesrv(home / "namesrv", release | {"listenPort": str(port)})
        broker = nodes.start_broker(home / "broker", NAMESRV, release | SETTINGS)
    try:
        make_topics(peer, broker.addr)
        for run in runs:
            with codes_seen.during(TEST, version):
                seen = run_together(version, run, home / run)
            yield from seen
    finally:
        broker.kill()
        namesrv.kill()


def cell(seen: Mapping[str, Any] | None) -> str:
    """Show what a program did."""
    if seen is None:
        return "-"
    faults = f", {len(seen['faults'])} faults" if seen["faults"] else ""
    return f"{seen['times']}{faults}"


def page() -> str:
    """Return the text of the page."""
    known = {(v, kind): seen for v in RELEASES for kind, seen in recorded(v).items()}
    heads = [f"{version}, {kind}" for version, kind in known]
    lines = [
        INTRO,
        "\n",
        f"| program | must print | {' | '.join(heads)} |\n",
        f"|---|---{'|---' * len(heads)}|\n",
    ]
    for program in PROGRAMS:
        cells = [cell(seen.get(program.name)) for seen in known.values()]
        lines.append(f"| `{program.name}` | {program.says} | {' | '.join(cells)} |\n")
    return "".join(lines)


def recorded(version: str) -> Answers:
    """Return what was recorded of a release: the outcomes by kind of servers and program."""
    file = HERE / "recorded" / f"examples-{version}.json"
    known: Answers = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return known


def main() -> None:
    """Run one release at one kind of servers, all runs or those named, and write the page."""
    version, kind, *runs = sys.argv[1:]
    answers = recorded(version)
    with tempfile.TemporaryDirectory() as folder:
        peer = Peer(version, "JSON", Path(folder) / "peer")
        try:
            for seen in run_all(version, kind, peer, Path(folder) / kind, runs or RUNS):
                answers.setdefault(kind, {})[seen.program] = asdict(seen)
                text = json.dumps(answers, indent=1, ensure_ascii=False)
                (HERE / "recorded" / f"examples-{version}.json").write_text(f"{text}\n", "utf-8")
        finally:
            peer.stop()
    PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
