"""A pull consumer against a cluster in memory: the caller says which queue, from where and how far."""

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


async def test_outside_of_its_block_it_refuses(cluster):
    c = puller(cluster)
    with pytest.raises(UsageError, match="not in running status"):
        await c.pull(Q0, offset=0)
