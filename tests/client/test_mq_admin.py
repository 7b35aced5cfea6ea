"""Topics, queues and messages, asked of a cluster in memory by producers and consumers (``MQAdmin``)."""

from random import Random

import pytest

from rmqwire.broker_errors import NoPermission
from rmqwire.client.message_queries import LONG_MAX
from rmqwire.codec import headers as h
from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.release import V4_9_7
from rmqwire.consumer.pull import PullConsumer
from rmqwire.consumer.push import PushConsumer
from rmqwire.errors import ConnectFailed, RouteNotFound, UsageError
from rmqwire.producer.producer import Producer
from tests.client.fake_cluster import NAMESRV, FakeCluster, broker_addr

R = RequestCode
Q0 = MessageQueue("T", "a", 0)
UNIQUE = "7F0000012B354E0E2F2A678A67D90004"


@pytest.fixture
def cluster():
    cluster = FakeCluster()
    cluster.add_topic("T", brokers=("a", "b"))
    cluster.add_topic("TBW102", queue_nums=8, brokers=("a", "b"))
    return cluster


def asker(cluster, kind=Producer, **config):
    return kind("g", namesrv_addr=NAMESRV, remoting=cluster.remoting, rng=Random(7), **config)


def stored(cluster, body, broker="a", **properties):
    addr = broker_addr(broker).split(":")
    return cluster.store(
        "T",
        body,
        broker=broker,
        properties=properties,
        store_host=(addr[0], int(addr[1])),
        store_timestamp=len(cluster.queues) * 10 + len(body),
    )


@pytest.mark.parametrize("kind", [Producer, PushConsumer, PullConsumer])
async def test_all_of_them_answer_alike(cluster, autojump_clock, kind):
    first = stored(cluster, b"1", KEYS="k", UNIQ_KEY=UNIQUE)
    async with asker(cluster, kind) as one:
        assert (await one.min_offset(Q0), await one.max_offset(Q0)) == (0, 1)
        assert await one.search_offset(Q0, 0) == 0
        assert await one.earliest_msg_store_time(Q0) == first.store_timestamp
        assert len((await one.query_message("T", "k", 32, 0, LONG_MAX)).message_list) == 1
        assert (await one.view_message("T", UNIQUE)).body == b"1"
        await one.create_topic("TBW102", "New", 2)
    with pytest.raises(UsageError, match="inside `async with`"):
        await one.max_offset(Q0)


async def test_a_topic_is_made_at_all_masters_of_another_one(cluster, autojump_clock):
    async with asker(cluster) as producer:
        await producer.create_topic(
            "TBW102", "New", 3, topic_sys_flag=1, attributes={"+message.type": "FIFO"}
        )
    asked = [pair for pair in cluster.requests if pair[1].code == R.UPDATE_AND_CREATE_TOPIC]
    assert [addr for addr, _ in asked] == [broker_addr("a"), broker_addr("b")]
    assert asked[0][1].ext_fields == {
        "topic": "New",
        "defaultTopic": "TBW102",
        "readQueueNums": "3",
        "writeQueueNums": "3",
        "perm": "6",
        "topicFilterType": "SINGLE_TAG",
        "topicSysFlag": "1",
        "order": "false",
        "attributes": "+message.type=FIFO",
        "force": "false",
    }


async def test_an_old_client_says_nothing_of_attributes(cluster, autojump_clock):
    async with asker(cluster, release=V4_9_7) as producer:
        await producer.create_topic("TBW102", "New", 3)
    fields = cluster.codes(R.UPDATE_AND_CREATE_TOPIC)[0].ext_fields
    assert not {"attributes", "force"} & fields.keys()


async def test_a_master_that_does_not_make_the_topic_is_logged(cluster, autojump_clock, caplog):
    cluster.down.add(broker_addr("a"))
    async with asker(cluster) as producer:
        await producer.create_topic("T", "New", 1)
        asked = [addr for addr, one in cluster.requests if one.code == R.UPDATE_AND_CREATE_TOPIC]
        assert asked == [broker_addr("a")] * 5 + [broker_addr("b")]
        assert "topic New isn't made at broker a" in caplog.text
        cluster.down.add(broker_addr("b"))
        with pytest.raises(ConnectFailed):
            await producer.create_topic("T", "Newer", 1)


async def test_a_refusal_is_not_asked_for_again(cluster, autojump_clock):
    cluster.faults.append(
        lambda _, one: (16, "no") if one.code == R.UPDATE_AND_CREATE_TOPIC else None
    )
    async with asker(cluster) as producer:
        with pytest.raises(NoPermission):
            await producer.create_topic("T", "New", 1)
    assert len(cluster.codes(R.UPDATE_AND_CREATE_TOPIC)) == 2  # one of each master


@pytest.mark.parametrize(
    ("key", "topic", "queues", "error", "words"),
    [
        ("T", "a b", 1, UsageError, "illegal characters"),
        ("T", "TBW102", 1, UsageError, r"topic\[TBW102\] is conflict with system topic"),
        ("T", "New", 0, UsageError, "queueNum < 1"),
        ("nowhere", "New", 1, RouteNotFound, "nowhere"),
        ("slaves", "New", 1, RouteNotFound, "maybe key is wrong"),
    ],
)
async def test_what_can_not_be_made_is_refused(
    cluster, autojump_clock, key, topic, queues, error, words
):
    cluster.add_topic("slaves")
    for broker in cluster.routes["slaves"].broker_datas:
        broker.broker_addrs = {1: "10.0.0.200:10911"}
    async with asker(cluster) as producer:
        with pytest.raises(error, match=words):
            await producer.create_topic(key, topic, queues)


async def test_messages_are_found_by_key_at_all_brokers(cluster, autojump_clock):
    stored(cluster, b"1", KEYS="k other")
    stored(cluster, b"22", broker="b", KEYS="k")
    stored(cluster, b"333", broker="b", KEYS="kk")  # of the same hash, says the cluster
    async with asker(cluster) as producer:
        result = await producer.query_message("T", "k", 8, 5, 5_000)
        assert [(one.body, one.broker_name) for one in result.message_list] == [
            (b"1", "a"),
            (b"22", "b"),
        ]
        assert result.index_last_update_timestamp == 1234
        fields = cluster.codes(R.QUERY_MESSAGE)[0].ext_fields
        assert fields == {
            "topic": "T",
            "key": "k",
            "maxNum": "8",
            "beginTimestamp": "5",
            "endTimestamp": "5000",
            "indexType": "K",
            "_UNIQUE_KEY_QUERY": "false",
        }
        assert (await producer.query_message("T", "none", 8, 0, 1)).message_list == []
        with pytest.raises(RouteNotFound):
            await producer.query_message("nowhere", "k", 8, 0, 1)
        cluster.down.add(broker_addr("b"))
        with pytest.raises(ConnectFailed):  # half of the messages would look like all of them
            await producer.query_message("T", "k", 8, 0, 1)


async def test_an_old_client_names_neither_index_nor_topic(cluster, autojump_clock):
    message = stored(cluster, b"1", KEYS="k", UNIQ_KEY=UNIQUE)
    async with asker(cluster, release=V4_9_7) as producer:
        await producer.query_message("T", "k", 8, 0, 1)
        assert (await producer.view_message("T", message.message_id)).body == b"1"
    assert "indexType" not in cluster.codes(R.QUERY_MESSAGE)[0].ext_fields
    assert cluster.codes(R.VIEW_MESSAGE_BY_ID)[0].ext_fields.keys() == {"offset"}


async def test_a_message_is_found_by_either_id(cluster, autojump_clock):
    stored(cluster, b"0")
    message = stored(cluster, b"22", UNIQ_KEY=UNIQUE)
    stored(cluster, b"1", UNIQ_KEY=UNIQUE)  # sent again, to a broker whose clock is behind
    async with asker(cluster) as producer:
        found = await producer.view_message("T", message.message_id)
        assert (found.body, found.broker_name, found.queue) == (b"22", "a", Q0)
        assert cluster.codes(R.VIEW_MESSAGE_BY_ID)[0].ext_fields["topic"] == "T"
        assert (await producer.view_message("T", UNIQUE)).body == b"1"
        assert await producer.view_message("T", UNIQUE[:-1] + "5") is None
        assert await producer.view_message("T", "no id at all") is None
        unknown = message.message_id[:16] + "00000000000F4240"
        assert await producer.view_message("T", unknown) is None
        asked = {addr for addr, one in cluster.requests if one.code == R.VIEW_MESSAGE_BY_ID}
        assert asked == {broker_addr("a")}  # a producer's id names no broker


async def test_names_have_the_namespace(cluster, autojump_clock):
    cluster.add_topic("ns%T")
    cluster.store("ns%T", b"1", properties={"KEYS": "k"})
    async with asker(cluster, namespace="ns") as producer:
        (found,) = (await producer.query_message("T", "k", 8, 0, LONG_MAX)).message_list
        assert found.topic == "T"
        await producer.create_topic("TBW102", "New", 1)
    assert cluster.headers(R.QUERY_MESSAGE, h.QueryMessageRequestHeader)[0].topic == "ns%T"
    assert cluster.codes(R.UPDATE_AND_CREATE_TOPIC)[0].ext_fields["topic"] == "ns%New"
