"""Namespaces: names as programs say them, and as brokers know them."""

from random import Random

import pytest

from rmqwire.client.config import ClientConfig
from rmqwire.client.heartbeat import heartbeat_data
from rmqwire.client.requests import RequestFactory
from rmqwire.codec import headers as h
from rmqwire.codec.bodies import (
    ConsumerRunningInfo,
    GetConsumerStatusBody,
    HeartbeatData,
    MessageQueue,
    OffsetSerializeWrapper,
    ResetOffsetBody,
)
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import decode_command
from rmqwire.codec.message import Message
from rmqwire.codec.message_id import UniqueIdGenerator
from rmqwire.codec.namespace import Namespace
from rmqwire.codec.properties import decode_properties
from rmqwire.codec.release import release_named
from rmqwire.consumer.lite_pull import LitePullConsumer
from rmqwire.consumer.offsets.local import LocalFileOffsetStore
from rmqwire.errors import UsageError
from rmqwire.producer.config import ProducerConfig
from rmqwire.producer.outgoing import Outbound
from rmqwire.producer.producer import Producer
from tests.client.fake_cluster import NAMESRV, FakeCluster
from tests.client.test_golden_frames import Group, differences
from tests.consumer.support import FIRST, LATER, Seen, consumer, settle
from tests.support.golden import frame_files, frames

R = RequestCode
Q0, WRAPPED = MessageQueue("T", "a", 0), MessageQueue("NS%T", "a", 0)


@pytest.mark.parametrize(
    ("plain", "wrapped"),
    [
        ("T", "NS%T"),
        ("%RETRY%g", "%RETRY%NS%g"),
        ("%DLQ%g", "%DLQ%NS%g"),
        ("TBW102", "TBW102"),
        ("rmq_sys_wheel_timer", "rmq_sys_wheel_timer"),
        ("RMQ_SYS_TRACE_TOPIC", "RMQ_SYS_TRACE_TOPIC"),
        ("CID_RMQ_SYS_TRANS", "CID_RMQ_SYS_TRANS"),
        ("CLIENT_INNER_PRODUCER", "CLIENT_INNER_PRODUCER"),
        ("C_REPLY_TOPIC", "C_REPLY_TOPIC"),
        ("", ""),
    ],
)
def test_names_with_and_without(plain, wrapped):
    namespace = Namespace("NS")
    assert namespace.wrap(plain) == namespace.wrap(wrapped) == wrapped
    assert namespace.unwrap(wrapped) == namespace.unwrap(plain) == plain
    assert Namespace().wrap(plain) == Namespace().unwrap(plain) == plain
    assert namespace.unwrap("OTHER%T") == "OTHER%T"


def test_a_namespace_has_a_name():
    with pytest.raises(UsageError, match="namespace 'a b'"):
        ClientConfig(namespace="a b").check()


@pytest.mark.parametrize("release", ["4.9.7", "5.5.0"])
def test_what_java_sends_in_a_namespace_is_what_we_send(release):
    """From plain names to the frames of the recordings."""
    seen = set()
    for path in frame_files():
        if not path.name.startswith("b_send_namespace.") or path.parts[-3] != release:
            continue
        serialize_type = path.parts[-2].partition("-")[0]
        config = ProducerConfig(
            namesrv_addr="x:1",
            release=release_named(release),
            serialize_type=serialize_type,
            namespace="NS_gold",
        )
        factory = RequestFactory(config)
        for entry, frame in frames(path):
            java = decode_command(frame)
            if entry["dir"] != "c2s" or java.code not in {R.SEND_MESSAGE_V2, R.HEART_BEAT}:
                continue
            ours = (rebuilt_send if java.code == R.SEND_MESSAGE_V2 else rebuilt_heartbeat)(
                factory, config, java
            )
            assert differences(ours, java) - {"body producerDataSet"} == {"language"}
            seen.add(java.code)
    assert seen == {R.SEND_MESSAGE_V2, R.HEART_BEAT}


def rebuilt_send(factory, config, java):
    header = java.decode_header(h.SendMessageRequestHeaderV2)
    properties = decode_properties(header.properties)
    assert properties.pop("INSTANCE_ID") == "NS_gold"
    message = Message(header.topic.removeprefix("NS_gold%"), bytes(java.body))
    message.properties = properties
    group = header.producer_group.removeprefix("NS_gold%")
    _, outgoing, _ = Outbound(group, config, UniqueIdGenerator(b"\x7f\0\0\1", 1, lambda: 0)).single(
        message
    )
    outgoing = outgoing._replace(
        properties=header.properties
    )  # a HashMap's order; INSTANCE_ID is looked at below
    assert decode_properties(header.properties)["INSTANCE_ID"] == "NS_gold"
    queue = MessageQueue(message.topic, header.broker_name, header.queue_id)
    return factory.send(outgoing, queue, header.born_timestamp)


def rebuilt_heartbeat(factory, config, java):
    data = HeartbeatData.decode(bytes(java.body))
    unwrap = Namespace("NS_gold").unwrap
    for one in data.consumer_data_set:
        one.group_name = unwrap(one.group_name)
        for subscription in one.subscription_data_set:
            subscription.topic = unwrap(subscription.topic)
    producers = [unwrap(one.group_name) for one in data.producer_data_set]
    groups = [Group(one) for one in data.consumer_data_set]
    return factory.heartbeat(heartbeat_data(data.client_id, producers, groups))


def test_a_namespace_of_the_second_kind_is_said_in_each_request():
    factory = RequestFactory(ClientConfig(namespace_v2="ns2"))
    assert factory.route("T").ext_fields == {"nsd": "true", "ns": "ns2", "topic": "T"}


@pytest.fixture
def cluster():
    cluster = FakeCluster()
    cluster.add_topic("NS%T", queue_nums=1)
    cluster.add_topic("%RETRY%NS%cg", queue_nums=1)
    return cluster


async def test_a_program_says_plain_names_and_brokers_hear_whole_ones(cluster, autojump_clock):
    producer = Producer(
        "pg", namesrv_addr=NAMESRV, remoting=cluster.remoting, rng=Random(7), namespace="NS"
    )
    seen = Seen(LATER)
    async with producer, consumer(cluster, namespace="NS", consume_from_where=FIRST) as c:
        c.subscribe("T", "*", seen)
        result = await producer.send(Message("T", b"x"))
        assert result.message_queue == Q0
        assert await producer.fetch_publish_message_queues("T") == [Q0]
        await settle(3)
        assert {queue.topic for queue in c.assigned_queues()} == {"T", "%RETRY%cg"}
        (message,) = seen.messages
        assert (message.topic, message.properties["INSTANCE_ID"]) == ("T", "NS")
        (back,) = cluster.sent_back
        assert (back.group, back.origin_topic) == ("NS%cg", "NS%T")
        cluster.store(
            "%RETRY%NS%cg", b"again", properties={"RETRY_TOPIC": "NS%T"}, reconsume_times=1
        )
        await settle(1)
        assert seen.messages[-1].topic == "T"
        await asked_by_brokers(cluster, c)
    assert cluster.offsets["NS%cg", "a", "NS%T", 0] == 1
    assert cluster.members["NS%cg"] == []
    (stored,) = cluster.queues["a", "NS%T", 0]
    assert stored.properties["INSTANCE_ID"] == "NS"


async def asked_by_brokers(cluster, c):
    header = h.GetConsumerRunningInfoRequestHeader(consumer_group="NS%cg", client_id=c.client_id)
    answers = [one for _, one in cluster.tell(R.GET_CONSUMER_RUNNING_INFO, header).replies]
    (info,) = (ConsumerRunningInfo.decode(one.body) for one in answers if one.code == 0)
    assert WRAPPED in info.mq_table
    assert {one.topic for one in info.subscription_set} == {"NS%T", "%RETRY%NS%cg"}
    assert "NS%T" in info.status_table
    header = h.GetConsumerStatusRequestHeader(group="NS%cg", topic="NS%T")
    replies = cluster.tell(R.GET_CONSUMER_STATUS_FROM_CLIENT, header).replies
    tables = [GetConsumerStatusBody.decode(one.body).message_queue_table for _, one in replies]
    assert {WRAPPED: 1} in tables
    header = h.ResetOffsetRequestHeader(group="NS%cg", topic="NS%T", timestamp=0, is_force=True)
    cluster.tell(R.RESET_CONSUMER_CLIENT_OFFSET, header, ResetOffsetBody({WRAPPED: 1}).encode())
    await settle(1)
    assert c.assigned_queues() >= {Q0}


async def test_orderly_and_lite_pull_consumers_in_a_namespace(cluster, autojump_clock):
    cluster.store("NS%T", b"x")
    async with consumer(
        cluster, namespace="NS", consume_from_where=FIRST, consume_orderly=True
    ) as c:
        c.subscribe("T")
        async for delivery in c:
            delivery.ack()
            break
    assert delivery.topic == "T"
    assert cluster.codes(R.LOCK_BATCH_MQ)
    async with consumer(
        cluster,
        LitePullConsumer,
        group="lite",
        namespace="NS",
        consume_from_where=FIRST,
        auto_commit=False,
    ) as c:
        assert await c.fetch_message_queues("T") == {Q0}
        c.assign([Q0])
        (message,) = await c.poll()
        await c.seek(Q0, 0)
        await c.commit_sync({Q0: 1})
    assert (message.topic, message.queue) == ("T", Q0)
    assert cluster.offsets["NS%lite", "a", "NS%T", 0] == 1


async def test_a_broadcasting_consumer_s_file_is_java_s(tmp_path):
    release = release_named("5.5.0")
    store = LocalFileOffsetStore(str(tmp_path), "client", "cg", release, Namespace("NS"))
    assert store.path == tmp_path / "client" / "NS%cg" / "offsets.json"
    await store.store(Q0, 7)
    table = OffsetSerializeWrapper.decode(store.path.read_bytes()).offset_table
    assert table == {WRAPPED: 7}
    again = LocalFileOffsetStore(str(tmp_path), "client", "cg", release, Namespace("NS"))
    await again.load()
    assert again.get(Q0) == 7
