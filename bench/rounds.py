"""How figures are taken: each kind in turn, round after round, Java warmed until its rate stands.

Groups of cases with the same settings share their brokers: a JVM is started and warmed once.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.generator.run import Report, Shape, play, quantile
from bench.generator.tape import Frame
from bench.machine import CORES, Machine, cpu_seconds, rss_mib, settle, share_of
from bench.results import Figures, Results
from bench.sides import JAVA, KINDS, Server, servers
from bench.warming import Warming
from interop import processes
from rmqwire.codec import decode_frame

WARM_SLICE_S = 1.0
WARM_SLICES = {JAVA: 40}  # at most: Java's compilers need ten to thirty seconds, Python none
WARM_AGAIN = {JAVA: 12}  # at most, of a JVM that was warmed by the same request before
REST_S = 1.0  # so long is looked what a broker takes at rest
ONCE_S = 60.0  # at most, to play a tape once

Load = tuple[list[Frame], Shape]
Entry = tuple[str, Server, Load]  # the case, who is loaded, with what


def processes_beside(server: Server) -> list[int]:
    """Return the run's other processes: idle brokers, name servers."""
    running = [node.process for node in processes.running if node.process.poll() is None]
    return [process.pid for process in running if process.pid not in server.pids]


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
    _settings: Mapping[str, str] | None = None  # of the brokers that run
    _servers: list[Server] = field(default_factory=list)
    _running: ExitStack = field(default_factory=ExitStack)
    _warmed: set[tuple[int, int]] = field(default_factory=set)  # (process, request code)
    _at_rest: dict[int, float] = field(default_factory=dict)  # by process, of a core

    def servers(self, settings: Mapping[str, str]) -> list[Server]:
        """Return a broker of each kind, those of the case before if they have these settings."""
        if self._settings != settings:
            self.stop_servers()
            with ExitStack() as starting:
                home = starting.enter_context(self.home())
                self._servers = starting.enter_context(servers(self.kinds, home, settings))
                self._running = starting.pop_all()
            self._settings = dict(settings)
        return self._servers

    def stop_servers(self) -> None:
        """End the brokers that cases share."""
        self._settings = None
        self._running.close()

    @contextmanager
    def apart(self) -> Iterator[Path]:
        """Make a folder for brokers of a case's own; those that cases share are not beside them."""
        self.stop_servers()
        with self.home() as home:
            yield home

    @contextmanager
    def home(self) -> Iterator[Path]:
        """Make a folder for stores and remove it."""
        home = Path(tempfile.mkdtemp(prefix="rmqwire-bench-", dir=self.folder))
        try:
            yield home
        finally:
            # of ten thousand topics: shutil takes several times as long
            subprocess.run(["rm", "-rf", str(home)], check=False)

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
        watched, beside = server.pids, processes_beside(server)
        machine, before, began = Machine(), sum(map(cpu_seconds, watched)), time.monotonic()
        beside_before = sum(map(cpu_seconds, beside))
        bounds = {"warm": 0, "limit": len(frames)} if once else {}
        seconds = ONCE_S if once else seconds or self.seconds
        report = play(server.port, frames, shape, seconds=seconds, pulls=pulls, **bounds)
        anyway = settle(watched, self._at_rest.get(server.pid, 0.0))
        took, used = time.monotonic() - began, sum(map(cpu_seconds, watched)) - before
        spent = used - anyway
        ours = used + report.all_cpu_s + sum(map(cpu_seconds, beside)) - beside_before
        others = max(machine.since().busy * CORES - ours / took, 0.0)
        figures = figures_of(report, spent, others)
        figures["rss_mib"] = sum(map(rss_mib, watched))
        if report.refused:
            self.say(f"{server.kind} refused, by code: {report.codes}")
        return report, figures

    def warm(self, server: Server, frames: list[Frame], shape: Shape) -> None:
        """Load a server until its rate stands; idle connections warm nothing."""
        shape = replace(shape, idle=0)
        mark = server.pid, decode_frame(frames[0].data[4:]).code
        limits = WARM_AGAIN if mark in self._warmed else WARM_SLICES
        self._warmed.add(mark)
        warming = Warming(server.pid)
        for _ in range(2 if self.quick else limits.get(server.kind, 1)):
            warming.add(play(server.port, frames, shape, seconds=WARM_SLICE_S, warm=0).rate)
            if warming.is_over:
                break
        if server.kind in limits:
            self.say(f"{server.kind} warmed, messages/s: {warming}")

    def compare(self, entries: Sequence[Entry], rounds: int = 0) -> None:
        """Warm each entry, then load them in turn, there and back, round after round."""
        for _, server, load in entries:
            self.warm(server, *load)
            if server.pid not in self._at_rest:
                settle(server.pids)
                self._at_rest[server.pid] = share_of(server.pids, REST_S)
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
