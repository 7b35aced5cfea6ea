"""Consuming lite topics: a real broker in this event loop, on virtual time."""

import re
from pathlib import Path

import pytest
import trio

from rmqwire import MemoryDedupe, Message, Producer
from rmqwire.client.lite_api import PopLiteAnswer
from rmqwire.codec import headers as h
from rmqwire.codec.bodies import ConsumeMessageDirectlyResult, MessageQueue
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.namespace import Namespace
from rmqwire.codec.record import encode_message
from rmqwire.consumer.reading.lite_result import popped_lite_messages
from rmqwire.consumer.working import acks
from rmqwire.errors import ProtocolError, RouteNotFound
from tests.client.fake_cluster import FakeCluster
from tests.consumer.lite_support import AGAIN_S, consumer, lite, pretending, send
from tests.consumer.support import LATER, OK, Seen, running_info, until
from tests.consumer.support import consumer as fake_consumer

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "lite-topics.md"


async def test_the_messages_of_a_subscribed_lite_topic_come_in_order_and_once(autojump_clock):
    seen = Seen()
    async with lite() as rmq, consumer(rmq, seen, pop_batch_nums=4) as c:
        await c.subscribe_lite("a")
        await c.subscribe_lite("b")
        await send(rmq, "a", *(b"a%d" % n for n in range(20)))
        await send(rmq, "b", *(b"b%d" % n for n in range(20)))
        await send(rmq, "c", b"for nobody")
        await until(lambda: len(seen) == 40)
        await trio.sleep(AGAIN_S)
        assert [body for body in seen if body[:1] == b"a"] == [b"a%d" % n for n in range(20)]
        assert [body for body in seen if body[:1] == b"b"] == [b"b%d" % n for n in range(20)]
        assert len(seen) == 40
        assert {m.topic for m in seen.messages} == {"lt"}
        places = [m.queue_offset for m in seen.messages if m.lite_topic == "b"]
        assert places == list(range(20))
        assert c.lite_topics == {"a", "b"}
        assert c.health.problems == {}
        assert [sign.error for sign in c.health.pulls.values()] == [None]


async def test_a_message_that_fails_holds_up_its_lite_topic_and_no_other(autojump_clock):
    came = []

    def listen(messages):
        body = messages[0].body
        came.append((body, messages[0].reconsume_times))
        return LATER if body == b"a1" and messages[0].reconsume_times < 2 else OK

    async with lite() as rmq, consumer(rmq, listen) as c:
        await send(rmq, "a", b"a0", b"a1", b"a2")
        await send(rmq, "b", b"b0", b"b1")
        await c.subscribe_lite("a")
        await c.subscribe_lite("b")
        began = trio.current_time()
        await until(lambda: (b"a2", 2) in came, 200)
        took = trio.current_time() - began
        await trio.sleep(AGAIN_S)
    assert [one for one in came if one[0][:1] == b"a"] == [
        (b"a0", 0), (b"a1", 0), (b"a1", 1), (b"a1", 2), (b"a2", 2)
    ]  # fmt: skip
    assert [one for one in came if one[0][:1] == b"b"] == [(b"b0", 0), (b"b1", 0)]
    assert 4 <= took <= 10


async def test_the_listener_may_say_how_long_its_lite_topic_stands_still(
    autojump_clock, monkeypatch
):
    came = []

    def listen(messages, context):
        came.append(trio.current_time())
        context.delay_level_when_next_consume = 1
        return LATER if len(came) == 1 else OK

    monkeypatch.setattr(acks, "POP_DELAYS_S", (0, 4))  # instead of half a minute
    async with lite() as rmq, consumer(rmq, listen) as c:
        await send(rmq, "a", b"x")
        await c.subscribe_lite("a")
        await until(lambda: len(came) == 2, 100)
    assert 4 <= came[1] - came[0] <= 6


async def test_what_has_failed_often_enough_goes_to_the_dead_letters_and_the_next_follow(
    autojump_clock,
):
    came = []

    def listen(messages):
        came.append(messages[0].body)
        if messages[0].body == b"bad":
            raise RuntimeError("no")
        return OK

    async with lite() as rmq, consumer(rmq, listen, max_reconsume_times=1) as c:
        await send(rmq, "a", b"bad", b"good")
        await c.subscribe_lite("a")
        await until(lambda: b"good" in came, 100)
        await trio.sleep(AGAIN_S)
        assert came == [b"bad", b"bad", b"good"]
        assert [message.body for message in await rmq.dlq("gl")] == [b"bad"]


async def test_a_message_that_no_broker_buries_comes_again(autojump_clock):
    came = []

    def listen(messages):
        came.append(messages[0].body)
        return LATER

    async with lite() as rmq, consumer(rmq, listen, max_reconsume_times=0) as c:
        refusing(c)
        await send(rmq, "a", b"bad")
        await c.subscribe_lite("a")
        await until(lambda: len(came) == 2, 200)
        assert await rmq.messages("%RETRY%gl") == []


def refusing(c):
    """Let no broker take a message back."""

    async def refuse(name, header):
        raise RouteNotFound(f"no {name}")

    c._instance.send_back = refuse


async def test_two_members_share_the_messages_of_their_lite_topics(autojump_clock):
    first, second = Seen(), Seen()
    async with lite() as rmq, consumer(rmq, first) as one, consumer(rmq, second) as two:
        names = [f"l{n}" for n in range(12)]
        for name in names:
            await one.subscribe_lite(name)
            await two.subscribe_lite(name)
        for name in names:
            await send(rmq, name, name.encode())
        await until(lambda: len(first) + len(second) == 12)
        await trio.sleep(AGAIN_S)
    assert sorted(first + second) == sorted(name.encode() for name in names)
    assert first
    assert second


async def test_members_that_leave_give_their_lite_topics_to_the_others(autojump_clock):
    first, second = Seen(), Seen()
    async with lite() as rmq, consumer(rmq, second) as two:
        async with consumer(rmq, first) as one:
            for member in (one, two):
                await member.subscribe_lite("a")
        await send(rmq, "a", b"0", b"1")
        await until(lambda: len(second) == 2)
    assert (first, second) == ([], [b"0", b"1"])


async def test_what_was_consumed_before_is_acknowledged_and_not_handed_out(autojump_clock):
    window, seen = MemoryDedupe(), Seen()
    message = Message("lt", b"x", lite_topic="a")
    async with lite() as rmq, consumer(rmq, seen, dedupe=window) as c:
        await c.subscribe_lite("a")
        async with Producer("pg", namesrv_addr=rmq.namesrv_addr) as producer:
            await producer.send(message)
            await producer.send(message)
            await producer.send(Message("lt", b"y", lite_topic="a"))
        await until(lambda: len(seen) == 2)
        await trio.sleep(AGAIN_S)
    assert seen == [b"x", b"y"]


async def test_what_takes_too_long_comes_again_and_is_not_acknowledged(autojump_clock):
    came = []

    async def listen(messages):
        came.append((messages[0].body, messages[0].reconsume_times))
        if len(came) == 1:
            await trio.sleep(6)
        return OK

    async with lite() as rmq, consumer(rmq, listen) as c:
        await send(rmq, "a", b"0", b"1")
        await c.subscribe_lite("a")
        await until(lambda: len(came) == 3)
        await trio.sleep(AGAIN_S)
    assert came == [(b"0", 0), (b"0", 1), (b"1", 1)]


async def test_a_suspended_consumer_pops_nothing(autojump_clock):
    seen = Seen()
    async with lite() as rmq, consumer(rmq, seen) as c:
        await c.subscribe_lite("a")
        await trio.sleep(3)
        c.suspend()
        await send(rmq, "a", b"0")  # this answers the pop that waits
        await until(lambda: seen == [b"0"])
        await send(rmq, "a", b"1")
        await trio.sleep(3)
        assert seen == [b"0"]
        c.resume()
        await until(lambda: seen == [b"0", b"1"])


async def test_administrators_see_what_it_pops_from_and_move_nothing(autojump_clock):
    cluster = FakeCluster()
    async with fake_consumer(cluster, pretending(cluster)) as c:
        await trio.sleep(3)
        info = await running_info(cluster, c)
        assert [(q.topic, q.queue_id) for q in info.mq_pop_table] == [("lt", -1)]
        assert info.properties["popInvisibleTime"] == "60000"
        reset = h.ResetOffsetRequestHeader(topic="lt", group="cg", timestamp=0, is_force=True)
        assert cluster.tell(R.RESET_CONSUMER_CLIENT_OFFSET, reset).replies == []
        status = h.GetConsumerStatusRequestHeader(topic="lt", group="cg")
        ((_, answer),) = cluster.tell(R.GET_CONSUMER_STATUS_FROM_CLIENT, status).replies
        assert b'"messageQueueTable":{}' in answer.body
    (beat,) = {beat.consumer_data_set[0].message_model for _, beat in cluster.heartbeats}
    assert beat == "LITE_SELECTIVE"


async def test_an_administrator_has_one_message_consumed(autojump_clock):
    cluster = FakeCluster()
    message = cluster.store("lt", b"x", properties={"__LITE_TOPIC": "a"})
    async with fake_consumer(cluster, pretending(cluster)) as c:
        header = h.ConsumeMessageDirectlyResultRequestHeader(
            consumer_group="cg", client_id=c.client_id, broker_name="a"
        )
        told = cluster.tell(R.CONSUME_MESSAGE_DIRECTLY, header, encode_message(message))
        await trio.sleep(1)
    ((_, answer),) = told.replies
    assert ConsumeMessageDirectlyResult.decode(answer.body).consume_result == "CR_SUCCESS"


@pytest.mark.parametrize(
    ("properties", "counts"),
    [({}, "0"), ({"__LITE_TOPIC": "a", "INNER_MULTI_QUEUE_OFFSET": "0"}, "x")],
)
async def test_an_answer_that_cannot_be_is_not_handed_out(autojump_clock, properties, counts):
    cluster = FakeCluster()
    seen = Seen()
    record = encode_message(cluster.store("lt", b"x", properties=properties))
    make = pretending(cluster)

    def pop(_, command):
        if command.code != R.POP_LITE_MESSAGE:
            return None
        header = h.PopLiteMessageResponseHeader(order_count_info=counts)
        answer = command.create_response(0, "FOUND", header, record)
        return answer.code, answer.remark, header, record

    cluster.faults.insert(0, pop)
    async with fake_consumer(cluster, make) as c:
        await trio.sleep(5)
        assert isinstance(c.health.last_refusal.error, ProtocolError)
    assert seen == []


def test_counts_are_read_as_brokers_leave_them_out():
    def messages():
        for offset in (4, 5, 6):
            yield "a", offset
        for offset in (5, 6):
            yield "b", offset

    cluster = FakeCluster()
    records = b"".join(
        encode_message(
            cluster.store(
                "lt",
                b"x",
                properties={"__LITE_TOPIC": name, "INNER_MULTI_QUEUE_OFFSET": str(offset)},
            )
        )
        for name, offset in messages()
    )
    for info, counts in (
        (None, [0, 0, 0, 0, 0]),
        ("0 qo0%5 2;0;0", [0, 2, 0, 0, 0]),
        ("1;1;1;0 qo0%6 3", [1, 1, 1, 0, 3]),
        ("0;0;0;0;0;9", [0, 0, 0, 0, 0]),
    ):
        header = h.PopLiteMessageResponseHeader(order_count_info=info)
        answer = PopLiteAnswer(0, header, records)
        found = popped_lite_messages(answer, MessageQueue("lt", "a", -1), Namespace(None))
        assert [one.reconsume_times for one in found] == counts
        assert [one.queue_offset for one in found] == [4, 5, 6, 5, 6]


async def test_the_program_of_the_page_runs_to_its_end(autojump_clock):
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    space = {}
    exec(program, space)
    done = trio.Event()
    async with lite() as rmq:
        await rmq.create_topic("Orders", attributes="+message.type=LITE")
        await rmq.create_group("workers", attributes="+lite.bind.topic=Orders")
        space["NAMESRV"] = rmq.namesrv_addr
        with trio.fail_after(40):
            await space["customer"](done)
    assert done.is_set()
