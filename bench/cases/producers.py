"""The second witness: Java's own benchmark programs, rates as they say them."""

from __future__ import annotations

import re
import statistics
import subprocess
import time
from pathlib import Path

from bench.cases.group import Group
from bench.machine import CORES, Machine, cpu_seconds, settle
from bench.results import Figures
from bench.rounds import Bench
from bench.sides import FAST_JVM, JAVA, VERSION, Server, servers
from interop.jars import class_path
from interop.peer import make_home

TOPIC = "BenchmarkTest"
PACKAGE = "org.apache.rocketmq.example.benchmark"
PROGRAMS = {
    "producer/64": ("Producer", "-w", "64"),
    "producer/1": ("Producer", "-w", "1"),
    "producer/transactions": ("TransactionProducer", "-w", "32"),
}
SECONDS = 10.0  # of one run, a third of it warms the program's own JVM
ROUNDS = 2


def measure(server: Server, program: tuple[str, ...], seconds: float, home: Path) -> Figures:
    """Run a program against a broker; a load of its JVM as much as of the broker."""
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
        time.sleep(seconds)
        load_cpu = cpu_seconds(process.pid)
        process.terminate()
        process.wait(30)
    settle([server.pid])
    took, spent = time.monotonic() - began, cpu_seconds(server.pid) - cpu
    found = re.findall(
        r"Send TPS: *(\d+) \|.*?Average RT\(ms\): +([\d.]+)", log.read_text(errors="replace")
    )
    if len(found) < 3:
        raise RuntimeError(f"{program[0]} reported {len(found)} seconds: {log.read_text()[-500:]}")
    rates = [float(rate) for rate, _ in found]
    settled = found[len(found) // 3 :]
    return {
        "rate": statistics.median(float(rate) for rate, _ in settled),
        "cpu_us": spent / max(sum(rates), 1) * 1e6,
        "average_us": statistics.median(float(average) for _, average in settled) * 1000,
        "generator_us": load_cpu / max(sum(rates), 1) * 1e6,
        "others": max(machine.since().busy * CORES - (spent + load_cpu) / took, 0.0),
    }


def run(bench: Bench, names: list[str]) -> None:
    if JAVA not in bench.kinds:
        bench.say("producers: left out, they need Java")
        return
    seconds = 6.0 if bench.quick else SECONDS
    with bench.home() as home, servers(bench.kinds, home, {}) as running:
        for name in names:
            for number in range(min(bench.rounds, ROUNDS)):
                for server in running[:: -1 if number % 2 else 1]:
                    with bench.home() as folder:
                        figures = measure(server, PROGRAMS[name], seconds, folder)
                    bench.results.add(name, server.kind, figures)
            bench.tell(name)


GROUP = Group(
    "Java's own benchmark.Producer and TransactionProducer, as a second witness",
    list(PROGRAMS), ["producer/64"], run,
)  # fmt: skip
