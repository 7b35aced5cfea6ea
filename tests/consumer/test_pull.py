"""A pull consumer against a cluster in memory: the caller says which queue, from where and how far."""

from itertools import pairwise

import pytest
import trio

from rmqwire.codec import headers as h
from rmqwire.codec.bodies import GetConsumerStatusBody, MessageQueue
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.release import V4_9_7
from rmqwire.consumer.pull import PullConsumer
from rmqwire.consumer.reading.pull_result import PullStatus
from rmqwire.consumer.selector import MessageSelector
from rmqwire.errors import BrokerError, ConnectFailed, RouteNotFound, UsageError
from tests.client.fake_cluster import SYSTEM_BUSY, broker_addr
from tests.consumer.support import consumer, settle

R = RequestCode
Q0, Q1 = MessageQueue("T", "a", 0), MessageQueue("T", "a", 1)


def puller(cluster, **config):
    return consumer(cluster, PullConsumer, **config)


def bodies(result):
    return [message.body for message in result.messages]


async def test_a_pull_gives_what_is_there_and_where_to_go_on(cluster, autojump_clock):
    for number in range(5):
        cluster.store("T", b"%d" % number, properties={"TAGS": "odd" if number % 2 else "even"})
    cluster.base["a", "T", 1] = 7
    async with puller(cluster) as c:
        assert await c.fetch_subscribe_message_queues("T") == {Q0, Q1}
        result = await c.pull(Q0, offset=1, max_nums=2)
        assert result.pull_status is PullStatus.FOUND
        assert bodies(result) == [b"1", b"2"]
        assert (result.next_begin_offset, result.min_offset, result.max_offset) == (3, 0, 5)
        assert bodies(await c.pull(Q0, "even", offset=0)) == [b"0", b"2", b"4"]
        assert (await c.pull(Q0, "none", offset=0)).pull_status is PullStatus.NO_MATCHED_MSG
        assert (await c.pull(Q0, offset=5)).pull_status is PullStatus.NO_NEW_MSG
        result = await c.pull(Q1, offset=0)
        assert (result.pull_status, result.next_begin_offset) == (PullStatus.OFFSET_ILLEGAL, 7)
        with pytest.raises(UsageError, match="offset < 0"):
            await c.pull(Q0, offset=-1)
        with pytest.raises(UsageError, match="maxNums <= 0"):
            await c.pull(Q0, offset=0, max_nums=0)
        with pytest.raises(RouteNotFound):
            await c.fetch_subscribe_message_queues("nowhere")


async def test_a_blocking_pull_waits_for_the_first_message(cluster, autojump_clock):
    async with puller(cluster) as c:
        started = trio.current_time()
        result = await c.pull_block_if_not_found(Q0, offset=0)
        assert result.pull_status is PullStatus.NO_NEW_MSG
        assert trio.current_time() - started == pytest.approx(20)
        async with trio.open_nursery() as nursery:

            async def pull():
                assert bodies(await c.pull_block_if_not_found(Q0, offset=0)) == [b"late"]
                assert trio.current_time() - started == pytest.approx(25)

            nursery.start_soon(pull)
            await trio.sleep(5)
            cluster.store("T", b"late")


@pytest.mark.parametrize("release", [None, V4_9_7])
async def test_a_pull_is_javas(cluster, autojump_clock, release):
    async with puller(cluster, **({"release": release} if release else {})) as c:
        await c.pull(Q0, "a || b", offset=0, max_nums=8)
        await c.pull(Q0, MessageSelector.by_sql("x > 1"), offset=0)
        await settle()
    first, second = cluster.codes(R.PULL_MESSAGE)
    assert first.ext_fields == {
        "consumerGroup": "cg",
        "topic": "T",
        "queueId": "0",
        "queueOffset": "0",
        "maxMsgNums": "8",
        "sysFlag": "4",
        "commitOffset": "0",
        "suspendTimeoutMillis": "20000",
        "subscription": "a || b",
        "subVersion": "0",
        "expressionType": "TAG",
        "bname": "a",
        "ReqT": "0",
    } | ({} if release else {"maxMsgBytes": "2147483647"})
    assert second.ext_fields["expressionType"] == "SQL92"
    assert second.ext_fields["subVersion"] != "0"
    (group,) = cluster.heartbeats[-1][1].consumer_data_set
    assert group.consume_type == "CONSUME_ACTIVELY"
    assert group.subscription_data_set == []


async def test_offsets_are_the_callers(cluster, autojump_clock):
    async with puller(cluster) as c:
        assert await c.fetch_consume_offset(Q0) == -1
        await c.update_consume_offset(Q0, 3)
        assert cluster.offsets == {("cg", "a", "T", 0): 3}
        update = cluster.codes(R.UPDATE_CONSUMER_OFFSET)[-1]
        assert not update.is_oneway
        cluster.offsets["cg", "a", "T", 0] = 4  # somebody else
        assert await c.fetch_consume_offset(Q0) == 3
        assert await c.fetch_consume_offset(Q0, from_store=True) == 4
        header = h.GetConsumerStatusRequestHeader(group="cg", topic="T")
        ((_, answer),) = cluster.tell(R.GET_CONSUMER_STATUS_FROM_CLIENT, header).replies
        assert GetConsumerStatusBody.decode(answer.body).message_queue_table == {Q0: 4}
        cluster.faults.append(lambda _, command: SYSTEM_BUSY)
        with pytest.raises(BrokerError, match="busy"):
            await c.update_consume_offset(Q0, 5)


async def test_questions_about_a_queue(cluster, autojump_clock):
    for time_ms in (10, 20, 30):
        cluster.store("T", b"x", store_timestamp=time_ms)
    async with puller(cluster) as c:
        assert await c.min_offset(Q0) == 0
        assert await c.max_offset(Q0) == 3
        assert await c.search_offset(Q0, 15) == 1
        assert await c.earliest_msg_store_time(Q0) == 10
        with pytest.raises(RouteNotFound, match=r"broker\[b\] not exist"):
            await c.max_offset(MessageQueue("T", "b", 0))


async def test_a_message_goes_back_to_its_broker_or_to_one_that_is_named(cluster, autojump_clock):
    cluster.add_topic("T", brokers=("a", "b"))
    cluster.store("T", b"x")
    async with puller(cluster, max_reconsume_times=5) as c:
        (message,) = (await c.pull(Q0, offset=0)).messages
        await c.send_message_back(message, 3)
        await c.send_message_back(message, broker_name="b")
        first, second = cluster.sent_back
        assert (first.group, first.delay_level, first.max_reconsume_times) == ("cg", 3, 5)
        assert (first.bname, second.bname) == ("a", "b")
        cluster.down.add(broker_addr("a"))
        cluster.down.add(broker_addr("b"))
        with pytest.raises(ConnectFailed):
            await c.send_message_back(message)


async def test_registered_topics_are_divided_with_the_group(cluster, autojump_clock):
    news = []
    async with puller(cluster) as c:
        c.register_topic("T", lambda *args: news.append(args))
        await settle()
        assert c.fetch_message_queues_in_balance("T") == {Q0, Q1}
        cluster.members["cg"].insert(0, "0")
        header = h.NotifyConsumerIdsChangedRequestHeader(consumer_group="cg")
        cluster.tell(R.NOTIFY_CONSUMER_IDS_CHANGED, header)
        await settle()
        assert c.fetch_message_queues_in_balance("T") == {Q1}
        assert news == [("T", {Q0, Q1}, {Q0, Q1}), ("T", {Q0, Q1}, {Q1})]
    assert c.fetch_message_queues_in_balance("T") == set()


async def test_a_pull_takes_so_many_bytes_at_most(cluster, autojump_clock):
    async with puller(cluster) as c:
        await c.pull(Q0, offset=0, max_size=77)
    async with puller(cluster, release=V4_9_7) as c:
        await c.pull(Q0, offset=0, max_size=77)
    first, second = cluster.headers(R.PULL_MESSAGE, h.PullMessageRequestHeader)
    assert (first.max_msg_bytes, second.max_msg_bytes) == (77, None)


async def test_without_rebalance_no_queue_is_this_members(cluster, autojump_clock):
    async with puller(cluster, enable_rebalance=False) as c:
        c.register_topic("T")
        await trio.sleep(60)
        assert c.fetch_message_queues_in_balance("T") == set()
        (group,) = cluster.heartbeats[-1][1].consumer_data_set
        assert [one.topic for one in group.subscription_data_set] == ["T"]
        assert not cluster.codes(R.GET_CONSUMER_LIST_BY_GROUP)


async def test_brokers_are_told_of_what_is_announced_instead(cluster, autojump_clock):
    async with puller(cluster) as c:
        c.register_topic("T")
        c.add_register_subscriptions("T", "a || b")
        c.add_register_subscriptions("U", MessageSelector.by_sql("x > 1"))
        with pytest.raises(UsageError, match="illegal characters"):
            c.add_register_subscriptions("a b")
        await trio.sleep(40)
        told = [
            (one.topic, one.sub_string, one.expression_type)
            for one in cluster.heartbeats[-1][1].consumer_data_set[0].subscription_data_set
        ]
        assert told == [("T", "a || b", "TAG"), ("U", "x > 1", "SQL92")]
        assert c.fetch_message_queues_in_balance("T") == {Q0, Q1}
        c.clear_register_subscriptions()
        await trio.sleep(30)
        (group,) = cluster.heartbeats[-1][1].consumer_data_set
        assert [one.sub_string for one in group.subscription_data_set] == ["*"]


def second_member(cluster, *, there=True):
    """Let another member join the group, who gets the first queue, or leave it."""
    if there:
        cluster.members["cg"].insert(0, "0")
    else:
        cluster.members["cg"].remove("0")
    header = h.NotifyConsumerIdsChangedRequestHeader(consumer_group="cg")
    cluster.tell(R.NOTIFY_CONSUMER_IDS_CHANGED, header)


async def test_what_is_remembered_of_a_queue_ends_when_another_member_has_it(
    cluster, autojump_clock
):
    async with puller(cluster) as c:
        c.register_topic("T")
        await settle()
        await c.update_consume_offset(Q0, 3)
        second_member(cluster)
        await settle()
        cluster.offsets["cg", "a", "T", 0] = 9  # it has gone on
        second_member(cluster, there=False)
        await settle()
        assert c.fetch_message_queues_in_balance("T") == {Q0, Q1}
        assert await c.fetch_consume_offset(Q0) == 9


async def test_a_pull_task_is_called_for_each_queue_of_this_member(cluster, autojump_clock, caplog):
    calls = []

    async def task(queue, context):
        calls.append((round(trio.current_time() - began, 1), queue.queue_id))
        assert context.pull_next_delay_time_millis == 200
        context.pull_next_delay_time_millis = 1_000
        if len(calls) == 1:
            raise RuntimeError("the task's own")

    began = trio.current_time()
    async with puller(cluster) as c:
        c.register_pull_task_callback("T", task)
        with pytest.raises(UsageError, match="illegal characters"):
            c.register_pull_task_callback("a b", task)
        await trio.sleep(2.5)
        assert "the pull task of" in caplog.text
        assert {queue for _, queue in calls} == {0, 1}
        first = [at for at, queue in calls if queue == 0]
        assert [later - earlier for earlier, later in pairwise(first)] == [1, 1]
        second_member(cluster)
        await settle()
        calls.clear()
        await trio.sleep(2)
        assert {queue for _, queue in calls} == {1}
        second_member(cluster, there=False)
        await settle()
        assert {queue for _, queue in calls[-3:]} == {0, 1}
    calls.clear()
    await trio.sleep(3)
    assert calls == []


async def test_a_pull_task_of_a_topic_that_is_divided_already_begins_at_once(
    cluster, autojump_clock
):
    calls = []
    async with puller(cluster) as c:
        c.register_topic("T")
        await settle()
        c.register_pull_task_callback("T", lambda queue, _context: calls.append(queue))
        await trio.sleep(0.1)
    assert calls == [Q0, Q1]


async def test_no_more_pull_tasks_at_the_same_time_than_set(cluster, autojump_clock):
    running, most = 0, 0

    async def task(_queue, _context):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await trio.sleep(0.5)
        running -= 1

    cluster.add_topic("T", queue_nums=8)
    async with puller(cluster, pull_thread_nums=3) as c:
        c.register_pull_task_callback("T", task)
        await trio.sleep(5)
    assert most == 3


async def test_a_plain_pull_task_asks_to_be_called_at_once(cluster, autojump_clock):
    calls = []

    def task(queue, context):
        calls.append(queue)
        context.pull_next_delay_time_millis = 0 if len(calls) < 10 else 60_000

    cluster.add_topic("T", queue_nums=1)
    async with puller(cluster) as c:
        c.register_pull_task_callback("T", task)
        await settle()
    assert calls == [Q0] * 10


async def test_outside_of_its_block_it_refuses(cluster):
    c = puller(cluster)
    with pytest.raises(UsageError, match="not in running status"):
        await c.pull(Q0, offset=0)
