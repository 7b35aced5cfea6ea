"""Orderly consumers against a cluster in memory, on virtual time."""

from itertools import pairwise

import pytest
import trio

from rmqwire.codec import headers as h
from rmqwire.codec.bodies import ConsumeMessageDirectlyResult
from rmqwire.codec.properties import decode_properties
from rmqwire.codec.record import encode_message
from tests.consumer.support import NOW, R, running_info, settle
from tests.consumer.working.support import AGAIN, QUEUES, S, Seen, fill, orderly


async def test_each_queue_is_consumed_in_order_one_call_at_a_time(cluster, autojump_clock):
    fill(cluster, 6, 0)
    fill(cluster, 6, 1)
    seen, running, most = Seen(), {0: 0, 1: 0}, {0: 0, 1: 0}
    together = 0

    async def listen(messages):
        nonlocal together
        queue = messages[0].queue_id
        running[queue] += 1
        most[queue] = max(most[queue], running[queue])
        together = max(together, sum(running.values()))
        await trio.sleep(0.5 + 0.1 * queue)
        running[queue] -= 1
        return seen(messages)

    async with orderly(cluster, pull_batch_size=2) as c:
        c.subscribe("T", "*", listen)
        await settle(8)
    in_order = [str(number).encode() for number in range(6)]
    assert seen.bodies(0) == seen.bodies(1) == in_order
    assert most == {0: 1, 1: 1}
    assert together == 2
    assert (cluster.offsets["cg", "a", "T", 0], cluster.offsets["cg", "a", "T", 1]) == (6, 6)


async def test_listeners_of_many_queues_share_the_threads(cluster, autojump_clock):
    cluster.add_topic("T", queue_nums=6)
    for queue_id in range(6):
        fill(cluster, 2, queue_id)
    running = most = 0

    async def listen(messages):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await trio.sleep(0.1)
        running -= 1
        return S.SUCCESS

    async with orderly(cluster, consume_thread_max=2) as c:
        c.subscribe("T", "*", listen)
        await settle(5)
    assert most == 2
    assert {cluster.offsets["cg", "a", "T", number] for number in range(6)} == {2}


@pytest.mark.parametrize("failing", [AGAIN, None, RuntimeError("no"), "ok"])
async def test_what_fails_holds_its_queue_up_and_comes_again(cluster, autojump_clock, failing):
    fill(cluster, 3, 0)
    fill(cluster, 1, 1)
    calls = 0

    def listen(messages):
        nonlocal calls
        if messages[0].queue_id == 0:
            calls += 1
        result = seen(messages)
        if calls > 2 or messages[0].queue_id:
            return result
        if isinstance(failing, Exception):
            raise failing
        return failing

    seen = Seen()
    async with orderly(cluster) as c:
        c.subscribe("T", "*", listen)
        await settle(6)
    assert seen.bodies(0) == [b"0", b"0", b"0", b"1", b"2"]
    times = [second for second, queue, body, _ in seen if (queue, body) == (0, b"0")]
    assert [round(b - a, 1) for a, b in pairwise(times)] == [1.0, 1.0]
    assert [count for _, queue, body, count in seen if (queue, body) == (0, b"0")] == [0, 1, 2]
    assert seen.bodies(1) == [b"0"]
    assert not cluster.sent_back, "it comes again here, not from the broker"
    assert cluster.offsets["cg", "a", "T", 0] == 3


@pytest.mark.parametrize(
    ("setting", "context_ms", "pause"),
    [(1_000, -1, 1.0), (2_500, -1, 2.5), (1_000, 300, 0.3), (1_000, 1, 0.01), (99_000, -1, 30.0)],
)
async def test_how_long_a_queue_stands_still(cluster, autojump_clock, setting, context_ms, pause):
    fill(cluster, 1)
    times = []

    def listen(messages, context):
        times.append(trio.current_time())
        context.suspend_current_queue_time_millis = context_ms
        return AGAIN if len(times) == 1 else S.SUCCESS

    async with orderly(cluster, suspend_current_queue_time_millis=setting) as c:
        c.subscribe("T", "*", listen)
        await settle(40)
    assert times[1] - times[0] == pytest.approx(pause, abs=0.005)


async def test_a_batch_is_committed_or_comes_again_as_a_whole(cluster, autojump_clock):
    fill(cluster, 5)
    seen = Seen(S.SUCCESS, AGAIN, S.SUCCESS)
    async with orderly(cluster, consume_message_batch_max_size=2) as c:
        c.subscribe("T", "*", seen)
        await settle(5)
    assert seen.bodies() == [b"0", b"1", b"2", b"3", b"2", b"3", b"4"]


# ---- commits of the listener's own


async def test_without_auto_commit_only_a_commit_moves_the_offset(cluster, autojump_clock):
    fill(cluster, 3)
    seen, offsets = Seen(S.SUCCESS, S.SUCCESS, S.COMMIT), []

    def listen(messages, context):
        context.auto_commit = False
        offsets.append(c._state.offsets.get(QUEUES[0]))
        return seen(messages)

    async with orderly(cluster) as c:
        c.subscribe("T", "*", listen)
        await settle(3)
    assert seen.bodies() == [b"0", b"1", b"2"]
    assert offsets == [-1, -1, -1]
    assert cluster.offsets["cg", "a", "T", 0] == 3


async def test_a_roll_back_has_all_since_the_last_commit_consumed_again(cluster, autojump_clock):
    fill(cluster, 4)
    seen = Seen(S.COMMIT, S.SUCCESS, S.ROLLBACK, S.SUCCESS, S.SUCCESS, S.COMMIT)

    def listen(messages, context):
        context.auto_commit = False
        return seen(messages)

    async with orderly(cluster) as c:
        c.subscribe("T", "*", listen)
        await settle(5)
    assert seen.bodies() == [b"0", b"1", b"2", b"1", b"2", b"3"]
    assert cluster.offsets["cg", "a", "T", 0] == 4


@pytest.mark.parametrize("status", [S.COMMIT, S.ROLLBACK])
async def test_with_auto_commit_a_roll_back_counts_as_a_success(
    cluster, autojump_clock, caplog, status
):
    fill(cluster, 2)
    seen = Seen(status, status)
    async with orderly(cluster) as c:
        c.subscribe("T", "*", seen)
        await settle(3)
    assert seen.bodies() == [b"0", b"1"]
    assert "taken for SUCCESS" in caplog.text
    assert cluster.offsets["cg", "a", "T", 0] == 2


# ---- the end of a message


async def test_after_max_reconsume_times_a_message_goes_to_the_retry_topic_s_broker(
    cluster, autojump_clock
):
    """Sent as a new message that says how often it came: the broker moves it to the dead letters."""
    cluster.store(
        "T", b"bad", properties={"UNIQ_KEY": "U1", "own": "mine", "TRAN_MSG": "x"}, flag=7
    )
    cluster.store("T", b"good")
    seen = Seen(AGAIN, AGAIN, AGAIN)
    async with orderly(cluster, max_reconsume_times=2) as c:
        c.subscribe("T", "*", seen)
        await settle(6)
    assert seen.bodies()[:4] == [b"bad", b"bad", b"bad", b"good"]
    (header,) = cluster.headers(R.SEND_MESSAGE_V2, h.SendMessageRequestHeaderV2)
    assert (header.topic, header.producer_group) == ("%RETRY%cg", "CLIENT_INNER_PRODUCER")
    assert (header.reconsume_times, header.max_reconsume_times) == (3, 2)
    (stored,) = cluster.queues["a", "%RETRY%cg", 0]
    properties = decode_properties(header.properties)
    assert (stored.body, stored.flag) == (b"bad", 7)
    assert {key: properties[key] for key in ("RETRY_TOPIC", "ORIGIN_MESSAGE_ID", "DELAY")} == {
        "RETRY_TOPIC": "T",
        "ORIGIN_MESSAGE_ID": "U1",
        "DELAY": "5",
    }
    assert (properties["own"], properties["UNIQ_KEY"]) == ("mine", "U1")
    assert "TRAN_MSG" not in properties
    assert cluster.offsets["cg", "a", "T", 0] == 2


async def test_a_message_that_cannot_be_sent_there_comes_again(cluster, autojump_clock, caplog):
    fill(cluster, 2)
    refuse = cluster.faults.append
    refuse(lambda _, command: (1, "no") if command.code == R.SEND_MESSAGE_V2 else None)
    seen = Seen(AGAIN, AGAIN)
    async with orderly(cluster, max_reconsume_times=0) as c:
        c.subscribe("T", "*", seen)
        await settle(5)
    assert seen.bodies() == [b"0", b"0", b"0", b"1"]
    assert "is not sent to the retries of cg" in caplog.text


async def test_there_is_no_limit_by_default(cluster, autojump_clock):
    fill(cluster, 1)
    seen = Seen(*[AGAIN] * 30)
    async with orderly(cluster) as c:
        c.subscribe("T", "*", seen)
        await settle(35)
    assert [count for *_, count in seen] == list(range(31))
    assert not cluster.codes(R.SEND_MESSAGE_V2)


async def test_retries_of_several_topics_reach_the_listener_of_each(cluster, autojump_clock):
    cluster.add_topic("U", queue_nums=1)
    for number, topic in enumerate("TTUT"):
        properties = {"RETRY_TOPIC": topic}
        cluster.store("%RETRY%cg", f"{topic}{number}".encode(), properties=properties)
    order = []

    def listener(topic):
        def listen(messages):
            assert {message.topic for message in messages} == {topic}
            order.append([message.body for message in messages])
            return S.SUCCESS

        return listen

    async with orderly(cluster, consume_message_batch_max_size=9) as c:
        c.subscribe("T", "*", listener("T"))
        c.subscribe("U", "*", listener("U"))
        await settle()
    assert order == [[b"T0", b"T1"], [b"U2"], [b"T3"]]


# ---- the consumer's end, and what administrators ask


async def test_what_nobody_has_begun_is_not_consumed_at_the_end(cluster, autojump_clock):
    fill(cluster, 5)
    seen = Seen()

    async def slow(messages):
        await trio.sleep(2)
        return seen(messages)

    async with orderly(cluster) as c:
        c.subscribe("T", "*", slow)
        await settle(3)
    assert seen.bodies() == [b"0", b"1"]
    assert cluster.offsets["cg", "a", "T", 0] == 2


async def test_reset_offsets_go_on_from_there(cluster, autojump_clock):
    fill(cluster, 3)
    seen = Seen()
    async with orderly(cluster) as c:
        c.subscribe("T", "*", seen)
        await settle()
        c._state.tasks.spawn(c._queues.reset, QUEUES[0], 1)
        await settle(21)
    assert seen.bodies() == [b"0", b"1", b"2", b"1", b"2"]
    assert cluster.offsets["cg", "a", "T", 0] == 3


async def test_running_info_tells_of_locks_and_of_what_is_under_way(cluster, autojump_clock):
    fill(cluster, 3)

    async def slow(messages):
        await trio.sleep(50)

    async with orderly(cluster, await_termination_millis_when_shutdown=0) as c:
        c.subscribe("T", "*", slow)
        await settle(2)
        info = await running_info(cluster, c)
    queue = info.mq_table[QUEUES[0]]
    assert info.properties["PROP_CONSUMEORDERLY"] == "true"
    assert (queue.locked, queue.last_lock_timestamp) == (True, NOW + 1_000)
    assert (queue.cached_msg_count, queue.cached_msg_min_offset) == (2, 1)
    assert (queue.transaction_msg_count, queue.transaction_msg_min_offset) == (1, 0)


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (S.SUCCESS, "CR_SUCCESS"),
        (S.COMMIT, "CR_COMMIT"),
        (S.ROLLBACK, "CR_ROLLBACK"),
        (AGAIN, "CR_LATER"),
        (None, "CR_RETURN_NULL"),
    ],
)
async def test_consume_message_directly(cluster, autojump_clock, status, result):
    stored = cluster.store("T", b"direct")
    async with orderly(cluster, consume_from_where="CONSUME_FROM_LAST_OFFSET") as c:
        c.subscribe(
            "T", "*", lambda messages, context: (setattr(context, "auto_commit", False), status)[1]
        )
        await settle()
        header = h.ConsumeMessageDirectlyResultRequestHeader(
            consumer_group="cg", client_id=c.client_id, broker_name="a"
        )
        connection = cluster.tell(R.CONSUME_MESSAGE_DIRECTLY, header, encode_message(stored))
        await settle(0.1)
    ((_, answer),) = connection.replies
    body = ConsumeMessageDirectlyResult.decode(answer.body)
    assert (body.consume_result, body.order, body.auto_commit) == (result, True, False)
