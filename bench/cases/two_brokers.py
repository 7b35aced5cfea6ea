"""Two brokers of a kind beside each other, as a machine with two cores has them: what both take together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from bench.cases.group import Group
from bench.cases.sends import load_of
from bench.rounds import Bench
from bench.sides import Server, servers

LOADS = {f"two-brokers/{shape}": f"send/128B/{shape}/ROCKETMQ/async" for shape in ("1x64", "64x1")}


def measure(bench: Bench, name: str, both: list[Server]) -> None:
    """Load both at once, each by a generator of its own."""
    frames, shape = load_of(LOADS[name])
    with ThreadPoolExecutor(len(both)) as pool:
        found = list(pool.map(lambda server: bench.load(server, frames, shape)[1], both))
    figures = {
        "rate": sum(figures["rate"] for figures in found),
        "cpu_us": sum(figures["cpu_us"] for figures in found) / len(found),
        "generator_us": sum(figures["generator_us"] for figures in found) / len(found),
        "refused": sum(figures["refused"] for figures in found),
        "rss_mib": sum(figures["rss_mib"] for figures in found),
    }
    bench.results.add(name, both[0].kind, figures)


def run(bench: Bench, names: list[str]) -> None:
    with ExitStack() as running:
        home = running.enter_context(bench.apart())
        halves = [
            running.enter_context(servers(bench.kinds, home / half, {})) for half in ("a", "b")
        ]
        pairs = [list(pair) for pair in zip(*halves, strict=True)]
        for name in names:
            for pair in pairs:
                for server in pair:
                    bench.warm(server, *load_of(LOADS[name]))
            for number in range(bench.rounds):
                for pair in pairs[:: -1 if number % 2 else 1]:
                    measure(bench, name, pair)
            bench.tell(name)


GROUP = Group("two brokers loaded at once: what both take together", list(LOADS), [], run)
