"""The second witness: Java's own benchmark programs, rates as they say them.

A transaction of ``TransactionProducer`` is a half message and its commit, counted once.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import time
from pathlib import Path

from bench.cases.group import Group
from bench.cases.sends import load_of
from bench.machine import CORES, Machine, cpu_seconds, settle
from bench.results import Figures
from bench.rounds import Bench
from bench.sides import FAST_JVM, JAVA, VERSION, Server
from interop.jars import class_path
from interop.peer import make_home
from interop.processes import wait_until

TOPIC = "BenchmarkTest"
PACKAGE = "org.apache.rocketmq.example.benchmark"
PROGRAMS = {
    "producer/64": ("Producer", "-w", "64"),
    "producer/1": ("Producer", "-w", "1"),
    "producer/transactions": ("TransactionProducer", "-w", "32"),
}
REPORTS, QUICK_REPORTS = 9, 3  # one a second; the first third warms the program's own JVM
LIMIT_S = 60  # for all of them
ROUNDS = 2
WARMING = "send/128B/64x1/ROCKETMQ/async"  # of the brokers, before the first program


REPORT = re.compile(r"Send TPS: *(\d+) \|.*?(?:Average|AVG) RT\(ms\): +([\d.]+)")


def reports_in(log: Path) -> list[tuple[float, float]]:
    """Return (messages/s, average ms) of each report of a program."""
    found = REPORT.findall(log.read_text(errors="replace"))
    return [(float(rate), float(average)) for rate, average in found]


def measure(server: Server, program: tuple[str, ...], count: int, home: Path) -> Figures:
    """Run a program against a broker until it has reported so often."""
    make_home(home)
    command = [
        "java", *FAST_JVM, f"-Duser.home={home}", "-Drocketmq.serialize.type=ROCKETMQ",
        "-cp", class_path(VERSION), f"{PACKAGE}.{program[0]}",
        "-n", server.namesrv, "-t", TOPIC, *program[1:], "-s", "128", "-ri", "1000",
    ]  # fmt: skip
    log = home / "producer.log"
    machine, cpu, began = Machine(), cpu_seconds(server.pid), time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=home)
        try:
            wait_until(lambda: len(reports_in(log)) >= count, f"reports in {log}", LIMIT_S)
            load_cpu = cpu_seconds(process.pid)
        finally:
            process.terminate()
            process.wait(30)
    settle([server.pid])
    took, spent = time.monotonic() - began, cpu_seconds(server.pid) - cpu
    found = reports_in(log)
    sent = max(sum(rate for rate, _ in found), 1)
    settled = found[len(found) // 3 :]
    return {
        "rate": statistics.median(rate for rate, _ in settled),
        "cpu_us": spent / sent * 1e6,
        "average_us": statistics.median(average for _, average in settled) * 1000,
        "generator_us": load_cpu / sent * 1e6,
        "others": max(machine.since().busy * CORES - (spent + load_cpu) / took, 0.0),
    }


def run(bench: Bench, names: list[str]) -> None:
    if JAVA not in bench.kinds:
        bench.say("producers: left out, they need Java")
        return
    count = QUICK_REPORTS if bench.quick else REPORTS
    running = bench.servers({})
    for server in running:
        bench.warm(server, *load_of(WARMING))
    for name in names:
        for number in range(min(bench.rounds, ROUNDS)):
            for server in running[:: -1 if number % 2 else 1]:
                with bench.home() as folder:
                    figures = measure(server, PROGRAMS[name], count, folder)
                bench.results.add(name, server.kind, figures)
        bench.tell(name)


GROUP = Group(
    "Java's own benchmark.Producer and TransactionProducer, as a second witness",
    list(PROGRAMS), ["producer/64"], run,
)  # fmt: skip
