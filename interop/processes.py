"""Server processes of the tests: started on free ports, watched, ended by pid."""

from __future__ import annotations

import atexit
import os
import random
import re
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakSet

BROKER_PORTS = (-2, 0, 1)  # VIP port, listenPort, HA port
START_S = 150  # a JVM on a busy machine; one that ends is told at once
COMPLAINT = re.compile(r"\b(WARN|ERROR)|Exception\b|Error\b")


_given: set[int] = set()  # ports, in this process: their servers may not listen yet


def free_port(offsets: Sequence[int] = (0,)) -> int:
    """Find a port on 127.0.0.1 that is free together with its neighbours at ``offsets``.

    It is below the ports of outgoing connections, so that none takes it before its server does or
    during a restart, and another worker of the tests finds others.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 15_000 + worker % 4 * 4_000
    while True:
        port = random.randrange(first, first + 4_000)
        wanted = {port + offset for offset in offsets}
        if not wanted & _given and all(map(is_free, wanted)):
            _given.update(wanted)
            return port


def is_free(port: int) -> bool:
    """Return whether nobody listens on ``port``, on whatever address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # Java 4.9 binds the wildcard address
        except OSError:
            return False
    return True


def wait_until(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Poll ``condition`` until it is true; fail naming ``what`` after ``seconds``.

    A server that doesn't answer yet is no failure: a JVM on a busy machine takes its time.
    """
    deadline = time.monotonic() + seconds
    while True:
        fault: Exception | None = None
        try:
            if condition():
                return
        except (OSError, EOFError) as error:
            fault = error
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s") from fault
        time.sleep(0.1)


@dataclass(eq=False)
class Node:
    """One server process.

    Args:
        name: for messages.
        addr: ``host:port`` that it serves.
        process: the process itself.
        log: file with its standard output and error.
    """

    name: str
    addr: str
    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, name: str, addr: str, command: Sequence[str], home: Path) -> Node:
        """Start ``command`` in ``home`` and wait until ``addr`` accepts connections."""
        home.mkdir(parents=True, exist_ok=True)
        log = home / f"{name}.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                command, cwd=home, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        node = cls(name, addr, process, log)
        running.add(node)
        atexit.register(node.kill)  # a test that fails leaves nothing running behind
        try:
            wait_until(node.accepts, f"{name} on {addr}\n{node.tail()}", START_S)
        except BaseException:
            node.kill()
            raise
        return node

    def accepts(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n{self.tail()}")
        host, _, port = self.addr.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            return False
        return True

    def tail(self, characters: int = 3000) -> str:
        return self.log.read_text(errors="replace")[-characters:]

    def complaints(self, lines: int = 15) -> str:
        """Return the last lines with a warning or an error, of each log that it writes."""
        folder = self.log.parent / "logs" / "rocketmqlogs"
        found = []
        for file in filter(Path.exists, (self.log, *sorted(folder.glob("*.log")))):
            said = file.read_text(errors="replace").splitlines()
            found += [f"{file.name}: {line}" for line in said if COMPLAINT.search(line)][-lines:]
        return "\n".join(found)

    def stop(self, seconds: float = 60) -> int:
        """End it with SIGTERM and give its exit code."""
        self.process.terminate()
        return self.process.wait(seconds)

    def kill(self) -> None:
        """End it at once, if it still runs."""
        self.process.kill()
        self.process.wait(30)


running: WeakSet[Node] = WeakSet()  # those started here, while somebody holds them


def complaints() -> list[tuple[str, str]]:
    """Return the title and the text of what each server that runs complained about, if anything."""
    nodes = sorted((node for node in running if node.process.poll() is None), key=lambda n: n.addr)
    said = ((f"{node.name} {node.addr} logged", node.complaints()) for node in nodes)
    return [(title, text) for title, text in said if text]
