"""Subscribing lite topics: where they begin, who has them, and how brokers are told."""

import pytest
import trio

from rmqwire import LitePushConsumer, OffsetOption
from rmqwire.broker_errors import IllegalOperation, LiteSubscriptionQuotaExceeded
from rmqwire.codec import headers as h
from rmqwire.codec.codes import RequestCode as R
from rmqwire.errors import ConnectFailed, RouteNotFound, UsageError
from tests.client.fake_cluster import FakeCluster
from tests.consumer.lite_support import AGAIN_S, consumer, lite, pretending, send
from tests.consumer.support import Seen, until
from tests.consumer.support import consumer as fake_consumer


async def test_a_lite_topic_unsubscribed_comes_no_more(autojump_clock):
    seen = Seen()
    async with lite() as rmq, consumer(rmq, seen) as c:
        await c.subscribe_lite("a")
        await c.subscribe_lite("b")
        await c.unsubscribe_lite("a")
        await send(rmq, "a", b"a0")
        await send(rmq, "b", b"b0")
        await trio.sleep(AGAIN_S)
        assert seen == [b"b0"]
        await c.subscribe_lite("a", OffsetOption.max_offset())
        await send(rmq, "a", b"a1")
        await until(lambda: len(seen) == 2)
        assert seen == [b"b0", b"a1"]


@pytest.mark.parametrize(
    ("at", "bodies"),
    [
        (None, [b"0", b"1", b"2", b"3"]),
        (OffsetOption.min_offset(), [b"0", b"1", b"2", b"3"]),
        (OffsetOption.of_offset(2), [b"2", b"3"]),
        (OffsetOption.of_tail_n(1), [b"0", b"1", b"2", b"3"]),  # of a group that hasn't begun
    ],
)
async def test_a_subscription_begins_where_it_says(autojump_clock, at, bodies):
    seen = Seen()
    async with lite() as rmq, consumer(rmq, seen) as c:
        await send(rmq, "a", b"0", b"1", b"2", b"3")
        await c.subscribe_lite("a", at)
        await until(lambda: len(seen) == len(bodies))
    assert seen == bodies


async def test_the_last_of_an_exclusive_group_has_a_lite_topic_and_the_other_knows(autojump_clock):
    first, second = Seen(), Seen()
    async with (
        lite() as rmq,
        consumer(rmq, first, "glx", sync_interval_millis=1_000) as one,
        consumer(rmq, second, "glx", sync_interval_millis=1_000) as two,
    ):
        await one.subscribe_lite("e")
        await one.subscribe_lite("f")
        await two.subscribe_lite("e")
        await until(lambda: one.lite_topics == {"f"}, 5)
        await trio.sleep(2)  # what is subscribed is said again meanwhile
        await send(rmq, "e", b"e0")
        await send(rmq, "f", b"f0")
        await until(lambda: first and second)
        assert (first, second) == ([b"f0"], [b"e0"])
        assert two.lite_topics == {"e"}


async def test_a_wildcard_group_has_all_lite_topics_and_subscribes_none(autojump_clock):
    seen = Seen()
    async with lite() as rmq, consumer(rmq, seen, "gw") as c:
        await send(rmq, "a", b"a0")
        await send(rmq, "b", b"b0")
        await until(lambda: len(seen) == 2)
        with pytest.raises(IllegalOperation, match="not supported for this group"):
            await c.subscribe_lite("a")
        assert c.lite_topics == set()
    assert sorted(seen) == [b"a0", b"b0"]


async def test_a_broker_with_enough_subscriptions_refuses_more(autojump_clock):
    async with lite(maxLiteSubscriptionCount="2") as rmq, consumer(rmq, Seen()) as c:
        await c.subscribe_lite("a")
        await c.subscribe_lite("b")
        with pytest.raises(LiteSubscriptionQuotaExceeded, match="quota exceeded 2"):
            await c.subscribe_lite("c")
        assert c.lite_topics == {"a", "b"}


async def test_what_is_subscribed_is_said_again_before_a_broker_forgets_it(autojump_clock):
    seen = Seen()
    forgetting = {
        "liteSubscriptionCheckInterval": "1000",
        "liteSubscriptionCheckTimeoutMills": "10000",
    }
    async with lite(**forgetting) as rmq, consumer(rmq, seen, sync_interval_millis=5_000) as c:
        await c.subscribe_lite("a")
        await trio.sleep(13)
        await send(rmq, "a", b"a0")
        await until(lambda: seen == [b"a0"])


async def test_names_and_groups_that_cannot_be_are_refused(autojump_clock):
    with pytest.raises(UsageError, match="shared by their group"):
        LitePushConsumer("g", "lt", Seen(), namesrv_addr="a:1", message_model="BROADCASTING")
    c = LitePushConsumer("g", "lt", Seen(), namesrv_addr="a:1")
    with pytest.raises(UsageError, match="not in running status"):
        await c.subscribe_lite("a")
    async with lite() as rmq, consumer(rmq, Seen()) as c:
        for name in ("", "a,b", "a/b", "x" * 255):
            with pytest.raises(UsageError):
                await c.subscribe_lite(name)


async def test_a_broker_says_that_another_client_has_a_lite_topic(autojump_clock):
    cluster = FakeCluster()
    async with fake_consumer(cluster, pretending(cluster)) as c:
        await c.subscribe_lite("a")
        for group in ("cg", "another"):
            lost = h.NotifyUnsubscribeLiteRequestHeader(
                lite_topic="a", consumer_group=group, client_id=c.client_id
            )
            assert cluster.tell(R.NOTIFY_UNSUBSCRIBE_LITE, lost).replies == []
            assert c.lite_topics == set()


async def test_other_consumers_lose_no_lite_topics(autojump_clock):
    cluster = FakeCluster()
    lost = h.NotifyUnsubscribeLiteRequestHeader(lite_topic="a", consumer_group="cg", client_id="x")
    async with fake_consumer(cluster):
        assert cluster.tell(R.NOTIFY_UNSUBSCRIBE_LITE, lost).replies == []


async def test_a_broker_that_is_away_is_told_later(autojump_clock):
    cluster = FakeCluster()
    async with fake_consumer(cluster, pretending(cluster)) as c:
        await c.subscribe_lite("a")
        cluster.down.add("10.0.0.97:10911")
        with pytest.raises(ConnectFailed):
            await c.subscribe_lite("b")
        assert c.lite_topics == {"a"}
        await trio.sleep(60)
        assert "connect failed" in str(c.health.last_refusal.error)
        cluster.down.clear()
        before = len(cluster.codes(R.LITE_SUBSCRIPTION_CTL))
        await trio.sleep(6)
        (told, *_) = cluster.codes(R.LITE_SUBSCRIPTION_CTL)[before:]
        assert b'"COMPLETE_ADD"' in told.body
        assert b'"liteTopicSet":["a"]' in told.body


async def test_without_a_route_nothing_is_subscribed(autojump_clock):
    cluster = FakeCluster()
    make = pretending(cluster)
    del cluster.routes["lt"]
    async with fake_consumer(cluster, make) as c:
        with pytest.raises(RouteNotFound):
            await c.subscribe_lite("a")
        cluster.add_topic("lt")
        await c.subscribe_lite("a")
        assert c.lite_topics == {"a"}


async def test_a_lite_topic_subscribed_once_more_begins_where_that_says(autojump_clock):
    seen = Seen()
    async with lite() as rmq, consumer(rmq, seen) as c:
        await send(rmq, "a", b"0", b"1")
        await c.subscribe_lite("a")
        await until(lambda: len(seen) == 2)
        await trio.sleep(3)
        await c.subscribe_lite("a", OffsetOption.of_offset(1))
        await until(lambda: len(seen) == 3, 5)
    assert seen == [b"0", b"1", b"1"]
