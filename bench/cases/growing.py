"""Costs as functions of a size: queues of a topic, backlog of a queue, length of the log."""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.cases.group import Group
from bench.cases.starts import first_send
from bench.generator import tape
from bench.generator.run import Shape, play
from bench.log import MIB, QUEUES, TOPIC, fill, kill, write_topics
from bench.rounds import Bench, Entry
from bench.sides import Server, servers
from interop.processes import wait_until
from interop.wire import max_offset
from rmqwire.codec.command import ROCKETMQ

QUEUE_COUNTS = (4, 64, 1024)
BACKLOGS = (4_096, 65_536, 1_048_576)
LOG_MIB = (16, 128, 512, 1024)
LOG_FILE = 128 * MIB
ROUNDS = 2  # none of them is an aim
PULLED = 1_024  # messages at the queue's beginning that are pulled
NAMES = {
    "queues": [f"growth/queues/{count}" for count in QUEUE_COUNTS],
    "backlog": [f"growth/backlog/{count}" for count in BACKLOGS],
    "start": [f"growth/start/{mib}" for mib in LOG_MIB],
    "recovery": [f"growth/recovery/{mib}" for mib in LOG_MIB],
}


def size_of(name: str) -> int:
    return int(name.rpartition("/")[2])


def queues(bench: Bench, names: list[str]) -> None:
    """Send to all queues of a topic in turn, from 64 connections."""
    sizes = {f"Queues{size_of(name)}": size_of(name) for name in names}
    settings = {"mappedFileSizeConsumeQueue": "200000"}
    with bench.apart() as home:
        for kind in bench.kinds:
            write_topics(home / kind / "store", sizes)
        with servers(bench.kinds, home, settings) as running:
            entries: list[Entry] = []
            for name in names:
                topic = f"Queues{size_of(name)}"
                every = range(size_of(name))
                frames = [tape.send(topic, queue, b"a" * 128, ROCKETMQ) for queue in every]
                entries += [(name, server, (frames, Shape(64, 1))) for server in running]
            bench.compare(entries, min(bench.rounds, ROUNDS))


def backlog(bench: Bench, names: list[str]) -> None:
    """Pull the beginning of a queue that has so many messages behind it."""
    running = bench.servers({})
    entries: list[Entry] = []
    for name in names:
        messages = size_of(name) // (4 if bench.quick else 1)
        topic = f"Backlog{size_of(name)}"
        frames = tape.pulls_of(topic, [min(messages, PULLED)], ROCKETMQ)
        for server in running:
            pile(server, topic, messages)
            entries.append((name, server, (frames, Shape(1, 4))))
    bench.compare(entries, min(bench.rounds, ROUNDS))


def pile(server: Server, topic: str, messages: int) -> None:
    """Store so many small messages in one queue, in batches."""
    size = 256
    frames = [tape.send_batch(topic, 0, b"a" * 16, size, ROCKETMQ)]
    limit = messages // size
    stored = play(server.port, frames, Shape(1, 4), seconds=120, warm=0, limit=limit).messages
    wait_until(
        lambda: max_offset(server.node.addr, topic, 0) >= stored, f"the queue of {topic}", 120
    )


def start(bench: Bench, names: list[str]) -> None:
    """Start on a log of so many MiB, stopped in order, then killed and without its queues."""
    for size in LOG_MIB:
        wanted = [name for name in names if size_of(name) == size]
        if not wanted:
            continue
        with bench.apart() as home:
            messages = fill(home / "log", size // (8 if bench.quick else 1), LOG_FILE)
            for name in wanted:
                if name in NAMES["recovery"]:
                    kill(home / "log", keep_queues=False)
                for number in range(min(bench.rounds, ROUNDS)):
                    for kind in bench.kinds[:: -1 if number % 2 else 1]:
                        seconds = start_on_copy(kind, home, messages)
                        bench.results.add(name, kind, {"seconds": seconds})
                bench.tell(name)


def start_on_copy(kind: str, home: Path, messages: int) -> float:
    """Return the seconds from a start on a copy of the log until sends and all queues are there."""
    store = home / "store"
    shutil.copytree(home / "log", store)
    settings = {"storePathRootDir": str(store), "mappedFileSizeCommitLog": str(LOG_FILE)}
    try:
        return first_send(kind, home / kind, settings, lambda server: complete(server, messages))
    finally:
        shutil.rmtree(store)


def complete(server: Server, messages: int) -> bool:
    """Return whether a broker has all queues again."""
    return sum(max_offset(server.node.addr, TOPIC, queue) for queue in range(QUEUES)) >= messages


def run(bench: Bench, names: list[str]) -> None:
    if wanted := [name for name in names if name in NAMES["queues"]]:
        queues(bench, wanted)
    start(bench, [name for name in names if name not in NAMES["queues"]])


BACKLOG = Group("pulls of a queue, by its backlog", NAMES["backlog"], NAMES["backlog"], backlog)
GROUP = Group(
    "costs by the queues of a topic, and a start's by the log's MiB",
    [*NAMES["queues"], *NAMES["start"], *NAMES["recovery"]],
    [*NAMES["queues"], *NAMES["start"][:-1], *NAMES["recovery"][:-1]], run,
)  # fmt: skip
