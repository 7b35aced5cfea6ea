"""SQL92 subscriptions: Java's consumers on rmqwire, ours on Java, and a filtered folder back and forth."""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interop import nodes
from interop.checks import same_messages
from interop.client_program import ClientError
from interop.cluster import Cluster
from interop.listeners import Collector
from interop.peer import Peer
from interop.processes import BROKER_PORTS, Node, free_port, wait_until
from interop.stores import verify
from interop.wire import route_known
from rmqwire import MessageSelector, PushConsumer
from rmqwire.broker_errors import SubscriptionParseFailed
from rmqwire.codec.release import release_named

Message = dict[str, Any]
COUNT = 60
CONDITION = "n BETWEEN 10 AND 19 OR (TAGS = 'TagB' AND n > 50) OR city IN ('東京 5', 'nowhere')"
BAD = "n > 'x'"
WORSE = "n > 5 AND ("
SMALL = {  # the same of both sides
    "mappedFileSizeCommitLog": "1048576",
    "mappedFileSizeConsumeQueue": "2000",
    "maxHashSlotNum": "10000",
    "maxIndexNum": "40000",
}
EXTENDED = {
    "enableConsumeQueueExt": "true",
    "enableCalcFilterBitMap": "true",
    "mappedFileSizeConsumeQueueExt": "65536",
}


def wanted(sent: list[Message]) -> list[Message]:
    """Return the messages that the condition is true of."""
    found = []
    for message in sent:
        n = int(str(message["keys"]).rpartition("-")[2])
        if 10 <= n <= 19 or (message["tags"] == "TagB" and n > 50) or n == 5:
            found.append(message)
    return found


def settings(**more: str) -> dict[str, str]:
    return {
        "brokerName": f"sql-{uuid.uuid4().hex[:6]}",
        "enablePropertyFilter": "true",
        "listenPort": str(free_port(BROKER_PORTS)),
        **more,
    }


@pytest.fixture(scope="module", params=["plain", "bit-maps"])
def ours(
    request: pytest.FixtureRequest, version: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of rmqwire's name server, whose broker filters."""
    home = tmp_path_factory.mktemp(f"sql-{version}")
    namesrv = nodes.start_namesrv(home / "namesrv")
    more = EXTENDED if request.param == "bit-maps" else {}
    conf = settings(rocketmqVersion=version, **more)
    broker = nodes.start_broker(home / "broker", namesrv.addr, conf)
    yield namesrv.addr
    assert broker.stop() == 0, broker.tail()
    assert "Traceback" not in broker.tail(1_000_000), broker.tail()
    namesrv.stop()


@pytest.fixture(scope="module")
def java(
    cluster: Cluster, java_namesrv: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Node]:
    """A Java broker that filters."""
    node = cluster.start_broker(tmp_path_factory.mktemp("java-sql"), java_namesrv, settings())
    yield node
    node.kill()


def make_topic(peer: Peer, namesrv: str, broker: Node) -> str:
    """Make a topic at one broker."""
    topic = f"S_{uuid.uuid4().hex[:8]}"
    peer.mqadmin("updateTopic", "-n", namesrv, "-b", broker.addr, "-t", topic, "-r", "2", "-w", "2")
    wait_until(lambda: route_known(namesrv, topic), f"route of {topic}", 15)
    return topic


def test_a_java_consumer_gets_what_its_condition_is_true_of(
    ours: str, peer: Peer, serialize: str
) -> None:
    topic = f"S_{uuid.uuid4().hex[:8]}"
    peer.produce(ours, topic, 1, seed=7)
    with peer.consume(ours, topic, f"sql:{CONDITION}") as consumer:
        sent = peer.produce(ours, topic, COUNT)
        expected = wanted(sent)
        assert len(expected) == 14
        same_messages(expected, consumer.take(len(expected)) + consumer.take(1, 0.5))
        more = peer.produce(ours, topic, COUNT, seed=2)
        same_messages(wanted(more), consumer.take(len(expected)) + consumer.take(1, 0.5))
    with peer.consume(ours, topic, f"sql:{CONDITION}") as consumer:  # stored before it was there
        received = consumer.take(2 * len(expected)) + consumer.take(1, 0.5)
    same_messages(expected + wanted(more), received)


@pytest.mark.parametrize("condition", [BAD, WORSE])
def test_a_bad_condition_is_told_to_java_consumers_in_javas_words(
    ours: str, java: Node, java_namesrv: str, json_peer: Peer, condition: str
) -> None:
    told = []
    for namesrv in (java_namesrv, ours):
        topic = make_topic(json_peer, namesrv, java) if namesrv == java_namesrv else "S_bad"
        json_peer.produce(namesrv, topic, 1)
        with (
            pytest.raises(ClientError) as raised,
            json_peer.consume(namesrv, topic, f"sql:{condition}"),
        ):
            pass
        told.append(str(raised.value).partition("\nFor more information")[0])
    assert told[0] == told[1]
    assert "CODE: 23  DESC: " in told[0]


async def test_our_consumer_gets_it_from_a_java_broker(
    java: Node, java_namesrv: str, peer: Peer, version: str, serialize: str
) -> None:
    topic = make_topic(peer, java_namesrv, java)
    sent = peer.produce(java_namesrv, topic, COUNT)
    collector = Collector(0)
    consumer = PushConsumer(
        f"py_sql_{uuid.uuid4().hex[:8]}",
        namesrv_addr=java_namesrv,
        serialize_type=serialize,
        release=release_named(version),
        consume_from_where="CONSUME_FROM_FIRST_OFFSET",
    )
    consumer.subscribe(topic, MessageSelector.by_sql(CONDITION), collector)
    async with consumer:
        await collector.take(14)
        sent += peer.produce(java_namesrv, topic, COUNT, seed=2)
        await collector.take(28)
        received = await collector.take(29, 0.5)
        assert not consumer.health.problems
    same_messages(wanted(sent), received)


@pytest.mark.parametrize("condition", [BAD, WORSE])
async def test_our_consumer_is_told_of_a_bad_condition(
    java: Node, java_namesrv: str, json_peer: Peer, version: str, condition: str
) -> None:
    topic = make_topic(json_peer, java_namesrv, java)
    consumer = PushConsumer("py_sql_bad", namesrv_addr=java_namesrv, release=release_named(version))
    consumer.subscribe(topic, MessageSelector.by_sql(condition), Collector(0))
    with pytest.raises(SubscriptionParseFailed, match=r"cannot be compared|Encountered"):
        await consumer.__aenter__()


# ---- a folder


def query_queue(peer: Peer, namesrv: str, broker: Node, topic: str, count: int) -> list[str]:
    """Return what mqadmin shows of the first units, and of what the group wants."""
    text = peer.mqadmin(
        "queryCq", "-n", namesrv, "-b", broker.addr, "-t", topic, "-q", "0", "-i", "0",
        "-c", str(count), "-g", "sql_swap",
    )  # fmt: skip
    text = re.sub(r'"(clientVersion|subVersion|bornTime)":\d+', r'"\1":0', text)
    return [part for part in text.split("=" * 38) if "max:" not in part]


def one_life(
    peer: Peer, namesrv: str, broker: Node, topic: str, seed: int, before: list[Message]
) -> list[str]:
    """Consume by the condition what is sent meanwhile; return what the first 20 units look like."""
    with peer.consume(namesrv, topic, f"sql:{CONDITION}", group="sql_swap") as consumer:
        wait_until(lambda: "n BETWEEN" in query_queue(peer, namesrv, broker, topic, 1)[0], "group")
        sent = peer.produce(namesrv, topic, COUNT, seed=seed, queue=0)
        expected = wanted(before + sent)
        same_messages(expected, consumer.take(len(expected)) + consumer.take(1, 1))
        return query_queue(peer, namesrv, broker, topic, 20)


@pytest.mark.optin("5.5.0")  # its broker takes a quarter of a minute to end
def test_a_filtered_folder_goes_back_and_forth(
    cluster: Cluster, version: str, json_peer: Peer, tmp_path: Path
) -> None:
    namesrv = nodes.start_namesrv(tmp_path / "namesrv")
    conf = settings(**SMALL, **EXTENDED)
    shown: list[list[str]] = []
    topic = "sqlswap"
    try:
        for life in range(4):
            home = tmp_path / f"life-{life}"
            if life:
                shutil.copytree(tmp_path / f"life-{life - 1}" / "store", home / "store")
            if life % 2:
                broker = nodes.start_broker(
                    home, namesrv.addr, {"rocketmqVersion": version, **conf}
                )
            else:
                broker = cluster.start_broker(home, namesrv.addr, conf)
            before = []
            if not life:
                json_peer.mqadmin(
                    "updateTopic", "-n", namesrv.addr, "-b", broker.addr, "-t", topic,
                    "-r", "1", "-w", "1",
                )  # fmt: skip
                before = json_peer.produce(namesrv.addr, topic, 10, seed=99)
            shown.append(one_life(json_peer, namesrv.addr, broker, topic, life + 1, before))
            broker.stop()
            verify(home / "store")
        assert shown[1:] == shown[:1] * 3
    finally:
        namesrv.stop()
