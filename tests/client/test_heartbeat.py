"""Heartbeats without subscriptions (v2), against a cluster in memory and one with real brokers."""

import pytest
import trio

from rmqwire.client.heartbeat import fingerprint
from rmqwire.codec.bodies import ConsumerData, HeartbeatData, SubscriptionData
from rmqwire.codec.command import RemotingCommand
from rmqwire.consumer.push import PushConsumer
from rmqwire.testing import trio_cluster
from tests.client.fake_cluster import NAMESRV, FakeCluster, broker_addr
from tests.consumer.support import FIRST, R, Seen, consumer, settle


class V2Cluster(FakeCluster):
    """Brokers that know heartbeats without subscriptions, and say when they want everything."""

    wants_all = False

    def _heartbeat(self, addr, command):
        answer = super()._heartbeat(addr, command)
        answer.ext_fields = {
            "IS_SUPPORT_HEART_BEAT_V2": "true",
            "IS_SUB_CHANGE": str(self.wants_all).lower(),
        }
        return answer

    _HANDLERS = FakeCluster._HANDLERS | {R.HEART_BEAT: _heartbeat}


@pytest.fixture
def v2_cluster():
    cluster = V2Cluster()
    cluster.add_topic("T")
    cluster.add_topic("%RETRY%cg", queue_nums=1)
    return cluster


def told(cluster):
    """Return what the heartbeats said: "all", "same", or "old" for one without a number."""
    return [
        "same" if data.without_sub else "all" if data.heartbeat_fingerprint else "old"
        for _, data in cluster.heartbeats
    ]


async def test_a_broker_that_knows_them_is_told_only_that_they_are_the_same(
    v2_cluster, autojump_clock
):
    seen = Seen()
    async with consumer(v2_cluster, use_heartbeat_v2=True, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", seen)
        await trio.sleep(100)
        assert told(v2_cluster)[-4:] == ["same"] * 4
        data = v2_cluster.heartbeats[-1][1]
        assert [one.subscription_data_set for one in data.consumer_data_set] == [[]]
        c.subscribe("U", "*", seen)
        await settle(2)
        assert "all" in told(v2_cluster)


async def test_one_that_wants_everything_gets_it(v2_cluster, autojump_clock):
    v2_cluster.wants_all = True
    async with consumer(v2_cluster, use_heartbeat_v2=True) as c:
        c.subscribe("T", "*", Seen())
        await trio.sleep(100)
        assert set(told(v2_cluster)) == {"all"}


async def test_so_does_one_that_did_not_hear_the_last(v2_cluster, autojump_clock):
    async with consumer(v2_cluster, use_heartbeat_v2=True) as c:
        c.subscribe("T", "*", Seen())
        await trio.sleep(35)
        v2_cluster.down.add(broker_addr("a"))
        await trio.sleep(60)
        v2_cluster.down.clear()
        before = len(v2_cluster.heartbeats)
        await trio.sleep(60)
        assert told(v2_cluster)[before] == "all"
        assert told(v2_cluster)[-1] == "same"


@pytest.mark.parametrize("use", [True, False])
async def test_an_older_broker_is_always_told_everything(autojump_clock, use):
    cluster = FakeCluster()
    cluster.add_topic("T")
    async with consumer(cluster, use_heartbeat_v2=use) as c:
        c.subscribe("T", "*", Seen())
        await trio.sleep(100)
        assert set(told(cluster)) == {"all" if use else "old"}


async def test_a_broker_that_restarts_learns_the_subscriptions_again(autojump_clock):
    """It has forgotten them, and would say at each pull that there are none."""
    seen = Seen()
    async with trio_cluster() as rmq:
        await rmq.create_topic("T")
        async with PushConsumer(
            "cg",
            namesrv_addr=rmq.namesrv_addr,
            use_heartbeat_v2=True,
            consume_from_where=FIRST,
        ) as c:
            c.subscribe("T", "*", seen)
            await trio.sleep(65)
            await rmq.stop()
            await rmq.start()
            await trio.sleep(65)
            await c._instance.api.remoting.invoke(
                c._instance.routes.broker_addr_of_topic("T"),
                RemotingCommand(
                    int(R.SEND_MESSAGE),
                    {
                        "producerGroup": "p",
                        "topic": "T",
                        "defaultTopic": "TBW102",
                        "defaultTopicQueueNums": "4",
                        "queueId": "0",
                        "sysFlag": "0",
                        "bornTimestamp": "0",
                        "flag": "0",
                    },
                    body=b"x",
                ),
            )
            await trio.sleep(5)
            assert seen == [b"x"]


def test_the_number_does_not_depend_on_who_says_it_when():
    def data(client_id, version, expression="*"):
        subscriptions = [
            SubscriptionData(topic=topic, sub_string=expression, sub_version=version)
            for topic in ("T", "U")[:: 1 if version else -1]
        ]
        return HeartbeatData(
            client_id=client_id,
            consumer_data_set=[ConsumerData(group_name="g", subscription_data_set=subscriptions)],
        )

    assert fingerprint(data("one", 0)) == fingerprint(data("two", 7)) != 0
    assert fingerprint(data("one", 0, "a")) != fingerprint(data("one", 0))


@pytest.mark.parametrize("told_again", [True, False])
async def test_a_new_connection_to_a_broker_begins_with_a_heartbeat(
    v2_cluster, autojump_clock, told_again
):
    async with consumer(v2_cluster, enable_heartbeat_channel_event_listener=told_again) as c:
        c.subscribe("T", "*", Seen())
        await settle(5)
        before, asked = (
            len(v2_cluster.heartbeats),
            len(v2_cluster.codes(R.GET_CONSUMER_LIST_BY_GROUP)),
        )
        v2_cluster.connected(NAMESRV)
        v2_cluster.connected(broker_addr("a"))
        await settle(2)
        assert [addr for addr, _ in v2_cluster.heartbeats[before:]] == [
            broker_addr("a")
        ] * told_again
        divided = len(v2_cluster.codes(R.GET_CONSUMER_LIST_BY_GROUP)) > asked
        assert divided == told_again


async def test_a_heartbeat_that_makes_the_connection_is_not_repeated(v2_cluster, autojump_clock):
    invoke = v2_cluster.invoke

    async def connecting(addr, command, timeout_ms=3000):
        if command.code == R.HEART_BEAT:
            v2_cluster.connected(addr)
        return await invoke(addr, command, timeout_ms)

    v2_cluster.invoke = connecting
    async with consumer(v2_cluster) as c:
        c.subscribe("T", "*", Seen())
        await trio.sleep(45)
        told_at = len(v2_cluster.heartbeats)
        await trio.sleep(30)
        assert len(v2_cluster.heartbeats) == told_at + 1
