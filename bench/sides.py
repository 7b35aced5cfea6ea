"""The three brokers that are compared, each with a name server of its own: Java, and ours on both lanes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from interop import nodes
from interop.cluster import MavenCluster
from interop.peer import JVM
from interop.processes import Node
from rmqwire.codec.native import NATIVE, PYTHON, SWITCH

VERSION = "5.5.0"
JAVA = "java"
KINDS = (JAVA, PYTHON, NATIVE)
FAST_JVM = ["-Xms1g", "-Xmx1g", *[flag for flag in JVM if flag.startswith("--add-opens")]]
SETTINGS = {  # Java's own defaults, where the interop tests have smaller ones
    "mappedFileSizeCommitLog": "1073741824",
    "maxHashSlotNum": "5000000",
    "maxIndexNum": "20000000",
    "brokerIP2": "127.0.0.1",
    "maxMessageSize": "4194304",
}


@contextmanager
def lane(kind: str) -> Iterator[None]:
    """Let what is started meanwhile have a lane, and keep the bytecode of what it imports."""
    before = dict(os.environ)
    os.environ[SWITCH] = PYTHON if kind == JAVA else kind
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@dataclass(frozen=True)
class Server:
    """One broker that runs.

    Args:
        kind: one of KINDS.
        node: its process.
        namesrv: address of its name server.
        home: its folder, the store in ``home/store``.
        helpers: other processes that work for it, such as its slave.
    """

    kind: str
    node: Node
    namesrv: str
    home: Path
    helpers: tuple[int, ...] = ()

    @property
    def pids(self) -> list[int]:
        return [self.pid, *self.helpers]

    @property
    def pid(self) -> int:
        return self.node.process.pid

    @property
    def port(self) -> int:
        return int(self.node.addr.rpartition(":")[2])


def start_broker(
    kind: str, home: Path, namesrv: str, settings: Mapping[str, str], jvm: Sequence[str] = FAST_JVM
) -> Server:
    """Start a broker and wait until its name server knows it."""
    settings = SETTINGS | {"brokerName": f"bench-{kind}"} | dict(settings)
    with lane(kind):
        if kind == JAVA:
            node = MavenCluster(VERSION, home, jvm).start_broker(home, namesrv, settings)
        else:
            node = nodes.start_broker(home, namesrv, settings)
    return Server(kind, node, namesrv, home)


@contextmanager
def servers(
    kinds: Sequence[str], root: Path, settings: Mapping[str, str]
) -> Iterator[list[Server]]:
    """Start a broker of each kind, all beside each other; what is idle takes next to nothing."""
    with ExitStack() as running:
        found = []
        for kind in kinds:
            home = root / kind
            namesrv = nodes.start_namesrv(home / "namesrv")
            running.callback(namesrv.kill)
            server = start_broker(kind, home, namesrv.addr, settings)
            running.callback(server.node.kill)
            found.append(server)
        yield found
