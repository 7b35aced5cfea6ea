"""A lite pull consumer against a cluster in memory: what it reads, gives, commits and asks."""

import pytest
import trio

from rmqwire.codec import headers as h
from rmqwire.codec.bodies import (
    ConsumerRunningInfo,
    GetConsumerStatusBody,
    MessageQueue,
    ResetOffsetBody,
)
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.record import encode_message
from rmqwire.codec.release import V4_9_7
from rmqwire.consumer.lite_pull import LitePullConsumer
from rmqwire.consumer.selector import MessageSelector
from rmqwire.errors import BrokerError, RouteNotFound, UsageError
from tests.client.fake_cluster import SYSTEM_BUSY
from tests.consumer.support import FIRST, consumer, settle, virtual_ms

R = RequestCode
Q0, Q1 = MessageQueue("T", "a", 0), MessageQueue("T", "a", 1)


def lite(cluster, **config):
    return consumer(cluster, LitePullConsumer, **{"consume_from_where": FIRST} | config)


def store(cluster, *bodies, queue_id=0, **fields):
    for body in bodies:
        cluster.store("T", body, queue_id, **fields)


async def poll_all(c, timeout_ms=1_000):
    found = []
    while messages := await c.poll(timeout_ms):
        found += [message.body for message in messages]
    return found


async def test_polls_give_what_is_subscribed_to_one_pull_at_a_time(cluster, autojump_clock):
    store(cluster, b"1", b"2", b"3", properties={"TAGS": "x"})
    store(cluster, b"4", queue_id=1, properties={"TAGS": "y"})
    async with lite(cluster, pull_batch_size=2) as c:
        c.subscribe("T", "x")
        assert [m.body for m in await c.poll()] == [b"1", b"2"]
        assert [m.body for m in await c.poll()] == [b"3"]
        started = trio.current_time()
        assert await c.poll(700) == []
        assert trio.current_time() - started == pytest.approx(0.7)
        assert c.assignment() == {Q0, Q1}
        waiting = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(c.poll, 60_000)
            await trio.sleep(3)
            store(cluster, b"5", properties={"TAGS": "x"})
        assert trio.current_time() - waiting == pytest.approx(3)


async def test_a_poll_that_waits_for_nothing_gives_what_is_there(cluster, autojump_clock):
    store(cluster, b"1")
    async with lite(cluster) as c:
        c.subscribe("T")
        await settle()
        assert [m.body for m in await c.poll(0)] == [b"1"]
        assert await c.poll(0) == []
        with pytest.raises(UsageError, match="negative"):
            await c.poll(-1)


@pytest.mark.parametrize(("release", "code"), [(None, 361), (V4_9_7, 11)])
async def test_a_pull_is_javas(cluster, autojump_clock, release, code):
    store(cluster, b"1")
    async with lite(cluster, **({"release": release} if release else {})) as c:
        c.subscribe("T")
        await c.poll()
    pull = next(command for command in cluster.codes(code) if command.ext_fields["queueId"] == "0")
    expected = {
        "consumerGroup": "cg",
        "topic": "T",
        "queueId": "0",
        "queueOffset": "0",
        "maxMsgNums": "10",
        "sysFlag": "22",
        "commitOffset": "0",
        "suspendTimeoutMillis": "20000",
        "subscription": "*",
        "subVersion": "0",
        "expressionType": "TAG",
        "bname": "a",
        "ReqT": "0",
    } | ({} if release else {"maxMsgBytes": "2147483647"})
    assert pull.ext_fields == expected
    _, heartbeat = cluster.heartbeats[-1]
    assert heartbeat.client_id.endswith("@STREAM")
    (group,) = heartbeat.consumer_data_set
    assert group.consume_type == "CONSUME_ACTIVELY"
    assert group.consume_from_where == "CONSUME_FROM_LAST_OFFSET"
    assert [sub.topic for sub in group.subscription_data_set] == ["T"]
    assert {command.ext_fields["ReqT"] for _, command in cluster.requests} == {"0"}


async def test_a_poll_commits_what_those_before_it_gave(cluster, autojump_clock):
    store(cluster, b"1", b"2", b"3")
    async with lite(cluster, pull_batch_size=1) as c:
        c.subscribe("T")
        await c.poll()  # nothing was given before: the next automatic commit is 5 s later
        await c.poll()
        assert await c.committed(Q0) == -1
        await trio.sleep(5)
        await c.poll()
        assert await c.committed(Q0) == 2
        await trio.sleep(18)
        assert cluster.offsets["cg", "a", "T", 0] == 2
    assert cluster.offsets["cg", "a", "T", 0] == 3  # the block is left, so all is done with


async def test_an_exception_leaves_the_last_messages_to_the_next_member(cluster, autojump_clock):
    store(cluster, b"1", b"2")

    async def fail():
        async with lite(cluster) as c:
            c.subscribe("T")
            assert len(await c.poll()) == 2
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert ("cg", "a", "T", 0) not in cluster.offsets
    async with lite(cluster) as c:
        c.subscribe("T")
        assert await poll_all(c) == [b"1", b"2"]


async def test_without_auto_commit_only_commits_count(cluster, autojump_clock):
    store(cluster, b"1", b"2", b"3", b"4")
    async with lite(cluster, auto_commit=False, pull_batch_size=2) as c:
        c.subscribe("T")
        await c.poll()
        c.commit()
        await c.poll()
        await trio.sleep(28)
        assert cluster.offsets["cg", "a", "T", 0] == 2
        await c.commit_sync({Q0: 3, MessageQueue("U", "a", 0): 7, Q1: -1})
        assert cluster.offsets["cg", "a", "T", 0] == 3
    assert cluster.offsets == {("cg", "a", "T", 0): 3}


async def test_a_commit_that_is_waited_for_says_when_it_is_refused(cluster, autojump_clock):
    store(cluster, b"1")
    async with lite(cluster) as c:
        c.subscribe("T")
        await c.poll()
        cluster.faults.append(
            lambda _, command: SYSTEM_BUSY if command.code == R.UPDATE_CONSUMER_OFFSET else None
        )
        with pytest.raises(BrokerError, match="busy"):
            await c.commit_sync()
        cluster.faults.clear()


async def test_a_seek_right_behind_the_assignment_is_where_it_begins(cluster, autojump_clock):
    store(cluster, b"1", b"2", b"3")
    async with lite(cluster) as c:
        c.assign([Q0])
        await c.seek(Q0, 2)
        assert await poll_all(c) == [b"3"]
        with pytest.raises(UsageError, match="not in assigned list, MessageQueue"):
            await c.seek_to_begin(MessageQueue("T", "a", 9))


async def test_seeking_forgets_what_waits_and_reads_from_there(cluster, autojump_clock):
    store(cluster, b"1", b"2", b"3", store_timestamp=10)
    store(cluster, b"4", store_timestamp=20)
    async with lite(cluster, pull_batch_size=1) as c:
        c.subscribe("T")
        await settle()
        await c.seek(Q0, 2)
        assert await poll_all(c) == [b"3", b"4"]
        await c.seek_to_begin(Q0)
        assert await poll_all(c) == [b"1", b"2", b"3", b"4"]
        await c.seek_to_end(Q0)
        store(cluster, b"5", store_timestamp=30)
        assert await poll_all(c) == [b"5"]
        await c.seek(Q0, await c.offset_for_timestamp(Q0, 15))
        await c.commit_sync()
        assert cluster.offsets["cg", "a", "T", 0] == 3  # a seek alone moves the group
        assert await poll_all(c) == [b"4", b"5"]
        with pytest.raises(UsageError, match="seek offset = 6, min offset = 0, max offset = 5"):
            await c.seek(Q0, 6)
        with pytest.raises(UsageError, match="not in assigned list, may be rebalancing"):
            await c.seek(MessageQueue("U", "a", 0), 0)


async def test_a_paused_queue_is_read_no_further_and_a_seek_leaves_it_paused(
    cluster, autojump_clock
):
    store(cluster, b"1")
    async with lite(cluster) as c:
        c.subscribe("T")
        await settle()
        c.pause([Q0, MessageQueue("U", "a", 0)])
        assert await poll_all(c) == [b"1"]
        await trio.sleep(40)  # the pull that waited has ended
        store(cluster, b"2")
        await c.seek_to_begin(Q0)
        assert await c.poll(10_000) == []
        c.resume([Q0])
        assert await poll_all(c, 5_000) == [b"1", b"2"]


async def test_a_pause_right_behind_the_assignment_holds_until_it_is_taken_back(
    cluster, autojump_clock
):
    store(cluster, b"1")
    async with lite(cluster) as c:
        c.assign([Q0])
        c.pause([Q0])
        assert await poll_all(c, 10_000) == []
        assert c.assignment() == {Q0}
        c.resume([Q0])
        assert await poll_all(c, 5_000) == [b"1"]


@pytest.mark.parametrize("how", ["resumed", "assigned anew"])
async def test_such_a_pause_is_forgotten_before_the_queue_is_read(cluster, autojump_clock, how):
    store(cluster, b"1")
    async with lite(cluster) as c:
        c.assign([Q0])
        c.pause([Q0])
        if how == "resumed":
            c.resume([Q0])
        else:
            c.assign([Q1])
            c.assign([Q0])
        assert await poll_all(c, 5_000) == [b"1"]


async def test_assigned_queues_are_read_whoever_else_reads_them(cluster, autojump_clock):
    cluster.members["cg"].append("another")
    store(cluster, b"1", b"2", properties={"TAGS": "x"})
    store(cluster, b"3", properties={"TAGS": "y"})
    store(cluster, b"4", queue_id=1, properties={"TAGS": "x"})
    c = lite(cluster)
    c.set_sub_expression_for_assign("T", "x")
    c.assign([Q0])
    async with c:
        assert await poll_all(c) == [b"1", b"2"]
        assert c.assignment() == {Q0}
        c.assign([Q1])
        assert await poll_all(c, 3_000) == [b"4"]
        assert c.assignment() == {Q1}
        with pytest.raises(UsageError, match="mutually exclusive"):
            c.subscribe("T")
        with pytest.raises(UsageError, match="in assigned list, Mess"):
            await c.seek(Q0, 0)
        with pytest.raises(UsageError, match="null or empty"):
            c.assign([])
    assert not cluster.codes(R.GET_CONSUMER_LIST_BY_GROUP)
    assert cluster.offsets == {("cg", "a", "T", 1): 1}  # the other was given up before
    (group,) = cluster.heartbeats[-1][1].consumer_data_set
    assert group.subscription_data_set == []


async def test_an_assigned_queue_is_read_when_its_broker_is_there_again(cluster, autojump_clock):
    store(cluster, b"1")
    cluster.down.add("10.0.0.97:10911")
    async with lite(cluster) as c:
        c.assign([Q0])
        assert await c.poll(3_000) == []
        cluster.down.clear()
        assert await poll_all(c, 3_000) == [b"1"]


async def test_subscribing_first_forbids_assigning(cluster, autojump_clock):
    c = lite(cluster)
    c.subscribe("T")
    with pytest.raises(UsageError, match="mutually exclusive"):
        c.assign([Q0])


async def test_what_was_given_of_a_queue_that_is_given_up_is_not_committed(cluster, autojump_clock):
    store(cluster, b"1")
    store(cluster, b"2", queue_id=1)
    async with lite(cluster) as c:
        c.subscribe("T")
        await settle()
        cluster.members["cg"].insert(0, "0")  # takes the first queue
        header = h.NotifyConsumerIdsChangedRequestHeader(consumer_group="cg")
        cluster.tell(R.NOTIFY_CONSUMER_IDS_CHANGED, header)
        await settle()
        assert c.assignment() == {Q1}
        assert await poll_all(c) == [b"2"]  # what waited of the other one is forgotten
    assert cluster.offsets == {("cg", "a", "T", 1): 1}


@pytest.mark.parametrize(
    ("limit", "value", "bodies"),
    [
        ("pull_threshold_for_queue", 2, [b"x"] * 9),
        ("pull_threshold_for_all", 3, [b"x"] * 9),
        ("consume_max_span", 2, [b"x"] * 9),
        ("pull_threshold_size_for_queue", 1, [b"x" * (1 << 20)] * 9),
    ],
)
async def test_reading_pauses_when_too_much_waits(cluster, autojump_clock, limit, value, bodies):
    store(cluster, *bodies)
    async with lite(cluster, pull_batch_size=1, **{limit: value}) as c:
        c.subscribe("T")
        await settle(10)
        pulls = [p for p in cluster.codes(R.LITE_PULL_MESSAGE) if p.ext_fields["queueId"] == "0"]
        assert 1 < len(pulls) < 6
        assert len(await poll_all(c)) == 9


async def test_pulls_that_fail_are_tried_again(cluster, autojump_clock, caplog):
    store(cluster, b"1")
    failures = [SYSTEM_BUSY, (207, "flow")]
    cluster.faults.append(
        lambda _, c: failures.pop() if c.code == R.LITE_PULL_MESSAGE and failures else None
    )
    async with lite(cluster) as c:
        c.subscribe("T")
        assert await poll_all(c, 4_000) == [b"1"]
        assert c.health.problems == {}
    assert caplog.text.count("pull of ") == 2


async def test_an_offset_out_of_range_goes_on_where_the_broker_says(cluster, autojump_clock):
    cluster.offsets["cg", "a", "T", 0] = 2
    cluster.base["a", "T", 0] = 5
    store(cluster, b"6")
    async with lite(cluster) as c:
        c.subscribe("T")
        assert await poll_all(c) == [b"6"]
    assert cluster.offsets["cg", "a", "T", 0] == 6


async def test_listeners_hear_of_queues(cluster, autojump_clock):
    shares, changes = [], []
    async with lite(cluster) as c:
        c.subscribe("T", queue_listener=lambda *news: shares.append(news))
        await settle()
        assert shares == [("T", {Q0, Q1}, {Q0, Q1})]
        await c.register_topic_message_queue_change_listener(
            "T", lambda *news: changes.append(news)
        )
        assert await c.fetch_message_queues("T") == {Q0, Q1}
        cluster.add_topic("T", queue_nums=3)
        await trio.sleep(15)
        both = {Q0, Q1, MessageQueue("T", "a", 2)}
        assert changes == [("T", both)]
        assert shares[1:] == [("T", both, both)]
        with pytest.raises(RouteNotFound):
            await c.fetch_message_queues("nowhere")
        del cluster.routes["T"]
        await trio.sleep(60)
        assert len(changes) == 1
        c.unsubscribe("T")
        await settle(25)
        assert c.assignment() == set()
        assert len(shares) == 2


async def test_a_listener_that_raises_harms_nothing(cluster, autojump_clock, caplog):
    def raising(*news):
        raise RuntimeError("mine")

    store(cluster, b"1")
    async with lite(cluster) as c:
        c.subscribe("T", queue_listener=raising)
        await c.register_topic_message_queue_change_listener("T", raising)
        assert await poll_all(c) == [b"1"]
        cluster.add_topic("T", queue_nums=3)
        await trio.sleep(15)
    assert caplog.text.count("RuntimeError: mine") >= 2


async def test_broadcasting_reads_all_queues_and_keeps_a_file(cluster, autojump_clock, tmp_path):
    cluster.members["cg"].append("0")
    store(cluster, b"1")
    store(cluster, b"2", queue_id=1)
    settings = {"message_model": "BROADCASTING", "local_offset_store_dir": str(tmp_path)}
    for expected in ([b"1", b"2"], []):
        async with lite(cluster, **settings) as c:
            c.subscribe("T")
            assert sorted(await poll_all(c, 3_000)) == expected
    async with lite(cluster, **settings) as c:
        c.subscribe("T")
        await settle()
        await c.commit_sync({Q0: 0})
        assert await c.committed(Q0) == 0
    async with lite(cluster, **settings) as c:
        c.subscribe("T")
        assert await poll_all(c, 3_000) == [b"1"]


async def test_conditions_are_asked_about_before_the_first_pull(cluster, autojump_clock):
    c = lite(cluster)
    c.subscribe("T", MessageSelector.by_sql("a > 1"))
    async with c:
        await settle()
        pull = cluster.headers(R.LITE_PULL_MESSAGE, h.PullMessageRequestHeader)[0]
        assert (pull.expression_type, pull.subscription) == ("SQL92", "a > 1")
        assert pull.sub_version
    c = lite(cluster)
    c.subscribe("T", MessageSelector.by_sql("a >"))
    with pytest.raises(BrokerError):
        await c.__aenter__()


async def test_brokers_may_look_but_not_move_it(cluster, autojump_clock):
    store(cluster, b"1")
    async with lite(cluster, wall_ms=virtual_ms) as c:
        c.subscribe("T")
        await settle()
        header = h.GetConsumerRunningInfoRequestHeader(consumer_group="cg", client_id=c.client_id)
        ((_, answer),) = cluster.tell(R.GET_CONSUMER_RUNNING_INFO, header).replies
        info = ConsumerRunningInfo.decode(answer.body)
        assert info.properties["autoCommit"] == "true"
        assert info.mq_table[Q0].cached_msg_count == 1
        header = h.ResetOffsetRequestHeader(group="cg", topic="T", timestamp=0, is_force=True)
        cluster.tell(R.RESET_CONSUMER_CLIENT_OFFSET, header, ResetOffsetBody({Q0: 1}).encode())
        header = h.ConsumeMessageDirectlyResultRequestHeader(consumer_group="cg", client_id="x")
        record = encode_message(cluster.queues["a", "T", 0][0])
        ((_, answer),) = cluster.tell(R.CONSUME_MESSAGE_DIRECTLY, header, record).replies
        assert (answer.code, answer.remark) == (
            1,
            "The Consumer Group <cg> not exist in this consumer",
        )
        header = h.GetConsumerStatusRequestHeader(group="cg", topic="T")
        ((_, answer),) = cluster.tell(R.GET_CONSUMER_STATUS_FROM_CLIENT, header).replies
        assert not GetConsumerStatusBody.decode(answer.body).message_queue_table
        assert await poll_all(c) == [b"1"]


async def test_outside_of_its_block_it_refuses(cluster, autojump_clock):
    c = lite(cluster)
    for call in (c.poll(), c.commit_sync(), c.committed(Q0), c.seek(Q0, 0)):
        with pytest.raises(UsageError, match="not running"):
            await call


async def test_a_commit_of_queues_leaves_the_others(cluster, autojump_clock):
    store(cluster, b"1")
    store(cluster, b"2", queue_id=1)
    async with lite(cluster, auto_commit=False) as c:
        c.subscribe("T")
        assert sorted(await poll_all(c)) == [b"1", b"2"]
        c.commit({Q0})
        assert (await c.committed(Q0), await c.committed(Q1)) == (1, -1)
        await c.commit_sync([Q1])
        assert cluster.offsets["cg", "a", "T", 1] == 1


async def test_the_user_says_which_member_of_a_broker_is_read(cluster, autojump_clock):
    cluster.routes["T"].broker_datas[0].broker_addrs[1] = "10.0.1.97:10911"
    store(cluster, b"1")
    async with lite(cluster, connect_broker_by_user=True, default_broker_id=1) as c:
        c.subscribe("T")
        await settle()
    asked = {addr for addr, one in cluster.requests if one.code == R.LITE_PULL_MESSAGE}
    assert asked == {"10.0.1.97:10911"}


async def test_brokers_are_told_of_topics_whose_queues_are_assigned(cluster, autojump_clock):
    async with lite(cluster) as c:
        c.build_subscriptions_for_heartbeat({"U": "b"})
        c.build_subscriptions_for_heartbeat({"T": "a || b"})
        assert [one.topic for one in c.subscriptions_for_heartbeat] == ["T"]
        with pytest.raises(UsageError, match="expression type"):
            c.build_subscriptions_for_heartbeat({"T": MessageSelector("x", "LUA")})
        c.assign([Q0])
        await trio.sleep(40)
        (group,) = cluster.heartbeats[-1][1].consumer_data_set
        told = [(one.topic, one.sub_string) for one in group.subscription_data_set]
        assert told == [("T", "a || b")]


async def test_other_name_servers_are_asked_from_now_on(cluster, autojump_clock):
    async with lite(cluster) as c:
        with pytest.raises(UsageError, match="No name server address"):
            c.update_name_server_address("")
        c.update_name_server_address("10.0.0.2:9876;10.0.0.3:9876")
        assert c._instance.name_servers.addresses == ["10.0.0.2:9876", "10.0.0.3:9876"]
