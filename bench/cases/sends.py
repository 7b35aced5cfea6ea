"""Sends: sizes, shapes, both headers, both ways to flush; batches, delayed messages."""

from __future__ import annotations

from itertools import product

from bench.cases.group import Group
from bench.generator import tape
from bench.generator.run import Shape
from bench.rounds import Bench, Load
from rmqwire.codec.command import JSON, ROCKETMQ

TOPIC = "BenchmarkTest"
QUEUES = 4
SIZES = {"128B": 128, "1KiB": 1 << 10, "16KiB": 1 << 14}
SHAPES = {
    str(shape): shape
    for shape in (Shape(1, 1), Shape(1, 64), Shape(8, 8), Shape(64, 1), Shape(512, 1))
}
HEADERS = {"JSON": JSON, "ROCKETMQ": ROCKETMQ}
FLUSHES: dict[str, dict[str, str]] = {  # the groups that come after share the brokers of the last
    "sync": {"flushDiskType": "SYNC_FLUSH"},
    "async": {},
}
BATCH = 32
BATCHES = "batch/32x128B"
DELAYED = "send/delayed"
OTHERS = (BATCHES, DELAYED)  # beside the plain ones, ASYNC_FLUSH
PLAIN = [f"send/{'/'.join(words)}" for words in product(SIZES, SHAPES, HEADERS, ("async", "sync"))]
DEFAULT = [
    *(f"send/128B/{shape}/ROCKETMQ/async" for shape in ("1x64", "64x1", "1x1")),
    BATCHES,
    "send/128B/64x1/ROCKETMQ/sync",
]


def load_of(name: str) -> Load:
    """Return what a case sends, and how."""
    queues = range(QUEUES)
    if name == BATCHES:
        body = b"a" * 128
        return [tape.send_batch(TOPIC, q, body, BATCH, ROCKETMQ) for q in queues], Shape(1, 8)
    if name == DELAYED:
        text = "DELAY\x011\x02TAGS\x01TagA\x02"
        return [tape.send(TOPIC, q, b"a" * 128, ROCKETMQ, text) for q in queues], Shape(1, 64)
    _, size, shape, header, _ = name.split("/")
    body = b"a" * SIZES[size]
    return [tape.send(TOPIC, q, body, HEADERS[header]) for q in queues], SHAPES[shape]


def run(bench: Bench, names: list[str]) -> None:
    for word, settings in FLUSHES.items():
        for name in names:
            if flush_of(name) == word:
                running = bench.servers(settings)
                bench.compare([(name, server, load_of(name)) for server in running])


def flush_of(name: str) -> str:
    return "async" if name in OTHERS else name.rpartition("/")[2]


GROUP = Group(
    "sends by size, connections x in flight on each, header and flush; batches; delayed ones",
    [*PLAIN, *OTHERS], DEFAULT, run,
)  # fmt: skip
