"""Java's admin tools look into consumers of ours: what they are at, messages tried on them, offsets moved."""

from __future__ import annotations

import re
import uuid
from functools import partial
from typing import Any

import pytest
import trio

from interop.checks import same_messages
from interop.listeners import Collector, InOrder, mqadmin_says
from interop.peer import Peer
from interop.processes import wait_until
from interop.wire import route_known
from rmqwire import PushConsumer
from rmqwire.codec.release import release_named

LONG_AGO_MS = "1577836800000"


class Looked:
    """A group of ours with one member, and Java's tools beside it."""

    def __init__(self, peer: Peer, namesrv: str, version: str, *, ordered: bool, namespace: str):
        self.peer, self.namesrv = peer, namesrv
        name = uuid.uuid4().hex[:8]
        self.topic, self.group = f"T_{name}", f"G_{name}"
        before = f"{namespace}%" if namespace else ""
        self.whole_topic, self.whole_group = before + self.topic, before + self.group
        self.collector = InOrder() if ordered else Collector()
        self.consumer = PushConsumer(
            self.group,
            namesrv_addr=namesrv,
            release=release_named(version),
            namespace=namespace or None,
            consume_orderly=ordered,
            consume_from_where="CONSUME_FROM_FIRST_OFFSET",
            persist_consumer_offset_interval=500,
        )
        listener = self.collector.listen if isinstance(self.collector, InOrder) else self.collector
        self.consumer.subscribe(self.topic, "*", listener)

    def make_topic(self) -> None:
        words = ("-c", "DefaultCluster", "-t", self.whole_topic, "-r", "2", "-w", "2")
        self.peer.mqadmin("updateTopic", "-n", self.namesrv, *words)
        wait_until(lambda: route_known(self.namesrv, self.whole_topic), "its route", 15)

    async def produce(self, count: int) -> list[dict[str, Any]]:
        send = partial(self.peer.produce, self.namesrv, self.whole_topic, count)
        return await trio.to_thread.run_sync(send)

    async def admin(self, verb: str, *words: str) -> str:
        words = ("-n", self.namesrv, "-g", self.whole_group, *words)
        return await trio.to_thread.run_sync(partial(self.peer.mqadmin, verb, *words))

    async def committed(self) -> None:
        words = ("-n", self.namesrv, "-g", self.whole_group)
        await mqadmin_says(self.peer, r"Diff Total: 0", "consumerProgress", *words)


@pytest.mark.parametrize(
    ("ordered", "namespace"),
    [
        pytest.param(False, "", id="concurrent"),
        pytest.param(True, "NS", id="orderly in a namespace"),
    ],
)
async def test_java_s_tools_look_into_a_consumer_of_ours(
    java_namesrv: str, version: str, json_peer: Peer, ordered: bool, namespace: str
) -> None:
    one = Looked(json_peer, java_namesrv, version, ordered=ordered, namespace=namespace)
    await trio.to_thread.run_sync(one.make_topic)
    async with one.consumer as consumer:
        sent = await one.produce(10)
        same_messages(sent, await one.collector.take(10))
        await one.committed()

        told = await one.admin("consumerStatus", "-i", consumer.client_id, "-s")
        assert re.search(rf"PROP_CONSUMEORDERLY +: {str(ordered).lower()}\s", told), told
        assert re.search(rf"Topic: {re.escape(one.whole_topic)} .*SubExpression: \*", told), told
        offsets = re.findall(rf"(?m)^{re.escape(one.whole_topic)} +\S+ +[01] +(\d+)\s*$", told)
        assert sum(map(int, offsets)) == 10, told
        assert "#Consumer jstack#" in told
        assert "rmqwire.client.stacks.stacks(stacks.py:" in told

        tried = sent[3]
        words = ("-d", consumer.client_id, "-i", tried["offsetMsgId"])
        if version != "4.9.7":
            words += ("-t", one.whole_topic)
        told = await one.admin("queryMsgById", *words)
        assert "consumeResult=CR_SUCCESS" in told, told
        assert f"order={str(ordered).lower()}" in told, told
        assert [m["msgId"] for m in one.collector.received[10:]] == [tried["msgId"]]

        told = await one.admin("resetOffsetByTime", "-t", one.whole_topic, "-s", LONG_AGO_MS)
        assert "error" not in told.lower(), told
        received = await one.collector.take(21)
        same_messages(sent, received[11:])
        assert {m["topic"] for m in received} == {one.topic}
        await one.committed()
