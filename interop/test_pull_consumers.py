"""Consumers that ask for messages, ours and Java's, at a broker of either kind."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import trio

from interop.checks import all_of_it, same_messages
from interop.listeners import received_form, until
from interop.peer import Peer
from rmqwire import LitePullConsumer, MessageQueue, MessageSelector, PullConsumer, PullStatus
from rmqwire.codec.release import release_named


def settings(namesrv: str, version: str) -> dict[str, Any]:
    return {"namesrv_addr": namesrv, "release": release_named(version)}


def lite(namesrv: str, version: str, group: str, **config: Any) -> LitePullConsumer:
    return LitePullConsumer(
        group,
        consume_from_where="CONSUME_FROM_FIRST_OFFSET",
        poll_name_server_interval=1_000,
        **settings(namesrv, version) | config,
    )


async def take(consumer: LitePullConsumer, count: int) -> list[dict[str, Any]]:
    """Poll until ``count`` messages have come, and once more: there should be none."""
    found: list[dict[str, Any]] = []
    with trio.move_on_after(60):
        while len(found) < count:
            found += map(received_form, await consumer.poll(1_000))
    return found + [received_form(message) for message in await consumer.poll(500)]


class JavaLite:
    """A DefaultLitePullConsumer in a client program."""

    def __init__(self, peer: Peer, namesrv: str, topic: str, group: str) -> None:
        self.peer = peer
        self.name = uuid.uuid4().hex[:8]
        peer.call("lite-start", self.name, namesrv, group, topic, "*")

    def take(self, count: int, seconds: float = 60) -> list[dict[str, Any]]:
        return self.peer.call("lite-poll", self.name, count, int(seconds * 1000))


@contextmanager
def java_lite(peer: Peer, namesrv: str, topic: str, group: str) -> Iterator[JavaLite]:
    running = JavaLite(peer, namesrv, topic, group)
    try:
        yield running
    finally:
        peer.call("lite-stop", running.name)


async def test_a_group_of_both_kinds_shares_the_queues_and_goes_on_from_each_others_offsets(
    namesrv: str, version: str, json_peer: Peer, new_topic: str
) -> None:
    group = f"lite_{uuid.uuid4().hex[:8]}"
    produce = partial(json_peer.produce, namesrv, new_topic)
    async with lite(namesrv, version, group) as ours:
        ours.subscribe(new_topic)
        await take(ours, 1)  # what has made the topic
        await ours.commit_sync()  # the queue may be theirs in a moment
        everything = len(ours.assignment())
        with java_lite(json_peer, namesrv, new_topic, group) as theirs:
            await until(lambda: len(ours.assignment()) == everything // 2, "the queues are shared")
            mine = {queue.queue_id for queue in ours.assignment()}
            await trio.sleep(3)  # a Java consumer reads what it got a moment later
            sent = await trio.to_thread.run_sync(partial(produce, 40, seed=1))
            got = await take(ours, sum(m["queueId"] in mine for m in sent))
            received = await trio.to_thread.run_sync(theirs.take, 40 - len(got))
        all_of_it(sent, received + got)
        assert {m["queueId"] for m in got} <= mine
        assert not {m["queueId"] for m in received} & mine
        await until(lambda: len(ours.assignment()) == everything, "all queues are ours")
        sent = await trio.to_thread.run_sync(partial(produce, 40, seed=2))
        all_of_it(sent, await take(ours, 40))
    sent = produce(40, seed=3)
    with java_lite(json_peer, namesrv, new_topic, group) as theirs:
        same_messages(sent, theirs.take(40) + theirs.take(1, 0.5))


async def test_an_assigned_queue_is_sought_and_committed(
    namesrv: str, version: str, json_peer: Peer, new_topic: str
) -> None:
    sent = json_peer.produce(namesrv, new_topic, 30, queue=0)
    group = f"assigned_{uuid.uuid4().hex[:8]}"
    async with lite(namesrv, version, group, auto_commit=False) as ours:
        queues = await ours.fetch_message_queues(new_topic)
        (queue,) = (queue for queue in queues if queue.queue_id == 0)
        ours.assign([queue])
        first = await ours.poll(10_000)
        base = first[0].queue_offset  # the message that made the topic may be in this queue
        await ours.seek(queue, first[3].queue_offset)
        await ours.commit_sync()
        assert await ours.committed(queue) == first[3].queue_offset
        await ours.seek_to_end(queue)
        assert await ours.poll(500) == []
        await ours.seek(queue, await ours.offset_for_timestamp(queue, first[0].store_timestamp))
        again = await take(ours, base + len(sent))
        same_messages(sent, [m for m in again if m["keys"] != "key-99-0"])
        await ours.commit_sync()
        await ours.seek_to_begin(queue)
        assert (await ours.poll(10_000))[0].queue_offset == 0
    async with lite(namesrv, version, group) as ours:
        ours.assign([queue])
        assert await ours.poll(2_000) == []
        assert await ours.committed(queue) == again[-1]["queueOffset"] + 1


async def test_pulling_by_hand(namesrv: str, version: str, json_peer: Peer, new_topic: str) -> None:
    sent = json_peer.produce(namesrv, new_topic, 30, queue=1)
    group = f"by_hand_{uuid.uuid4().hex[:8]}"
    config = settings(namesrv, version) | {"broker_suspend_max_time_millis": 1_000}
    async with PullConsumer(group, **config) as ours:
        queues = await ours.fetch_subscribe_message_queues(new_topic)
        (queue,) = (queue for queue in queues if queue.queue_id == 1)
        end = await ours.max_offset(queue)
        start = end - 30
        received, offset = [], start
        while offset < end:
            result = await ours.pull(queue, offset=offset, max_nums=7)
            assert result.pull_status is PullStatus.FOUND
            received += map(received_form, result.messages)
            offset = result.next_begin_offset
        all_of_it(sent, received)
        tagged = await ours.pull(queue, "TagB", offset=start)
        assert {message.tags for message in tagged.messages} == {"TagB"}
        assert (await ours.pull(queue, offset=end)).pull_status is PullStatus.NO_NEW_MSG
        waiting = await ours.pull_block_if_not_found(queue, offset=end)
        assert waiting.pull_status is PullStatus.NO_NEW_MSG
        beyond = await ours.pull(queue, offset=end + 1_000)
        assert (beyond.pull_status, beyond.next_begin_offset) == (PullStatus.OFFSET_ILLEGAL, end)
        stored = await ours.earliest_msg_store_time(queue)
        assert await ours.search_offset(queue, stored) == await ours.min_offset(queue) == 0
        await ours.update_consume_offset(queue, start + 5)
        assert await ours.fetch_consume_offset(queue, from_store=True) == start + 5
        await ours.send_message_back(tagged.messages[0], 1)
        retry = MessageQueue(f"%RETRY%{group}", queue.broker_name, 0)
        again = await came_back(ours, retry)
        assert again.body == tagged.messages[0].body
        assert again.reconsume_times == 1


async def came_back(ours: PullConsumer, retry: MessageQueue) -> Any:
    """Return the message that was sent back, which is there a second later."""
    with trio.fail_after(30):
        while True:
            result = await ours.pull(retry, offset=0)
            if result.messages:
                return result.messages[0]
            await trio.sleep(0.5)


@pytest.mark.optin  # push consumers are tried with conditions each time
async def test_a_condition_of_a_java_server_is_checked_before_the_first_pull(
    servers: Any, version: str, json_peer: Peer, tmp_path: Any
) -> None:
    namesrv = servers.namesrv("java", tmp_path / "namesrv").addr
    servers.broker("java", tmp_path / "broker", namesrv, {"enablePropertyFilter": "true"})
    sent = json_peer.produce(namesrv, "sql", 30)
    async with lite(namesrv, version, "conditions") as ours:
        ours.subscribe("sql", MessageSelector.by_sql("n BETWEEN 10 AND 19"))
        same_messages(sent[10:20], await take(ours, 10))
