"""The push consumer against a cluster in memory, on virtual time."""

import pytest
import trio

from rmqwire.consumer.push import PushConsumer
from rmqwire.consumer.selector import MessageSelector
from rmqwire.errors import UsageError
from tests.client.fake_cluster import NAMESRV
from tests.consumer.support import FIRST, OK, Seen, consumer, raising, settle


async def test_messages_arrive_and_are_committed(cluster, autojump_clock):
    for number in range(5):
        cluster.store("T", str(number).encode(), queue_id=number % 2, properties={"TAGS": "a"})
    seen = Seen()
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", seen)
        await settle()
        assert sorted(seen) == [b"0", b"1", b"2", b"3", b"4"]
        cluster.store("T", b"late")
        await settle(0.1)
        assert seen[-1] == b"late"
    assert cluster.offsets["cg", "a", "T", 0] == 4
    assert cluster.offsets["cg", "a", "T", 1] == 2
    message = seen.messages[-1]
    assert (message.topic, message.broker_name, message.queue_offset) == ("T", "a", 3)
    assert message.properties["MAX_OFFSET"] == "4"


async def test_subscribed_before_the_block(cluster, autojump_clock):
    cluster.store("T", b"x")
    seen = Seen()
    c = consumer(cluster, consume_from_where=FIRST)
    c.subscribe("T", "*", seen)
    async with c:
        await settle()
    assert seen == [b"x"]


async def test_running_listener_may_finish_at_the_end(cluster, autojump_clock):
    cluster.store("T", b"x")
    finished = []

    async def listen(messages):
        await trio.sleep(4)
        finished.append(messages[0].body)
        return OK

    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", listen)
        await settle(2)
    assert finished == [b"x"]
    assert cluster.offsets["cg", "a", "T", 0] == 1


async def test_listener_that_takes_too_long_is_cut_off(cluster, autojump_clock):
    cluster.store("T", b"x")

    async def listen(_messages):
        await trio.sleep(1000)

    begin = trio.current_time()
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", listen)
        await settle(2)
    assert trio.current_time() - begin < 10
    assert cluster.offsets.get(("cg", "a", "T", 0), 0) == 0


async def test_cancelled_consumer_still_commits(cluster, autojump_clock):
    cluster.store("T", b"x")
    with trio.move_on_after(2):
        async with consumer(cluster, consume_from_where=FIRST) as c:
            c.subscribe("T", "*", Seen())
            await trio.sleep_forever()
    assert cluster.offsets["cg", "a", "T", 0] == 1
    assert cluster.members["cg"] == []


# ---- wrong use


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"message_model": "x"}, "CLUSTERING or BROADCASTING"),
        ({"consume_from_where": "x"}, "one of CONSUME_FROM_LAST_OFFSET"),
        ({"consume_timestamp": "yesterday"}, "valid format is yyyyMMddHHmmss"),
        ({"pull_threshold_for_topic": 0}, r"pullThresholdForTopic Out of range \[1, 6553500\]"),
        ({"pull_batch_size": 1025}, r"pullBatchSize Out of range \[1, 1024\]"),
        ({"consume_message_batch_max_size": 0}, "consumeMessageBatchMaxSize Out of range"),
        ({"nonsense": 1}, "no such setting: nonsense"),
    ],
)
def test_bad_settings(cluster, config, words):
    with pytest.raises(UsageError, match=words):
        consumer(cluster, **config)


def test_bad_subscriptions(cluster):
    c = consumer(cluster)
    for topic, expression, listener, words in [
        ("a b", "*", raising, "illegal characters"),
        ("T", " || ", raising, "subString split error"),
        ("T", "*", "listen", "can't be called"),
    ]:
        with pytest.raises(UsageError, match=words):
            c.subscribe(topic, expression, listener)
    with pytest.raises(UsageError, match="TAG or SQL92"):
        c.subscribe("T", MessageSelector("x", "XPATH"), raising)
    with pytest.raises(UsageError, match="can not equal DEFAULT_CONSUMER"):
        PushConsumer("DEFAULT_CONSUMER", namesrv_addr=NAMESRV)
