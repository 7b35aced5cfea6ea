"""rmqwire's producer and consumer against a real RocketMQ name server and broker."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
import trio

from interop.checks import all_of_it, results_agree, same_messages
from interop.listeners import Collector
from interop.peer import Peer
from rmqwire import Message, Producer, PushConsumer
from rmqwire.codec.release import release_named

COUNT = 40


def bodies(kind: str) -> list[bytes]:
    texts = {
        "small": "message {} of rmqwire",
        "unicode": "héllo 消息 \N{ROCKET} {}",
        "large": "{} " + "the quick brown fox " * 400,
    }
    return [texts[kind].format(i).encode() for i in range(COUNT)]


def messages(topic: str, kind: str) -> list[Message]:
    return [
        Message(topic, body, tags=f"Tag{'ABC'[i % 3]}", keys=f"key-{i}")
        for i, body in enumerate(bodies(kind))
    ]


def sent_form(message: Message, result: Any = None) -> dict[str, Any]:
    form = {"keys": message.keys, "tags": message.tags, "body": message.body.hex()}
    if result is not None:
        form |= {
            "msgId": result.msg_id,
            "status": result.send_status.name,
            "queueId": result.message_queue.queue_id,
            "queueOffset": result.queue_offset,
        }
    return form


@asynccontextmanager
async def consuming(
    namesrv: str, topic: str, version: str, serialize: str, expression: str = "*", failures: int = 0
) -> AsyncIterator[Collector]:
    collector = Collector(failures)
    consumer = PushConsumer(
        f"py_group_{uuid.uuid4().hex[:8]}",
        namesrv_addr=namesrv,
        serialize_type=serialize,
        release=release_named(version),
        consume_from_where="CONSUME_FROM_FIRST_OFFSET",
    )
    consumer.subscribe(topic, expression, collector)
    async with consumer:
        yield collector


def producer(namesrv: str, version: str, serialize: str, *, auto_batch: bool = False) -> Producer:
    return Producer(
        "py_producers",
        namesrv_addr=namesrv,
        serialize_type=serialize,
        release=release_named(version),
        auto_batch=auto_batch,
    )


@pytest.mark.parametrize("kind", ["small", "unicode", "large"])
async def test_sends_reach_a_java_consumer(
    java_namesrv: str, version: str, serialize: str, peer: Peer, topic: str, kind: str
) -> None:
    with peer.consume(java_namesrv, topic) as consumer:
        sent = []
        async with producer(java_namesrv, version, serialize) as client:
            for message in messages(topic, kind):
                result = await client.send(message)
                sent.append(sent_form(message, result))
        received = consumer.take(COUNT) + consumer.take(1, 0.3)
    all_of_it(sent, received)


@pytest.mark.parametrize("auto_batch", [False, True], ids=["singly", "together"])
async def test_concurrent_sends(
    java_namesrv: str, version: str, serialize: str, peer: Peer, topic: str, auto_batch: bool
) -> None:
    sent: list[dict[str, Any]] = []

    async def send(client: Producer, message: Message) -> None:
        result = await client.send(message)
        sent.append(sent_form(message, result))
        assert result.offset_msg_id.isalnum(), result

    with peer.consume(java_namesrv, topic) as consumer:
        async with (
            producer(java_namesrv, version, serialize, auto_batch=auto_batch) as client,
            trio.open_nursery() as nursery,
        ):
            for message in messages(topic, "small"):
                nursery.start_soon(send, client, message)
        received = consumer.take(COUNT)
    same_messages(sent, received)
    results_agree(sent, received)


async def test_oneway_and_batch(
    java_namesrv: str, version: str, serialize: str, peer: Peer, topic: str
) -> None:
    with peer.consume(java_namesrv, topic) as consumer:
        async with producer(java_namesrv, version, serialize) as client:
            for message in messages(topic, "small"):
                await client.send_oneway(message)
            oneway = consumer.take(COUNT)
            batch = messages(topic, "unicode")
            result = await client.send(batch)
        received = consumer.take(COUNT)
    same_messages(list(map(sent_form, messages(topic, "small"))), oneway)
    same_messages(list(map(sent_form, batch)), received)
    assert len(result.msg_id.split(",")) == len(result.offset_msg_id.split(",")) == COUNT


async def test_a_new_topic_is_made_by_the_first_send(
    java_namesrv: str, version: str, serialize: str, peer: Peer
) -> None:
    topic = f"P_new_{uuid.uuid4().hex[:8]}"
    async with producer(java_namesrv, version, serialize) as client:
        results = [await client.send(message) for message in messages(topic, "small")]
    assert {result.send_status.name for result in results} == {"SEND_OK"}
    assert {result.message_queue.queue_id for result in results} == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("mode", "kind"), [("sync", "small"), ("sync", "large"), ("batch", "unicode")]
)
async def test_java_sends_reach_our_consumer(
    java_namesrv: str, version: str, serialize: str, peer: Peer, topic: str, mode: str, kind: str
) -> None:
    async with consuming(java_namesrv, topic, version, serialize) as collector:
        sent = await trio.to_thread.run_sync(peer.produce, java_namesrv, topic, COUNT, mode, kind)
        received = await collector.take(COUNT)
        await trio.sleep(0.3)
    all_of_it(sent, received)


async def test_tags_are_filtered(
    java_namesrv: str, version: str, serialize: str, peer: Peer, topic: str
) -> None:
    async with consuming(java_namesrv, topic, version, serialize, "TagA || TagC") as collector:
        sent = await trio.to_thread.run_sync(peer.produce, java_namesrv, topic, COUNT)
        wanted = [m for m in sent if m["tags"] != "TagB"]
        received = await collector.take(len(wanted))
        await trio.sleep(0.3)
    same_messages(wanted, received)


@pytest.mark.optin("ROCKETMQ")  # a quarter of a minute: its headers have other tests
async def test_a_failed_message_comes_again(
    java_namesrv: str, version: str, serialize: str, peer: Peer, topic: str
) -> None:
    """It goes back to the broker with delay level 3, 10 s."""
    async with consuming(java_namesrv, topic, version, serialize, failures=1) as collector:
        sent = await trio.to_thread.run_sync(peer.produce, java_namesrv, topic, 3)
        received = await collector.take(6, 90)
    first = [m for m in received if m["reconsumeTimes"] == 0]
    again = [m for m in received if m["reconsumeTimes"] == 1]
    same_messages(sent, first)
    same_messages(sent, again)
    assert {m["topic"] for m in received} == {topic}


@pytest.mark.optin("ROCKETMQ")  # a quarter of a minute: its headers have other tests
async def test_a_group_shares_its_queues_and_goes_on_where_it_was(
    java_namesrv: str, version: str, serialize: str, peer: Peer, topic: str
) -> None:
    """A Java and an rmqwire consumer of one group: each message once; then rmqwire alone goes on."""
    group = f"mixed_{uuid.uuid4().hex[:8]}"
    collector = Collector()
    consumer = PushConsumer(
        group, namesrv_addr=java_namesrv, serialize_type=serialize, release=release_named(version)
    )
    consumer.subscribe(topic, "*", collector)
    async with consumer:
        with peer.consume(java_namesrv, topic, group=group) as other:
            listing = ""
            with trio.fail_after(60):
                while listing.count("@") < 2:
                    await trio.sleep(1)
                    listing = peer.mqadmin("consumerProgress", "-n", java_namesrv)
                    listing = next((r for r in listing.splitlines() if r.startswith(group)), "")
                    if " 2 " in listing:
                        break
            await trio.sleep(3)  # both have rebalanced after the notice
            sent = peer.produce(java_namesrv, topic, 80)
            theirs = other.take(80, 10)
            ours = await collector.take(80 - len(theirs), 20)
    assert theirs
    assert ours
    same_messages(sent, theirs + ours)


async def test_what_is_sent_soon_and_by_key_arrives_once(
    java_namesrv: str, version: str, json_peer: Peer, topic: str
) -> None:
    """Each key's messages in one queue, in order: one in flight keeps them so."""
    wanted = [Message(topic, b"%d" % n, keys=f"k{n}") for n in range(200)]
    with json_peer.consume(java_namesrv, topic) as consumer:
        async with Producer(
            "py_soon", namesrv_addr=java_namesrv, release=release_named(version)
        ) as producer:
            handles = [producer.send_soon(message) for message in wanted]
            for message in (ordered := [Message(topic, b"o%d" % n, keys="o") for n in range(20)]):
                await producer.send(message, key=f"order {int(message.body[1:]) % 2}")
            sent = [sent_form(one.message, await one.wait()) for one in handles]
        received = consumer.take(220)
        received += consumer.take(1, 0.3)
    same_messages(sent + [sent_form(message) for message in ordered], received)
    by_queue: dict[int, list[int]] = {}
    for one in sorted((m for m in received if m["keys"] == "o"), key=lambda m: m["queueOffset"]):
        by_queue.setdefault(one["queueId"], []).append(int(bytes.fromhex(one["body"])[1:]))
    assert all(numbers == sorted(numbers) for numbers in by_queue.values())
    assert len(by_queue) <= 2


@pytest.mark.only("5.5.0")
async def test_heartbeats_without_subscriptions_keep_a_consumer_alive(
    java_namesrv: str, version: str, json_peer: Peer, topic: str
) -> None:
    """Java's broker is told everything once, and that it is the same after that."""
    collector = Collector()
    group = f"v2_{uuid.uuid4().hex[:8]}"
    async with PushConsumer(
        group,
        namesrv_addr=java_namesrv,
        use_heartbeat_v2=True,
        heartbeat_broker_interval=500,
        consume_from_where="CONSUME_FROM_FIRST_OFFSET",
    ) as consumer:
        consumer.subscribe(topic, "TagA || TagB", collector)
        await trio.sleep(4)
        assert consumer._instance._heartbeats_v2._known
        words = ("consumerConnection", "-n", java_namesrv, "-g", group)
        told = await trio.to_thread.run_sync(partial(json_peer.mqadmin, *words))
        assert "TagA || TagB" in told, told
        produce = partial(json_peer.produce, java_namesrv, topic, 12, seed=1)
        sent = await trio.to_thread.run_sync(produce)
        wanted = [message for message in sent if message["tags"] in ("TagA", "TagB")]
        same_messages(wanted, await collector.take(len(wanted)))
