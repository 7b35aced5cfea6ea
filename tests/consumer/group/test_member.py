"""Members of a group: heartbeats, rebalance, commits, against a cluster in memory."""

import trio

from rmqwire.codec import headers as h
from rmqwire.codec.bodies import (
    MessageQueue,
)
from tests.client.fake_cluster import broker_addr
from tests.consumer.support import FIRST, R, Seen, consumer, settle


async def test_queues_are_divided_as_asked_for(cluster, autojump_clock):
    cluster.add_topic("T", queue_nums=5)
    asked = []

    def strategy(client_id, queues, client_ids):
        asked.append((client_id, queues, client_ids))
        return queues[3:4]

    async with consumer(cluster, allocate=strategy) as c:
        c.subscribe("T", "*", Seen())
        await settle()
        assert {q for q in c.assigned_queues() if q.topic == "T"} == {MessageQueue("T", "a", 3)}
        queues = [MessageQueue("T", "a", number) for number in range(5)]
        assert (c.client_id, queues, [c.client_id]) in asked


async def test_a_strategy_that_fails_is_logged_and_asked_again(cluster, autojump_clock, caplog):
    answers = iter([ZeroDivisionError("mine"), ZeroDivisionError("mine")])

    def strategy(client_id, queues, client_ids):
        if (error := next(answers, None)) is not None:
            raise error
        return queues

    async with consumer(cluster, allocate=strategy) as c:
        c.subscribe("T", "*", Seen())
        await settle(1.5)
        assert "dividing the queues" in caplog.text
        assert "ZeroDivisionError: mine" in caplog.text
        await settle(3)
        assert len(c.assigned_queues()) == 3


async def test_two_members_divide_the_queues(cluster, autojump_clock):
    cluster.add_topic("T", queue_nums=5)
    one = consumer(cluster, instance_name="one", consume_from_where=FIRST)
    two = consumer(cluster, instance_name="two", consume_from_where=FIRST)
    all_queues = {MessageQueue("T", "a", n) for n in range(5)}

    def of_topic(c):
        return {queue for queue in c.assigned_queues() if queue.topic == "T"}

    async with one:
        one.subscribe("T", "*", Seen())
        await settle()
        assert of_topic(one) == all_queues
        async with two:
            two.subscribe("T", "*", Seen())
            await settle(0.5)
            cluster.tell(
                R.NOTIFY_CONSUMER_IDS_CHANGED,
                h.NotifyConsumerIdsChangedRequestHeader(consumer_group="cg"),
            )
            await settle(3)
            assert of_topic(one) | of_topic(two) == all_queues
            assert {len(of_topic(one)), len(of_topic(two))} == {2, 3}
        await settle(21)  # nobody tells, the rebalance of every 20 s finds it
        assert of_topic(one) == all_queues


async def test_unsubscribe(cluster, autojump_clock):
    async with consumer(cluster) as c:
        c.subscribe("T", "*", Seen())
        await settle()
        c.unsubscribe("T")
        await settle()
        assert {queue.topic for queue in c.assigned_queues()} == {"%RETRY%cg"}
        _, body = cluster.heartbeats[-1]
        assert [s.topic for s in body.consumer_data_set[0].subscription_data_set] == ["%RETRY%cg"]


async def test_topic_that_appears_later(cluster, autojump_clock):
    seen = Seen()
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("New", "*", seen)
        await settle()
        cluster.add_topic("New", queue_nums=1)
        cluster.store("New", b"x")
        await settle(32)
    assert seen == [b"x"]


async def test_offsets_are_committed_from_time_to_time(cluster, autojump_clock):
    cluster.store("T", b"x")
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", Seen())
        await settle(9)
        assert not [k for k in cluster.offsets if k[2] == "T"]
        await settle(2)
        assert cluster.offsets["cg", "a", "T", 0] == 1
        before = commits(cluster)
        await settle(10)
        assert commits(cluster) == before + 2  # every 5 s, whether it moved or not


def commits(cluster):
    sent = cluster.headers(R.UPDATE_CONSUMER_OFFSET, h.UpdateConsumerOffsetRequestHeader)
    return len([header for header in sent if (header.topic, header.queue_id) == ("T", 0)])


async def test_heartbeat_names_the_subscriptions(cluster, autojump_clock):
    async with consumer(cluster) as c:
        c.subscribe("T", "a || b", Seen())
        await settle()
        addr, body = cluster.heartbeats[-1]
        assert addr == broker_addr("a")
        (data,) = body.consumer_data_set
        assert data.group_name == "cg"
        assert data.consume_type == "CONSUME_PASSIVELY"
        assert data.message_model == "CLUSTERING"
        assert data.consume_from_where == "CONSUME_FROM_LAST_OFFSET"
        by_topic = {sub.topic: sub for sub in data.subscription_data_set}
        assert by_topic.keys() == {"T", "%RETRY%cg"}
        assert by_topic["T"].tags_set == ["a", "b"]
        assert by_topic["T"].code_set == [97, 98]
    (header,) = cluster.headers(R.UNREGISTER_CLIENT, h.UnregisterClientRequestHeader)
    assert header.consumer_group == "cg"


async def test_queues_are_not_divided_once_the_group_is_left(cluster, autojump_clock):
    """A broker that has forgotten the member would answer that there is no such group."""
    invoke = cluster.invoke

    async def slow_invoke(addr, command, timeout_ms=3000):
        answer = await invoke(addr, command, timeout_ms)
        if command.code in {R.GET_CONSUMER_LIST_BY_GROUP, R.UNREGISTER_CLIENT}:
            await trio.sleep(0.5)
        return answer

    cluster.invoke = slow_invoke
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", Seen())
        await settle(4.1)
        cluster.tell(
            R.NOTIFY_CONSUMER_IDS_CHANGED,
            h.NotifyConsumerIdsChangedRequestHeader(consumer_group="cg"),
        )
        await settle(0.1)
    codes = [command.code for _, command in cluster.requests]
    assert R.GET_CONSUMER_LIST_BY_GROUP in codes
    assert codes[-1] == R.UNREGISTER_CLIENT
    assert cluster.members["cg"] == []


async def test_all_offsets_are_committed_at_the_end_however_slowly_they_leave(
    cluster, autojump_clock
):
    cluster.add_topic("T", queue_nums=8)
    for number in range(8):
        cluster.store("T", b"%d" % number, number)
    seen = Seen()
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", seen)
        await settle()
        assert len(seen) == 8
        cluster.offsets.clear()
        cluster.latency_s = 0.5
    assert {key[3]: at for key, at in cluster.offsets.items() if key[2] == "T"} == dict.fromkeys(
        range(8), 1
    )
