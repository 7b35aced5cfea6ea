"""Two masters and two slaves under two name servers, as clusters are run.

A Java master has an rmqwire slave, an rmqwire master a Java slave; one name server is Java's, one
is ours. Each master dies under load and comes back; then the slaves are promoted by hand.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import pytest

from interop.checks import Message, statuses
from interop.ledger import Ledger
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
)
from interop.stores import log_end, pending, tables
from interop.wire import max_offset, registered

TOPIC = "orders"
QUEUES = 4
THREADS = 4
SOME = 2_000
IN_A_MINUTE = "delay-5"
DELAY_MS = 60_000
PULL_TIMEOUT_S = 30  # a 4.9 consumer waits so long for the answer of a broker that is dead
CHECK_SOON = {"transactionCheckInterval": "3000", "transactionTimeOut": "3000"}


class Pair:
    """The two brokers of one name: their programs, folders, files and processes."""

    def __init__(
        self,
        servers: Servers,
        name: str,
        kinds: tuple[str, str],
        role: str,
        namesrv: str,
        folder: Path,
    ) -> None:
        self.servers, self.name, self.role, self.namesrv = servers, name, role, namesrv
        self.kinds = list(kinds)
        self.homes = [folder / f"{name}{i}" for i in (0, 1)]
        self.settings = [broker(name, role), broker(name, "SLAVE")]
        self.nodes = [self.start(0), self.start(1)]

    def start(self, i: int) -> Node:
        """Start broker ``i`` of the two with its file as it is now."""
        return self.servers.broker(self.kinds[i], self.homes[i], self.namesrv, self.settings[i])

    @property
    def master(self) -> Node:
        return self.nodes[0]

    @property
    def slave(self) -> Node:
        return self.nodes[1]

    @property
    def stores(self) -> tuple[Path, Path]:
        return self.homes[0] / "store", self.homes[1] / "store"

    def restart_master(self) -> None:
        self.nodes[0] = self.start(0)
        await_sync(self.master, self.slave, f"{self.name}'s master back")

    def equal(self) -> None:
        """Both hold the same."""
        equal_logs(self.master, self.slave, self.stores)
        equal_queues(self.stores)

    def promote(self, more: dict[str, str]) -> None:
        """Make the slave the master and the master its slave, as the how-to says."""
        self.master.stop()  # first: a Java master may write once more while it stops
        self.stopped_ms = time.time() * 1000
        end = log_end(self.stores[0])
        wait_until(lambda: end_of_log(self.slave) == end, "the master's last bytes", 20)
        self.slave.stop()
        for of_two in (self.nodes, self.homes, self.settings, self.kinds):
            of_two.reverse()
        self.settings[0] |= in_role(self.role) | more
        self.settings[1] |= in_role("SLAVE")
        self.nodes[0] = self.start(0)
        self.nodes[1] = self.start(1)
        await_sync(self.master, self.slave, f"{self.name}'s old master as slave")


class Cluster:
    """The whole of it, with its clients."""

    def __init__(self, servers: Servers, peer: Peer, role: str, folder: Path) -> None:
        self.peer, self.role = peer, role
        addresses = [
            servers.namesrv(kind, folder / f"{kind}-namesrv").addr for kind in ("java", "rmqwire")
        ]
        self.namesrv = ";".join(addresses)
        self.a = Pair(servers, "a", ("java", "rmqwire"), role, self.namesrv, folder)
        self.b = Pair(servers, "b", ("rmqwire", "java"), role, self.namesrv, folder)
        self._seed = 0
        self._began = time.monotonic()

    def make_topic(self, topic: str, *pairs: Pair) -> None:
        """Make a topic on the masters of ``pairs`` and wait until both name servers have it."""
        for pair in pairs:
            words = ["-b", pair.master.addr, "-t", topic, "-r", str(QUEUES), "-w", str(QUEUES)]
            self.peer.mqadmin("updateTopic", "-n", self.namesrv, *words)
            known = partial(registered, self.namesrv, topic, pair.master.addr)
            wait_until(known, f"{topic} on {pair.name}")

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self._began:5.1f} s  {text}", flush=True)

    def next_seed(self) -> int:
        self._seed += 1
        return self._seed

    def send(self, count: int, topic: str = TOPIC, mode: str = "sync") -> list[Message]:
        return self.peer.produce(self.namesrv, topic, count, mode=mode, seed=self.next_seed())

    def load(self, count: int = SOME) -> list[Message]:
        """Send ``count`` messages with several threads."""
        load = self.peer.load(self.namesrv, TOPIC, count, self.next_seed(), THREADS)
        return load.wait()

    def until_confirmed(self, ledger: Ledger) -> None:
        """Send one by one until all queues have confirmed in a row and each slave has it all."""
        row = 0

        def confirmed() -> bool:
            nonlocal row
            good = statuses(ledger.add(self.send(1))) == {"SEND_OK"}
            row = row + 1 if good else 0
            return row == 2 * QUEUES

        wait_until(confirmed, "all queues confirming")
        for pair in (self.a, self.b):
            await_sync(pair.master, pair.slave, f"{pair.name}'s slave in sync")


def brokers(sent: list[Message]) -> set[object]:
    return {m["brokerName"] for m in sent if "status" in m}


def progress(store: Path) -> dict[int, int]:
    """How far the group of the whole test is, as a broker's folder has it."""
    offsets = tables(store).get("consumerOffset", {}).get(f"{TOPIC}@all", {})
    assert isinstance(offsets, dict)
    return {int(queue): offset for queue, offset in offsets.items()}


def lose_master(cluster: Cluster, pair: Pair, ledger: Ledger) -> None:
    """The master dies under load: the other one takes the load, the slave serves; it comes back."""
    load = cluster.peer.load(cluster.namesrv, TOPIC, seed=cluster.next_seed(), threads=THREADS)
    time.sleep(1.5)
    pair.master.kill()
    time.sleep(1.5)
    ledger.add(load.stop())
    without = ledger.add(cluster.load())
    assert statuses(without) == {"SEND_OK"}
    assert brokers(without) == {"a", "b"} - {pair.name}
    tail = ledger.collect(PULL_TIMEOUT_S + 10)
    for message in tail:  # asynchronous replication: stored, but not yet on the slave
        assert cluster.role == "ASYNC_MASTER" or message["status"] != "SEND_OK", message
        assert message["brokerName"] == pair.name
        queue = int(message["queueId"])
        assert message["queueOffset"] >= max_offset(pair.slave.addr, TOPIC, queue), message
    cluster.say(f"{pair.kinds[0]} master dead, not on its {pair.kinds[1]} slave: {len(tail)}")

    pair.restart_master()
    cluster.until_confirmed(ledger)
    again = ledger.add(cluster.load())
    assert statuses(again) == {"SEND_OK"}
    assert brokers(again) == {"a", "b"}
    assert not ledger.collect()
    pair.equal()
    cluster.say(f"{pair.kinds[0]} master back, both equal")


def promote(cluster: Cluster, pair: Pair, ledger: Ledger, **more: str) -> None:
    """The slave becomes the master by hand; producers use the other pair meanwhile."""
    wiped = cluster.peer.mqadmin("wipeWritePerm", "-n", cluster.namesrv, "-b", pair.name)
    assert "wipe write perm" in wiped, wiped
    await_sync(pair.master, pair.slave, "the slave in sync")
    ends = {queue: max_offset(pair.slave.addr, TOPIC, queue) for queue in range(QUEUES)}
    wait_until(lambda: progress(pair.stores[1]) == ends, "the consumers' progress", 90)
    equal_tables(pair.stores, set())
    cluster.say(f"{pair.kinds[1]} slave ready to be promoted")
    load = cluster.peer.load(cluster.namesrv, TOPIC, seed=cluster.next_seed(), threads=THREADS)
    pair.promote(more)
    for message in ledger.add(load.stop()):  # the new master is there sooner than its slave
        assert message["status"] == "SEND_OK" or message["brokerName"] == pair.name, message
    cluster.until_confirmed(ledger)
    again = ledger.add(cluster.load(SOME))
    assert statuses(again) == {"SEND_OK"}
    for queue, end in ends.items():
        offsets = [
            m["queueOffset"] for m in again if (m["brokerName"], m["queueId"]) == (pair.name, queue)
        ]
        assert min(offsets) >= end
    assert not ledger.collect()
    pair.equal()
    cluster.say(f"{pair.kinds[0]} is master, {pair.kinds[1]} its slave, both equal")


def on_time(received: list[Message], delayed: list[Message], after_ms: float) -> None:
    """Each delayed message came once, not too soon, and from the new master."""
    keys = {m["keys"] for m in delayed}
    came = [m for m in received if m["keys"] in keys]
    assert len(came) == len(delayed)
    assert min(m["stored"] - m["born"] for m in came) >= DELAY_MS
    assert min(m["stored"] for m in came) > after_ms


ROLES = [
    pytest.param("SYNC_MASTER", marks=pytest.mark.optin),
    pytest.param("ASYNC_MASTER", marks=pytest.mark.optin),
]


@pytest.mark.parametrize("role", ROLES)
def test_each_master_dies_and_slaves_are_promoted(
    servers: Servers, json_peer: Peer, tmp_path: Path, role: str
) -> None:
    cluster = Cluster(servers, json_peer, role, tmp_path)
    peer, namesrv = json_peer, cluster.namesrv
    cluster.make_topic(TOPIC, cluster.a, cluster.b)
    cluster.make_topic("later", cluster.a)
    with (
        peer.consume(namesrv, TOPIC, group="all") as consumer,
        peer.consume(namesrv, "later", group="late") as late,
    ):
        ledger, waiting = Ledger(consumer), Ledger(late)
        cluster.until_confirmed(ledger)
        assert not ledger.collect()
        cluster.say("all running")
        lose_master(cluster, cluster.a, ledger)
        equal_tables(cluster.b.stores, {"all"})
        lose_master(cluster, cluster.b, ledger)

        half = peer.half(namesrv, "later", 2 * QUEUES)
        delayed = waiting.add(cluster.send(2 * QUEUES, "later", IN_A_MINUTE))
        halves = pending(cluster.a.stores[0])
        assert len(halves) >= 4 * QUEUES
        promote(cluster, cluster.a, ledger)
        assert halves.items() <= pending(cluster.a.stores[0]).items()
        assert not waiting.collect()
        on_time(waiting.received, delayed, cluster.a.stopped_ms)

        promote(cluster, cluster.a, ledger, **CHECK_SOON)
        waiting.add(half.sent)
        assert not waiting.collect()
        assert half.stop() >= 2 * QUEUES
        ledger.check(f"{servers.version} {role}", in_flight=2 * THREADS)
        # Java puts a half message that it asks about anew: who asks next may ask for both.
        waiting.check(f"{servers.version} {role}, pending at both promotions", 2 * QUEUES)
