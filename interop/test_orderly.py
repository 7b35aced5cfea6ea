"""Orderly consumers of ours and of Java's, at a broker of either kind."""

from __future__ import annotations

import uuid
from collections import defaultdict
from itertools import pairwise
from typing import Any

import trio

from interop.checks import all_of_it, same_messages
from interop.listeners import InOrder, mqadmin_says, until
from interop.peer import Peer
from rmqwire import MessageQueue, PushConsumer
from rmqwire.codec.release import release_named

COUNT = 120
MAX_AT_A_HANDOVER = 8  # queues: each may repeat the message that was under way


def orderly(
    namesrv: str, version: str, serialize: str = "JSON", group: str | None = None, **config: object
) -> PushConsumer:
    return PushConsumer(
        group or f"in_order_{uuid.uuid4().hex[:8]}",
        namesrv_addr=namesrv,
        release=release_named(version),
        serialize_type=serialize,
        consume_orderly=True,
        consume_from_where="CONSUME_FROM_FIRST_OFFSET",
        **config,  # type: ignore[arg-type]
    )


def in_order(received: list[dict[str, Any]]) -> int:
    """Each queue's messages came in its order, whoever got them; return how many came again."""
    by_queue: dict[int, list[int]] = defaultdict(list)
    for message in sorted(received, key=lambda m: (m["consumed"], m["queueOffset"])):
        by_queue[message["queueId"]].append(message["queueOffset"])
    again = 0
    for queue, offsets in by_queue.items():
        again += len(offsets) - len(set(offsets))
        for before, after in pairwise(offsets):
            assert after <= before + 1, f"queue {queue} skips from {before} to {after}: {offsets}"
            assert after >= before, f"queue {queue} goes back from {before} to {after}: {offsets}"
    return again


async def test_ours_gets_each_queue_in_order(
    namesrv: str, version: str, serialize: str, json_peer: Peer, new_topic: str
) -> None:
    collector = InOrder()
    async with orderly(namesrv, version, serialize) as ours:
        ours.subscribe(new_topic, "*", collector.listen)
        await collector.take(1)
        sent = await trio.to_thread.run_sync(json_peer.produce, namesrv, new_topic, COUNT)
        await collector.take(COUNT + 1)
        await trio.sleep(0.5)
    received = [m for m in collector.received if m["keys"] != "key-99-0"]
    all_of_it(sent, received)
    assert in_order(collector.received) == 0


async def test_a_failing_listener_holds_its_queue_up(
    namesrv: str, version: str, json_peer: Peer, new_topic: str
) -> None:
    collector = InOrder(failures=2)
    sent = json_peer.produce(namesrv, new_topic, 8)
    async with orderly(namesrv, version, suspend_current_queue_time_millis=100) as ours:
        ours.subscribe(new_topic, "*", collector.listen)
        await collector.take(27)
        await trio.sleep(0.5)
    assert len(collector.received) == 27  # each of 9 three times
    assert in_order(collector.received) == 18
    for queue in range(8):
        times = [m["reconsumeTimes"] for m in collector.received if m["queueId"] == queue]
        assert times == [0, 1, 2] * (len(times) // 3)
    third = [m for m in collector.received if m["reconsumeTimes"] == 2]
    same_messages(sent, [m for m in third if m["keys"] != "key-99-0"])


async def test_a_message_that_has_failed_often_enough_goes_to_the_dead_letters(
    namesrv: str, version: str, json_peer: Peer, new_topic: str
) -> None:
    collector = InOrder(failures=99)
    async with orderly(
        namesrv, version, max_reconsume_times=1, suspend_current_queue_time_millis=100
    ) as ours:
        ours.subscribe(new_topic, "*", collector.listen)
        await collector.take(2)
        words = ("topicStatus", "-n", namesrv, "-t", f"%DLQ%{ours.group}")
        await mqadmin_says(json_peer, r"\s1\s+\d{4}-", *words)  # the queue's max offset
        assert [m["reconsumeTimes"] for m in collector.received] == [0, 1]


def mine(ours: PushConsumer, topic: str) -> list[MessageQueue]:
    return [queue for queue in ours.assigned_queues() if queue.topic == topic]


def keys_of(received: list[dict[str, Any]]) -> set[str]:
    return {message["keys"] for message in received}


async def test_java_and_ours_share_a_group_while_members_come_and_go(
    namesrv: str, version: str, json_peer: Peer, new_topic: str
) -> None:
    """Ours alone, with Java, Java leaves again: no message is lost, each queue stays in order."""
    group = f"shared_{uuid.uuid4().hex[:8]}"
    collector = InOrder()
    sent, theirs = [], []

    async def produce(seed: int) -> None:
        for queue in range(4):
            sent.extend(
                await trio.to_thread.run_sync(
                    json_peer.produce,
                    namesrv,
                    new_topic,
                    10,
                    "sync",
                    "small",
                    seed * 10 + queue,
                    queue,
                )
            )

    async with orderly(namesrv, version, group=group) as ours:
        ours.subscribe(new_topic, "*", collector.listen)
        await produce(1)
        with json_peer.consume(namesrv, new_topic, group=group, orderly=True) as java:
            await produce(2)
            everything = await ours.fetch_subscribe_message_queues(new_topic)
            await until(lambda: 0 < len(mine(ours, new_topic)) < len(everything), "Java's queues")
            await produce(3)
            with trio.fail_after(40):
                while len(keys_of(collector.received + theirs)) <= len(sent):
                    theirs += await trio.to_thread.run_sync(java.take, len(sent) + 50, 1)
        await produce(4)
        await until(lambda: len(keys_of(collector.received + theirs)) > len(sent), "all messages")
        await trio.sleep(1)
    received = collector.received + theirs
    again = in_order(received)
    print(f"ours {len(collector.received)}, Java's {len(theirs)}, came again {again}")
    assert theirs
    assert {m["keys"] for m in received} >= {m["keys"] for m in sent}
    assert again <= MAX_AT_A_HANDOVER


async def test_a_java_member_gets_queues_in_order_when_ours_leaves(
    namesrv: str, version: str, json_peer: Peer, new_topic: str
) -> None:
    group = f"left_{uuid.uuid4().hex[:8]}"
    collector = InOrder()
    with json_peer.consume(namesrv, new_topic, group=group, orderly=True) as java:
        async with orderly(namesrv, version, group=group) as ours:
            ours.subscribe(new_topic, "*", collector.listen)
            await until(
                lambda: any(q.topic == new_topic for q in ours.assigned_queues()),
                "a queue of ours",
            )
            sent = json_peer.produce(namesrv, new_topic, COUNT)
            await trio.sleep(2)
            mine = len(collector.received)
        after = json_peer.produce(namesrv, new_topic, COUNT, seed=2)
        wanted = 1 + 2 * COUNT - len(collector.received)
        theirs = java.take(wanted, 60) + java.take(1, 0.5)
    received = collector.received + theirs
    again = in_order(received)
    print(f"ours {mine}, Java's {len(theirs)}, came again {again}")
    assert mine
    assert {m["keys"] for m in received} >= {m["keys"] for m in sent + after}
    assert again <= MAX_AT_A_HANDOVER
