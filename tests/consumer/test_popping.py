"""Popping by our push consumer: a real broker in this event loop, on virtual time."""

from contextlib import asynccontextmanager

import pytest
import trio

from rmqwire import MemoryDedupe, Message, MessageQueue, Producer, PushConsumer, clock
from rmqwire.codec.bodies import SetMessageRequestModeRequestBody
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.java_hash import tags_code
from rmqwire.codec.pop import pop_retry_topic
from rmqwire.consumer.group.allocate import allocate_by_consistent_hash
from rmqwire.consumer.hooks import ConsumeHook
from rmqwire.errors import UsageError
from rmqwire.remoting.client import RemotingClient
from rmqwire.testing import trio_cluster
from tests.consumer.support import FIRST, LATER, OK, Seen, until

AGAIN_S = 10  # what is not acknowledged within 5 s has come again
ALL = -1  # the queue number that is all of a broker


@asynccontextmanager
async def popping(share=0, queues=2, prefix="", **settings):
    """Run a broker with a topic that group cg pops, both with a namespace's prefix."""
    settings = {"popConsumerKVServiceInit": "false", **settings}
    async with trio_cluster(**settings) as rmq:
        await rmq.create_topic(f"{prefix}T", queues=queues)
        await rmq.create_group(f"{prefix}cg")
        await set_mode(rmq, "POP", share, prefix)
        yield rmq


async def broker_of(client, rmq):
    route = RemotingCommand.request(int(R.GET_BROKER_CLUSTER_INFO))
    answer = await client.invoke(rmq.namesrv_addr, route)
    text = bytes(answer.body).decode()
    return text[text.index("127.0.0.1:") :].split('"')[0]


async def set_mode(rmq, mode, share=0, prefix=""):
    body = SetMessageRequestModeRequestBody(
        topic=f"{prefix}T", consumer_group=f"{prefix}cg", mode=mode, pop_share_queue_num=share
    )
    async with RemotingClient() as client:
        addr = await broker_of(client, rmq)
        request = RemotingCommand.request(int(R.SET_MESSAGE_REQUEST_MODE), body=body.encode())
        assert (await client.invoke(addr, request)).code == 0


def consumer(rmq, **config):
    began = clock.wall_ms() - int(trio.current_time() * 1000)
    return PushConsumer(
        config.pop("group", "cg"),
        namesrv_addr=rmq.namesrv_addr,
        wall_ms=lambda: began + int(trio.current_time() * 1000),
        client_rebalance=False,
        consume_from_where=FIRST,
        pop_invisible_time=config.pop("pop_invisible_time", 5_000),
        **config,
    )


async def send(rmq, *bodies, namespace=None, **fields):
    async with Producer("pg", namesrv_addr=rmq.namesrv_addr, namespace=namespace) as producer:
        for body in bodies:
            await producer.send(Message("T", body, **fields))


async def test_what_a_broker_says_is_popped_is_popped_and_acknowledged(autojump_clock):
    seen = Seen()
    async with popping() as rmq, consumer(rmq) as c:
        c.subscribe("T", "*", seen)
        await send(rmq, *(b"%d" % n for n in range(50)))
        await until(lambda: len(seen) == 50)
        await trio.sleep(AGAIN_S)
        assert sorted(seen, key=int) == [b"%d" % n for n in range(50)]
        assert {queue.queue_id for queue in c.assigned_queues() if queue.topic == "T"} == {ALL}
        assert all("POP_CK" in message.properties for message in seen.messages)
        assert {message.topic for message in seen.messages} == {"T"}
        assert c.health.problems == {}
        (queue,) = (one for one in c.health.pulls if one.topic == "T")
        assert c.health.pulls[queue].error is None


class OnlyEven(ConsumeHook):
    """Wants messages whose body is an even number, and remembers what it was asked for."""

    def __init__(self):
        self.asked = []

    def wants(self, message):
        self.asked.append(message.body)
        return int(message.body) % 2 == 0


async def test_what_a_hook_does_not_want_is_acknowledged(autojump_clock):
    hook, seen = OnlyEven(), Seen()
    async with popping(queues=1) as rmq:
        await send(rmq, b"0", b"1", b"2")
        async with consumer(rmq, hooks=[hook]) as c:
            c.subscribe("T", "*", seen)
            await until(lambda: len(seen) == 2)
            await trio.sleep(AGAIN_S)
    assert seen == [b"0", b"2"]
    assert hook.asked == [b"0", b"1", b"2"]  # none has come again


async def test_batches_are_acknowledged_together(autojump_clock):
    seen = []

    def listen(messages, context):
        seen.append([message.body for message in messages])
        if len(messages) == 4 and len(seen) == 1:
            context.ack_index = 1  # the others come again
        return OK

    async with popping(queues=1) as rmq:
        await send(rmq, b"0", b"1", b"2", b"3")
        async with consumer(rmq, consume_message_batch_max_size=4) as c:
            c.subscribe("T", "*", listen)
            await until(lambda: sum(map(len, seen)) >= 6)
            await trio.sleep(AGAIN_S)
    assert seen[0] == [b"0", b"1", b"2", b"3"]
    assert sorted(body for batch in seen[1:] for body in batch) == [b"2", b"3"]


async def test_what_was_consumed_before_is_acknowledged_and_not_handed_out(autojump_clock):
    window, seen, came = MemoryDedupe(), Seen(), []
    message = Message("T", b"x")
    async with popping() as rmq, Producer("pg", namesrv_addr=rmq.namesrv_addr) as producer:
        await producer.send(message)
        async with consumer(rmq, dedupe=window) as c:
            c.subscribe("T", "*", seen)
            await until(lambda: seen == [b"x"])
            await producer.send(message)
            await trio.sleep(AGAIN_S)
        await producer.send(message)
        await producer.send(Message("T", b"y"))
        async with consumer(rmq, dedupe=window) as c:
            c.subscribe("T")
            with trio.move_on_after(AGAIN_S):
                async for delivery in c:
                    delivery.ack()
                    came.append(delivery.body)
    assert (seen, came) == ([b"x"], [b"y"])


async def test_what_fails_comes_again_after_ten_seconds_and_says_how_often(autojump_clock):
    came = []

    def listen(messages):
        came.append((messages[0].reconsume_times, trio.current_time()))
        return LATER if len(came) < 3 else OK

    async with popping() as rmq, consumer(rmq) as c:
        c.subscribe("T", "*", listen)
        await send(rmq, b"x")
        await until(lambda: len(came) == 3, 300)
        await trio.sleep(AGAIN_S)
    assert [times for times, _ in came] == [0, 1, 2]
    first, second = came[1][1] - came[0][1], came[2][1] - came[1][1]
    assert 10 <= first <= 25
    assert 30 <= second <= 45


async def test_what_came_often_enough_goes_to_the_dead_letters(autojump_clock):
    came = []

    def listen(messages):
        came.append(messages[0].reconsume_times)
        return LATER

    async with popping() as rmq:
        async with consumer(rmq, max_reconsume_times=1) as c:
            c.subscribe("T", "*", listen)
            await send(rmq, b"x")
            await until(lambda: len(came) == 2, 300)
            await trio.sleep(40)
        assert came == [0, 1]
        assert [message.body for message in await rmq.dlq("cg")] == [b"x"]


async def test_what_takes_too_long_comes_again_and_its_end_is_not_told(autojump_clock, caplog):
    came = []

    async def listen(messages):
        came.append(trio.current_time())
        if len(came) == 1:
            await trio.sleep(20)
        return OK

    async with popping() as rmq, consumer(rmq, pop_invisible_time=5_000) as c:
        c.subscribe("T", "*", listen)
        await send(rmq, b"x")
        await until(lambda: len(came) == 2)
        await trio.sleep(60)
    assert len(came) == 2
    assert "the pop's 5000 ms are over" in caplog.text


async def test_one_who_iterates_settles_popped_messages(autojump_clock):
    came = []

    async def take(c):
        async for delivery in c:
            came.append(delivery.body)
            if came.count(b"later") == 1 and delivery.body == b"later":
                delivery.later(1)
            elif delivery.body == b"dead":
                delivery.later(-1)
            else:
                with pytest.raises(UsageError, match="only the queues of an orderly"):
                    delivery.suspend()
                delivery.ack()

    async with popping() as rmq:
        async with consumer(rmq) as c, trio.open_nursery() as nursery:
            c.subscribe("T")
            nursery.start_soon(take, c)
            await send(rmq, b"ack", b"later", b"dead")
            await until(lambda: len(came) == 4, 90)
            await trio.sleep(AGAIN_S)
            nursery.cancel_scope.cancel()
        assert sorted(came) == [b"ack", b"dead", b"later", b"later"]
        assert [message.body for message in await rmq.dlq("cg")] == [b"dead"]


async def test_what_is_under_way_when_the_consumer_closes_is_still_acknowledged(autojump_clock):
    began = trio.Event()
    came = []

    async def listen(messages):
        came.append(messages[0].body)
        began.set()
        await trio.sleep(2)
        return OK

    async with popping() as rmq:
        async with consumer(rmq) as c:
            c.subscribe("T", "*", listen)
            await send(rmq, b"x")
            await began.wait()
        async with consumer(rmq) as c:
            c.subscribe("T", "*", listen)
            await trio.sleep(AGAIN_S)
    assert came == [b"x"]


async def test_a_group_is_switched_while_it_consumes(autojump_clock):
    seen = Seen()
    async with popping() as rmq, consumer(rmq) as c:
        c.subscribe("T", "*", seen)
        numbers = lambda: sorted(q.queue_id for q in c.assigned_queues() if q.topic == "T")  # noqa: E731
        await send(rmq, b"a")
        await until(lambda: len(seen) == 1)
        assert numbers() == [ALL]
        await trio.sleep(5)  # the group's offset passes a pop when that is on the disk
        await set_mode(rmq, "PULL")
        await until(lambda: numbers() == [0, 1], 30)
        await trio.sleep(16)  # until the pop that waits at the broker has been answered
        await send(rmq, b"b")
        await until(lambda: len(seen) == 2)
        await set_mode(rmq, "POP")
        await until(lambda: numbers() == [ALL], 30)
        await send(rmq, b"c")
        await until(lambda: len(seen) == 3)
        await trio.sleep(AGAIN_S)
        assert seen == [b"a", b"b", b"c"]


async def test_what_a_pop_brings_that_waited_while_the_group_was_switched_is_consumed(
    autojump_clock,
):
    """Nobody needs to have it once more when its time is over."""
    seen = Seen()
    async with popping() as rmq, consumer(rmq) as c:
        c.subscribe("T", "*", seen)
        await trio.sleep(2)
        await set_mode(rmq, "PULL")
        c.resume()  # divides at once
        await until(lambda: ALL not in {queue.queue_id for queue in c.assigned_queues()})
        await send(rmq, b"x")
        await trio.sleep(2 * AGAIN_S)
    assert {message.body for message in seen.messages} == {b"x"}
    assert {message.reconsume_times for message in seen.messages} == {0}


async def test_what_pops_left_is_pulled_from_their_retry_topic(autojump_clock):
    """A message whose pop failed lies in the pop retry topic when the group pulls again."""
    failing, seen = Seen(LATER), Seen()
    async with popping() as rmq:
        async with consumer(rmq) as c:
            c.subscribe("T", "*", failing)
            await send(rmq, b"x")
            await until(lambda: failing == [b"x"])
        await set_mode(rmq, "PULL")
        await trio.sleep(30)  # it is revived, and nobody is there
        async with consumer(rmq) as c:
            c.subscribe("T", "*", seen)
            await until(lambda: len(seen) == 1)
            topics = {queue.topic for queue in c.assigned_queues()}
        assert pop_retry_topic("T", "cg") in topics
        assert [(message.topic, message.body) for message in seen.messages] == [("T", b"x")]


async def test_a_namespace_is_on_the_wire_alone(autojump_clock):
    seen = Seen(LATER)
    async with popping(prefix="ns%") as rmq, consumer(rmq, namespace="ns") as c:
        c.subscribe("T", "*", seen)
        await send(rmq, b"x", namespace="ns")
        await until(lambda: len(seen) == 2)
        await trio.sleep(AGAIN_S)
        assert {queue.queue_id for queue in c.assigned_queues() if queue.topic == "T"} == {ALL}
        await set_mode(rmq, "PULL", prefix="ns%")
        await trio.sleep(40)
        topics = {queue.topic for queue in c.assigned_queues()}
    assert [(one.topic, one.reconsume_times) for one in seen.messages] == [("T", 0), ("T", 1)]
    assert topics == {"T", "%RETRY%cg", "%RETRY%cg_ns%T"}


async def test_two_members_share_the_messages(autojump_clock):
    one, two = Seen(), Seen()
    async with popping(queues=4) as rmq:
        first = consumer(rmq, instance_name="one", pop_batch_nums=4)
        second = consumer(rmq, instance_name="two", pop_batch_nums=4)
        async with first, second:
            first.subscribe("T", "*", one)
            second.subscribe("T", "*", two)
            await trio.sleep(30)
            await send(rmq, *(b"%d" % n for n in range(40)))
            await until(lambda: len(one) + len(two) == 40)
            await trio.sleep(AGAIN_S)
    assert sorted([*one, *two], key=int) == [b"%d" % n for n in range(40)]
    assert one
    assert two


async def test_running_info_tells_what_is_popped(autojump_clock):
    waits = trio.Event()

    async def listen(messages):
        await waits.wait()
        return OK

    async with popping() as rmq, consumer(rmq) as c:
        c.subscribe("T", "*", listen)
        await send(rmq, b"x", b"y")
        await trio.sleep(5)
        info = c._instance.consumers["cg"].running_info()
        ((queue, popped),) = info.mq_pop_table.items()
        assert queue == MessageQueue("T", queue.broker_name, ALL)
        assert (popped.wait_ack_count, popped.droped) == (2, False)
        assert info.properties["clientRebalance"] == "false"
        waits.set()
        await trio.sleep(5)
        assert c._instance.consumers["cg"].running_info().mq_pop_table[queue].wait_ack_count == 0


async def test_a_suspended_consumer_pops_nothing(autojump_clock):
    seen = Seen()
    async with popping() as rmq, consumer(rmq) as c:
        c.subscribe("T", "*", seen)
        await trio.sleep(2)
        c.suspend()
        await trio.sleep(20)  # the pop that waits is answered
        await send(rmq, b"x")
        await trio.sleep(30)
        assert seen == []
        c.resume()
        await until(lambda: seen == [b"x"])


async def test_popping_pauses_while_too_many_are_open(autojump_clock):
    waits = trio.Event()
    taken = []

    async def listen(messages):
        taken.append(messages)
        await waits.wait()
        return OK

    async with popping(queues=1) as rmq:
        await send(rmq, *(b"%d" % n for n in range(40)))
        async with consumer(
            rmq,
            pop_invisible_time=60_000,
            pop_threshold_for_queue=7,
            pop_batch_nums=4,
            consume_thread_max=100,
        ) as c:
            c.subscribe("T", "*", listen)
            await trio.sleep(10)
            assert len(taken) == 8
            waits.set()
            await until(lambda: len(taken) == 40)


async def test_a_broker_that_refuses_is_asked_again_and_health_says_so(autojump_clock):
    seen = Seen()
    async with popping() as rmq, consumer(rmq) as c:
        rmq.fail_next("POP_MESSAGE", "NO_PERMISSION", times=3)
        c.subscribe("T", "*", seen)
        await send(rmq, b"x")
        await until(lambda: "T" in c.health.problems)
        assert "every pull of topic T fails" in c.health.problems["T"]
        await until(lambda: seen == [b"x"])
        rmq.fail_next("QUERY_ASSIGNMENT", "NO_PERMISSION", times=2)
        c.resume()  # divides at once
        await until(lambda: "T" in c.health.problems)
        assert "no broker tells the members of group cg" in c.health.problems["T"]
        await until(lambda: c.health.problems == {})


@pytest.mark.parametrize("code", ["FLOW_CONTROL", "POLLING_FULL", "SUBSCRIPTION_NOT_EXIST"])
async def test_whatever_a_broker_says_the_consumer_goes_on(autojump_clock, code):
    seen = Seen(LATER)
    async with popping() as rmq, consumer(rmq, pull_interval=1) as c:
        rmq.fail_next("POP_MESSAGE", code)
        rmq.fail_next("CHANGE_MESSAGE_INVISIBLETIME", "NO_PERMISSION")
        c.subscribe("T", "*", seen)
        await send(rmq, b"x")
        await until(lambda: seen == [b"x", b"x"])  # not put off: its time was over


async def test_what_a_broker_does_not_hear_comes_again(autojump_clock):
    seen = Seen()
    async with popping() as rmq, consumer(rmq, pop_invisible_time=10_000) as c:
        rmq.fail_next("ACK_MESSAGE", "NO_PERMISSION")
        c.subscribe("T", "*", seen)
        await send(rmq, b"x")
        await until(lambda: len(seen) == 2)
        assert [message.reconsume_times for message in seen.messages] == [0, 1]


async def test_a_broker_without_acks_of_several_gets_single_ones(autojump_clock):
    seen = Seen()
    async with popping(queues=1) as rmq:
        await send(rmq, *(b"%d" % n for n in range(8)))
        rmq.fail_next("BATCH_ACK_MESSAGE", "REQUEST_CODE_NOT_SUPPORTED")
        async with consumer(rmq, consume_message_batch_max_size=4) as c:
            c.subscribe("T", "*", seen)
            await trio.sleep(AGAIN_S)
    assert sorted(seen) == [b"%d" % n for n in range(8)]


@pytest.mark.parametrize("config", [{"consume_orderly": True}, {"message_model": "BROADCASTING"}])
async def test_orderly_and_broadcasting_consumers_never_pop(autojump_clock, config, tmp_path):
    async with popping() as rmq, consumer(rmq, local_offset_store_dir=str(tmp_path), **config) as c:
        c.subscribe("T")
        await trio.sleep(5)
        assert {q.queue_id for q in c.assigned_queues() if q.topic == "T"} == {0, 1}


def test_a_strategy_that_brokers_do_not_know_is_refused():
    with pytest.raises(UsageError, match="brokers know only the strategies AVG and AVG_BY_CIRCLE"):
        PushConsumer(
            "cg",
            namesrv_addr="127.0.0.1:1",
            client_rebalance=False,
            allocate=allocate_by_consistent_hash(),
        )


@pytest.mark.parametrize(
    "setting",
    [{"pop_invisible_time": 4_999}, {"pop_invisible_time": 300_001}, {"pop_batch_nums": 33}],
)
def test_settings_out_of_java_s_range_are_refused(setting):
    with pytest.raises(UsageError, match="Out of range"):
        PushConsumer("cg", namesrv_addr="127.0.0.1:1", **setting)


async def test_tags_are_compared_here_too_and_others_acknowledged(autojump_clock):
    """Tags whose hashes are equal pass the broker."""
    assert tags_code("Aa") == tags_code("BB")
    seen = Seen()
    async with popping() as rmq, consumer(rmq) as c:
        c.subscribe("T", "Aa", seen)
        await send(rmq, b"no", tags="BB")
        await send(rmq, b"yes", tags="Aa")
        await until(lambda: len(seen) == 1)
        await trio.sleep(AGAIN_S)
    assert seen == [b"yes"]
