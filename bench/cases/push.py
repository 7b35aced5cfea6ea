"""From the moment a message was due to its consumer, at fixed rates: an open loop."""

from __future__ import annotations

from bench.cases.group import Group
from bench.cases.sends import QUEUES
from bench.generator import tape
from bench.generator.run import Shape, quantile
from bench.rounds import Bench
from bench.sides import JAVA, Server
from interop.wire import max_offset
from rmqwire.codec.command import ROCKETMQ

TOPIC = "PushBench"
RATES = (1_000, 5_000, 15_000)
NAMES = [f"push/{rate}" for rate in RATES]
CONNECTIONS = 4  # of producers; one consumer waits at all queues
WARM_S = {JAVA: 6.0}
ROUNDS = 3


def once(bench: Bench, server: Server, rate: int, seconds: float) -> dict[str, float]:
    """Send at a rate to a consumer that waits; the times are those of its messages."""
    body = tape.COUNT.encode() + b"a" * 120
    frames = [tape.send(TOPIC, queue, body, ROCKETMQ) for queue in range(QUEUES)]
    pulls = [
        tape.follow(TOPIC, queue, max_offset(server.node.addr, TOPIC, queue))
        for queue in range(QUEUES)
    ]
    shape = Shape(CONNECTIONS, 1, rate=rate)
    report, figures = bench.load(server, frames, shape, seconds=seconds, pulls=pulls)
    for metric, share in (("p50_us", 0.5), ("p99_us", 0.99), ("p999_us", 0.999)):
        figures[metric] = quantile(report.reached, share)
    return figures


def run(bench: Bench, names: list[str]) -> None:
    running = bench.servers({})
    for server in running:
        bench.load(server, [tape.send(TOPIC, 0, b"first", ROCKETMQ)], Shape(1, 1), seconds=0.1)
        once(bench, server, RATES[-1], 0.5 if bench.quick else WARM_S.get(server.kind, 1.0))
    for name in names:
        for number in range(min(bench.rounds, ROUNDS)):
            for server in running[:: -1 if number % 2 else 1]:
                rate = int(name.rpartition("/")[2])
                bench.results.add(name, server.kind, once(bench, server, rate, bench.seconds))
        bench.tell(name)


GROUP = Group(
    "messages at a fixed rate (open loop) to a consumer that waits: times from due to received",
    NAMES, NAMES, run,
)  # fmt: skip
