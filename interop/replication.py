"""Masters and slaves of both kinds, and what must be equal between two that are in sync."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from interop import nodes
from interop.cluster import Cluster
from interop.processes import BROKER_PORTS, Node, free_port, wait_until
from interop.stores import MIB, log_hashes, queue_units, tables
from interop.wire import ask
from rmqwire.codec.bodies import KVTable
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand

SETTINGS = {
    "brokerIP2": "127.0.0.1",
    "mappedFileSizeCommitLog": str(MIB),
    "mappedFileSizeConsumeQueue": "20000",
    "maxHashSlotNum": "10000",
    "maxIndexNum": "40000",
    "slaveReadEnable": "true",
    "inSyncReplicas": "2",  # 4.9.7 doesn't know it
    "slaveSyncInterval": "1000",
    "transactionCheckInterval": "600000",  # Java puts a half message anew when it asks about it
}
Tables = dict[str, Any]
OWN_KEYS = {"slaveSyncInterval"}


def broker(name: str, role: str, **more: str) -> dict[str, str]:
    """Settings of one broker on a port that it keeps; a slave has id 1."""
    port = {"brokerName": name, "listenPort": str(free_port(BROKER_PORTS))}
    return SETTINGS | port | in_role(role) | more


def in_role(role: str) -> dict[str, str]:
    """What a promotion changes in a broker's file."""
    return {"brokerRole": role, "brokerId": "1" if role == "SLAVE" else "0"}


def without_a_slave(version: str) -> str:
    """The status of what a SYNC_MASTER stores while no slave is connected."""
    return "SLAVE_NOT_AVAILABLE" if version == "4.9.7" else "FLUSH_SLAVE_TIMEOUT"


class Servers:
    """Starts what a test needs and ends what it leaves."""

    def __init__(self, cluster: Cluster, version: str) -> None:
        self.cluster, self.version = cluster, version
        self.nodes: list[Node] = []

    def namesrv(self, kind: str, home: Path) -> Node:
        """Start a name server: ``java`` or ``rmqwire``."""
        start = self.cluster.start_namesrv if kind == "java" else nodes.start_namesrv
        self.nodes.append(node := start(home))
        return node

    def broker(self, kind: str, home: Path, namesrv: str, settings: Mapping[str, str]) -> Node:
        """Start a broker: ``java`` or ``rmqwire``."""
        if kind == "java":
            known = {key: text for key, text in settings.items() if key not in OWN_KEYS}
            node = self.cluster.start_broker(home, namesrv, known)
        else:
            settings = {"rocketmqVersion": self.version, **settings}
            node = nodes.start_broker(home, namesrv, settings)
        self.nodes.append(node)
        return node

    def end(self) -> None:
        for node in self.nodes:
            if node.process.poll() is None:
                node.kill()


class Served(Protocol):
    """A running broker: a process or a container."""

    addr: str


def end_of_log(node: Served) -> int:
    """What the broker itself says; -1 while it is still starting."""
    answer = ask(node.addr, RemotingCommand.request(RequestCode.GET_BROKER_RUNTIME_INFO))
    if answer.code != 0:
        return -1
    table = KVTable.decode(bytes(answer.body)).table or {}
    return int(table.get("commitLogMaxOffset", -1))


def in_sync(one: Served, other: Served) -> bool:
    return end_of_log(one) == end_of_log(other) > 0


def await_sync(master: Node, slave: Node, what: str, seconds: float = 90) -> None:
    wait_until(lambda: in_sync(master, slave), what, seconds)


def equal_logs(master: Node, slave: Node, stores: tuple[Path, Path]) -> int:
    """Each MiB of the log that both have is the same; gives how many MiB."""
    await_sync(master, slave, "the slave in sync")
    end = end_of_log(master)
    theirs, ours = (log_hashes(store, end) for store in stores)
    common = theirs.keys() & ours.keys()
    assert common
    assert {at: theirs[at] for at in common} == {at: ours[at] for at in common}
    assert max(theirs) in common
    return len(common)


def equal_queues(stores: tuple[Path, Path]) -> None:
    """Every consume queue is the same, as soon as both have dispatched what they hold."""
    wait_until(lambda: queue_units(stores[0]) == queue_units(stores[1]), "equal queues", 20)


def equal_tables(stores: tuple[Path, Path], groups: set[str], delivered: int = 0) -> None:
    """The slave has each table that its master wrote; Java's 5.x asks for them once a minute.

    Args:
        stores: the master's folder and the slave's.
        groups: those that must have consumer offsets.
        delivered: messages of delay level 1 that were delivered.
    """

    def both() -> tuple[Tables, Tables]:
        theirs, ours = (tables(store) for store in stores)
        return theirs, {name: ours.get(name) for name in theirs}

    def same() -> bool:
        theirs, ours = both()
        known = {key.partition("@")[2] for key in theirs.get("consumerOffset", {})}
        done = theirs.get("delayOffset", {}).get("1", 0)
        return theirs == ours and groups <= known and done == delivered

    try:
        wait_until(same, "equal tables", 90)
    except TimeoutError:
        theirs, ours = both()
        assert ours == theirs
        raise
