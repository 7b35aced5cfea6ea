"""Pulls of 32 messages: again and again from memory, once from the disk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from bench.cases.group import Group
from bench.cases.sends import QUEUES
from bench.generator import tape
from bench.generator.run import Shape, play
from bench.generator.tape import Frame
from bench.log import QUEUES as LOG_QUEUES
from bench.log import RECORD, fill
from bench.log import TOPIC as LOG_TOPIC
from bench.rounds import Bench
from bench.sides import Server, servers
from interop.processes import wait_until
from interop.wire import max_offset
from rmqwire.codec.command import ROCKETMQ

TOPIC = "PullBench"
SIZES = {"128B": 128, "1KiB": 1 << 10}
HOT = [f"pull/hot/{size}" for size in SIZES]
COLD = "pull/cold/1KiB"
MESSAGES = 65_536
MIB = 1 << 20
FILE = 16 * MIB  # a start reads the last three files of a log: those are not cold
WARM_FILES, ROUND_FILES, LAST_FILES = 4, 4, 3
PULLED = 32


def hot_tape(server: Server, size: int, messages: int) -> list[Frame]:
    """Fill a topic and return the pulls that read it all."""
    topic = f"{TOPIC}{size}"
    frames = [tape.send(topic, queue, b"a" * size, ROCKETMQ) for queue in range(QUEUES)]
    stored = play(server.port, frames, Shape(1, 64), seconds=60, warm=0, limit=messages).messages
    queues = range(QUEUES)
    wait_until(
        lambda: sum(max_offset(server.node.addr, topic, queue) for queue in queues) >= stored,
        f"the queues of {topic}",
    )
    ends = [max_offset(server.node.addr, topic, queue) for queue in queues]
    return tape.pulls_of(topic, ends, ROCKETMQ)


def hot(bench: Bench, names: list[str]) -> None:
    messages = MESSAGES // 8 if bench.quick else MESSAGES
    for name in names:
        size = SIZES[name.rpartition("/")[2]]
        bench.compare(
            [
                (name, server, (hot_tape(server, size, messages), Shape(1, QUEUES)))
                for server in bench.servers({})
            ]
        )


def forget(files: list[Path]) -> None:
    """Let the kernel forget what it has of files; what a process has mapped it keeps.

    They are read before: a virtual machine's host takes back memory that has been free for some seconds,
    and gives it again page by page, at 4 µs and more for each. Who reads next should have the disk to
    pay for, and not this.
    """
    for file in files:
        file.read_bytes()
        handle = os.open(file, os.O_RDWR)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def slice_of(first: int, count: int) -> list[Frame]:
    """Return the pulls of all messages in ``count`` files of the log."""
    begin = first * FILE // RECORD // LOG_QUEUES
    end = (first + count) * FILE // RECORD // LOG_QUEUES
    return tape.pulls_of(LOG_TOPIC, [end - PULLED] * LOG_QUEUES, ROCKETMQ, begin + PULLED)


def cold(bench: Bench, _: list[str]) -> None:
    """Read a part of the log that nobody has read before, another one each round."""
    files = WARM_FILES + bench.rounds * ROUND_FILES + LAST_FILES
    settings = {"mappedFileSizeCommitLog": str(FILE)}
    shape = Shape(1, LOG_QUEUES)
    with bench.apart() as home:
        fill(home / "log", files * FILE // MIB, FILE)
        for kind in bench.kinds:
            shutil.copytree(home / "log", home / kind / "store")
        shutil.rmtree(home / "log")
        logs = {k: sorted((home / k / "store" / "commitlog").iterdir()) for k in bench.kinds}
        for files_of_kind in logs.values():
            forget(files_of_kind)
        with servers(bench.kinds, home, settings) as running:
            for server in running:
                bench.warm(server, slice_of(0, WARM_FILES), shape)
            for number in range(bench.rounds):
                first = WARM_FILES + number * ROUND_FILES
                frames = slice_of(first, ROUND_FILES)
                for server in running[:: -1 if number % 2 else 1]:
                    forget(logs[server.kind][first : first + ROUND_FILES])
                    _, figures = bench.load(server, frames, shape, once=True)
                    bench.results.add(COLD, server.kind, figures)
    bench.tell(COLD)


GROUP = Group("pulls of 32 messages of four queues, from memory", HOT, HOT[:1], hot)
FROM_DISK = Group("pulls of 32 messages of eight queues, from the disk", [COLD], [COLD], cold)
