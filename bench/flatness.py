"""Threads, tasks and memory of the clients under load for minutes: they have to stay as they are.

python -m bench flatness [--minutes 10] [--faces trio,aio,blocking] [--rate 500] [--broker java|python] [--out FILE]

Each face is a process of its own with a producer and a push consumer of the same topic, all at one broker at the
same time. It sends at a rate, consumes what it sends, and says every few seconds what it has: threads, trio's tasks,
resident memory, objects that the garbage collector knows. The table compares the first minute's end with the last.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import trio

import rmqwire
import rmqwire.aio
import rmqwire.blocking
from bench.client import PATIENT, ROOT, Site
from bench.client_aims import AIO, BLOCKING, FACES, TRIO
from bench.machine import rss_mib
from bench.rounds import Bench
from bench.sides import JAVA, KINDS, PYTHON, start_broker
from interop import nodes
from rmqwire.bridge.engine import shared_engine

SLICES = 10  # of the whole time; the first one is not compared: caches fill, pools grow
TURN_S = 0.05  # sends of a turn leave together
FIRST = "CONSUME_FROM_FIRST_OFFSET"


@dataclass(frozen=True)
class Sample:
    """What a process has at one moment.

    Args:
        at: seconds since its begin.
        sent: messages so far.
        consumed: messages so far.
        failed: sends so far, of a machine that is too busy for them.
        threads: of the process.
        tasks: of trio, in the loop that the clients run in.
        rss_mib: resident memory.
        objects: that the garbage collector tracks, after a collection.
    """

    at: float
    sent: int
    consumed: int
    failed: int
    threads: int
    tasks: int
    rss_mib: float
    objects: int


class Samples:
    """The load's clock: how much is to be sent now, and samples in between.

    Args:
        seconds: of the whole load.
        rate: messages a second.
        tell: takes each sample.
    """

    def __init__(self, seconds: float, rate: float, tell: Callable[[Sample], None]) -> None:
        self._seconds, self._rate, self._tell = seconds, rate, tell
        self._began = time.monotonic()
        self._next = seconds / SLICES
        self.sent = self.consumed = self.failed = 0

    @property
    def is_over(self) -> bool:
        return time.monotonic() - self._began >= self._seconds

    def due(self) -> int:
        """Return how many messages are to be sent now."""
        return max(int((time.monotonic() - self._began) * self._rate) - self.sent, 0)

    def consumed_more(self, messages: list) -> None:
        self.consumed += len(messages)

    def look(self, tasks: Callable[[], int]) -> None:
        """Take a sample if it is time."""
        at = time.monotonic() - self._began
        if at < self._next:
            return
        self._next += self._seconds / SLICES
        gc.collect()
        self._tell(
            Sample(
                round(at, 1), self.sent, self.consumed, self.failed, threading.active_count(), tasks(),
                round(rss_mib(os.getpid()), 1), len(gc.get_objects()),
            )
        )  # fmt: skip


def trio_tasks() -> int:
    """Return how many tasks the running trio loop has."""
    return trio.lowlevel.current_statistics().tasks_living


def engine_tasks() -> int:
    """Return how many tasks the loop has that other faces' clients run in."""
    found: list[int] = []
    asked = threading.Event()

    def ask() -> None:
        found.append(trio_tasks())
        asked.set()

    shared_engine().post(ask)
    asked.wait(10)
    return found[0]


async def load_trio(namesrv: str, topic: str, samples: Samples) -> None:
    async def listener(messages: list) -> rmqwire.ConsumeStatus:
        samples.consumed_more(messages)
        return rmqwire.ConsumeStatus.CONSUME_SUCCESS

    async with (
        rmqwire.Producer("flat", namesrv_addr=namesrv) as producer,
        rmqwire.PushConsumer(
            "flat_trio", namesrv_addr=namesrv, consume_from_where=FIRST
        ) as consumer,
    ):
        consumer.subscribe(topic, "*", listener)
        while not samples.is_over:
            some = [rmqwire.Message(topic, b"a" * 128) for _ in range(samples.due())]
            async for sent in producer.send_many(some):
                samples.failed += sent.error is not None
            samples.sent += len(some)
            samples.look(trio_tasks)
            await trio.sleep(TURN_S)


async def load_aio(namesrv: str, topic: str, samples: Samples) -> None:
    async def listener(messages: list) -> rmqwire.ConsumeStatus:
        samples.consumed_more(messages)
        return rmqwire.ConsumeStatus.CONSUME_SUCCESS

    consumer = rmqwire.aio.PushConsumer("flat_aio", namesrv_addr=namesrv, consume_from_where=FIRST)
    consumer.subscribe(topic, "*", listener)
    async with rmqwire.aio.Producer("flat", namesrv_addr=namesrv) as producer, consumer:
        while not samples.is_over:
            some = [rmqwire.Message(topic, b"a" * 128) for _ in range(samples.due())]
            async for sent in producer.send_many(some):
                samples.failed += sent.exception() is not None
            samples.sent += len(some)
            samples.look(engine_tasks)
            await asyncio.sleep(TURN_S)


def load_blocking(namesrv: str, topic: str, samples: Samples) -> None:
    lock = threading.Lock()

    def listener(messages: list) -> rmqwire.ConsumeStatus:
        with lock:
            samples.consumed_more(messages)
        return rmqwire.ConsumeStatus.CONSUME_SUCCESS

    consumer = rmqwire.blocking.PushConsumer(
        "flat_blocking", namesrv_addr=namesrv, consume_from_where=FIRST
    )
    consumer.subscribe(topic, "*", listener)
    with rmqwire.blocking.Producer("flat", namesrv_addr=namesrv) as producer, consumer:
        while not samples.is_over:
            some = [rmqwire.Message(topic, b"a" * 128) for _ in range(samples.due())]
            for sent in producer.send_many(some):
                samples.failed += sent.exception() is not None
            samples.sent += len(some)
            samples.look(engine_tasks)
            time.sleep(TURN_S)


LOADS: dict[str, Callable[[str, str, Samples], None]] = {
    TRIO: lambda *words: trio.run(load_trio, *words),
    AIO: lambda *words: asyncio.run(load_aio(*words)),
    BLOCKING: load_blocking,
}


def tell_line(sample: Sample) -> None:
    sys.stdout.write(f"{json.dumps(asdict(sample))}\n")
    sys.stdout.flush()


def start(face: str, site: Site, minutes: float, rate: float, home: Path) -> subprocess.Popen:
    """Start the process of a face; its samples are the lines of its output."""
    words = [face, site.namesrv, site.topic(f"Flat_{face}"), minutes * 60, rate]
    command = [sys.executable, "-m", "bench.flatness", "--load", *map(str, words)]
    with (home / f"{face}.log").open("wb") as log:
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, env=os.environ | {"PYTHONPATH": str(ROOT)}
        )


def samples_of(process: subprocess.Popen) -> list[Sample]:
    """Wait for a process to end and return its samples.

    Raises:
        RuntimeError: it has failed.
    """
    output, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
    return [Sample(**json.loads(line)) for line in output.splitlines()]


HEAD = """| face | messages sent (failed), consumed | threads | trio's tasks | RSS MiB | objects |
|---|---|---|---|---|---|"""


def row(face: str, samples: list[Sample]) -> str:
    """Return the line of a face: what it had when the first slice was over, and at the end."""
    first, last = samples[0], samples[-1]
    cells = [face, f"{last.sent:,} ({last.failed:,}), {last.consumed:,}"]
    for name in ("threads", "tasks", "rss_mib", "objects"):
        before, after = getattr(first, name), getattr(last, name)
        most = max(getattr(sample, name) for sample in samples)
        cells.append(f"{before:,} → {after:,} (at most {most:,})")
    return "| " + " | ".join(cells) + " |"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench flatness", description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--faces", default=",".join(FACES))
    parser.add_argument("--rate", type=float, default=500, help="messages a second of each face")
    parser.add_argument("--broker", default=PYTHON, choices=KINDS)
    parser.add_argument("--folder", type=Path, help="where the store is made")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the table there too")
    parser.add_argument("--load", nargs=5, help=argparse.SUPPRESS)
    return parser.parse_args()


def run(faces: list[str], minutes: float, rate: float, broker: str, folder: Path | None) -> str:
    """Load a broker of a kind by all faces at once, and return the table."""
    bench = Bench(folder=folder)
    with ExitStack() as running:
        home = running.enter_context(bench.home())
        namesrv = nodes.start_namesrv(home / "namesrv")
        running.callback(namesrv.kill)
        server = start_broker(broker, home / "broker", namesrv.addr, PATIENT)
        running.callback(server.node.kill)
        site = Site(namesrv.addr, server.node.addr, server.pid)
        processes = {face: start(face, site, minutes, rate, home) for face in faces}
        for process in processes.values():
            running.callback(process.kill)
        rows = [row(face, samples_of(process)) for face, process in processes.items()]
    what = "Java's broker" if broker == JAVA else "rmqwire's broker"
    head = f"{minutes:g} minutes, {rate:g} messages a second of each face, {what}:"
    return "\n".join([head, "", HEAD, *rows, ""])


def main() -> None:
    options = parse()
    if options.load:
        face, namesrv, topic, seconds, rate = options.load
        LOADS[face](namesrv, topic, Samples(float(seconds), float(rate), tell_line))
        return
    text = run(
        options.faces.split(","), options.minutes, options.rate, options.broker, options.folder
    )
    sys.stdout.write(text)
    if options.out:
        options.out.write_text(text)


if __name__ == "__main__":
    main()
