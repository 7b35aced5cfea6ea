"""Java's 4.8.0, which is still met: its broker beside rmqwire's servers, its mqadmin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interop.checks import Message, queues_dense, same_messages, statuses
from interop.cluster import MavenCluster, Unavailable
from interop.commands import run_command
from interop.foreign.conftest import Site, Start
from interop.foreign.programs import OLD_JAVA as OLD
from interop.peer import Peer
from interop.replication import (
    Servers,
    await_sync,
    broker,
    equal_logs,
    equal_queues,
    equal_tables,
)

pytestmark = pytest.mark.only("4.9.7")  # what rmqwire is here
COUNT = 60
PAIRS = [("java", "rmqwire"), ("rmqwire", "java")]


@pytest.fixture
def old_client(start: Start) -> Peer:
    client = start(f"java-{OLD}")
    assert isinstance(client, Peer)
    return client


@pytest.fixture
def old_servers(version: str, tmp_path: Path) -> Iterator[Servers]:
    """Servers of 4.8.0, and rmqwire's as ``version``."""
    try:
        made = Servers(MavenCluster(OLD, tmp_path), version)
    except Unavailable as reason:
        pytest.skip(str(reason))
    yield made
    made.end()


def test_its_mqadmin_reads_the_broker(site: Site, old_client: Peer) -> None:
    topic = site.topic("old_admin")
    sent = old_client.produce(site.namesrv, topic, 8)
    listing = old_client.mqadmin("clusterList", "-n", site.namesrv)
    assert site.broker in listing
    rows = old_client.mqadmin("topicStatus", "-n", site.namesrv, "-t", topic).splitlines()
    ends = [int(row.split()[3]) for row in rows if not row.startswith("#") and len(row.split()) > 3]
    assert sum(ends) == len(sent)


def test_its_broker_at_our_name_server_with_both_clients(
    old_servers: Servers, old_client: Peer, tmp_path: Path
) -> None:
    """rmqwire's commands send to a 4.8.0 broker and get, and so does the client of its release."""
    namesrv = old_servers.namesrv("rmqwire", tmp_path / "namesrv").addr
    old_servers.broker("java", tmp_path / "broker", namesrv, {"brokerName": "old"})
    lines = [f"line {n}" for n in range(COUNT)]
    stored = run_command("produce", "-n", namesrv, "-t", "old_lines", "--json", lines=lines)
    assert len(stored) == COUNT
    wanted = ["-n", namesrv, "-t", "old_lines", "-g", "old_readers", "--first"]
    got = run_command("consume", *wanted, "--count", str(COUNT), "--timeout", "20", "-f", "json")
    assert sorted(one["body"] for one in got) == sorted(lines)
    _in_order(got)

    with old_client.consume(namesrv, "old_lines", group="old_readers") as consumer:
        sent = old_client.produce(namesrv, "old_lines", COUNT)
        received = consumer.take(COUNT)
        again = [one for one in received if bytes.fromhex(one["body"]).decode() in lines]
        received += consumer.drain(len(again))
    # A pull of ours that the old broker took up behind the last commit sets that back: it happens to
    # Java's clients too, and what is redelivered is no more than what was committed last.
    new = [one for one in received if one not in again]
    same_messages(sent, new)
    queues_dense(new)


def _in_order(got: list[dict[str, Any]]) -> None:
    by_queue: dict[int, list[int]] = {}
    for one in got:
        by_queue.setdefault(one["queue"], []).append(one["offset"])
    assert all(offsets == list(range(len(offsets))) for offsets in by_queue.values()), by_queue


@pytest.mark.parametrize(("master", "slave"), PAIRS)
def test_a_slave_of_the_other_kind_has_it_all(
    old_servers: Servers, old_client: Peer, tmp_path: Path, master: str, slave: str
) -> None:
    namesrv = old_servers.namesrv("rmqwire", tmp_path / "namesrv").addr
    homes = tmp_path / "master", tmp_path / "slave"
    stores = homes[0] / "store", homes[1] / "store"
    first = old_servers.broker(master, homes[0], namesrv, broker("old-ha", "ASYNC_MASTER"))
    sent: list[Message] = old_client.produce(namesrv, "ha", COUNT)
    other = old_servers.broker(slave, homes[1], namesrv, broker("old-ha", "SLAVE"))
    await_sync(first, other, "the slave in sync")
    with old_client.consume(namesrv, "ha", group="early") as consumer:
        sent += old_client.load(namesrv, "ha", 2_000, seed=2).wait()
        assert statuses(sent) == {"SEND_OK"}
        assert len(consumer.take(len(sent), 60)) == len(sent)
    assert equal_logs(first, other, stores) > 0
    equal_queues(stores)
    equal_tables(stores, {"early"})

    first.kill()
    with old_client.consume(namesrv, "ha", group="after_the_master") as consumer:
        received = consumer.drain(len(sent), 60)
    same_messages(sent, received)
    queues_dense(received)
    print(f"{OLD}: {master} master, {slave} slave: sent {len(sent)}, received {len(received)}")
