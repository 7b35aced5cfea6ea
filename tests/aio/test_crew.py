"""Listeners of an asyncio program: many calls of a crossing, each as if it were alone."""

import asyncio
import contextvars
from contextlib import asynccontextmanager

import trio

from rmqwire.aio import ConsumeStatus, Message, Producer, PushConsumer
from rmqwire.aio.crew import LoopCrew
from rmqwire.aio.listener import Loop
from rmqwire.client.message_ext import MessageExt
from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.message import StoredMessage
from rmqwire.consumer.reading.process_queue import ProcessQueue
from rmqwire.consumer.working.elsewhere import Hiring
from rmqwire.consumer.working.runs import Run
from tests.aio.support import program

FIRST = "CONSUME_FROM_FIRST_OFFSET"
OK = ConsumeStatus.CONSUME_SUCCESS
who = contextvars.ContextVar("who", default="nobody")


async def send(rmq, count):
    async with Producer("p", namesrv_addr=rmq.namesrv_addr) as producer:
        await producer.send([Message("T", b"%d" % number) for number in range(count)])


@asynccontextmanager
async def consuming(rmq, listener, **config):
    async with PushConsumer(
        "g", namesrv_addr=rmq.namesrv_addr, consume_from_where=FIRST, **config
    ) as consumer:
        consumer.subscribe("T", "*", listener)
        yield consumer


async def until(condition):
    while not condition():  # noqa: ASYNC110  listeners of several tasks make it true
        await asyncio.sleep(0.01)


@program
async def test_each_call_sees_a_copy_of_the_variables_of_whoever_subscribed(rmq):
    await send(rmq, 20)
    seen = []

    async def listener(messages):
        before = who.get()
        who.set(messages[0].body)
        if int(messages[0].body) % 3 == 0:
            await asyncio.sleep(0.001)
        seen.append((before, who.get() == messages[0].body))
        return OK

    who.set("subscriber")
    async with consuming(rmq, listener):
        await until(lambda: len(seen) == 20)
    assert set(seen) == {("subscriber", True)}


@program
async def test_a_listener_that_waits_has_a_task_and_time_limits_of_its_own(rmq):
    await send(rmq, 10)
    ends, tasks = [], set()

    async def listener(messages):
        task = asyncio.current_task()
        try:
            async with asyncio.timeout(0.02):
                await asyncio.sleep(5 if int(messages[0].body) % 2 else 0)
                ends.append("over")
        except TimeoutError:
            ends.append("late")
        assert asyncio.current_task() is task
        tasks.add(task)
        return OK

    async with consuming(rmq, listener):
        await until(lambda: len(ends) == 10)
    assert rmq.lag("g", "T") == 0
    assert sorted(ends) == ["late"] * 5 + ["over"] * 5
    assert None not in tasks


@program
async def test_listeners_that_wait_run_side_by_side_up_to_the_limit(rmq):
    await send(rmq, 30)
    running = most = seen = 0

    async def listener(_):
        nonlocal running, most, seen
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.005)
        running -= 1
        seen += 1
        return OK

    async with consuming(rmq, listener, consume_thread_max=4):
        await until(lambda: seen == 30)
    assert most == 4


@program
async def test_one_that_waits_long_keeps_no_other(rmq):
    await send(rmq, 30)
    go_on, seen = asyncio.Event(), []

    async def listener(messages):
        if messages[0].body == b"3":
            await go_on.wait()
        seen.append(messages[0].body)
        return OK

    async with consuming(rmq, listener, consume_thread_max=2):
        await until(lambda: len(seen) == 29)
        assert b"3" not in seen
        go_on.set()
        await until(lambda: len(seen) == 30)


@program
async def test_the_loop_goes_on_while_plain_listeners_are_called(rmq):
    await send(rmq, 30)
    seen, turns = [], set()

    def listener(messages):
        end = asyncio.get_running_loop().time() + 0.002
        while asyncio.get_running_loop().time() < end:
            pass
        seen.append(messages)
        return OK

    async with consuming(rmq, listener):
        while len(seen) < 30:
            await asyncio.sleep(0)
            turns.add(len(seen))
    assert len(turns) > 10


@program
async def test_one_that_fails_or_is_cancelled_comes_again_and_the_others_go_on(rmq):
    await send(rmq, 12)
    seen, failed = [], set()

    async def listener(messages):
        body = messages[0].body
        if body in {b"2", b"3", b"4"} - failed:
            failed.add(body)
            if body == b"2":
                raise RuntimeError("no")
            if body == b"3":
                asyncio.current_task().cancel()
                await asyncio.sleep(5)
            return None
        seen.append((body, messages[0].reconsume_times))
        return OK

    async with consuming(rmq, listener):
        await until(lambda: len(seen) == 9)
        while len(seen) < 12:
            await asyncio.to_thread(rmq.advance, seconds=60)
    assert sorted(seen[9:]) == [(b"2", 1), (b"3", 1), (b"4", 1)]
    assert {times for _, times in seen[:9]} == {0}


def test_a_crew_whose_loop_is_closed_says_so_and_keeps_nobody(caplog):
    loop = asyncio.new_event_loop()
    loop.close()
    hiring = Hiring({}, 1, lambda calls: None, lambda task: None, lambda: 0)
    crew = LoopCrew(Loop(), loop, hiring)
    crew._after_turn = lambda call: call()  # the engine's turn, here and now
    queue = MessageQueue("T", "a", 0)
    run = Run([MessageExt.of(StoredMessage("T", b"x"), "a")], ProcessQueue(), queue, 1)
    crew.put(run)
    crew.put(run)
    trio.run(crew.finish)
    assert caplog.text.count("the asyncio loop of a consumer's listeners is closed") == 1
