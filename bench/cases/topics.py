"""Many topics: what it costs to create one more, and to send to one of them or to all in turn.

The generator's tape has as many frames for one topic as for all: what lies in no cache costs it, too, and
generator and broker share the cores. A twentieth is to be told from noise, so each load is in some more rounds.
"""

from __future__ import annotations

import time
from contextlib import ExitStack

from bench.cases.group import Group
from bench.generator import tape
from bench.generator.run import Shape
from bench.log import write_topics
from bench.rounds import Bench, Load
from bench.sides import Server, servers
from interop.processes import wait_until
from interop.wire import ask
from rmqwire.codec.command import ROCKETMQ
from tests.support import requests

COUNTS = (1, 100, 10_000)
SETTINGS = {"mappedFileSizeConsumeQueue": "200000"}  # 10,000 files of 6 MB are a disk full
CREATED = 10  # of one round
MORE_ROUNDS = 3  # than those of other groups, two thirds of a minute
MADE_S = 240  # for the files of all queues; rmqwire makes them with the flush of the minute
SUFFIXES = ("", "/all", "/create")  # send to one, send to all in turn, create one more
NAMES = [f"topics/{count}{suffix}" for count in COUNTS for suffix in SUFFIXES]
DEFAULT = ["topics/1", "topics/10000", "topics/10000/all", "topics/10000/create"]


def topic(number: int) -> str:
    return f"Bench{number:05}"


def create(bench: Bench, case: str, running: list[Server]) -> None:
    """Create some topics, one after the other; their mean is the figure of a round."""
    for number in range(-1, bench.rounds):  # the first warms
        for server in running:
            began = time.perf_counter()
            for index in range(CREATED):
                answer = ask(server.node.addr, requests.create_topic(f"New{number}x{index}"))
                assert answer.code == 0, answer
            ms = (time.perf_counter() - began) * 1000 / CREATED
            if number >= 0:
                bench.results.add(case, server.kind, {"ms": ms})
    bench.tell(case)


def run(bench: Bench, names: list[str]) -> None:
    counts = [count for count in COUNTS if any(name.split("/")[1] == str(count) for name in names)]
    with ExitStack() as running:
        home = running.enter_context(bench.apart())
        found = {}
        for count in counts:
            root = home / str(count)
            for kind in bench.kinds:
                write_topics(root / kind / "store", dict.fromkeys(map(topic, range(count)), 1))
            found[count] = running.enter_context(servers(bench.kinds, root, SETTINGS))
        sends = {name: load_of(name) for name in names if not name.endswith("/create")}
        for name, load in sends.items():
            if name.endswith("/all"):
                count = int(name.split("/")[1])
                make_queues(bench, found[count], load, count)
        bench.compare(
            [
                (name, server, load)
                for place in range(len(bench.kinds))
                for name, load in sends.items()
                for server in [found[int(name.split("/")[1])][place]]
            ],
            rounds=bench.rounds + (0 if bench.quick else MORE_ROUNDS),
        )
        for name in names:
            if name.endswith("/create"):
                create(bench, name, found[int(name.split("/")[1])])


def make_queues(bench: Bench, running: list[Server], load: Load, count: int) -> None:
    """Send to all topics once and wait for their files, which are made once in their lives."""
    frames, shape = load
    for server in running:
        bench.load(server, frames, shape, once=True)
    for server in running:
        folder = server.home / "store/consumequeue"
        wait_until(
            lambda: len(list(folder.glob("Bench*/0/0*"))) == count,  # noqa: B023
            f"queues in {folder}",
            MADE_S,
        )


def load_of(name: str) -> Load:
    count = int(name.split("/")[1]) if name.endswith("/all") else 1
    frames = [tape.send(topic(number), 0, b"a" * 128, ROCKETMQ) for number in range(count)]
    return frames * (max(COUNTS) // count), Shape(64, 1)


GROUP = Group(
    "64 connections that send to one of so many topics, or to all; one more topic created",
    NAMES, DEFAULT, run,
)  # fmt: skip
