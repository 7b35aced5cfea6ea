"""What producers and consumers ask about topics, queues and messages, beside Java's ``MQAdmin``.

Servers of either kind; and what a program is told of its queues while a Java member comes and goes.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
import trio

from interop.listeners import received_form, until
from interop.peer import Peer
from rmqwire import (
    MessageQueue,
    MQAdmin,
    Producer,
    PullConsumer,
    PullTaskContext,
    PushConsumer,
)
from rmqwire.codec.release import release_named

pytestmark = pytest.mark.optin
LONG_MAX = 2**63 - 1
TIMELESS = {"consumed", "reconsumeTimes"}


def settings(namesrv: str, version: str) -> dict[str, Any]:
    return {"namesrv_addr": namesrv, "release": release_named(version)}


def told(answer: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name in names - TIMELESS}


async def until_found(ask: Callable[[], Any]) -> Any:
    """Ask until there is an answer: indexes are written a moment later."""
    with trio.fail_after(20):
        while not (found := await ask()):  # noqa: ASYNC110  it is asked for
            await trio.sleep(0.1)
    return found


@pytest.mark.parametrize("kind", [Producer, PullConsumer, PushConsumer])
async def test_answers_are_javas(
    namesrv: str, version: str, json_peer: Peer, new_topic: str, kind: Callable[..., MQAdmin]
) -> None:
    sent = json_peer.produce(namesrv, new_topic, 10, seed=3, queue=0)
    group = f"asking_{uuid.uuid4().hex[:8]}"
    broker_name = ""
    async with kind(group, **settings(namesrv, version)) as ours:

        async def by_key() -> Any:
            keys = sent[0]["keys"]
            return (await ours.query_message(new_topic, keys, 32, 0, LONG_MAX)).message_list

        (message,) = await until_found(by_key)
        broker_name = message.broker_name
        form = received_form(message)
        queue = MessageQueue(new_topic, broker_name, 0)
        place = f"{new_topic}@{broker_name}@0"

        def java(method: str, *words: object) -> list[dict[str, Any]]:
            return json_peer.call("ask-admin", namesrv, method, *map(str, words))

        async def number(method: str, *words: object) -> int:
            (answer,) = await trio.to_thread.run_sync(java, method, place, *words)
            return int(answer["output"])

        (theirs,) = await trio.to_thread.run_sync(
            java, "queryMessage", new_topic, sent[0]["keys"], 32, 0, LONG_MAX
        )
        assert told(theirs, form.keys() & theirs.keys()) == told(form, form.keys() & theirs.keys())
        for msg_id in (message.msg_id, message.offset_msg_id):
            found = await ours.view_message(new_topic, msg_id)
            (theirs,) = await trio.to_thread.run_sync(java, "viewMessage", new_topic, msg_id)
            assert found is not None
            assert found.body.hex() == theirs["body"]
            assert (found.queue_offset, found.msg_id) == (message.queue_offset, message.msg_id)
        assert await ours.max_offset(queue) == await number("maxOffset")
        assert await ours.min_offset(queue) == await number("minOffset")
        stored = message.store_timestamp
        assert await ours.search_offset(queue, stored) == await number("searchOffset", stored)
        first = await ours.earliest_msg_store_time(queue)
        assert first == await number("earliestMsgStoreTime")


async def test_a_topic_made_by_either_side_is_the_same(
    namesrv: str, version: str, json_peer: Peer
) -> None:
    topics = {kind: f"{kind}_{uuid.uuid4().hex[:8]}" for kind in ("java", "ours")}
    async with Producer("makers", **settings(namesrv, version)) as producer:
        await producer.create_topic("TBW102", topics["ours"], 3, topic_sys_flag=1)
        await trio.to_thread.run_sync(
            json_peer.call, "ask-admin", namesrv, "createTopic", "TBW102", topics["java"], "3", "1"
        )

        async def queues(topic: str) -> list[tuple[str, int]]:
            found = await producer.fetch_publish_message_queues(topic)
            return [(queue.broker_name, queue.queue_id) for queue in found]

        assert len(await queues(topics["ours"])) == 3
        assert await queues(topics["java"]) == await queues(topics["ours"])
        routes = [
            json_peer.mqadmin("topicRoute", "-n", namesrv, "-t", topic) for topic in topics.values()
        ]
        assert routes[0] == routes[1]


async def test_a_listener_is_told_while_a_java_member_comes_and_goes(
    namesrv: str, version: str, json_peer: Peer, new_topic: str
) -> None:
    group = f"told_{uuid.uuid4().hex[:8]}"
    news: dict[str, set[MessageQueue]] = {}
    async with PushConsumer(
        group,
        message_queue_listener=lambda topic, _queues, mine: news.update({topic: mine}),
        **settings(namesrv, version),
    ) as ours:
        ours.subscribe(new_topic, "*", lambda _messages: None)
        everything = len(await ours.fetch_subscribe_message_queues(new_topic))
        await until(lambda: len(news.get(new_topic, ())) == everything, "all queues are ours")
        with json_peer.consume(namesrv, new_topic, group=group):
            await until(lambda: len(news[new_topic]) == everything // 2, "the queues are shared")
            assert news[new_topic] == {
                queue for queue in ours.assigned_queues() if queue.topic == new_topic
            }
        await until(lambda: len(news[new_topic]) == everything, "all queues are ours again")


async def test_pull_tasks_have_each_message_once(
    namesrv: str, version: str, json_peer: Peer, new_topic: str
) -> None:
    got: list[str] = []
    sent = json_peer.produce(namesrv, new_topic, 40, seed=5)
    async with PullConsumer(
        f"tasks_{uuid.uuid4().hex[:8]}", **settings(namesrv, version)
    ) as consumer:

        async def task(queue: MessageQueue, context: PullTaskContext) -> None:
            offset = max(0, await consumer.fetch_consume_offset(queue))
            result = await consumer.pull(queue, offset=offset, max_nums=7)
            got.extend(message.msg_id for message in result.messages)
            await consumer.update_consume_offset(queue, result.next_begin_offset)
            context.pull_next_delay_time_millis = 20

        consumer.register_pull_task_callback(new_topic, task)
        await until(lambda: {one["msgId"] for one in sent} <= set(got), "all messages have come")
        assert len(got) == len(set(got))


@pytest.mark.parametrize("kind", ["decode_read_body", "decode_decompress_body"])
async def test_bodies_that_java_has_compressed_are_read_as_far_as_set(
    namesrv: str, version: str, json_peer: Peer, new_topic: str, kind: str
) -> None:
    (sent,) = json_peer.produce(namesrv, new_topic, 1, kind="large", seed=7, queue=1)
    group = f"reading_{uuid.uuid4().hex[:8]}"
    queue = MessageQueue(new_topic, await broker_of(namesrv, version, new_topic), 1)
    async with PullConsumer(group, **settings(namesrv, version), **{kind: False}) as consumer:
        messages = (await consumer.pull(queue, offset=0)).messages
    (message,) = (one for one in messages if one.msg_id == sent["msgId"])
    stored = message.stored
    assert stored.is_compressed
    assert message.body == (b"" if kind == "decode_read_body" else stored.body)
    assert message.read_body().hex() == sent["body"]
    assert len(stored.body) < len(message.read_body())


async def broker_of(namesrv: str, version: str, topic: str) -> str:
    async with Producer("asking", topics=[topic], **settings(namesrv, version)) as producer:
        return (await producer.fetch_publish_message_queues(topic))[0].broker_name
