"""One client shared by several producers and consumers, seen from the brokers."""

from random import Random
from typing import get_type_hints

import pytest
import trio

from rmqwire.client.client import Client
from rmqwire.client.config import ClientConfig, ClientOptions
from rmqwire.codec import headers as h
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.message import Message
from rmqwire.consumer.config import PushConsumerConfig, PushConsumerOptions
from rmqwire.consumer.listener import ConsumeStatus
from rmqwire.consumer.pull_config import (
    LitePullConsumerConfig,
    LitePullConsumerOptions,
    PullConsumerConfig,
    PullConsumerOptions,
)
from rmqwire.consumer.push import PushConsumer
from rmqwire.errors import UsageError
from rmqwire.producer.config import ProducerConfig, ProducerOptions
from rmqwire.producer.producer import Producer
from tests.client.fake_cluster import NAMESRV, FakeCluster, broker_addr

R = RequestCode
FIRST = "CONSUME_FROM_FIRST_OFFSET"
GROUPS = ("c1", "c2", "c3")


@pytest.fixture
def cluster():
    cluster = FakeCluster()
    cluster.add_topic("T", brokers=("a", "b"))
    for group in GROUPS:
        cluster.add_topic(f"%RETRY%{group}", queue_nums=1)
    return cluster


def client(cluster, **config):
    return Client(NAMESRV, remoting=cluster.remoting, rng=Random(7), **config)


class Seen(list):
    def __call__(self, messages):
        self.extend(message.body for message in messages)
        return ConsumeStatus.CONSUME_SUCCESS


def groups_of(body):
    return (
        sorted(data.group_name for data in body.producer_data_set),
        sorted(data.group_name for data in body.consumer_data_set),
    )


async def test_two_producers_and_three_consumers_are_one_client(cluster, autojump_clock):
    seen = {group: Seen() for group in GROUPS}
    async with (
        client(cluster) as shared,
        Producer("p1", client=shared) as one,
        Producer("p2", client=shared) as two,
        PushConsumer("c1", client=shared, consume_from_where=FIRST) as c1,
        PushConsumer("c2", client=shared, consume_from_where=FIRST) as c2,
        PushConsumer("c3", client=shared, consume_from_where=FIRST) as c3,
    ):
        consumers = (c1, c2, c3)
        for consumer in consumers:
            consumer.subscribe("T", "*", seen[consumer.group])
        await one.send(Message("T", b"1"))
        await two.send(Message("T", b"2"))
        await trio.sleep(15)
        before = len(cluster.heartbeats)
        await trio.sleep(300)
        later = cluster.heartbeats[before:]
        assert {c.client_id for c in (one, two, *consumers)} == {shared.client_id}
        assert len(cluster.clients) == 1, "what carries requests was opened more than once"
    assert all(sorted(bodies) == [b"1", b"2"] for bodies in seen.values())
    for broker in "ab":
        beats = [body for addr, body in later if addr == broker_addr(broker)]
        assert len(beats) == 10  # 300 s, one each 30 s
        assert all(groups_of(body) == (["p1", "p2"], [*GROUPS]) for body in beats)
        assert {body.client_id for body in beats} == {shared.client_id}


async def test_they_ask_for_a_topic_s_route_together(cluster, autojump_clock):
    async with (
        client(cluster) as shared,
        Producer("p1", client=shared) as one,
        Producer("p2", client=shared) as two,
        PushConsumer("c1", client=shared) as consumer,
    ):
        await one.send(Message("T", b"1"))
        await two.send(Message("T", b"2"))
        consumer.subscribe("T", "*", Seen())
        await trio.sleep(5)
        asked = cluster.headers(R.GET_ROUTEINFO_BY_TOPIC, h.GetRouteInfoRequestHeader)
        assert [header.topic for header in asked].count("T") == 1
        await trio.sleep(30)
        asked = cluster.headers(R.GET_ROUTEINFO_BY_TOPIC, h.GetRouteInfoRequestHeader)
        assert [header.topic for header in asked].count("T") == 2


async def test_one_that_ends_leaves_the_others_at_work(cluster, autojump_clock):
    seen = Seen()
    async with client(cluster) as shared, PushConsumer("c1", client=shared) as stays:
        stays.subscribe("T", "*", seen)
        async with Producer("p1", client=shared), PushConsumer("c2", client=shared) as goes:
            goes.subscribe("T", "*", Seen())
            await trio.sleep(5)
        left = cluster.headers(R.UNREGISTER_CLIENT, h.UnregisterClientRequestHeader)
        assert {(header.producer_group, header.consumer_group) for header in left} == {
            ("p1", None),
            (None, "c2"),
        }
        before = len(cluster.heartbeats)
        cluster.store("T", b"later")
        await trio.sleep(60)
        assert seen == [b"later"]
        assert {str(groups_of(body)) for _, body in cluster.heartbeats[before:]} == {"([], ['c1'])"}


async def test_a_changed_route_rebalances_those_who_subscribe_to_its_topic(cluster, autojump_clock):
    async with (
        client(cluster) as shared,
        PushConsumer("c1", client=shared) as one,
        PushConsumer("c2", client=shared) as two,
    ):
        one.subscribe("T", "*", Seen())
        two.subscribe("T", "*", Seen())
        await trio.sleep(21)
        cluster.add_topic("T", queue_nums=3, brokers=("a",))
        await trio.sleep(12)  # routes are looked at after 30 s, queues divided anyway after 40
        for consumer in (one, two):
            queues = [queue for queue in consumer.assigned_queues() if queue.topic == "T"]
            assert {queue.broker_name for queue in queues} == {"a"}
            assert len(queues) == 3


@pytest.mark.parametrize("make", [Producer, PushConsumer])
async def test_a_group_is_there_once_in_a_client(cluster, autojump_clock, make):
    async with client(cluster) as shared, make("g", client=shared):
        with pytest.raises(UsageError, match=r"group\[g\] has been created before"):
            await make("g", client=shared).__aenter__()
    async with client(cluster) as shared:
        for _ in range(2):  # one after the other
            async with make("g", client=shared):
                pass


@pytest.mark.parametrize("make", [Producer, PushConsumer])
async def test_a_client_that_is_not_open_takes_nobody(cluster, make):
    with pytest.raises(UsageError, match="client is not open"):
        await make("g", client=client(cluster)).__aenter__()


@pytest.mark.parametrize("make", [Producer, PushConsumer])
def test_settings_of_the_connection_are_the_client_s(cluster, make):
    shared = client(cluster, serialize_type="ROCKETMQ", vip_channel_enabled=True)
    config = make("g", client=shared).config
    assert (config.serialize_type, config.vip_channel_enabled) == ("ROCKETMQ", True)
    with pytest.raises(UsageError, match=r"at the Client.*: namesrv_addr, serialize_type"):
        make("g", client=shared, serialize_type="JSON", namesrv_addr=NAMESRV)


def test_a_client_s_wrong_settings(cluster):
    with pytest.raises(UsageError, match="no such setting: send_msg_timeout"):
        client(cluster, send_msg_timeout=1)
    with pytest.raises(UsageError, match="no host:port"):
        Client("nowhere")


@pytest.mark.parametrize(
    ("options", "config"),
    [
        (ClientOptions, ClientConfig),
        (ProducerOptions, ProducerConfig),
        (PushConsumerOptions, PushConsumerConfig),
        (LitePullConsumerOptions, LitePullConsumerConfig),
        (PullConsumerOptions, PullConsumerConfig),
    ],
)
def test_the_typed_keywords_are_those_of_the_configuration(options, config):
    assert get_type_hints(options) == get_type_hints(config)
    assert not options.__required_keys__
