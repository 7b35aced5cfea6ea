"""Java's tools read the traces of our clients: sent here, consumed here, told by mqadmin."""

from __future__ import annotations

import re
import uuid

import pytest

from interop.listeners import Collector, mqadmin_says
from interop.peer import Peer
from interop.processes import wait_until
from interop.wire import route_known
from rmqwire import Message, Producer, PushConsumer
from rmqwire.codec.release import release_named


@pytest.mark.optin("4.9.7")  # 5.5.0 shows the same
async def test_mqadmin_tells_what_became_of_a_message(
    java_namesrv: str, version: str, json_peer: Peer, topic: str
) -> None:
    name = uuid.uuid4().hex[:8]
    traces = f"traces_{name}"
    json_peer.mqadmin("updateTopic", "-n", java_namesrv, "-c", "DefaultCluster", "-t", traces)
    wait_until(lambda: route_known(java_namesrv, traces), f"route of {traces}", 15)
    config = {
        "namesrv_addr": java_namesrv,
        "release": release_named(version),
        "enable_trace": True,
        "trace_topic": traces,
    }
    collector = Collector()
    async with (
        Producer(f"pg_{name}", **config) as producer,
        PushConsumer(
            f"cg_{name}", consume_from_where="CONSUME_FROM_FIRST_OFFSET", **config
        ) as consumer,
    ):
        consumer.subscribe(topic, "*", collector)
        sent = await producer.send(Message(topic, b"traced", tags="Tag", keys="key"))
        await collector.take(1)
    words = ("queryMsgTraceById", "-n", java_namesrv, "-t", traces, "-i", sent.msg_id)
    found = rf"(?s)Pub\s+pg_{name}.*Sub\s+cg_{name}"
    await mqadmin_says(json_peer, found, *words)
    told = json_peer.mqadmin(*words)
    assert re.search(rf"Pub\s+pg_{name}\s+\S+\s+[\d-]+ [\d:.]+\s+\d+ms\s+success", told), told
    assert re.search(rf"Sub\s+cg_{name}\s+\S+\s+[\d-]+ [\d:.]+\s+\d+ms\s+success", told), told
