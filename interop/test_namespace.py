"""A client of ours in a namespace beside Java's that say the whole names."""

from __future__ import annotations

import uuid

import trio

from interop.checks import same_messages
from interop.listeners import Collector
from interop.peer import Peer
from rmqwire import Message, Producer, PushConsumer
from rmqwire.codec.release import release_named


async def test_both_ways(java_namesrv: str, version: str, json_peer: Peer) -> None:
    name = uuid.uuid4().hex[:8]
    whole = f"NS_{name}%T"
    config = {
        "namesrv_addr": java_namesrv,
        "release": release_named(version),
        "namespace": f"NS_{name}",
    }
    messages = [Message("T", b"%d" % n, tags="Tag", keys=f"k{n}") for n in range(20)]
    async with Producer("pg", **config) as producer:
        for message in messages:
            result = await producer.send(message)
            assert result.message_queue.topic == "T"
        with json_peer.consume(java_namesrv, whole, group=f"NS_{name}%java") as theirs:
            received = theirs.drain(20)
    same_messages(
        [{"keys": m.keys, "tags": m.tags, "body": m.body.hex()} for m in messages], received
    )
    assert {m["properties"]["INSTANCE_ID"] for m in received} == {f"NS_{name}"}
    collector = Collector(failures=1)
    async with PushConsumer(
        "cg",
        consume_from_where="CONSUME_FROM_FIRST_OFFSET",
        poll_name_server_interval=1_000,
        **config,
    ) as ours:
        ours.subscribe("T", "TagA")
        sent = [m for m in json_peer.produce(java_namesrv, whole, 9) if m["tags"] == "TagA"]
        got = await collector_of(ours, collector, 2 * len(sent))
    assert {m["topic"] for m in got} == {"T"}
    same_messages(sent, [m for m in got if m["reconsumeTimes"] == 0])
    same_messages(sent, [m for m in got if m["reconsumeTimes"] == 1])


async def collector_of(
    ours: PushConsumer, collector: Collector, count: int
) -> list[dict[str, object]]:
    """Fail each message once; it comes again in a second."""
    with trio.move_on_after(60):
        async for delivery in ours:
            async with delivery:
                collector([delivery])
                if not delivery.reconsume_times:
                    delivery.later(1)
            if len(collector.received) == count:
                break
    return collector.received
