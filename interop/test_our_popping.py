"""Our push consumer pops, alone and beside Java's, where its broker tells it to."""

from __future__ import annotations

import re
import uuid
from functools import partial
from typing import Any

import pytest
import trio

from interop.checks import all_of_it, same_messages
from interop.listeners import Collector, mqadmin_says, until
from interop.peer import Peer
from rmqwire import ConsumeStatus, MessageExt, PushConsumer
from rmqwire.codec.release import release_named

pytestmark = pytest.mark.only("5.5.0")


def popper(namesrv: str, version: str, group: str, **config: Any) -> PushConsumer:
    return PushConsumer(
        group,
        namesrv_addr=namesrv,
        release=release_named(version),
        client_rebalance=False,
        consume_from_where="CONSUME_FROM_FIRST_OFFSET",
        **config,
    )


class Popped:
    """A topic that a new group is to pop."""

    def __init__(self, peer: Peer, namesrv: str, topic: str) -> None:
        self.peer, self.namesrv, self.topic = peer, namesrv, topic
        self.group = f"pop_{uuid.uuid4().hex[:8]}"
        self.admin("updateSubGroup", "-g", self.group)
        self.mode("POP")

    def admin(self, verb: str, *words: str) -> None:
        self.peer.mqadmin(verb, "-n", self.namesrv, "-c", "DefaultCluster", *words)

    def mode(self, mode: str) -> None:
        self.admin("setConsumeMode", "-t", self.topic, "-g", self.group, "-m", mode, "-q", "0")

    async def produce(self, count: int, seed: int) -> list[dict[str, Any]]:
        send = partial(self.peer.produce, self.namesrv, self.topic, count, kind="small", seed=seed)
        return await trio.to_thread.run_sync(send)

    def numbers(self, consumer: PushConsumer) -> set[int]:
        return {one.queue_id for one in consumer.assigned_queues() if one.topic == self.topic}


async def test_a_consumer_pops_and_gets_again_what_failed(
    java_namesrv: str, version: str, json_peer: Peer, topic: str
) -> None:
    popped = await trio.to_thread.run_sync(Popped, json_peer, java_namesrv, topic)
    collector = Collector(failures=1)
    four = {"consume_message_batch_max_size": 4}
    async with popper(java_namesrv, version, popped.group, **four) as consumer:
        consumer.subscribe(topic, "*", collector)
        sent = await popped.produce(20, 1)
        await collector.take(40)
        assert popped.numbers(consumer) == {-1}
        for times in (0, 1):
            came = [m for m in collector.received if m["reconsumeTimes"] == times]
            same_messages(sent, came)
        words = ("-n", java_namesrv, "-g", popped.group, "-i", consumer.client_id)
        told = await trio.to_thread.run_sync(partial(json_peer.mqadmin, "consumerStatus", *words))
        assert re.search(rf"{topic} +\S+ +-1 ", told), told


@pytest.mark.optin
async def test_a_group_is_switched_while_it_consumes(
    namesrv: str, version: str, json_peer: Peer, new_topic: str
) -> None:
    popped = await trio.to_thread.run_sync(Popped, json_peer, namesrv, new_topic)
    collector = Collector()
    async with popper(namesrv, version, popped.group) as consumer:
        consumer.subscribe(new_topic, "*", collector)
        await collector.take(1)  # what has made the topic
        assert popped.numbers(consumer) == {-1}
        await trio.to_thread.run_sync(popped.mode, "PULL")
        await until(lambda: -1 not in popped.numbers(consumer), "the group pulls", 40)
        await trio.sleep(16)  # the pop that waits at the broker is answered
        before = len(collector.received)
        sent = await popped.produce(8, 2)
        all_of_it(sent, (await collector.take(before + 8))[before:])
        await trio.to_thread.run_sync(popped.mode, "POP")
        await until(lambda: popped.numbers(consumer) == {-1}, "the group pops", 40)


async def test_a_group_of_both_kinds_shares_what_it_pops(
    namesrv: str, version: str, json_peer: Peer, new_topic: str
) -> None:
    popped = await trio.to_thread.run_sync(Popped, json_peer, namesrv, new_topic)
    collector = Collector()

    async def slowly(batch: list[MessageExt]) -> ConsumeStatus:
        await trio.sleep(0.1)
        return collector(batch)

    few = {"pop_batch_nums": 2, "pop_threshold_for_queue": 1, "consume_thread_max": 1}
    async with popper(namesrv, version, popped.group, **few) as consumer:
        consumer.subscribe(new_topic, "*", slowly)
        await collector.take(1)
        consume = partial(json_peer.consume, namesrv, new_topic, group=popped.group, asking=True)
        with await trio.to_thread.run_sync(consume) as theirs:
            await mqadmin_says(
                json_peer,
                rf"{consumer.client_id}",
                "consumerConnection",
                "-n",
                namesrv,
                "-g",
                popped.group,
            )
            sent = await popped.produce(40, 1)
            received: list[dict[str, Any]] = []
            with trio.move_on_after(40):
                while len(received) + len(collector.received) <= 40:
                    received += await trio.to_thread.run_sync(theirs.take, 40, 0.5)
        all_of_it(sent, received + collector.received[1:])
        assert received
        assert collector.received[1:]
