"""Clients in an asyncio program, against a broker in memory."""

import asyncio
import contextvars
import os
import threading
import time

import pytest

from rmqwire.aio import (
    Client,
    ConsumeStatus,
    LitePullConsumer,
    LitePushConsumer,
    LocalTransactionState,
    Message,
    Producer,
    PullConsumer,
    PushConsumer,
    TransactionProducer,
)
from rmqwire.aio.returns import Returns
from rmqwire.errors import ConnectFailed, ForkedError, UsageError
from rmqwire.testing import cluster
from tests.aio.support import program

FIRST = "CONSUME_FROM_FIRST_OFFSET"
who = contextvars.ContextVar("who", default="nobody")


@program
async def test_many_sends_in_flight_and_a_listener_in_the_programs_loop(rmq):
    seen, done, mine = [], asyncio.Event(), threading.current_thread()

    async def listener(messages):
        await asyncio.sleep(0)
        seen.extend(one.body for one in messages)
        assert threading.current_thread() is mine
        assert who.get() == "subscriber"
        if len(seen) >= 100:
            done.set()
        return ConsumeStatus.CONSUME_SUCCESS

    async with Client(rmq.namesrv_addr) as client, Producer("p", client=client) as producer:
        sends = [producer.send(Message("T", b"%d" % n), timeout=30) for n in range(100)]
        results = await asyncio.gather(*sends)
        assert sorted(one.queue_offset for one in results) == list(range(100))
        consumer = PushConsumer("g", client=client, consume_from_where=FIRST)
        who.set("subscriber")
        consumer.subscribe("T", "*", listener)
        who.set("somebody else")
        async with consumer:
            await done.wait()
            assert consumer.client_id == producer.client_id
    assert sorted(seen) == sorted(b"%d" % n for n in range(100))


@program
async def test_a_plain_listener_with_a_context_that_fails_is_called_again(rmq):
    tries, done = [], asyncio.Event()

    def listener(messages, context):
        tries.append((messages[0].reconsume_times, context.message_queue.topic))
        if len(tries) == 1:
            context.delay_level_when_next_consume = 1
            raise RuntimeError("the first time")
        done.set()
        return ConsumeStatus.CONSUME_SUCCESS

    async with Producer("p", namesrv_addr=rmq.namesrv_addr) as producer:
        await producer.send(Message("T", b"x"))
    consumer = PushConsumer("g", namesrv_addr=rmq.namesrv_addr, consume_from_where=FIRST)
    consumer.subscribe("T", "*", listener)
    async with consumer:
        while len(tries) < 1:  # noqa: ASYNC110  the listener has no event for the first
            await asyncio.sleep(0.01)
        await asyncio.to_thread(rmq.advance, seconds=15)
        await done.wait()
    assert [times for times, _ in tries] == [0, 1]


@program
async def test_messages_are_asked_for(rmq):
    async with (
        Producer("p", namesrv_addr=rmq.namesrv_addr) as producer,
        PullConsumer("g", namesrv_addr=rmq.namesrv_addr) as puller,
        LitePullConsumer("lite", namesrv_addr=rmq.namesrv_addr) as lite,
    ):
        await producer.send([Message("T", b"1"), Message("T", b"2")])
        (queue,) = await puller.fetch_subscribe_message_queues("T")
        assert await puller.max_offset(queue) == 2
        await lite.register_topic_message_queue_change_listener("T", lambda *_: None)
        lite.assign([queue])
        await lite.seek_to_begin(queue)
        found = []
        while len(found) < 2:
            found += await lite.poll(1_000)
        assert [one.body for one in found] == [b"1", b"2"]


def test_lite_topics_come_to_a_listener_in_the_programs_loop():
    async def program(namesrv):
        seen, done, mine = [], asyncio.Event(), threading.current_thread()

        async def listener(messages):
            assert threading.current_thread() is mine
            seen.extend((one.lite_topic, one.body) for one in messages)
            done.set()
            return ConsumeStatus.CONSUME_SUCCESS

        async with (
            Producer("p", namesrv_addr=namesrv) as producer,
            LitePushConsumer("g", "L", listener, namesrv_addr=namesrv) as consumer,
        ):
            await consumer.subscribe_lite("a")
            await producer.send(Message("L", b"1", lite_topic="a"))
            await asyncio.wait_for(done.wait(), 20)
            await consumer.unsubscribe_lite("a")
            assert consumer.lite_topics == set()
        assert seen == [("a", b"1")]

    with cluster(enableLmq="true", enableMultiDispatch="true") as lite:
        lite.create_topic("L", queues=1, attributes="+message.type=LITE")
        lite.create_group("g", attributes="+lite.bind.topic=L")
        asyncio.run(program(lite.namesrv_addr))


@program
async def test_pull_tasks_and_news_of_queues_come_to_the_programs_loop(rmq):
    seen, done, told, mine = [], asyncio.Event(), asyncio.Event(), threading.current_thread()

    async def task(queue, context):
        assert threading.current_thread() is mine
        result = await puller.pull(queue, offset=len(seen))
        seen.extend(one.body for one in result.messages)
        context.pull_next_delay_time_millis = 10
        if len(seen) == 2:
            done.set()

    def changed(topic, queues, share):
        assert threading.current_thread() is mine
        if topic == "T" and queues == share:
            told.set()

    async with (
        Producer("p", namesrv_addr=rmq.namesrv_addr, topics=["T"]) as producer,
        PullConsumer("g", namesrv_addr=rmq.namesrv_addr) as puller,
        PushConsumer("h", namesrv_addr=rmq.namesrv_addr, message_queue_listener=changed) as pusher,
    ):
        pusher.subscribe("T", "*", lambda _messages: ConsumeStatus.CONSUME_SUCCESS)
        puller.register_pull_task_callback("T", task)
        first = await producer.send(Message("T", b"1", keys="k"))
        await producer.send(Message("T", b"2"))
        await done.wait()
        await told.wait()
        assert (await producer.view_message("T", first.offset_msg_id)).body == b"1"
        assert seen == [b"1", b"2"]


@program
async def test_an_error_is_the_one_of_the_trio_class(rmq):
    with pytest.raises(UsageError):
        Producer("no good name!", namesrv_addr=rmq.namesrv_addr)
    async with Producer("p", namesrv_addr="127.0.0.1:9") as producer:
        with pytest.raises(ConnectFailed):
            await producer.send(Message("T", b"x"))


@program
async def test_a_wait_ends_by_timeout_or_by_being_cancelled(rmq):
    async with PullConsumer("g", namesrv_addr=rmq.namesrv_addr) as puller:
        (queue,) = await puller.fetch_subscribe_message_queues("T")
        with pytest.raises(TimeoutError, match=r"not done within 0\.05 s"):
            await puller.pull_block_if_not_found(queue, offset=0, timeout=0.05)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await puller.pull_block_if_not_found(queue, offset=0)
        assert await puller.max_offset(queue) == 0


@program
async def test_a_cancelled_consumer_cancels_its_listener(rmq):
    began, ended = asyncio.Event(), asyncio.Event()

    async def listener(messages):
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    async with Producer("p", namesrv_addr=rmq.namesrv_addr) as producer:
        await producer.send(Message("T", b"x"))
    consumer = PushConsumer(
        "g",
        namesrv_addr=rmq.namesrv_addr,
        consume_from_where=FIRST,
        await_termination_millis_when_shutdown=10,
    )
    consumer.subscribe("T", "*", listener)
    async with consumer:
        await began.wait()
    await asyncio.wait_for(ended.wait(), 20)


def test_nothing_of_the_parent_is_used_in_a_forked_child(rmq):
    async def main():
        async with Producer("p", namesrv_addr=rmq.namesrv_addr) as producer:
            producer._behind._pid = os.getpid() + 1  # as a child sees it
            with pytest.raises(ForkedError, match="opened by process"):
                await producer.send(Message("T", b"x"))
            producer._behind._pid = os.getpid()

    asyncio.run(main())


def test_a_listener_of_a_consumer_that_was_never_entered_has_no_loop(rmq):
    consumer = PushConsumer("g", namesrv_addr=rmq.namesrv_addr)
    with pytest.raises(UsageError, match="must take messages"):
        consumer.subscribe("T", "*", lambda: None)
    with pytest.raises(UsageError, match="async with"):
        consumer._loop.get()


@program
async def test_messages_are_iterated_over_and_settled_in_this_loop(rmq):
    async with Producer("p", namesrv_addr=rmq.namesrv_addr) as producer:
        await asyncio.gather(*(producer.send(Message("T", b"%d" % n)) for n in range(40)))
    consumer = PushConsumer("g", namesrv_addr=rmq.namesrv_addr, consume_from_where=FIRST)
    consumer.subscribe("T")
    bodies = []
    async with consumer:
        async for delivery in consumer:
            async with delivery:
                bodies.append(delivery.body)
            if len(bodies) == 40:
                break
    assert sorted(bodies) == sorted(b"%d" % n for n in range(40))
    assert await asyncio.to_thread(rmq.lag, "g", "T") == 0


@program
async def test_nothing_is_lost_between_waits_that_are_cancelled(rmq):
    consumer = PushConsumer("g", namesrv_addr=rmq.namesrv_addr, consume_from_where=FIRST)
    consumer.subscribe("T")
    bodies = set()
    async with consumer, Producer("p", namesrv_addr=rmq.namesrv_addr) as producer:
        batches = consumer.batches(4, 0)
        for number in range(30):
            await producer.send(Message("T", b"%d" % number))
            waiting = asyncio.ensure_future(anext(consumer.batches(4, 0)))
            await asyncio.sleep(0.0001 * number)
            if waiting.cancel():
                continue
            async with await waiting as batch:
                bodies.update(one.body for one in batch)
        turning = asyncio.create_task(asyncio.to_thread(rmq.advance, seconds=15))
        while len(bodies) < 30:
            async with await anext(batches) as batch:
                bodies.update(one.body for one in batch)
        await turning
    assert [one async for one in batches] == []
    assert await asyncio.to_thread(rmq.lag, "g", "T") == 0


@program
async def test_a_decorated_function_is_a_listener(rmq):
    consumer = PushConsumer("g", namesrv_addr=rmq.namesrv_addr, consume_from_where=FIRST)
    done = asyncio.Event()

    @consumer.on("T")
    async def listener(messages):
        done.set()
        return ConsumeStatus.CONSUME_SUCCESS

    async with consumer, Producer("p", namesrv_addr=rmq.namesrv_addr) as producer:
        await producer.send(Message("T", b"x", tags="a"))
        await done.wait()


async def aenumerate(iterator):
    number = 0
    async for one in iterator:
        yield number, one
        number += 1


@program
async def test_sends_that_nobody_waits_for_give_futures(rmq):
    async with Producer("p", namesrv_addr=rmq.namesrv_addr) as producer:
        await producer.ready()
        futures = [producer.send_soon(Message("T", b"%d" % n)) for n in range(50)]
        results = await asyncio.gather(*futures)
        assert sorted(one.queue_offset for one in results) == list(range(50))
        with pytest.raises(UsageError):
            await producer.send_soon(Message("", b"x"))
        many = producer.send_many((Message("T", b"m") for _ in range(20)), in_flight=4)
        assert len([one.result() async for one in many]) == 20
        rmq.create_topic("Keyed", queues=4)
        keyed = producer.send_many(
            (Message("Keyed", b"%d" % (n % 2)) for n in range(20)), key=lambda m: m.body
        )
        queues = {(one.result().message_queue, n % 2) async for n, one in aenumerate(keyed)}
        assert len(queues) == 2
        with pytest.raises(UsageError):
            await anext(producer.send_many([], in_flight=0))


@program
async def test_a_transaction_commits_or_rolls_back_with_its_block(rmq):
    mine = threading.current_thread()

    async def check(message):
        raise AssertionError("nobody asks")

    async def local(message, arg):
        assert threading.current_thread() is mine
        return LocalTransactionState.COMMIT_MESSAGE

    async def cancelled(producer):
        async with producer.transaction(Message("T", b"given up")):
            await asyncio.sleep(60)

    async with TransactionProducer("tp", check=check, namesrv_addr=rmq.namesrv_addr) as producer:
        async with producer.transaction(Message("T", b"kept")):
            assert await asyncio.to_thread(rmq.messages, "T") == []
        with pytest.raises(ZeroDivisionError):
            async with producer.transaction(Message("T", b"no")):
                raise ZeroDivisionError
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(cancelled(producer), 0.2)
        await producer.send_in_transaction(Message("T", b"local"), local)
        found = await asyncio.to_thread(rmq.messages, "T")
        assert [one.body for one in found] == [b"kept", b"local"]


@program
async def test_a_broker_that_asks_is_answered_in_the_programs_loop(rmq):
    mine, asked = threading.current_thread(), set()

    def check(message):
        asked.add((message.body, threading.current_thread() is mine))
        return LocalTransactionState.COMMIT_MESSAGE

    async def later(message):
        await asyncio.sleep(0)
        return check(message)

    for group, its_check in (("plain", check), ("later", later)):
        async with TransactionProducer(
            group, check=its_check, namesrv_addr=rmq.namesrv_addr
        ) as producer:
            await producer.send_in_transaction(
                Message(group, group.encode()), lambda *_: LocalTransactionState.UNKNOW
            )
            while not await asyncio.to_thread(rmq.messages, group):
                await asyncio.to_thread(rmq.advance, seconds=60)
    assert asked == {(b"plain", True), (b"later", True)}


def test_a_program_that_ends_in_a_block_says_goodbye_all_the_same(rmq):
    async def main():
        async def forever():
            async with PushConsumer("g", namesrv_addr=rmq.namesrv_addr) as consumer:
                kept.append(consumer)
                await asyncio.sleep(60)

        kept = []
        task = asyncio.create_task(forever())
        while not kept:  # noqa: ASYNC110  entering has no event
            await asyncio.sleep(0.01)
        assert not task.done()
        return kept[0]  # asyncio.run cancels the task, and whatever the task then waits for

    consumer = asyncio.run(main())
    deadline = time.monotonic() + 20
    while consumer._behind.is_open and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not consumer._behind.is_open


def test_a_closed_loop_takes_no_calls():
    loop = asyncio.new_event_loop()
    way = Returns(loop)
    loop.close()
    for _ in range(2):
        with pytest.raises(RuntimeError):
            way.put(lambda: None)
