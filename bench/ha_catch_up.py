"""How fast an empty slave gets what its master has: each pair of Java and rmqwire.

`python -m bench.ha_catch_up` makes a log of 1 KiB messages over 8 queues, starts a master on it and
an empty slave beside it, and prints for each pair the seconds from the start of the slave's process
to its first byte, to the whole log and to complete consume queues, MB/s from the first byte to the
last, the CPU seconds of both processes in all that time, and what a plain socket carries here.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.recovery import QUEUES, RECORD, TOPIC, fill, make_store
from bench.send import FAST_JVM, VERSION, cpu_seconds
from interop import nodes
from interop.cluster import MavenCluster
from interop.processes import BROKER_PORTS, Node, free_port, wait_until
from interop.wire import ask
from rmqwire.codec.bodies import KVTable
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand

MIB = 1 << 20
MB = 1_000_000
SAMPLE_S = 0.05
LIMIT_S = 120
KINDS = ("java", "rmqwire")
PAIRS = [f"{master}-{slave}" for master in KINDS for slave in KINDS]
SETTINGS = {
    "brokerName": "catch-up",
    "brokerIP2": "127.0.0.1",
    "mappedFileSizeCommitLog": str(1 << 30),  # one file: an empty slave begins at the last one
    "mappedFileSizeConsumeQueue": "6000000",
}


@dataclass(frozen=True)
class Figures:
    """One pair: seconds since the slave's process started, bytes per second, CPU seconds."""

    first_byte: float
    whole_log: float
    in_sync: float
    rate: float
    master_cpu: float
    slave_cpu: float


def build_index(root: Path) -> None:
    """Leave the master nothing to do but to serve its slave."""
    store = make_store(root)
    store.open()
    while store.build_index():
        pass
    store.close()


def end_of_log(addr: str) -> int:
    """Return where a broker's log ends, -1 while nobody answers."""
    question = RemotingCommand.request(RequestCode.GET_BROKER_RUNTIME_INFO)
    try:
        answer = ask(addr, question)
    except (OSError, EOFError):
        return -1
    if answer.code != 0:
        return -1
    return int((KVTable.decode(bytes(answer.body)).table or {})["commitLogMaxOffset"])


def messages_in_queues(addr: str) -> int:
    total = 0
    for queue in range(QUEUES):
        fields = {"topic": TOPIC, "queueId": str(queue)}
        answer = ask(addr, RemotingCommand(RequestCode.GET_MAX_OFFSET, fields))
        total += int((answer.ext_fields or {}).get("offset", 0))
    return total


class Watch(threading.Thread):
    """Looks at a slave from before its start until it has all that its master has."""

    def __init__(self, addr: str, end: int, messages: int) -> None:
        super().__init__(daemon=True)
        self._addr, self._end, self._messages = addr, end, messages
        self._began = time.monotonic()
        self.samples: list[tuple[float, int]] = []
        self.in_sync = 0.0
        self.start()

    def run(self) -> None:
        while self._now() < LIMIT_S:
            end = end_of_log(self._addr)
            self.samples.append((self._now(), end))
            if end == self._end:
                break
            time.sleep(SAMPLE_S)
        while self._now() < LIMIT_S:
            if messages_in_queues(self._addr) == self._messages:
                self.in_sync = self._now()
                return
            time.sleep(SAMPLE_S)

    def _now(self) -> float:
        return time.monotonic() - self._began


class Servers:
    """One name server and the brokers of one pair."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._cluster = MavenCluster(VERSION, home, FAST_JVM)
        self._nodes = [nodes.start_namesrv(home / "namesrv")]
        self.namesrv = self._nodes[0].addr

    def start(self, kind: str, name: str, settings: dict[str, str]) -> Node:
        start = self._cluster.start_broker if kind == "java" else nodes.start_broker
        node = start(self._home / name, self.namesrv, SETTINGS | settings)
        self._nodes.append(node)
        return node

    def stop(self) -> None:
        """End all in order: the next broker on the master's store has nothing to repair."""
        for node in reversed(self._nodes):
            node.stop()


def measure(pair: str, home: Path, store: Path, messages: int) -> Figures:
    kinds = pair.split("-")
    servers = Servers(home)
    try:
        port = str(free_port(BROKER_PORTS))
        settings = {"listenPort": port, "storePathRootDir": str(store)}
        master = servers.start(kinds[0], "master", settings)
        end = messages * RECORD
        wait_until(lambda: end_of_log(master.addr) == end, "the master's log")
        wait_until(lambda: messages_in_queues(master.addr) == messages, "the master's queues")
        port = str(free_port(BROKER_PORTS))
        cpu = cpu_seconds(master.process.pid)
        watch = Watch(f"127.0.0.1:{port}", end, messages)
        settings = {"listenPort": port, "brokerRole": "SLAVE", "brokerId": "1"}
        slave = servers.start(kinds[1], "slave", settings)
        watch.join()
        if not watch.in_sync:
            raise SystemExit(f"{pair}: not in sync after {LIMIT_S} s:\n{slave.tail()}")
        began, first = next(sample for sample in watch.samples if sample[1] > 0)
        ended, end = watch.samples[-1]
        return Figures(
            began,
            ended,
            watch.in_sync,
            (end - first) / (ended - began) if ended > began else 0.0,
            cpu_seconds(master.process.pid) - cpu,
            cpu_seconds(slave.process.pid),
        )
    finally:
        servers.stop()


def loopback_rate(size: int, file: Path | None) -> float:
    """Return the bytes per second that one process sends another, which may write them to a file."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        if os.fork() == 0:
            try:
                _send(address, size)
            finally:
                os._exit(0)
        connection, _ = listener.accept()
    began, left, buffer = time.perf_counter(), size, bytearray(MIB)
    target = None if file is None else file.open("wb")
    while left and (count := connection.recv_into(buffer)):
        if target is not None:
            target.write(memoryview(buffer)[:count])
        left -= count
    seconds = time.perf_counter() - began
    connection.close()
    if target is not None:
        target.close()
    os.wait()
    return size / seconds


def _send(address: tuple[str, int], size: int) -> None:
    data = bytes(MIB)
    with socket.create_connection(address) as connection:
        for _ in range(size // MIB):
            connection.sendall(data)


def show(found: dict[str, Figures], mib: int, limits: tuple[float, float]) -> None:
    table = Table(title=f"an empty slave beside a master with {mib} MiB, Java {VERSION}")
    for column in (
        "master-slave", "first byte s", "whole log s", "in sync s", "MB/s", "of loopback",
        "master CPU s", "slave CPU s",
    ):  # fmt: skip
        table.add_column(column, justify="right")
    for pair, row in found.items():
        table.add_row(
            pair, f"{row.first_byte:.1f}", f"{row.whole_log:.1f}", f"{row.in_sync:.1f}",
            f"{row.rate / MB:,.0f}", f"{row.rate / limits[0]:.0%}",
            f"{row.master_cpu:.1f}", f"{row.slave_cpu:.1f}",
        )  # fmt: skip
    console = Console(width=110)
    console.print(table)
    console.print(
        f"loopback: {limits[0] / MB:,.0f} MB/s from process to process, "
        f"{limits[1] / MB:,.0f} MB/s with a plain write to a file"
    )
    java = found.get(PAIRS[0])
    for pair, row in found.items():
        if java is not None and row is not java:
            console.print(
                f"{pair} / {PAIRS[0]}: in sync {java.in_sync / row.in_sync:.2f} x sooner, "
                f"{row.rate / java.rate:.2f} x in MB/s"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=1024, help="size of the log, at most 1024")
    parser.add_argument("--pair", action="append", choices=PAIRS, help="only this one (repeatable)")
    parser.add_argument("--folder", help="where to make the stores")
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="rmqwire-bench-", dir=options.folder))
    try:
        store = home / "store"
        messages = fill(store, options.mib)
        build_index(store)
        size = options.mib * MIB
        limits = loopback_rate(size, None), loopback_rate(size, home / "plain")
        (home / "plain").unlink()
        found = {}
        for pair in options.pair or PAIRS:
            found[pair] = measure(pair, home / pair, store, messages)
            shutil.rmtree(home / pair)
        show(found, options.mib, limits)
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
