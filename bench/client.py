"""Java's client, Go's and ours on trio, asyncio and threads side by side, at one broker in one run.

python -m bench client [CASE ...] [--rounds 3] [--seconds 1.5] [--clients java,trio,aio,blocking,go]
                       [--broker java|python|native] [--count 60000] [--out DIR] [--page FILE]

CASE is a name or a pattern, as ``sync/*``; ``--list`` prints all. The clients are processes of their own that
stay for all rounds; each is loaded in turn, there and back, Java's warmed before until its rate stands. CPU is
that of the client's process while it is loaded.
"""

from __future__ import annotations

import argparse
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import trio

from bench import table
from bench.client_aims import AIO, BLOCKING, CLIENTS, GO, TRIO
from bench.clients.load import BATCH
from bench.machine import CORES, Machine, cpu_seconds, describe
from bench.results import Figures, Results
from bench.rounds import Bench
from bench.sides import FAST_JVM, JAVA, KINDS, VERSION, start_broker
from bench.warming import Warming
from interop import nodes
from interop.client_program import ClientError, ClientProgram
from interop.foreign import programs
from interop.jars import missing_tools
from interop.kinds import make_topic
from interop.peer import Peer
from interop.processes import wait_until
from interop.wire import route_known
from rmqwire import Message, Producer

ROOT = Path(__file__).resolve().parent.parent
SENDS = [f"sync/{n}" for n in (1, 16, 64)] + ["async/256", "batch/4"]
CONSUMES = ["consume/1", "consume/32"]
CASES = SENDS + CONSUMES
ALL = (JAVA, TRIO, AIO, BLOCKING, GO)
QUEUES = 8
SIZE = 128  # bytes of a body
PATIENT = {"waitTimeMillsInSendQueue": "10000"}  # no refusals because others use the machine too
WARM_SLICES = {JAVA: 9, GO: 2}  # at most, of a second; Python has nothing to warm
WARM_CONSUMES = {JAVA: 3}
OFTENER = {"async/256": 3}  # times the rounds of a case whose rounds are far apart

PAGE = """# Benchmarks of the clients

Java's client, Go's (`rocketmq-client-go` 2.1.2) and rmqwire's on trio, asyncio and threads, at one Java 5.5.0 broker
in one run: `python3 run.py bench client --page FILE` writes this page. [How it is measured](../how-to/measure.md#the-clients);
[where the time goes](../explanation/speed.md#the-clients). A figure in bold is short of its aim.

{table}{flatness}"""

FLATNESS = """
## Threads, tasks and memory
A producer and a push consumer of each face at work; at the end of the first tenth of the time → at its end
(`python -m bench flatness`, its tables are given to `--flatness`).

{tables}"""


@dataclass(frozen=True)
class Site:
    """Where the clients are at work.

    Args:
        namesrv: ``host:port``.
        broker: ``host:port``.
        pid: the broker's process, 0: this one's.
    """

    namesrv: str
    broker: str
    pid: int = 0

    def topic(self, name: str) -> str:
        """Make a topic and return it once clients can find it."""
        made = f"{name}_{uuid.uuid4().hex[:8]}"
        make_topic(self.broker, made, queues=QUEUES)
        wait_until(lambda: route_known(self.namesrv, made), f"the route of {made}")
        return made


def start_client(kind: str, home: Path) -> ClientProgram:
    """Start the program of a client, or say why it can't be had.

    Raises:
        programs.Missing: what it needs isn't on this machine.
    """
    if kind == JAVA:
        if reason := missing_tools():
            raise programs.Missing(f"Java's client: {reason}")
        return Peer(VERSION, "JSON", home, jvm=FAST_JVM)
    if kind == GO:
        return programs.start(GO, home)
    command = [sys.executable, "-m", f"bench.clients.{kind}_client"]
    return ClientProgram(kind, command, home, {"PYTHONPATH": str(ROOT)})


@contextmanager
def clients(kinds: Sequence[str], home: Path, notes: list[str]) -> Iterator[list[ClientProgram]]:
    """Start the clients; what can't be had becomes a note."""
    with ExitStack() as running:
        found = []
        for kind in kinds:
            try:
                client = start_client(kind, home / kind)
            except programs.Missing as reason:
                notes.append(f"Left out: {kind}, {reason}.")
                continue
            running.callback(client.stop)
            client.name = kind
            found.append(client)
        yield found


def save(results: Results, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    results.save(folder / "results.json")


async def fill(namesrv: str, topic: str, count: int) -> None:
    """Send messages to be consumed."""
    async with Producer("fill", namesrv_addr=namesrv) as producer:
        for at in range(0, count, BATCH):
            some = min(BATCH, count - at)
            await producer.send([Message(topic, b"a" * SIZE) for _ in range(some)])


@dataclass
class ClientBench:
    """One run.

    Args:
        bench: rounds, seconds and results.
        site: the broker.
        count: messages of a load that consumes.
        out: where results are kept after each case.
    """

    bench: Bench
    site: Site
    count: int
    out: Path | None = None

    def run(self, cases: Sequence[str], running: Sequence[ClientProgram]) -> None:
        topics = {"send": self.site.topic("BenchSend")}
        if any(case in CONSUMES for case in cases):
            topics["consume"] = self.site.topic("BenchConsume")
            trio.run(fill, self.site.namesrv, topics["consume"], self.count)
        for case in cases:
            for client in running:
                self._warm(client, case, topics)
            for number in range(self.rounds_of(case)):
                for client in running[:: -1 if number % 2 else 1]:
                    self._measure(client, case, topics)
            self.bench.tell(case)
            if self.out is not None:
                save(self.bench.results, self.out)

    def rounds_of(self, case: str) -> int:
        """Return how often each client is loaded in a case."""
        return self.bench.rounds * (1 if self.bench.quick else OFTENER.get(case, 1))

    def _measure(self, client: ClientProgram, case: str, topics: dict[str, str]) -> None:
        try:
            figures = self.load(client, case, topics)
        except ClientError as error:  # the other figures are not lost
            self.bench.results.notes.append(f"**{client.name} failed in {case}**: {error}")
        else:
            self.bench.results.add(case, client.name, figures)

    def _warm(self, client: ClientProgram, case: str, topics: dict[str, str]) -> None:
        slices = (WARM_CONSUMES if case in CONSUMES else WARM_SLICES).get(client.name, 0)
        warming = Warming(client.process.pid)
        for _ in range(1 if self.bench.quick else slices):
            try:
                warming.add(self.load(client, case, topics, seconds=1.0)["rate"])
            except ClientError as error:
                self.bench.say(f"{client.name} failed while it was warmed: {error}")
            if warming.is_over:
                return

    def load(
        self, client: ClientProgram, case: str, topics: dict[str, str], seconds: float = 0.0
    ) -> Figures:
        """Load a client once; return its rate, times in µs, CPU and its broker's per message in µs."""
        mode, number = case.split("/")
        site, machine, began = self.site, Machine(), time.monotonic()
        watched = [client.process.pid, *([site.pid] if site.pid else [])]
        before = [cpu_seconds(pid) for pid in watched]
        if mode == "consume":
            group = f"bench_{uuid.uuid4().hex[:8]}"
            words = ("bench-consume", site.namesrv, topics[mode], group, self.count, number)
        else:
            span = seconds or self.bench.seconds
            words = ("bench-send", site.namesrv, topics["send"], mode, number, span, SIZE)
        answer = client.call(*words)[0]
        spent = [cpu_seconds(pid) - past for pid, past in zip(watched, before, strict=True)]
        took, messages = time.monotonic() - began, answer["messages"]
        figures = {
            "rate": messages / answer["seconds"],
            "cpu_us": answer["cpu_s"] / messages * 1e6,
            "others": max(machine.since().busy * CORES - sum(spent) / took, 0.0),
        }
        if mode != "consume":
            figures |= {name: answer[name] for name in ("p50_us", "p99_us")}
        if site.pid:
            figures["broker_us"] = spent[1] / messages * 1e6
        return figures


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench client",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each load of sends")
    parser.add_argument(
        "--count", type=int, default=60_000, help="messages of each load that consumes"
    )
    parser.add_argument("--clients", default=",".join(ALL), help="default: %(default)s")
    parser.add_argument("--broker", default=JAVA, choices=KINDS)
    parser.add_argument("--quick", action="store_true", help="one round of 0.3 s: does it work?")
    parser.add_argument("--folder", type=Path, help="where the store is made")
    parser.add_argument("--out", type=Path, default=Path("build/bench-client"), metavar="DIR")
    parser.add_argument("--list", action="store_true", help="print the names of all cases")
    parser.add_argument("--show", type=Path, metavar="FILE", help="print the table of results.json")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the page of the docs too")
    parser.add_argument(
        "--flatness", type=Path, metavar="FILE", help="tables for the page, of bench flatness"
    )
    return parser.parse_args()


def chosen(patterns: Sequence[str]) -> list[str]:
    """Return the cases that patterns name, all without one.

    Raises:
        SystemExit: a pattern that no case has.
    """
    for pattern in patterns:
        if not any(fnmatchcase(case, pattern) for case in CASES):
            raise SystemExit(f"no case is called {pattern!r}; --list prints all")
    return [case for case in CASES if not patterns or any(fnmatchcase(case, p) for p in patterns)]


def run(options: argparse.Namespace) -> Bench:
    bench = Bench(
        1 if options.quick else options.rounds,
        0.3 if options.quick else options.seconds,
        folder=options.folder,
        quick=options.quick,
    )
    began, machine = time.monotonic(), Machine()
    bench.results.machine = describe()
    with ExitStack() as running:
        home = running.enter_context(bench.home())
        namesrv = nodes.start_namesrv(home / "namesrv")
        running.callback(namesrv.kill)
        server = start_broker(options.broker, home / "broker", namesrv.addr, PATIENT)
        running.callback(server.node.kill)
        site = Site(namesrv.addr, server.node.addr, server.pid)
        started = running.enter_context(
            clients(options.clients.split(","), home, bench.results.notes)
        )
        ClientBench(bench, site, options.count, options.out).run(chosen(options.cases), started)
    bench.results.machine |= {
        "steal": f"{machine.since().steal:.1%}",
        "took": f"{time.monotonic() - began:.0f} s",
        "rounds": f"{bench.rounds} of {bench.seconds:g} s"
        + "".join(f", of {case} {times} times as many" for case, times in OFTENER.items()),
        "broker": f"{options.broker}, {VERSION}",
        "python": sys.version.split()[0],
    }
    return bench


def page(text: str, flatness: Path | None) -> str:
    """Return the page of the documentation: the table, and what ``bench flatness`` has found."""
    more = FLATNESS.format(tables=flatness.read_text()) if flatness else ""
    return PAGE.format(table=text.replace("\n### ", "\n## "), flatness=more)


def main() -> None:
    options = parse()
    if options.list:
        print("\n".join(CASES))
        return
    if options.show:
        results = Results.load(options.show)
    else:
        results = run(options).results
        save(results, options.out)
    text = table.markdown(results, CLIENTS)
    sys.stdout.write(text)
    if options.page:
        options.page.write_text(page(text, options.flatness))


if __name__ == "__main__":
    main()
