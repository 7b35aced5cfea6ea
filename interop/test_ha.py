"""Replication between Java and rmqwire, both ways: same log, same queues, served when one is gone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from interop.checks import Message, queues_dense, results_agree, same_messages, statuses
from interop.peer import Peer
from interop.processes import Node, wait_until
from interop.replication import (
    Servers,
    await_sync,
    broker,
    end_of_log,
    equal_logs,
    equal_queues,
    equal_tables,
    in_role,
    in_sync,
    without_a_slave,
)
from interop.stores import log_hashes, verify

COUNT = 8_000  # messages: more than one segment
optin = pytest.mark.optin
PAIRS = [
    pytest.param("java", "rmqwire", "SYNC_MASTER", id="java-rmqwire-sync"),
    pytest.param("java", "rmqwire", "ASYNC_MASTER", id="java-rmqwire-async", marks=optin),
    pytest.param("rmqwire", "java", "SYNC_MASTER", id="rmqwire-java-sync", marks=optin),
    pytest.param("rmqwire", "java", "ASYNC_MASTER", id="rmqwire-java-async", marks=optin),
    pytest.param("rmqwire", "rmqwire", "SYNC_MASTER", id="rmqwire-both-sync", marks=optin("5.5.0")),
    pytest.param(
        "rmqwire", "rmqwire", "ASYNC_MASTER", id="rmqwire-both-async", marks=optin("4.9.7")
    ),
]


def confirmed(peer: Peer, namesrv: str, topic: str, seed: int) -> list[Message]:
    """Send until the slave confirms; gives all that was stored."""
    sent: list[Message] = []

    def sent_and_confirmed() -> bool:
        sent.extend(peer.produce(namesrv, topic, 1, seed=1000 * seed + len(sent)))
        return sent[-1]["status"] == "SEND_OK"

    wait_until(sent_and_confirmed, "a confirmed send")
    return sent


@pytest.mark.parametrize(("kind", "of_slave", "role"), PAIRS)
def test_a_slave_has_it_all_and_serves_it(
    servers: Servers,
    version: str,
    json_peer: Peer,
    tmp_path: Path,
    kind: str,
    of_slave: str,
    role: str,
) -> None:
    peer = json_peer
    namesrv = servers.namesrv("rmqwire", tmp_path / "namesrv").addr
    homes = tmp_path / "master", tmp_path / "slave"
    stores = homes[0] / "store", homes[1] / "store"
    settings = broker("ha-a", role)
    master = servers.broker(kind, homes[0], namesrv, settings)
    alone = peer.produce(namesrv, "first", 1)
    assert statuses(alone) == {without_a_slave(version) if role == "SYNC_MASTER" else "SEND_OK"}
    # A slave that comes later starts at the master's last file: let it have the first one.
    slave = servers.broker(of_slave, homes[1], namesrv, broker("ha-a", "SLAVE"))
    await_sync(master, slave, "the slave's first bytes")
    confirmed(peer, namesrv, "first", 1)

    with peer.consume(namesrv, "ha", group="early") as consumer:
        sent = peer.load(namesrv, "ha", COUNT).wait()
        assert statuses(sent) == {"SEND_OK"}
        delayed = peer.produce(namesrv, "ha", 5, mode="delay-1", seed=2)
        assert len(consumer.take(COUNT + 5, 60)) == COUNT + 5
    assert equal_logs(master, slave, stores) > 1
    equal_queues(stores)
    equal_tables(stores, {"early"}, delivered=5)

    master.kill()
    with peer.consume(namesrv, "ha", group="after_the_master") as consumer:
        received = consumer.take(COUNT + 5, 60) + consumer.take(1, 0.5)
        same_messages(sent + delayed, received)
        queues_dense(received)
        results_agree(sent, received)
        master = servers.broker(kind, homes[0], namesrv, settings)
        await_sync(master, slave, "the master back")
        more = confirmed(peer, namesrv, "ha", 3) + peer.produce(namesrv, "ha", 200, seed=4)
        same_messages(more, consumer.take(len(more), 30) + consumer.take(1, 0.5))
    assert statuses(more[-200:]) == {"SEND_OK"}
    equal_logs(master, slave, stores)
    equal_queues(stores)
    assert slave.stop() in {0, 143}
    verify(stores[1])


def send_some(peer: Peer, namesrv: str, seed: int, count: int = 200) -> list[Message]:
    """Send until the slave confirms, then much more: all of that must be confirmed."""
    sent = confirmed(peer, namesrv, "swap", seed)
    surely = peer.produce(namesrv, "swap", count, seed=seed)
    assert statuses(surely) == {"SEND_OK"}
    return sent + surely


def drain(peer: Peer, namesrv: str, sent: list[Message]) -> None:
    """Everything comes from the slave once, also what a master didn't confirm: it was stored."""
    with peer.consume(namesrv, "swap", group="after_the_master") as consumer:
        received = consumer.take(len(sent), 90) + consumer.take(1, 0.5)
    same_messages(sent, received)
    queues_dense(received)


def looked_at(peer: Peer, version: str, namesrv: str, master: Node, slave: Node) -> None:
    """What an operator sees: both have the same, and with 5.x the master says that there is no lag."""
    ends = set()
    for addr in (master.addr, slave.addr):
        text = peer.mqadmin("brokerStatus", "-n", namesrv, "-b", addr)
        ends |= set(re.findall(r"commitLogMaxOffset\s*: (\d+)", text))
    assert len(ends) == 1, ends
    end = ends.pop()

    def no_lag() -> bool:
        text = peer.mqadmin("haStatus", "-n", namesrv, "-b", master.addr)
        return bool(re.search(rf"^/?127\.0\.0\.1:\d+ +{end} +0 .* OK ", text, re.MULTILINE))

    if version != "4.9.7":
        wait_until(no_lag, "haStatus without lag", 10)


def test_a_java_slave_is_replaced_and_comes_back(
    servers: Servers, version: str, json_peer: Peer, tmp_path: Path
) -> None:
    """Same folder, same broker.conf; a SYNC_MASTER says what it thinks of each change."""
    namesrv = servers.namesrv("rmqwire", tmp_path / "namesrv").addr
    of_master, of_slave = broker("ha-a", "SYNC_MASTER"), broker("ha-a", "SLAVE")
    homes = tmp_path / "master", tmp_path / "slave"
    stores = homes[0] / "store", homes[1] / "store"
    master = servers.broker("java", homes[0], namesrv, of_master)
    alone = json_peer.produce(namesrv, "swap", 1, seed=0)
    assert statuses(alone) == {without_a_slave(version)}
    slave = servers.broker("java", homes[1], namesrv, of_slave)
    await_sync(master, slave, "the Java slave in sync")
    sent = alone + send_some(json_peer, namesrv, 1)
    slave.stop()

    without = json_peer.produce(namesrv, "swap", 1, seed=2)
    assert without[0]["status"] in {"SLAVE_NOT_AVAILABLE", "FLUSH_SLAVE_TIMEOUT"}
    slave = servers.broker("rmqwire", homes[1], namesrv, of_slave)
    await_sync(master, slave, "rmqwire in the Java slave's place")
    sent += without + send_some(json_peer, namesrv, 3)
    await_sync(master, slave, "rmqwire in sync")
    looked_at(json_peer, version, namesrv, master, slave)
    assert slave.stop() == 0

    slave = servers.broker("java", homes[1], namesrv, of_slave)
    await_sync(master, slave, "the Java slave back")
    sent += send_some(json_peer, namesrv, 4)
    await_sync(master, slave, "the Java slave in sync again")
    slave.stop()

    slave = servers.broker("rmqwire", homes[1], namesrv, of_slave)
    equal_logs(master, slave, stores)
    equal_queues(stores)
    equal_tables(stores, set())
    master.kill()
    drain(json_peer, namesrv, sent)

    master = servers.broker("java", homes[0], namesrv, of_master)
    await_sync(master, slave, "the master back")
    send_some(json_peer, namesrv, 5)
    await_sync(master, slave, "all going on")
    assert slave.stop() == 0


OLD_AND_NEW = [
    pytest.param("rmqwire", "java", id="rmqwire-then-java", marks=optin("5.5.0")),
    pytest.param("java", "rmqwire", id="java-then-rmqwire", marks=optin),
    pytest.param("rmqwire", "rmqwire", id="rmqwire-then-rmqwire", marks=optin),
]


@pytest.mark.parametrize(("old", "new"), OLD_AND_NEW)
def test_an_old_master_comes_back_with_what_it_alone_had(
    servers: Servers, json_peer: Peer, tmp_path: Path, old: str, new: str
) -> None:
    """rmqwire finds it out, takes nothing, or cuts that; Java goes on behind it: it must be empty."""
    namesrv = servers.namesrv("rmqwire", tmp_path / "namesrv").addr
    homes = tmp_path / "old", tmp_path / "new"
    settings = [broker("ha-a", "ASYNC_MASTER"), broker("ha-a", "SLAVE")]
    first = servers.broker(old, homes[0], namesrv, settings[0])
    sent = json_peer.produce(namesrv, "tail", 100, seed=1)
    second = servers.broker(new, homes[1], namesrv, settings[1])
    await_sync(first, second, "the slave in sync")
    equal_tables((homes[0] / "store", homes[1] / "store"), set())
    second.stop()
    tail = json_peer.produce(namesrv, "tail", 20, seed=2)
    first.kill()

    settings[0] |= in_role("SLAVE")
    settings[1] |= in_role("ASYNC_MASTER")
    second = servers.broker(new, homes[1], namesrv, settings[1])
    sent += json_peer.load(namesrv, "tail", 40, seed=3).wait()  # by a producer that knows it
    first = servers.broker(old, homes[0], namesrv, settings[0])
    stores = homes[1] / "store", homes[0] / "store"
    if old == "java":
        wait_until(lambda: in_sync(second, first), "a Java slave that noticed nothing")
        end = end_of_log(second)
        assert log_hashes(stores[0], end) != log_hashes(stores[1], end)
    else:
        end = end_of_log(first)
        wait_until(lambda: "the logs have diverged" in first.tail(), "the difference named")
        assert end_of_log(first) == end
    first.stop()

    if old == "java":
        (homes[0] / "store").rename(homes[0] / "store.before")
    else:
        settings[0]["haDivergencePolicy"] = "truncate"
    first = servers.broker(old, homes[0], namesrv, settings[0])
    equal_logs(second, first, stores)
    equal_queues(stores)
    with json_peer.consume(namesrv, "tail", group="after") as consumer:
        same_messages(sent, consumer.take(len(sent), 60) + consumer.take(1, 0.5))
    if old == "rmqwire":
        files = [file for file in (stores[1] / "diverged").rglob("*") if file.is_file()]
        saved = b"".join(file.read_bytes() for file in files)
        assert all(str(m["keys"]).encode() in saved for m in tail)
