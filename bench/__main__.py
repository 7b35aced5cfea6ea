"""Java's broker and rmqwire's, both lanes, side by side in one run.

python -m bench [CASE ...] [--rounds 5] [--seconds 1.2] [--kinds java,python,native] [--quick] [--out DIR]

CASE is a name or a pattern, as ``send/128B/*``; ``--list`` prints all. Without one the default set runs.
The results go to DIR as results.json and table.md, and as plots where matplotlib is; ``--show FILE`` prints
the table of results that are there already. ``python -m bench PART [options]`` measures a part of rmqwire
alone, without sockets or beside nothing; ``--list`` prints the parts too.
"""

from __future__ import annotations

import argparse
import runpy
import signal
import sys
import time
from fnmatch import fnmatchcase
from pathlib import Path

from bench import plots, table
from bench.cases import GROUPS
from bench.generator.run import build
from bench.generator.share import shares
from bench.machine import Machine, describe
from bench.results import Results
from bench.rounds import Bench
from bench.sides import JAVA, KINDS, NATIVE
from interop.jars import missing_tools
from rmqwire.codec.native import module_fault

PARTS = {
    "broker_inmemory": "CPU of a send in one connection's core, without sockets",
    "client": "Java's, Go's and our three clients at one Java broker",
    "flatness": "threads, tasks and memory of the clients under load for minutes",
    "ha_transfer": "ways to send a log in batches that each have a header",
    "lone_pass": "a pass of one send, by what the process did before",
    "record_codec": "µs of the record codec by message",
    "remoting": "an echo over our remoting server and client in one process",
    "send_calls": "Python calls of a send, counted",
    "store": "puts, pulls and index of the store alone, by size of a pass",
    "timers": "a million timers that wait, a simulated week of random times",
}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.2, help="of each load")
    parser.add_argument("--kinds", default=",".join(KINDS), help="brokers, default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="one round of 0.5 s: does it work?")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no group after them")
    parser.add_argument("--folder", type=Path, help="where stores are made")
    parser.add_argument("--out", type=Path, default=Path("build/bench"), metavar="DIR")
    parser.add_argument("--list", action="store_true", help="print the names of all cases")
    parser.add_argument("--show", type=Path, metavar="FILE", help="print the table of results.json")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write a page of the docs too")
    return parser.parse_args()


def kinds_here(wanted: list[str], notes: list[str]) -> list[str]:
    """Return those that can run on this machine; what is left out becomes a note."""
    faults = {JAVA: missing_tools(), NATIVE: module_fault()}
    notes += [f"Left out: {kind}, {faults[kind]}." for kind in wanted if faults.get(kind)]
    return [kind for kind in wanted if not faults.get(kind)]


def chosen(patterns: list[str]) -> dict[str, list[str]]:
    """Return the wanted cases by group; by default each group's own default.

    Raises:
        SystemExit: a pattern that no case has.
    """
    if not patterns:
        return {name: list(group.default) for name, group in GROUPS.items() if group.default}
    every = [case for group in GROUPS.values() for case in group.names]
    for pattern in patterns:
        if not any(fnmatchcase(case, pattern) for case in every):
            raise SystemExit(f"no case is called {pattern!r}; --list prints all")
    found = {
        name: [
            case
            for case in dict.fromkeys([*group.default, *group.names])  # in the order of a whole run
            if any(fnmatchcase(case, pattern) for pattern in patterns)
        ]
        for name, group in GROUPS.items()
    }
    return {name: cases for name, cases in found.items() if cases}


def run(options: argparse.Namespace) -> Results:
    bench = Bench(
        1 if options.quick else options.rounds,
        0.5 if options.quick else options.seconds,
        folder=options.folder,
        quick=options.quick,
    )
    bench.kinds = kinds_here(options.kinds.split(","), bench.results.notes)
    build()
    began, machine = time.monotonic(), Machine()
    bench.results.machine = describe()
    try:
        run_groups(bench, options, began)
    finally:
        bench.stop_servers()
    bench.results.machine |= {
        "steal": f"{machine.since().steal:.1%}",
        "took": f"{time.monotonic() - began:.0f} s",
        "rounds": f"{bench.rounds} of {bench.seconds:g} s",
        "generator": shares(),
    }
    save(bench.results, options.out)
    return bench.results


def run_groups(bench: Bench, options: argparse.Namespace, began: float) -> None:
    """Run the wanted groups and save the results after each.

    Args:
        bench: where they run.
        options: what is wanted.
        began: monotonic, s; no group is begun ``options.minutes`` later.
    """
    for name, cases in chosen(options.cases).items():
        if time.monotonic() - began > 60 * options.minutes:
            bench.results.notes.append(f"Left out: {name}, the time was over.")
            continue
        since = time.monotonic()
        try:
            GROUPS[name].run(bench, cases)
        except Exception as fault:  # noqa: BLE001 - the other groups' figures are not lost
            bench.results.notes.append(f"**{name} ended early**: {fault!r}")
            bench.say(f"{name} ended early: {fault!r}")
            bench.stop_servers()
        bench.say(f"{name}: {len(cases)} cases took {time.monotonic() - since:.0f} s")
        save(bench.results, options.out)


def save(results: Results, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    results.save(folder / "results.json")
    (folder / "table.md").write_text(table.markdown(results))


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # servers are stopped on the way
    if sys.argv[1:2] and sys.argv[1] in PARTS:
        part = sys.argv.pop(1)
        runpy.run_module(f"bench.{part}", run_name="__main__", alter_sys=True)
        return
    options = parse()
    if options.list:
        for name, group in GROUPS.items():
            print(f"{name}: {group.about}")
            for case in group.names:
                print(f"    {case}{' (default)' if case in group.default else ''}")
        print("parts, measured alone:")
        for part, about in PARTS.items():
            print(f"    {part}: {about}")
        return
    results = Results.load(options.show) if options.show else run(options)
    sys.stdout.write(table.markdown(results))
    pictures = options.out
    if options.page:
        pictures = options.page.with_suffix("")
        options.page.write_text(table.page(results, pictures.name))
    if options.page or not options.show:
        for line in plots.draw(results, pictures):
            sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main()
