"""What a listener decides and a consumer is set to, against a real RocketMQ broker."""

from __future__ import annotations

import json
import socket
import time
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import trio

from interop.checks import same_messages
from interop.listeners import Collector, mqadmin_says, received_form, until
from interop.peer import Peer
from interop.replication import Servers
from interop.wire import ask, broker_addr
from rmqwire import (
    ConsumeConcurrentlyContext,
    ConsumeStatus,
    MessageExt,
    PushConsumer,
    allocate_averagely_by_circle,
    allocate_by_consistent_hash,
)
from rmqwire.codec.bodies import (
    ConsumerData,
    HeartbeatData,
    OffsetSerializeWrapper,
    SubscriptionData,
)
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand, encode_command
from rmqwire.codec.release import release_named

OK = ConsumeStatus.CONSUME_SUCCESS


def consumer(
    namesrv: str, version: str, group: str | None = None, **config: object
) -> PushConsumer:
    return PushConsumer(
        group or f"py_group_{uuid.uuid4().hex[:8]}",
        namesrv_addr=namesrv,
        release=release_named(version),
        poll_name_server_interval=1_000,
        **{"consume_from_where": "CONSUME_FROM_FIRST_OFFSET"} | config,  # type: ignore[arg-type]
    )


class Half(Collector):
    """Consumes two of each batch that comes for the first time; the rest is to come in a second."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []
        self.times: list[float] = []

    def listen(self, batch: list[MessageExt], context: ConsumeConcurrentlyContext) -> ConsumeStatus:
        self.batches.append(len(batch))
        self.times.append(time.monotonic())
        self(batch)
        if not batch[0].reconsume_times:
            context.ack_index = 1
            context.delay_level_when_next_consume = 1  # 1 s
        return OK


async def test_what_is_behind_the_ack_index_comes_again_at_the_level_asked_for(
    java_namesrv: str, version: str, json_peer: Peer, topic: str
) -> None:
    sent = json_peer.produce(java_namesrv, topic, 4, queue=0)
    half = Half()
    async with consumer(java_namesrv, version, consume_message_batch_max_size=4) as ours:
        ours.subscribe(topic, "*", half.listen)
        received = await half.take(6)
    assert half.batches[0] == 4
    same_messages(sent, received[:4])
    again = received[4:]
    assert {m["keys"] for m in again} == {m["keys"] for m in sent[2:]}
    assert {m["reconsumeTimes"] for m in again} == {1}
    assert 0.9 < half.times[1] - half.times[0] < 6, "level 1 is a second, the default 3 would be 10"


async def test_a_message_may_be_sent_to_the_dead_letters_at_once(
    java_namesrv: str, version: str, json_peer: Peer, topic: str
) -> None:
    def listen(batch: list[MessageExt], context: ConsumeConcurrentlyContext) -> ConsumeStatus:
        collector(batch)
        context.delay_level_when_next_consume = -1
        return ConsumeStatus.RECONSUME_LATER

    collector = Collector()
    json_peer.produce(java_namesrv, topic, 2)
    async with consumer(java_namesrv, version) as ours:
        ours.subscribe(topic, "*", listen)
        assert len(await collector.take(2)) == 2
        await trio.sleep(2)
        assert len(collector.received) == 2
        words = ("topicStatus", "-n", java_namesrv, "-t", f"%DLQ%{ours.group}")
        await mqadmin_says(json_peer, r"\s2\s+\d{4}-", *words)  # the queue's max offset


@pytest.mark.only("4.9.7")  # 5.x answers 0 as long as the page cache has the first message
async def test_a_new_group_starts_at_its_time(
    servers: Servers, version: str, json_peer: Peer, tmp_path: Path
) -> None:
    """Of a topic whose first message is still in memory a broker answers 0: none counts as such.

    4.9 starts at the message that is nearest in time: that has to be one of the later ones.
    """
    namesrv = servers.namesrv("java", tmp_path / "namesrv").addr
    settings = {"accessMessageInMemoryMaxRatio": "0"}
    servers.broker("java", tmp_path / "broker", namesrv, settings)
    early = json_peer.produce(namesrv, "timed", 8, seed=1)
    await trio.sleep(6)
    begin = datetime.now().astimezone().strftime("%Y%m%d%H%M%S")
    late = json_peer.produce(namesrv, "timed", 8, seed=2)
    timed, first = Collector(), Collector()
    where = {"consume_from_where": "CONSUME_FROM_TIMESTAMP", "consume_timestamp": begin}
    async with (
        consumer(namesrv, version, **where) as ours,
        consumer(namesrv, version) as all_of_it,
    ):
        ours.subscribe("timed", "*", timed)
        all_of_it.subscribe("timed", "*", first)
        await timed.take(8)
        await first.take(16)
        await trio.sleep(1)
    same_messages(late, timed.received)
    same_messages(early + late, first.received)


async def test_what_raises_in_its_block_comes_again_to_any_member(
    java_namesrv: str, version: str, json_peer: Peer, topic: str
) -> None:
    sent = json_peer.produce(java_namesrv, topic, 10)
    received: list[dict[str, Any]] = []
    async with consumer(java_namesrv, version) as ours:
        ours.subscribe(topic)
        with trio.move_on_after(60):
            async for delivery in ours:
                async with delivery:
                    received.append(received_form(delivery))
                    if not delivery.reconsume_times:
                        delivery.later(1)
                if len(received) == 20:
                    break
        await mqadmin_says(
            json_peer, r"Diff Total: 0", "consumerProgress", "-n", java_namesrv, "-g", ours.group
        )
    same_messages(sent, [m for m in received if m["reconsumeTimes"] == 0])
    same_messages(sent, [m for m in received if m["reconsumeTimes"] == 1])


@pytest.mark.optin
async def test_what_a_dead_broker_does_not_take_back_comes_again_from_another_one(
    servers: Servers, version: str, json_peer: Peer, tmp_path: Path
) -> None:
    """It is sent to the group's retries as a new message, as by Java's CLIENT_INNER_PRODUCER."""
    namesrv = servers.namesrv("java", tmp_path / "namesrv").addr
    both = {
        name: servers.broker("java", tmp_path / name, namesrv, {"brokerName": name})
        for name in ("left", "dies")
    }
    for node in both.values():
        words = ("-n", namesrv, "-b", node.addr, "-t", "back", "-r", "1", "-w", "1")
        json_peer.mqadmin("updateTopic", *words)
    collector, dead = Collector(), trio.Event()
    came: list[MessageExt] = []

    async def listen(batch: list[MessageExt]) -> ConsumeStatus:
        came.extend(batch)
        collector(batch)
        if batch[0].reconsume_times or batch[0].broker_name == "left":
            return OK
        await dead.wait()
        return ConsumeStatus.RECONSUME_LATER

    async with consumer(namesrv, version) as ours:
        ours.subscribe("back", "*", listen)
        queues = await ours.fetch_subscribe_message_queues("back")
        assert {queue.broker_name for queue in queues} == {"left", "dies"}
        await until(lambda: queues <= ours.assigned_queues(), "both brokers' queues")
        sent = await trio.to_thread.run_sync(json_peer.produce, namesrv, "back", 10)
        await collector.take(10)
        lost = [one.msg_id for one in came if one.broker_name == "dies"]
        assert lost
        both["dies"].kill()
        dead.set()
        await collector.take(10 + len(lost))
    again = came[10:]
    assert sorted(one.msg_id for one in again) == sorted(lost)
    assert {one.broker_name for one in again} == {"left"}
    assert {(one.topic, one.reconsume_times) for one in again} == {("back", 1)}
    same_messages(sent, collector.received[:10])


def close_while_heartbeats_wait(addr: str, client_id: str, group: str, topic: str) -> None:
    """Let Java's broker keep a connection of ours that is gone, for two minutes."""
    wanted = SubscriptionData(topic=topic, sub_string="*")
    told = ConsumerData(
        group_name=group,
        consume_type="CONSUME_PASSIVELY",
        message_model="CLUSTERING",
        consume_from_where="CONSUME_FROM_FIRST_OFFSET",
        subscription_data_set=[wanted],
    )
    body = HeartbeatData(client_id=client_id, consumer_data_set=[told]).encode()
    frame = encode_command(RemotingCommand(RequestCode.HEART_BEAT, body=body))
    host, _, port = addr.rpartition(":")
    with socket.create_connection((host, int(port)), 5) as connection:
        connection.sendall(frame * 200)


@pytest.mark.optin
async def test_a_member_that_java_s_broker_has_twice_reads_all_its_queues(
    java_namesrv: str, version: str, json_peer: Peer, topic: str
) -> None:
    group = f"twice_{uuid.uuid4().hex[:8]}"
    addr = broker_addr(java_namesrv, "java-a")
    asked = RemotingCommand(RequestCode.GET_CONSUMER_LIST_BY_GROUP, {"consumerGroup": group})
    ours = consumer(java_namesrv, version, group, client_ip="127.0.0.1", instance_name=group)
    collector = Collector()
    ours.subscribe(topic, "*", collector)
    async with ours:

        async def members() -> list[str]:
            answer = await trio.to_thread.run_sync(ask, addr, asked)
            return json.loads(bytes(answer.body) or b"{}").get("consumerIdList", [])

        with trio.fail_after(40):
            while len(await members()) < 2:
                close_while_heartbeats_wait(addr, ours.client_id, group, topic)
                await trio.sleep(0.5)
        assert set(await members()) == {ours.client_id}
        everything = await ours.fetch_subscribe_message_queues(topic)
        await trio.sleep(22)  # it has divided them again
        assert everything <= ours.assigned_queues()
        sent = await trio.to_thread.run_sync(json_peer.produce, java_namesrv, topic, 20)
        same_messages(sent, await collector.take(20))
        assert len(await members()) > 1


STRATEGIES = {
    "AVG_BY_CIRCLE": allocate_averagely_by_circle,
    "CONSISTENT_HASH": allocate_by_consistent_hash(),
}


def ids_of(ours: PushConsumer, topic: str) -> set[int]:
    return {queue.queue_id for queue in ours.assigned_queues() if queue.topic == topic}


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_java_member_and_ours_divide_by_the_same_strategy(
    java_namesrv: str, version: str, json_peer: Peer, topic: str, strategy: str
) -> None:
    group = f"divide_{uuid.uuid4().hex[:8]}"
    collector = Collector()
    allocate = STRATEGIES[strategy]
    async with consumer(java_namesrv, version, group, allocate=allocate) as ours:
        ours.subscribe(topic, "*", collector)
        with json_peer.consume(java_namesrv, topic, group=group, allocate=strategy) as theirs:
            everything = {
                queue.queue_id for queue in await ours.fetch_subscribe_message_queues(topic)
            }
            with trio.fail_after(40):
                while ids_of(ours, topic) in (everything, set()):  # noqa: ASYNC110  no event tells
                    await trio.sleep(0.2)
            await trio.sleep(4)  # the other one has rebalanced, too
            mine = ids_of(ours, topic)
            sent = json_peer.produce(java_namesrv, topic, 40)
            received = theirs.take(40 - sum(m["queueId"] in mine for m in sent), 40)
            got = await collector.take(40 - len(received), 20)
    same_messages(sent, received + got)
    assert {m["queueId"] for m in got} <= mine
    assert not {m["queueId"] for m in received} & mine
    if strategy == "AVG_BY_CIRCLE":
        assert mine in ({0, 2, 4, 6}, {1, 3, 5, 7}, {0, 2}, {1, 3})


async def test_broadcasting_members_of_both_kinds_get_all_messages(
    java_namesrv: str, version: str, json_peer: Peer, topic: str, tmp_path: Path
) -> None:
    group = f"all_{uuid.uuid4().hex[:8]}"
    collector = Collector()
    settings = {"message_model": "BROADCASTING", "local_offset_store_dir": str(tmp_path)}
    async with consumer(java_namesrv, version, group, **settings) as ours:
        ours.subscribe(topic, "*", collector)
        with json_peer.consume(java_namesrv, topic, group=group, broadcasting=True) as theirs:
            await trio.sleep(4)
            sent = json_peer.produce(java_namesrv, topic, 40)
            received = theirs.take(40) + theirs.take(1, 0.5)
            await collector.take(40)
            await trio.sleep(0.5)
            listing = json_peer.mqadmin("consumerConnection", "-n", java_namesrv, "-g", group)
    same_messages(sent, received)
    same_messages(sent, collector.received)
    assert "BROADCASTING" in listing


async def test_java_and_we_go_on_from_each_other_s_offset_file(
    java_namesrv: str, version: str, json_peer: Peer, topic: str
) -> None:
    """The same client id, group and folder: Java, then ours, then Java again."""
    group, name = f"file_{uuid.uuid4().hex[:8]}", uuid.uuid4().hex[:8]
    home = json_peer.home / ".rocketmq_offsets"

    def java_takes(count: int) -> list[dict[str, Any]]:
        words = (name, java_namesrv, group, topic, "*", 0, "broadcasting")
        json_peer.call("consume-start", *words)
        found = json_peer.call("consume-poll", name, count, 60_000)
        found += json_peer.call("consume-poll", name, 1, 1_500)
        json_peer.call("consume-stop", name)
        return found

    first = json_peer.produce(java_namesrv, topic, 12, seed=1)
    same_messages(first, java_takes(12))
    (path,) = home.glob(f"*/{group}/offsets.json")
    ip, _, instance = path.parent.parent.name.partition("@")
    java_table = OffsetSerializeWrapper.decode(path.read_bytes()).offset_table
    assert sum(java_table.values()) == 12

    second = json_peer.produce(java_namesrv, topic, 12, seed=2)
    collector = Collector()
    async with consumer(
        java_namesrv,
        version,
        group,
        message_model="BROADCASTING",
        local_offset_store_dir=str(home),
        client_ip=ip,
        instance_name=instance,
    ) as ours:
        ours.subscribe(topic, "*", collector)
        await collector.take(12)
        await trio.sleep(1)
    same_messages(second, collector.received)
    our_table = OffsetSerializeWrapper.decode(path.read_bytes()).offset_table
    assert our_table.keys() == java_table.keys()
    assert sum(our_table.values()) == 24

    third = json_peer.produce(java_namesrv, topic, 12, seed=3)
    same_messages(third, java_takes(12))
