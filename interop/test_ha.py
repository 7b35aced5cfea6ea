"""Replication between Java and rmqwire, both ways: same log, same queues, served when one is gone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from interop import nodes
from interop.checks import all_of_it, queues_dense, same_messages
from interop.cluster import Cluster
from interop.peer import Peer
from interop.processes import BROKER_PORTS, Node, free_port, wait_until
from interop.wire import ask
from rmqwire.codec.bodies import KVTable, TopicConfigSerializeWrapper
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand

MIB = 1 << 20
COUNTS = {"small": 8_000, "large": 600}
SETTINGS = {
    "brokerName": "ha-a",
    "brokerIP2": "127.0.0.1",
    "mappedFileSizeCommitLog": str(MIB),
    "mappedFileSizeConsumeQueue": "2000",
}
COPIES = {"slaveTimeout": "1000", "inSyncReplicas": "2"}  # 4.9.7 doesn't know the second
OWN_KEYS = {"slaveSyncInterval"}


def master(role: str = "ASYNC_MASTER", **more: str) -> dict[str, str]:
    port = {"listenPort": str(free_port(BROKER_PORTS))}
    return SETTINGS | port | {"brokerRole": role, "brokerId": "0"} | more


def slave(**more: str) -> dict[str, str]:
    port = {"listenPort": str(free_port(BROKER_PORTS))}
    role = {"brokerRole": "SLAVE", "brokerId": "1", "slaveReadEnable": "true"}
    return SETTINGS | port | role | more


def end_of_log(node: Node) -> int:
    """What the broker itself says; -1 while it is still starting."""
    answer = ask(node.addr, RemotingCommand.request(RequestCode.GET_BROKER_RUNTIME_INFO))
    if answer.code != 0:
        return -1
    table = KVTable.decode(bytes(answer.body)).table or {}
    return int(table["commitLogMaxOffset"])


def in_sync(one: Node, other: Node) -> bool:
    return end_of_log(one) == end_of_log(other) > 0


def log_hashes(store: Path, end: int) -> list[str]:
    """The sha256 of each MiB of the log up to ``end``."""
    found = []
    for file in sorted((store / "commitlog").iterdir()):
        data = file.read_bytes()[: max(end - int(file.name), 0)]
        found += [
            hashlib.sha256(data[at : at + MIB]).hexdigest() for at in range(0, len(data), MIB)
        ]
    return found


def queue_units(store: Path) -> dict[str, list[bytes]]:
    """Each queue's units up to the first that is empty, by folder."""
    queues: dict[str, list[bytes]] = {}
    for folder in sorted((store / "consumequeue").glob("*/*")):
        data = b"".join(file.read_bytes() for file in sorted(folder.iterdir()))
        units = [data[at : at + 20] for at in range(0, len(data), 20)]
        filled = [unit for unit in units if int.from_bytes(unit[8:12], "big")]
        if filled:
            queues["/".join(folder.parts[-2:])] = filled
    return queues


def fill(peer: Peer, namesrv: str) -> list[dict[str, object]]:
    sent: list[dict[str, object]] = []
    for seed, (kind, count) in enumerate(COUNTS.items()):
        sent += peer.produce(namesrv, "ha", count, kind=kind, seed=seed)
    return sent


class Servers:
    """Starts what a test needs and ends what it leaves."""

    def __init__(self, cluster: Cluster, version: str) -> None:
        self.cluster, self.version = cluster, version
        self.nodes: list[Node] = []

    def start(self, kind: str, home: Path, namesrv: str, settings: Mapping[str, str]) -> Node:
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


@pytest.fixture
def servers(cluster: Cluster, version: str) -> Iterator[Servers]:
    made = Servers(cluster, version)
    yield made
    made.end()


def replicate(peer: Peer, namesrv: str, servers: Servers, kinds: list[str], folder: Path) -> None:
    homes = (folder / "master", folder / "slave")
    role = "ASYNC_MASTER" if kinds[0] == "java" else "SYNC_MASTER"  # java's comes below
    first = servers.start(kinds[0], homes[0], namesrv, master(role, **COPIES))
    second = servers.start(kinds[1], homes[1], namesrv, slave(slaveSyncInterval="1000"))
    # A slave that comes later starts at the master's last file: let it have the first one.
    wait_until(
        lambda: peer.produce(namesrv, "first", 1)[0]["status"] == "SEND_OK", "a confirmed send"
    )
    wait_until(lambda: in_sync(first, second), "the slave's first bytes")
    sent = fill(peer, namesrv)
    assert {message["status"] for message in sent if "status" in message} == {"SEND_OK"}
    wait_until(lambda: in_sync(first, second), "the slave in sync", 90)
    end = end_of_log(first)
    assert end > 2 * MIB
    stores = [home / "store" for home in homes]
    assert log_hashes(stores[0], end) == log_hashes(stores[1], end)

    wait_until(lambda: topics_of(stores[1]) >= {"ha"}, "the slave's topics", 90)
    first.kill()
    with peer.consume(namesrv, "ha", group="after_the_master") as consumer:
        total = sum("keys" in message for message in sent)
        received = consumer.take(total, 120) + consumer.take(1, 0.5)
    all_of_it(sent, received)
    assert second.stop() in (0, 143)
    ours, theirs = queue_units(stores[0]), queue_units(stores[1])
    for queue, units in ours.items():  # a killed master may not have written its last units
        if queue.startswith("ha/"):
            assert theirs[queue][: len(units)] == units, queue


def topics_of(store: Path) -> set[str]:
    file = store / "config" / "topics.json"
    if not file.exists():
        return set()
    return set(TopicConfigSerializeWrapper.decode(file.read_bytes()).topic_config_table)


@pytest.mark.parametrize("pair", ["java-rmqwire", "rmqwire-java", "rmqwire-rmqwire"])
def test_a_slave_has_it_all_and_serves_it(
    servers: Servers, json_peer: Peer, tmp_path: Path, pair: str
) -> None:
    namesrv = nodes.start_namesrv(tmp_path / "namesrv")
    servers.nodes.append(namesrv)
    replicate(json_peer, namesrv.addr, servers, pair.split("-"), tmp_path)


def send_some(peer: Peer, namesrv: str, seed: int, count: int = 200) -> list[dict[str, object]]:
    """Send until the slave confirms, then much more: all of that must be confirmed."""
    sent: list[dict[str, object]] = []

    def confirmed() -> bool:
        sent.extend(peer.produce(namesrv, "swap", 1, seed=1000 * seed + len(sent)))
        return sent[-1]["status"] == "SEND_OK"

    wait_until(confirmed, "a confirmed send")
    surely = peer.produce(namesrv, "swap", count, seed=seed)
    assert {message["status"] for message in surely} == {"SEND_OK"}
    return sent + surely


def drain(peer: Peer, namesrv: str, sent: list[dict[str, object]]) -> None:
    """Everything comes from the slave once, also what a master didn't confirm: it was stored."""
    with peer.consume(namesrv, "swap", group="after_the_master") as consumer:
        received = consumer.take(len(sent), 90) + consumer.take(1, 0.5)
    same_messages(sent, received)
    queues_dense(received)


def test_a_java_slave_is_replaced_and_comes_back(
    servers: Servers, version: str, json_peer: Peer, tmp_path: Path
) -> None:
    """Same folder, same broker.conf; a SYNC_MASTER says what it thinks of each change."""
    namesrv = nodes.start_namesrv(tmp_path / "namesrv")
    servers.nodes.append(namesrv)
    of_master = master("SYNC_MASTER", **COPIES)
    of_slave = slave()
    home = tmp_path / "slave"
    first = servers.start("java", tmp_path / "master", namesrv.addr, of_master)
    second = servers.start("java", home, namesrv.addr, of_slave)
    alone = json_peer.produce(namesrv.addr, "swap", 1, seed=0)[0]
    wanted = "SLAVE_NOT_AVAILABLE" if version == "4.9.7" else "FLUSH_SLAVE_TIMEOUT"
    assert alone["status"] == wanted  # a Java slave takes seconds to connect
    wait_until(lambda: in_sync(first, second), "the Java slave in sync")
    sent = [alone, *send_some(json_peer, namesrv.addr, 1)]
    second.stop()

    without = json_peer.produce(namesrv.addr, "swap", 1, seed=2)
    assert without[0]["status"] in {"SLAVE_NOT_AVAILABLE", "FLUSH_SLAVE_TIMEOUT"}
    ours = servers.start("rmqwire", home, namesrv.addr, of_slave)
    wait_until(lambda: in_sync(first, ours), "rmqwire in the Java slave's place")
    sent += without + send_some(json_peer, namesrv.addr, 3)
    assert ours.stop() == 0

    again = servers.start("java", home, namesrv.addr, of_slave)
    wait_until(lambda: in_sync(first, again), "the Java slave back")
    sent += send_some(json_peer, namesrv.addr, 4)
    wait_until(lambda: in_sync(first, again), "the Java slave in sync again")
    again.stop()

    ours = servers.start("rmqwire", home, namesrv.addr, of_slave | {"slaveSyncInterval": "1000"})
    wait_until(lambda: in_sync(first, ours), "rmqwire in its place again")
    end = end_of_log(first)
    stores = (tmp_path / "master" / "store", home / "store")
    assert log_hashes(stores[0], end) == log_hashes(stores[1], end)
    wait_until(lambda: topics_of(stores[1]) >= {"swap"}, "the slave's topics", 90)
    first.kill()
    drain(json_peer, namesrv.addr, sent)

    first = servers.start("java", tmp_path / "master", namesrv.addr, of_master)
    wait_until(lambda: in_sync(first, ours), "the master back")
    send_some(json_peer, namesrv.addr, 5)
    wait_until(lambda: in_sync(first, ours), "all going on")
    assert ours.stop() == 0
