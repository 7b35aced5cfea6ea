"""Batches that are one record (topics of kind BatchCQ, 5.x): each message reaches its listener."""

from __future__ import annotations

import uuid

import pytest

from interop import kinds
from interop.checks import queues_dense, same_messages
from interop.conftest import Rmqwire
from interop.peer import Peer
from interop.processes import wait_until
from interop.test_rmqwire_clients_on_java import consuming
from interop.wire import route_known

COUNT = 40
BATCH_CQ = "+queue.type=BatchCQ"

pytestmark = pytest.mark.only("5.5.0")


@pytest.fixture
def topic() -> str:
    return f"inner_{uuid.uuid4().hex[:8]}"


def test_java_s_consumer_takes_them_apart_that_rmqwire_stored(
    topic: str, rmqwire: Rmqwire, json_peer: Peer
) -> None:
    namesrv = rmqwire.namesrv.addr
    kinds.make_topic(rmqwire.broker.addr, topic, BATCH_CQ)
    wait_until(lambda: route_known(namesrv, topic), f"route of {topic}")
    with json_peer.consume(namesrv, topic) as consumer:
        sent = json_peer.produce(namesrv, topic, COUNT, mode="batch")
        received = consumer.take(COUNT) + consumer.take(1, 0.5)
    same_messages(sent, received)
    queues_dense(received)


async def test_rmqwire_s_consumer_takes_them_apart_that_java_stored(
    topic: str, java_namesrv: str, json_peer: Peer, version: str
) -> None:
    words = ["-n", java_namesrv, "-c", "DefaultCluster", "-t", topic, "-a", BATCH_CQ]
    json_peer.mqadmin("updateTopic", *words)
    wait_until(lambda: route_known(java_namesrv, topic), f"route of {topic}")
    sent = json_peer.produce(java_namesrv, topic, COUNT, mode="batch")
    async with consuming(java_namesrv, topic, version, "JSON") as consumer:
        received = await consumer.take(COUNT)
    same_messages(sent, received)
    queues_dense(received)
