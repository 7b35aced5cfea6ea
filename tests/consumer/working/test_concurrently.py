"""Listeners running side by side, against a cluster in memory, on virtual time."""

import pytest
import trio

from rmqwire.codec import headers as h
from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.properties import decode_properties
from rmqwire.errors import ConnectFailed
from tests.consumer.support import (
    FIRST,
    LATER,
    NOW,
    OK,
    R,
    Seen,
    consumer,
    raising,
    running_info,
    settle,
    virtual_ms,
)


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


async def test_messages_behind_the_ack_index_come_again_at_the_level_of_the_context(
    cluster, autojump_clock
):
    stored = [cluster.store("T", str(number).encode()) for number in range(4)]
    queues = []

    def listen(messages, context):
        queues.append(context.message_queue)
        context.ack_index = 1
        context.delay_level_when_next_consume = 5
        return OK

    async with consumer(cluster, consume_from_where=FIRST, consume_message_batch_max_size=4) as c:
        c.subscribe("T", "*", listen)
        await settle()
        info = await running_info(cluster, c)
    sent_back = [(header.offset, header.delay_level) for header in cluster.sent_back]
    assert sent_back == [(stored[2].physical_offset, 5), (stored[3].physical_offset, 5)]
    assert queues == [MessageQueue("T", "a", 0)]
    assert cluster.offsets["cg", "a", "T", 0] == 4
    rates = info.status_table["T"]
    assert rates.consume_oktps == rates.consume_failed_tps == pytest.approx(2 / 60)


@pytest.mark.parametrize(("index", "expected"), [(-1, 2), (0, 1), (1, 0), (2, 0), (99, 0), (-7, 2)])
async def test_any_ack_index(cluster, autojump_clock, index, expected):
    for body in (b"a", b"b"):
        cluster.store("T", body)

    async def listen(messages, context):
        context.ack_index = index
        return OK

    async with consumer(cluster, consume_from_where=FIRST, consume_message_batch_max_size=2) as c:
        c.subscribe("T", "*", listen)
        await settle()
    assert len(cluster.sent_back) == expected
    assert cluster.offsets["cg", "a", "T", 0] == 2


async def test_failed_message_may_go_to_the_dead_letters_at_once(cluster, autojump_clock):
    cluster.store("T", b"x")

    def listen(messages, context):
        context.delay_level_when_next_consume = -1
        return LATER

    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", listen)
        await settle()
    assert [header.delay_level for header in cluster.sent_back] == [-1]


async def test_message_says_when_its_listener_began(cluster, autojump_clock):
    cluster.store("T", b"x")
    seen = Seen()
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", seen)
        await settle()
    assert seen.messages[0].properties["CONSUME_START_TIME"] == str(NOW)


async def test_retries_of_several_topics_reach_the_listener_of_each(cluster, autojump_clock):
    cluster.add_topic("U", queue_nums=1)
    for number, topic in enumerate("TTUTUU"):
        properties = {"RETRY_TOPIC": topic}
        cluster.store("%RETRY%cg", f"{topic}{number}".encode(), properties=properties)
    of_t, of_u = Seen(), Seen()
    async with consumer(cluster, consume_from_where=FIRST, consume_message_batch_max_size=9) as c:
        c.subscribe("T", "*", of_t)
        c.subscribe("U", "*", of_u)
        await settle()
    assert of_t == [b"T0", b"T1", b"T3"]
    assert of_u == [b"U2", b"U4", b"U5"]


async def test_message_its_broker_does_not_take_back_is_sent_as_a_new_one(cluster, autojump_clock):
    cluster.add_topic("%RETRY%cg", queue_nums=1, brokers=("b",))
    cluster.store("T", b"x", properties={"UNIQ_KEY": "U1", "own": "mine"}, reconsume_times=1)
    cluster.faults.append(
        lambda addr, command: (
            ConnectFailed("no", addr) if command.code == R.CONSUMER_SEND_MSG_BACK else None
        )
    )
    seen = Seen(LATER)
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", seen)
        await settle()
    (header,) = cluster.headers(R.SEND_MESSAGE_V2, h.SendMessageRequestHeaderV2)
    assert (header.topic, header.producer_group) == ("%RETRY%cg", "CLIENT_INNER_PRODUCER")
    assert (header.reconsume_times, header.max_reconsume_times) == (2, 16)
    properties = decode_properties(header.properties)
    assert (
        properties.items()
        >= {
            "RETRY_TOPIC": "T",
            "ORIGIN_MESSAGE_ID": "U1",
            "UNIQ_KEY": "U1",
            "DELAY": "4",
            "own": "mine",
        }.items()
    )
    assert [message.body for message in cluster.queues["b", "%RETRY%cg", 0]] == [b"x"]
    assert cluster.offsets["cg", "a", "T", 0] == 1


async def test_message_that_no_broker_takes_is_tried_again_here(cluster, autojump_clock):
    cluster.store("T", b"x")
    cluster.store("T", b"y")
    refused = {R.CONSUMER_SEND_MSG_BACK, R.SEND_MESSAGE_V2}
    cluster.faults.append(lambda _, command: (1, "no") if command.code in refused else None)
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
