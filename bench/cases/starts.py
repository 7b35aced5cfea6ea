"""A broker's start to its first accepted send, and what it takes while nobody asks it for anything."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.cases.group import Group
from bench.generator import tape
from bench.machine import cpu_seconds, rss_mib
from bench.rounds import Bench
from bench.sides import Server, servers, start_broker
from interop import nodes
from interop.processes import BROKER_PORTS, free_port, wait_until
from interop.wire import read_frame
from rmqwire.codec import decode_command

START, IDLE = "start", "idle"
POLL_S, LIMIT_S = 0.01, 120
IDLE_S = 5.0  # of one round: a JVM's housekeeping comes every few seconds


class FirstSend(threading.Thread):
    """Tries to send to a port until a broker accepts it.

    Args:
        port: of the broker that will come.
    """

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._frame = tape.send("BenchmarkTest", 0, b"a" * 128, 0).data
        self._began = time.monotonic()
        self.seconds: float | None = None
        self.start()

    def run(self) -> None:
        while self.seconds is None and time.monotonic() - self._began < LIMIT_S:
            try:
                with socket.create_connection(("127.0.0.1", self._port), timeout=5) as connection:
                    connection.sendall(self._frame)
                    if decode_command(read_frame(connection)).code == 0:
                        self.seconds = time.monotonic() - self._began
            except (OSError, EOFError):
                pass  # it isn't there yet
            time.sleep(POLL_S)


def first_send(
    kind: str, home: Path, settings: Mapping[str, str], done: Callable[[Server], object] = bool
) -> float:
    """Start a broker, kill it; return the seconds to its first accepted send and until it is ``done``."""
    namesrv = nodes.start_namesrv(home / "namesrv")
    try:
        port = free_port(BROKER_PORTS)
        began, first = time.monotonic(), FirstSend(port)
        server = start_broker(kind, home, namesrv.addr, {"listenPort": str(port), **settings})
        first.join()
        late = not done(server)
        wait_until(lambda: done(server), f"{kind} to be ready", LIMIT_S)
        seconds = time.monotonic() - began if late else first.seconds
        server.node.kill()
    finally:
        namesrv.kill()
    if seconds is None:
        raise TimeoutError(f"{kind}: no send was accepted within {LIMIT_S} s")
    return seconds


def start(bench: Bench) -> None:
    """Start each kind, one at a time, on an empty folder."""
    for _ in range(bench.rounds):
        for kind in bench.kinds:
            with bench.apart() as home:
                bench.results.add(START, kind, {"seconds": first_send(kind, home, {})})
    bench.tell(START)


def idle(bench: Bench) -> None:
    """Watch brokers that nobody talks to but their name servers."""
    seconds = 2.0 if bench.quick else IDLE_S
    with bench.apart() as home, servers(bench.kinds, home, {}) as running:
        time.sleep(seconds)  # what a start leaves to do
        for _ in range(bench.rounds):
            before = [cpu_seconds(server.pid) for server in running]
            began = time.monotonic()
            time.sleep(seconds)
            took = time.monotonic() - began
            for server, cpu in zip(running, before, strict=True):
                share = (cpu_seconds(server.pid) - cpu) / took
                figures = {"rss_mib": rss_mib(server.pid), "idle_cpu": 100 * share}
                bench.results.add(IDLE, server.kind, figures)
    bench.tell(IDLE)


def run(bench: Bench, names: list[str]) -> None:
    for name, measure in ((START, start), (IDLE, idle)):
        if name in names:
            measure(bench)


GROUP = Group(
    "from the start of the process to the first accepted send; memory and CPU at rest",
    [START, IDLE], [START, IDLE], run,
)  # fmt: skip
