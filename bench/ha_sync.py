"""How fast a SYNC_MASTER takes messages that its slave must have: rmqwire beside Java.

`python -m bench.ha_sync` starts a SYNC_MASTER with `inSyncReplicas=2` and one slave of each kind in
turn, runs Java's own `benchmark.Producer` against them with 64 threads, then one Java producer that
times each send, and prints rates, latencies and the CPU shares of both brokers in that time.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import send
from bench.ha_catch_up import KINDS, PAIRS, Servers, end_of_log
from bench.send import FAST_JVM, TOPIC, VERSION, cpu_seconds
from interop.jars import class_path
from interop.peer import make_home
from interop.processes import BROKER_PORTS, Node, free_port, wait_until
from interop.wire import ask
from rmqwire.codec.bodies import HARuntimeInfo
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand

DEFAULT_PAIRS = [f"{kind}-{kind}" for kind in KINDS]
MASTER = {"brokerRole": "SYNC_MASTER", "inSyncReplicas": "2"}
SLAVE = {"brokerRole": "SLAVE", "brokerId": "1"}


@dataclass(frozen=True)
class Figures:
    """One pair: messages/s and shares of a core with many threads; µs of a send with one."""

    rate: float
    master_cpu: float
    slave_cpu: float
    single_rate: float
    p50: float
    p99: float


def slaves_in_sync(addr: str) -> int:
    answer = ask(addr, RemotingCommand.request(RequestCode.GET_BROKER_HA_STATUS))
    return HARuntimeInfo.decode(bytes(answer.body)).in_sync_slave_nums if answer.code == 0 else 0


def run_latency(namesrv: str, size: int, seconds: int, home: Path) -> tuple[float, float, float]:
    """Send with one thread; give messages/s, p50 and p99 in µs."""
    make_home(home)
    command = [
        "java", *FAST_JVM, f"-Duser.home={home}", "-Drocketmq.serialize.type=ROCKETMQ",
        "-cp", class_path(VERSION), "Latency", namesrv, TOPIC, str(size), str(seconds),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the producer ended with {done.returncode}:\n{done.stderr[-2000:]}")
    count, p50, p99, _ = map(float, done.stdout.split()[-4:])
    return count / (seconds * 2 / 3), p50, p99


def measure(pair: str, home: Path, threads: int, size: int, seconds: int) -> Figures:
    servers = Servers(home)
    try:
        master, slave = start(servers, pair)
        cpu, began = cpu_seconds(slave.process.pid), time.monotonic()
        many = send.measure(servers.namesrv, master, threads, size, seconds, home / "many")
        slave_cpu = (cpu_seconds(slave.process.pid) - cpu) / (time.monotonic() - began)
        single = run_latency(servers.namesrv, size, seconds, home / "one")
        wait_until(
            lambda: end_of_log(master.addr) == end_of_log(slave.addr) > 0, "the slave in sync"
        )
        return Figures(many.rate, many.cpu_share, slave_cpu, *single)
    finally:
        servers.stop()


def start(servers: Servers, pair: str) -> tuple[Node, Node]:
    kinds = pair.split("-")
    ports = [{"listenPort": str(free_port(BROKER_PORTS))} for _ in kinds]
    master = servers.start(kinds[0], "master", MASTER | ports[0])
    slave = servers.start(kinds[1], "slave", SLAVE | ports[1])
    wait_until(lambda: slaves_in_sync(master.addr) > 0, "a slave in sync")
    return master, slave


def show(found: dict[str, Figures], title: str, threads: int) -> None:
    table = Table(title=title)
    for column in (
        "master-slave", f"{threads} threads msg/s", "master CPU", "slave CPU",
        "1 thread msg/s", "p50 µs", "p99 µs",
    ):  # fmt: skip
        table.add_column(column, justify="right")
    for pair, row in found.items():
        table.add_row(
            pair, f"{row.rate:,.0f}", f"{row.master_cpu:.2f}", f"{row.slave_cpu:.2f}",
            f"{row.single_rate:,.0f}", f"{row.p50:,.0f}", f"{row.p99:,.0f}",
        )  # fmt: skip
    console = Console(width=110)
    console.print(table)
    java = found.get(PAIRS[0])
    for pair, row in found.items():
        if java is not None and row is not java:
            console.print(
                f"{pair} / {PAIRS[0]}: {row.rate / java.rate:.2f} x in rate with {threads} threads,"
                f" {row.single_rate / java.single_rate:.2f} x with one;"
                f" {row.p50 / java.p50:.2f} x Java's p50, {row.p99 / java.p99:.2f} x its p99"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=64, help="number of sending threads")
    parser.add_argument("--seconds", type=int, default=20, help="length of each run")
    parser.add_argument("--size", type=int, default=128, help="bytes of a body")
    parser.add_argument("--pair", action="append", choices=PAIRS, help="only this one (repeatable)")
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="rmqwire-bench-"))
    try:
        found = {
            pair: measure(pair, home / pair, options.threads, options.size, options.seconds)
            for pair in options.pair or DEFAULT_PAIRS
        }
        title = f"SYNC_MASTER, inSyncReplicas=2, {options.size}-byte bodies, Java {VERSION}"
        show(found, title, options.threads)
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
