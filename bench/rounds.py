"""How figures are taken: each kind in turn, round after round, Java warmed until its rate stands."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.generator.run import Report, Shape, play, quantile
from bench.generator.tape import Frame
from bench.machine import CORES, Machine, cpu_seconds, rss_mib, settle
from bench.results import Figures, Results
from bench.sides import JAVA, KINDS, Server

WARM_SLICE_S = 1.0
WARM_SLICES = {JAVA: 18}  # at most: Java's compiler needs some ten seconds, Python none
ONCE_S = 60.0  # at most, to play a tape once
STANDS_WITHIN = 0.06  # of each other: the last three slices of a rate that stands

Load = tuple[list[Frame], Shape]
Entry = tuple[str, Server, Load]  # the case, who is loaded, with what


def stands(rates: Sequence[float]) -> bool:
    """Return whether a rate has stopped to grow."""
    last = rates[-3:]
    return len(rates) > 3 and max(last) - min(last) <= STANDS_WITHIN * max(last)


def figures_of(report: Report, cpu_s: float, others: float) -> Figures:
    """Return the figures of one load: rates per second, times in µs, CPU per message with all that follows."""
    return {
        "rate": report.rate,
        "cpu_us": cpu_s / max(report.all_messages, 1) * 1e6,
        "p50_us": quantile(report.taken, 0.5),
        "p99_us": quantile(report.taken, 0.99),
        "p999_us": quantile(report.taken, 0.999),
        "generator_us": report.all_cpu_s / max(report.all_messages, 1) * 1e6,
        "refused": float(report.refused),
        "others": others,
    }


@dataclass
class Bench:
    """One run of the benchmark.

    Args:
        rounds: of each case and kind.
        seconds: of each load.
        kinds: which brokers are compared.
        folder: where stores are made, None: where temporary files are.
        quick: everything is as small as it can be; it shows that it works, not how fast.
    """

    rounds: int = 5
    seconds: float = 1.2
    kinds: Sequence[str] = KINDS
    folder: Path | None = None
    quick: bool = False
    results: Results = field(default_factory=Results)

    @contextmanager
    def home(self) -> Iterator[Path]:
        """Make a folder for stores and remove it."""
        home = Path(tempfile.mkdtemp(prefix="rmqwire-bench-", dir=self.folder))
        try:
            yield home
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def say(self, text: str) -> None:
        sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
        sys.stderr.flush()

    def load(
        self,
        server: Server,
        frames: list[Frame],
        shape: Shape,
        *,
        seconds: float = 0.0,
        once: bool = False,
        pulls: Sequence[Frame] = (),
    ) -> tuple[Report, Figures]:
        """Load a server for some time, or until the tape was played ``once``, however long it takes."""
        watched = server.pids
        machine, before, began = Machine(), sum(map(cpu_seconds, watched)), time.monotonic()
        bounds = {"warm": 0, "limit": len(frames)} if once else {}
        seconds = ONCE_S if once else seconds or self.seconds
        report = play(server.port, frames, shape, seconds=seconds, pulls=pulls, **bounds)
        settle(watched)
        took, spent = time.monotonic() - began, sum(map(cpu_seconds, watched)) - before
        busy = machine.since().busy * CORES
        others = max(busy - (spent + report.all_cpu_s) / took, 0.0)
        figures = figures_of(report, spent, others)
        figures["rss_mib"] = sum(map(rss_mib, watched))
        if report.refused:
            self.say(f"{server.kind} refused, by code: {report.codes}")
        return report, figures

    def warm(self, server: Server, frames: list[Frame], shape: Shape) -> None:
        """Load a server until its rate stands; idle connections warm nothing."""
        shape = replace(shape, idle=0)
        rates: list[float] = []
        for _ in range(2 if self.quick else WARM_SLICES.get(server.kind, 1)):
            rates.append(play(server.port, frames, shape, seconds=WARM_SLICE_S).rate)
            if stands(rates):
                return

    def compare(self, entries: Sequence[Entry], rounds: int = 0) -> None:
        """Warm each entry, then load them in turn, there and back, round after round."""
        for _, server, load in entries:
            self.warm(server, *load)
        for number in range(rounds or self.rounds):
            for case, server, load in entries[:: -1 if number % 2 else 1]:
                _, figures = self.load(server, *load)
                self.results.add(case, server.kind, figures)
        for case in dict.fromkeys(case for case, _, _ in entries):
            self.tell(case)

    def tell(self, case: str) -> None:
        """Say the medians of a case."""
        parts = []
        for kind in self.results.rounds[case]:
            words = [
                f"{metric} {self.results.median(case, kind, metric):,.4g}"
                for metric in self.results.metrics(case)
                if metric not in {"generator_us", "refused", "others", "p999_us"}
                and self.results.median(case, kind, metric) is not None
            ]
            parts.append(f"\n    {kind:16} {'  '.join(words)}")
        self.say(case + "".join(parts))
