"""How fast a broker takes messages: Java's own benchmark.Producer against Java and against rmqwire.

`python -m bench.send` starts a name server and a broker of each kind in turn on 127.0.0.1, runs
`org.apache.rocketmq.example.benchmark.Producer` 5.5.0 with 64 threads and with 1, 128-byte bodies,
and prints rates, CPU seconds and peak memory of the broker process, and the ratios of the same run.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from interop import nodes
from interop.cluster import MavenCluster
from interop.jars import class_path
from interop.peer import JVM, make_home
from interop.processes import Node

VERSION = "5.5.0"
TOPIC = "BenchmarkTest"
FAST_JVM = ["-Xms1g", "-Xmx1g", *[flag for flag in JVM if flag.startswith("--add-opens")]]
STORE = {"mappedFileSizeCommitLog": "1073741824"}  # Java's default


@dataclass(frozen=True)
class Figures:
    """One run: messages/s as the producer saw them; CPU seconds and MiB of the broker process."""

    rate: float
    cpu_seconds: float
    cpu_share: float
    peak_mib: float
    average_ms: float


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024


def run_producer(
    namesrv: str, threads: int, size: int, seconds: float, home: Path
) -> list[tuple[float, float]]:
    """Run Java's benchmark producer and give (messages/s, average ms) of each reported second."""
    make_home(home)
    command = [
        "java", *FAST_JVM, f"-Duser.home={home}",
        "-Drocketmq.serialize.type=ROCKETMQ", "-cp", class_path(VERSION),
        "org.apache.rocketmq.example.benchmark.Producer",
        "-n", namesrv, "-t", TOPIC, "-w", str(threads), "-s", str(size), "-ri", "1000",
    ]  # fmt: skip
    log = home / "producer.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=home)
        time.sleep(seconds)
        process.terminate()
        process.wait(30)
    found = re.findall(r"Send TPS: (\d+) \|.*?Average RT\(ms\):\s+([\d.]+)", log.read_text())
    return [(float(rate), float(average)) for rate, average in found]


def measure(
    namesrv: str, broker: Node, threads: int, size: int, seconds: float, home: Path
) -> Figures:
    pid = broker.process.pid
    cpu, began = cpu_seconds(pid), time.monotonic()
    reports = run_producer(namesrv, threads, size, seconds, home)
    if len(reports) < 4:
        raise SystemExit(f"the producer reported {len(reports)} seconds only: {home}/producer.log")
    settled = reports[len(reports) // 3 :]  # the first third warms the JVMs
    spent = cpu_seconds(pid) - cpu
    return Figures(
        statistics.median(rate for rate, _ in settled),
        spent,
        spent / (time.monotonic() - began),
        peak_mib(pid),
        statistics.median(average for _, average in settled),
    )


Settings = dict[str, str]


def java_side(home: Path, settings: Settings) -> tuple[str, Node, Callable[[], None]]:
    cluster = MavenCluster(VERSION, home, FAST_JVM)
    namesrv = cluster.start_namesrv(home / "namesrv")
    broker = cluster.start_broker(home / "broker", namesrv.addr, STORE | settings)
    return namesrv.addr, broker, cluster.stop


def rmqwire_side(home: Path, settings: Settings) -> tuple[str, Node, Callable[[], None]]:
    namesrv = nodes.start_namesrv(home / "namesrv")
    broker = nodes.start_broker(home / "broker", namesrv.addr, STORE | settings)

    def stop() -> None:
        broker.stop()
        namesrv.stop()

    return namesrv.addr, broker, stop


def measure_side(
    start: Callable[[Path, Settings], tuple[str, Node, Callable[[], None]]],
    settings: Settings,
    threads: list[int], size: int, seconds: float,
) -> dict[int, Figures]:  # fmt: skip
    home = Path(tempfile.mkdtemp(prefix="rmqwire-bench-"))
    namesrv, broker, stop = start(home, settings)
    try:
        return {
            count: measure(namesrv, broker, count, size, seconds, home / f"producer-{count}")
            for count in threads
        }
    finally:
        stop()
        shutil.rmtree(home, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", default="64,1", help="numbers of sending threads")
    parser.add_argument("--seconds", type=float, default=20, help="length of each run")
    parser.add_argument("--size", type=int, default=128, help="bytes of a body")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a line of both broker.conf"
    )
    options = parser.parse_args()
    settings = dict(line.split("=", 1) for line in options.set)
    threads = [int(count) for count in options.threads.split(",")]
    sides = {"java": java_side, "rmqwire": rmqwire_side}
    found = {
        name: measure_side(start, settings, threads, options.size, options.seconds)
        for name, start in sides.items()
    }

    table = Table(
        title=" ".join([f"benchmark.Producer {VERSION}, {options.size}-byte bodies", *options.set])
    )
    for column in (
        "threads",
        "broker",
        "msg/s",
        "average ms",
        "broker CPU s",
        "share of a core",
        "peak MiB",
    ):
        table.add_column(column, justify="right")
    for count in threads:
        for name, figures in found.items():
            row = figures[count]
            table.add_row(
                str(count), name, f"{row.rate:,.0f}", f"{row.average_ms:.3f}",
                f"{row.cpu_seconds:.1f}", f"{row.cpu_share:.2f}", f"{row.peak_mib:.0f}",
            )  # fmt: skip
    console = Console(width=110)
    console.print(table)
    for count in threads:
        ours, theirs = found["rmqwire"][count], found["java"][count]
        console.print(f"{count} threads: rmqwire / java = {ours.rate / theirs.rate:.2f} x in rate")


if __name__ == "__main__":
    main()
