"""Many connections that do nothing beside 64 that send: what each costs the others."""

from __future__ import annotations

from bench.cases.group import Group
from bench.cases.sends import QUEUES, TOPIC
from bench.generator import tape
from bench.generator.run import Shape
from bench.rounds import Bench
from rmqwire.codec.command import ROCKETMQ

NAMES = [f"connections/{idle}" for idle in (0, 100, 1000, 5000)]


def run(bench: Bench, names: list[str]) -> None:
    frames = [tape.send(TOPIC, queue, b"a" * 128, ROCKETMQ) for queue in range(QUEUES)]
    bench.compare(
        [
            (name, server, (frames, Shape(64, 1, idle=int(name.rpartition("/")[2]))))
            for server in bench.servers({})
            for name in names
        ]
    )


GROUP = Group("64 connections that send, beside idle ones", NAMES, [NAMES[0], NAMES[-1]], run)
