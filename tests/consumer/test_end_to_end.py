"""Producer and push consumer with a real name server and broker in this process."""

from contextlib import asynccontextmanager

import pytest
import trio

from rmqwire import (
    ConsumeOrderlyStatus,
    ConsumeStatus,
    Message,
    MessageQueue,
    MessageSelector,
    Producer,
    PushConsumer,
    SendStatus,
)
from rmqwire.admin.admin import open_admin
from rmqwire.broker.broker import Broker
from rmqwire.broker.settings.load import load_broker_config
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.namesrv.config import NamesrvConfig
from rmqwire.namesrv.server import NameServer

OK = ConsumeStatus.CONSUME_SUCCESS
SMALL = {
    "messageDelayLevel": "1s 1s 1s 1s",
    "mappedFileSizeCommitLog": "1048576",
    "mappedFileSizeConsumeQueue": "20000",
    "maxHashSlotNum": "1000",
    "maxIndexNum": "4000",
}


@asynccontextmanager
async def cluster(tmp_path, release=V5_5_0, **settings):
    async with trio.open_nursery() as nursery:
        config = NamesrvConfig(
            listen_port=0,
            bind_address="127.0.0.1",
            kv_config_path=str(tmp_path / "kvConfig.json"),
            rocketmq_version=release.name,
        )
        host, port = await nursery.start(NameServer(config).serve)
        loaded = load_broker_config(
            None,
            {
                "brokerName": "broker-a",
                "listenPort": "0",
                "bindAddress": "127.0.0.1",
                "brokerIP1": "127.0.0.1",
                "namesrvAddr": f"{host}:{port}",
                "storePathRootDir": str(tmp_path / "store"),
                "rocketmqVersion": release.name,
                **SMALL,
                **settings,
            },
        )
        await nursery.start(Broker(loaded).serve)
        async with open_admin(f"{host}:{port}") as admin:
            while not await admin.masters():  # noqa: ASYNC110  it registers a moment later
                await trio.sleep(0.01)
        yield f"{host}:{port}"
        nursery.cancel_scope.cancel()


async def until(condition, seconds=20.0):
    with trio.fail_after(seconds):
        while not condition():  # noqa: ASYNC110  listeners of another task make it true
            await trio.sleep(0.02)


@pytest.mark.parametrize("serialize_type", ["JSON", "ROCKETMQ"])
@pytest.mark.parametrize("release", [V4_9_7, V5_5_0], ids=lambda release: release.name)
async def test_there_and_back(tmp_path, release, serialize_type):
    seen = {}

    def listen(messages):
        seen.update({message.keys: message for message in messages})
        return OK

    settings = {"release": release, "serialize_type": serialize_type}
    async with cluster(tmp_path, release) as namesrv:
        async with Producer("pg", namesrv_addr=namesrv, **settings) as producer:
            results = {}
            for number in range(4):
                body = b"x" * 10 ** (number + 1)
                message = Message("T", body, tags="a", keys=str(number), properties={"n": "v"})
                results[str(number)] = await producer.send(message)
            batch = [Message("T", b"b", keys=f"b{n}") for n in range(3)]
            results["b"] = await producer.send(batch)
            assert {r.send_status for r in results.values()} == {SendStatus.SEND_OK}
            await producer.send_oneway(Message("T", b"one", keys="one"))

            async with PushConsumer("cg", namesrv_addr=namesrv, **settings) as consumer:
                consumer.subscribe("T", "*", listen)
                await until(lambda: len(seen) == 8)
                await producer.send(Message("T", b"later", keys="later"))
                await until(lambda: "later" in seen)
        for key in "0123":
            assert seen[key].body == b"x" * 10 ** (int(key) + 1)
            assert seen[key].msg_id == results[key].msg_id
            assert seen[key].offset_msg_id == results[key].offset_msg_id
            assert seen[key].properties["n"] == "v"
        again = []
        async with PushConsumer("cg", namesrv_addr=namesrv, **settings) as consumer:
            consumer.subscribe("T", "*", lambda messages: again.extend(messages) or OK)
            await until(lambda: len([q for q in consumer.assigned_queues() if q.topic == "T"]) == 4)
            await trio.sleep(0.2)
        assert not again  # all was committed


async def test_tag_filter(tmp_path):
    seen = []
    async with (
        cluster(tmp_path) as namesrv,
        Producer("pg", namesrv_addr=namesrv) as producer,
        PushConsumer(
            "cg", namesrv_addr=namesrv, consume_from_where="CONSUME_FROM_FIRST_OFFSET"
        ) as consumer,
    ):
        for tag in ("a", "b", "Aa", "BB", None):
            await producer.send(Message("T", str(tag).encode(), tags=tag))
        consumer.subscribe(
            "T", "a || Aa", lambda messages: seen.extend(m.body for m in messages) or OK
        )
        await until(lambda: len(seen) == 2)
        await trio.sleep(0.1)
    assert sorted(seen) == [b"Aa", b"a"]


@pytest.mark.parametrize("release", [V4_9_7, V5_5_0], ids=lambda release: release.name)
async def test_sql_filter(tmp_path, release):
    seen = []
    async with (
        cluster(tmp_path, release, enablePropertyFilter="true") as namesrv,
        Producer("pg", namesrv_addr=namesrv, release=release) as producer,
    ):
        for number in range(10):
            await producer.send(Message("T", b"%d" % number, properties={"n": str(number)}))
        consumer = PushConsumer(
            "cg",
            namesrv_addr=namesrv,
            release=release,
            consume_from_where="CONSUME_FROM_FIRST_OFFSET",
        )
        consumer.subscribe(
            "T",
            MessageSelector.by_sql("n BETWEEN 3 AND 4 OR n > 100"),
            lambda messages: seen.extend(m.body for m in messages) or OK,
        )
        async with consumer:
            await until(lambda: len(seen) == 2)
            for number in (5, 101, 6):
                await producer.send(Message("T", b"%d" % number, properties={"n": str(number)}))
            await until(lambda: len(seen) == 3)
            await trio.sleep(0.1)
            assert not consumer.health.problems
    assert sorted(seen) == [b"101", b"3", b"4"]


async def test_members_share_the_queues(tmp_path):
    seen = {"one": [], "two": []}

    def listener(name):
        return lambda messages: seen[name].extend(m.body for m in messages) or OK

    async with (
        cluster(tmp_path) as namesrv,
        Producer("pg", namesrv_addr=namesrv) as producer,
        PushConsumer("cg", namesrv_addr=namesrv, instance_name="one") as one,
        PushConsumer("cg", namesrv_addr=namesrv, instance_name="two") as two,
    ):
        await producer.send(Message("T", b"first"))
        one.subscribe("T", "*", listener("one"))
        two.subscribe("T", "*", listener("two"))

        def shares():
            return [{q for q in c.assigned_queues() if q.topic == "T"} for c in (one, two)]

        await until(lambda: [len(share) for share in shares()] == [2, 2])
        assert set.union(*shares()) == {MessageQueue("T", "broker-a", n) for n in range(4)}
        bodies = [str(number).encode() for number in range(20)]
        for body in bodies:
            await producer.send(Message("T", body))
        await until(lambda: set(seen["one"] + seen["two"]) >= set(bodies))
    assert seen["one"]
    assert seen["two"]


async def test_message_comes_again_after_a_failure(tmp_path):
    seen = []

    def listen(messages):
        seen.extend((m.topic, m.body, m.reconsume_times) for m in messages)
        return OK if messages[0].reconsume_times else ConsumeStatus.RECONSUME_LATER

    async with (
        cluster(tmp_path) as namesrv,
        Producer("pg", namesrv_addr=namesrv) as producer,
        PushConsumer("cg", namesrv_addr=namesrv, poll_name_server_interval=500) as consumer,
    ):
        consumer.config.consume_from_where = "CONSUME_FROM_FIRST_OFFSET"
        await producer.send(Message("T", b"x"))
        consumer.subscribe("T", "*", listen)
        await until(lambda: len(seen) == 2, 25)
    assert seen == [("T", b"x", 0), ("T", b"x", 1)]


@pytest.mark.parametrize("release", [V4_9_7, V5_5_0], ids=lambda release: release.name)
async def test_queues_stay_in_order_while_members_come_and_go(tmp_path, release):
    seen, sent, stop = [], 0, trio.Event()

    def listener(name):
        async def listen(messages):
            await trio.sleep(0.01)
            seen.extend((name, m.queue_id, m.queue_offset) for m in messages)
            return ConsumeOrderlyStatus.SUCCESS

        return listen

    def member(name):
        settings = {"release": release, "instance_name": name, "consume_orderly": True}
        consumer = PushConsumer("cg", namesrv_addr=namesrv, **settings)
        consumer.subscribe("T", "*", listener(name))
        return consumer

    def has_seen(name, count=20):
        return lambda: sum(who == name for who, _, _ in seen) >= count

    async def send_on(producer, queues):
        nonlocal sent
        while not stop.is_set():
            for queue in queues:
                await producer.send(Message("T", b"x"), queue=queue)
                sent += 1
            await trio.sleep(0.02)

    async with (
        cluster(tmp_path, release) as namesrv,
        Producer("pg", namesrv_addr=namesrv, release=release) as producer,
        trio.open_nursery() as nursery,
    ):
        queues = await producer.fetch_publish_message_queues("T")
        nursery.start_soon(send_on, producer, queues)
        async with member("one"):
            await until(has_seen("one"))
            async with member("two"):
                await until(has_seen("two"))
            async with member("three"):
                await until(has_seen("three"))
            stop.set()
            await until(lambda: len({(queue, at) for _, queue, at in seen}) == sent)
    for queue in queues:
        offsets = [at for _, queue_id, at in seen if queue_id == queue.queue_id]
        assert offsets == list(range(len(offsets))), "each once, in order, whoever got it"
