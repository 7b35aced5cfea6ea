"""The push consumer against a cluster in memory, on virtual time."""

from random import Random

import pytest
import trio

from rmqwire.codec import headers as h
from rmqwire.codec.bodies import (
    ConsumeMessageDirectlyResult,
    ConsumerRunningInfo,
    GetConsumerStatusBody,
    MessageQueue,
    ResetOffsetBody,
)
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.compression import CompressionType, compress
from rmqwire.codec.record import encode_message
from rmqwire.codec.release import V4_9_7
from rmqwire.consumer.listener import ConsumeStatus
from rmqwire.consumer.push import PushConsumer
from rmqwire.errors import UsageError
from tests.client.fake_cluster import NAMESRV, FakeCluster, broker_addr

R = RequestCode
NOW = 1_700_000_000_000
OK = ConsumeStatus.CONSUME_SUCCESS
LATER = ConsumeStatus.RECONSUME_LATER
FIRST = "CONSUME_FROM_FIRST_OFFSET"


@pytest.fixture
def cluster():
    cluster = FakeCluster()
    cluster.add_topic("T", queue_nums=2)
    cluster.add_topic("%RETRY%cg", queue_nums=1)
    return cluster


def virtual_ms():
    return NOW + int(trio.current_time() * 1000)


def consumer(cluster, **config):
    return PushConsumer(
        "cg",
        namesrv_addr=NAMESRV,
        remoting=cluster.remoting,
        wall_ms=config.pop("wall_ms", lambda: NOW),
        rng=Random(7),
        **config,
    )


class Seen(list):
    """A listener that remembers bodies and returns what it is told."""

    def __init__(self, *results):
        self.results = list(results)
        self.messages = []

    def __call__(self, messages):
        self.extend(message.body for message in messages)
        self.messages += messages
        self.times = messages[0].reconsume_times
        return self.results.pop(0) if self.results else OK


async def settle(seconds=2):
    await trio.sleep(seconds)


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


async def test_async_listener(cluster, autojump_clock):
    cluster.store("T", b"x")
    seen = Seen()

    async def listen(messages):
        await trio.sleep(1)
        return seen(messages)

    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", listen)
        await settle(3)
    assert seen == [b"x"]


async def test_blocking_listener_in_threads(cluster):
    """A plain listener runs beside the event loop when it is asked for."""
    cluster.store("T", b"x")
    threads = []
    done = trio.Event()
    token = trio.lowlevel.current_trio_token()

    def listen(messages):
        trio.from_thread.run_sync(threads.append, True, trio_token=token)
        trio.from_thread.run_sync(done.set, trio_token=token)
        return OK

    async with consumer(cluster, consume_from_where=FIRST, consume_in_threads=True) as c:
        c.subscribe("T", "*", listen)
        with trio.fail_after(5):
            await done.wait()
    assert threads == [True]


async def test_subscribed_before_the_block(cluster, autojump_clock):
    cluster.store("T", b"x")
    seen = Seen()
    c = consumer(cluster, consume_from_where=FIRST)
    c.subscribe("T", "*", seen)
    async with c:
        await settle()
    assert seen == [b"x"]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (FIRST, [b"old", b"newer", b"after"]),
        ("CONSUME_FROM_LAST_OFFSET", [b"after"]),
        ("CONSUME_FROM_TIMESTAMP", [b"newer", b"after"]),
    ],
)
async def test_where_a_new_group_starts(cluster, autojump_clock, where, expected):
    cluster.store("T", b"old", store_timestamp=NOW - 31 * 60_000)
    cluster.store("T", b"newer", store_timestamp=NOW - 29 * 60_000)
    seen = Seen()
    async with consumer(cluster, consume_from_where=where) as c:
        c.subscribe("T", "*", seen)
        await settle()
        cluster.store("T", b"after", store_timestamp=NOW)
        await settle()
    assert seen == expected


async def test_known_group_goes_on(cluster, autojump_clock):
    for number in range(3):
        cluster.store("T", str(number).encode())
    cluster.offsets["cg", "a", "T", 0] = 2
    seen = Seen()
    async with consumer(cluster) as c:
        c.subscribe("T", "*", seen)
        await settle()
    assert seen == [b"2"]


async def test_tags_are_compared_here_too(cluster, autojump_clock):
    # "Aa" and "BB" have one hash code in Java: the broker lets both through.
    cluster.store("T", b"right", properties={"TAGS": "Aa"})
    cluster.store("T", b"wrong", properties={"TAGS": "BB"})
    cluster.store("T", b"none")
    seen = Seen()
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "Aa || C", seen)
        await settle(20)  # the pull after it finds nothing and moves the offset past the rest
    assert seen == [b"right"]
    assert cluster.offsets["cg", "a", "T", 0] == 3


async def test_compressed_body(cluster, autojump_clock):
    body = b"abc" * 2000
    packed = compress(body, CompressionType.ZLIB)
    cluster.store("T", packed, sys_flag=0x301)
    cluster.store("T", b"no zlib at all", sys_flag=0x301)
    seen = Seen()
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", seen)
        await settle()
    assert seen == [body, b"no zlib at all"]


async def test_several_messages_per_call(cluster, autojump_clock):
    for number in range(5):
        cluster.store("T", str(number).encode())
    sizes = []

    def listen(messages):
        sizes.append(len(messages))
        return OK

    async with consumer(cluster, consume_from_where=FIRST, consume_message_batch_max_size=2) as c:
        c.subscribe("T", "*", listen)
        await settle()
    assert sizes == [2, 2, 1]


async def test_listeners_run_side_by_side_up_to_the_limit(cluster, autojump_clock):
    for number in range(10):
        cluster.store("T", str(number).encode())
    running = most = 0

    async def listen(messages):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await trio.sleep(1)
        running -= 1
        return OK

    async with consumer(cluster, consume_from_where=FIRST, consume_thread_max=3) as c:
        c.subscribe("T", "*", listen)
        await settle(10)
    assert most == 3
    assert cluster.offsets["cg", "a", "T", 0] == 10


def raising(messages):
    raise RuntimeError("no")


@pytest.mark.parametrize("failing", [lambda _: LATER, lambda _: None, raising, lambda _: "ok"])
async def test_failed_message_goes_back_to_its_broker(cluster, autojump_clock, failing):
    stored = cluster.store("T", b"x", properties={"UNIQ_KEY": "U1"})
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", failing)
        await settle()
    (header,) = cluster.sent_back
    assert header.group == "cg"
    assert header.offset == stored.physical_offset
    assert header.origin_topic == "T"
    assert header.origin_msg_id == "U1"
    assert header.delay_level == 0
    assert header.max_reconsume_times == 16
    assert header.bname == "a"
    assert cluster.offsets["cg", "a", "T", 0] == 1


async def test_retried_message_has_its_topic_again(cluster, autojump_clock):
    cluster.store("%RETRY%cg", b"again", properties={"RETRY_TOPIC": "T"}, reconsume_times=2)
    seen = Seen(LATER, OK)
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", seen)
        await settle()
    (message,) = seen.messages
    assert (message.topic, message.reconsume_times) == ("T", 2)
    assert cluster.sent_back[0].origin_topic == "T"
    assert cluster.offsets["cg", "a", "%RETRY%cg", 0] == 1


async def test_message_the_broker_does_not_take_back_is_tried_again_here(cluster, autojump_clock):
    cluster.store("T", b"x")
    cluster.store("T", b"y")
    cluster.faults.append(lambda _, command: (1, "no") if command.code == 36 else None)
    seen = Seen(LATER, OK, LATER, OK)
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", seen)
        await settle(4)
        assert seen == [b"x", b"y"]
        assert cluster.offsets.get(("cg", "a", "T", 0), 0) == 0
        await settle(2)
        assert seen == [b"x", b"y", b"x"]
        assert seen.times == 1
        await settle(5)
    assert seen == [b"x", b"y", b"x", b"x"]
    assert cluster.offsets["cg", "a", "T", 0] == 2


async def test_slow_message_holds_the_commit_back(cluster, autojump_clock):
    for body in (b"slow", b"fast", b"fast"):
        cluster.store("T", body)

    async def listen(messages):
        if messages[0].body == b"slow":
            await trio.sleep(60)
        return OK

    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", listen)
        await settle(30)
        assert cluster.offsets.get(("cg", "a", "T", 0), 0) == 0
        await settle(60)
        assert cluster.offsets["cg", "a", "T", 0] == 3


async def test_message_being_consumed_too_long_is_sent_back(cluster, autojump_clock):
    cluster.store("T", b"slow")

    async def listen(_messages):
        await trio.sleep(300)
        return OK

    async with consumer(
        cluster, consume_from_where=FIRST, consume_timeout=1, wall_ms=virtual_ms
    ) as c:
        c.subscribe("T", "*", listen)
        await settle(200)
        assert [header.delay_level for header in cluster.sent_back] == [3]
        assert cluster.offsets["cg", "a", "T", 0] == 1


async def test_offset_out_of_range_is_corrected(cluster, autojump_clock):
    cluster.base["a", "T", 0] = 100
    cluster.store("T", b"x")
    seen = Seen()
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", seen)
        await settle(5)
        assert seen == [b"x"]
    assert cluster.offsets["cg", "a", "T", 0] == 101


async def test_filtered_messages_count_as_consumed(cluster, autojump_clock):
    for _ in range(3):
        cluster.store("T", b"x", properties={"TAGS": "other"})
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "mine", Seen())
        await settle()
    assert cluster.offsets["cg", "a", "T", 0] == 3


async def test_pulling_pauses_when_too_much_waits(cluster, autojump_clock):
    for number in range(40):
        cluster.store("T", str(number).encode())
    go = trio.Event()

    async def listen(_messages):
        await go.wait()
        return OK

    async with consumer(
        cluster, consume_from_where=FIRST, pull_threshold_for_queue=9, pull_batch_size=5
    ) as c:
        c.subscribe("T", "*", listen)
        await settle(3)
        first = [
            p
            for p in cluster.headers(R.PULL_MESSAGE, h.PullMessageRequestHeader)
            if (p.topic, p.queue_id) == ("T", 0)
        ]
        assert [p.queue_offset for p in first] == [0, 5]
        go.set()
        await settle(3)
    assert cluster.offsets["cg", "a", "T", 0] == 40


async def test_suspend_and_resume(cluster, autojump_clock):
    seen = Seen()
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", seen)
        await settle()
        c.suspend()
        await settle(20)  # the pull that is held back ends
        cluster.store("T", b"x")
        await settle(20)
        assert seen == []
        c.resume()
        await settle(2)
        assert seen == [b"x"]


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


async def test_broker_that_forgot_the_group_is_told_again(cluster, autojump_clock):
    seen = Seen()
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", seen)
        await settle()
        cluster.heartbeats.clear()
        cluster.store("T", b"one")
        await settle(5)
        cluster.store("T", b"two")
        await settle(5)
    assert seen == [b"one", b"two"]


async def test_broker_that_is_away_for_a_while(cluster, autojump_clock):
    seen = Seen()
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", seen)
        await settle()
        cluster.down.add(broker_addr("a"))
        cluster.store("T", b"one")
        await settle(3)
        cluster.down.clear()
        cluster.store("T", b"two")
        await settle(5)
    assert seen == [b"one", b"two"]


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


async def test_pull_says_what_is_consumed(cluster, autojump_clock):
    cluster.store("T", b"x")
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", Seen())
        await settle()
        cluster.store("T", b"y")
        await settle()
    pulls = [
        p
        for p in cluster.headers(R.PULL_MESSAGE, h.PullMessageRequestHeader)
        if (p.topic, p.queue_id) == ("T", 0)
    ]
    assert [(p.sys_flag, p.commit_offset) for p in pulls][-1] == (3, 1)
    assert (pulls[0].sys_flag, pulls[0].max_msg_nums) == (2, 32)
    assert pulls[0].suspend_timeout_millis == 15_000
    assert pulls[0].max_msg_bytes == 262_144


async def test_4_9_7_pull_says_no_bytes(cluster, autojump_clock):
    async with consumer(cluster, release=V4_9_7) as c:
        c.subscribe("T", "*", Seen())
        await settle()
    assert all(
        p.max_msg_bytes is None for p in cluster.headers(R.PULL_MESSAGE, h.PullMessageRequestHeader)
    )


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


# ---- what brokers ask


async def test_running_info(cluster, autojump_clock):
    cluster.store("T", b"x")
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", Seen())
        await settle()
        header = h.GetConsumerRunningInfoRequestHeader(consumer_group="cg", client_id=c.client_id)
        ((_, answer),) = cluster.tell(R.GET_CONSUMER_RUNNING_INFO, header).replies
        header.consumer_group = "other"
        ((_, refusal),) = cluster.tell(R.GET_CONSUMER_RUNNING_INFO, header).replies
    assert (answer.code, answer.remark) == (0, "not set any response code")
    info = ConsumerRunningInfo.decode(answer.body)
    assert info.properties["PROP_CONSUME_TYPE"] == "CONSUME_PASSIVELY"
    assert info.properties["PROP_NAMESERVER_ADDR"] == f"{NAMESRV};"
    assert info.properties["PROP_CLIENT_VERSION"] == "V5_5_0"
    assert info.properties["pullBatchSize"] == "32"
    assert {sub.topic for sub in info.subscription_set} == {"T", "%RETRY%cg"}
    queue = info.mq_table[MessageQueue("T", "a", 0)]
    assert (queue.commit_offset, queue.cached_msg_count, queue.droped) == (1, 0, False)
    assert info.status_table["T"].consume_oktps == pytest.approx(1 / 60)
    assert refusal.code == 1
    assert refusal.remark == "The Consumer Group <other> not exist in this consumer"


async def test_reset_offsets(cluster, autojump_clock):
    for number in range(3):
        cluster.store("T", str(number).encode())
    seen = Seen()
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", seen)
        await settle()
        body = ResetOffsetBody({MessageQueue("T", "a", 0): 1}).encode()
        header = h.ResetOffsetRequestHeader(topic="T", group="cg", timestamp=0, is_force=True)
        assert not cluster.tell(R.RESET_CONSUMER_CLIENT_OFFSET, header, body).replies
        await settle(3)
    assert seen == [b"0", b"1", b"2", b"1", b"2"]
    assert cluster.offsets["cg", "a", "T", 0] == 3


async def test_consume_status(cluster, autojump_clock):
    cluster.store("T", b"x")
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", Seen())
        await settle()
        header = h.GetConsumerStatusRequestHeader(topic="T", group="cg")
        ((_, answer),) = cluster.tell(R.GET_CONSUMER_STATUS_FROM_CLIENT, header).replies
    table = GetConsumerStatusBody.decode(answer.body).message_queue_table
    assert table[MessageQueue("T", "a", 0)] == 1


@pytest.mark.parametrize(
    ("listener", "result"),
    [
        (lambda _: OK, "CR_SUCCESS"),
        (lambda _: LATER, "CR_LATER"),
        (lambda _: None, "CR_RETURN_NULL"),
        (raising, "CR_THROW_EXCEPTION"),
    ],
)
async def test_consume_message_directly(cluster, autojump_clock, listener, result):
    stored = cluster.store("T", b"direct")
    async with consumer(cluster) as c:
        c.subscribe("T", "*", listener)
        await settle()
        header = h.ConsumeMessageDirectlyResultRequestHeader(
            consumer_group="cg", client_id=c.client_id, broker_name="a"
        )
        connection = cluster.tell(R.CONSUME_MESSAGE_DIRECTLY, header, encode_message(stored))
        await settle(0.1)
    ((_, answer),) = connection.replies
    body = ConsumeMessageDirectlyResult.decode(answer.body)
    assert body.consume_result == result
    assert body.remark == ("RuntimeError: no" if result == "CR_THROW_EXCEPTION" else None)
    assert not cluster.sent_back


# ---- wrong use


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"message_model": "BROADCASTING"}, "BROADCASTING is not supported"),
        ({"message_model": "x"}, "CLUSTERING or BROADCASTING"),
        ({"consume_from_where": "x"}, "one of CONSUME_FROM_LAST_OFFSET"),
        ({"consume_timestamp": "yesterday"}, "valid format is yyyyMMddHHmmss"),
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
        ("T", "*", None, "can't be called"),
    ]:
        with pytest.raises(UsageError, match=words):
            c.subscribe(topic, expression, listener)
    with pytest.raises(UsageError, match="TAG or SQL92"):
        c.subscribe("T", "x", raising, expression_type="XPATH")
    with pytest.raises(UsageError, match="can not equal DEFAULT_CONSUMER"):
        PushConsumer("DEFAULT_CONSUMER", namesrv_addr=NAMESRV)
