"""Listeners that may block, called in threads for a consumer."""

import asyncio
import threading
from contextlib import asynccontextmanager
from contextvars import ContextVar
from itertools import count

import pytest
import trio
import trio.lowlevel

from rmqwire.bridge import thread_crew
from rmqwire.bridge.listener import in_workers
from rmqwire.bridge.workers import Workers
from rmqwire.client.message_ext import MessageExt
from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.message import StoredMessage
from rmqwire.consumer.listener import ConsumeStatus
from rmqwire.consumer.reading.process_queue import ProcessQueue
from rmqwire.consumer.working.elsewhere import Elsewhere, Hiring
from rmqwire.consumer.working.listener_call import ListenerCall
from rmqwire.consumer.working.runs import Run

OK = ConsumeStatus.CONSUME_SUCCESS
QUEUE = MessageQueue("T", "a", 0)
NAME = ContextVar("NAME", default="nobody")
numbers = count()


def run_of(messages, size=1):
    stored = [StoredMessage("T", b"%d" % n, queue_offset=next(numbers)) for n in range(messages)]
    return Run([MessageExt.of(one, "a") for one in stored], ProcessQueue(), QUEUE, size)


class Refusing(list):
    def extend(self, calls):
        raise TypeError("no")


class Site:
    """Workers of this loop that call one listener, and what they have told."""

    def __init__(self, listener, most):
        self.workers = Workers(trio.lowlevel.current_trio_token().run_sync_soon)
        there = in_workers(listener)
        if isinstance(there, Elsewhere):
            there.place = self.workers
        self.listeners = {"T": ListenerCall(there, ConsumeStatus, "g")}
        self.told = []
        self.most = most

    async def until(self, calls):
        with trio.fail_after(20):
            while len(self.told) < calls:  # noqa: ASYNC110  threads make it true
                await trio.sleep(0.001)

    @asynccontextmanager
    async def crew(self):
        async with trio.open_nursery() as nursery:
            told, spawn = self.told.extend, nursery.start_soon
            hiring = Hiring(self.listeners, self.most, told, spawn, lambda: 77)
            self.crew_here = crew = self.workers.crew(hiring)
            spawn(crew.stay)
            yield crew
            nursery.cancel_scope.cancel()


async def test_all_calls_are_made_once_each_with_its_own_messages():
    seen = []
    site = Site(lambda messages: seen.append([one.body for one in messages]) or OK, 20)
    runs = [run_of(7, 3) for _ in range(50)]
    async with site.crew() as crew:
        for run in runs:
            crew.put(run)
        await site.until(150)
    assert sorted(map(len, seen)) == [1] * 50 + [3] * 100
    assert {(id(run), at) for run, at, *_ in site.told} == {
        (id(run), at) for run in runs for at in (0, 3, 6)
    }
    assert all(told is OK and context is None for _, _, told, context, _ in site.told)
    assert all(one.consume_start_ms == 77 for run in runs for one in run.messages)


async def test_fast_calls_share_a_thread(monkeypatch):
    monkeypatch.setattr(thread_crew, "QUICK_S", 60)  # however busy the machine is
    monkeypatch.setattr(thread_crew, "STALL_S", 60)
    threads = set()
    site = Site(lambda _: threads.add(threading.get_ident()) or OK, 20)
    async with site.crew() as crew:
        crew.put(run_of(3000))
        await site.until(3000)
    assert len(threads) == 1


async def test_calls_that_block_are_made_side_by_side():
    meeting = threading.Barrier(6, timeout=20)
    site = Site(lambda _: meeting.wait() * 0 == 0 and OK, 6)
    async with site.crew() as crew:
        crew.put(run_of(12))
        await site.until(12)
    assert [told for _, _, told, _, _ in site.told] == [OK] * 12


async def test_one_call_that_blocks_keeps_only_itself_and_what_was_before_it_is_told():
    go_on = threading.Event()

    def listen(messages):
        if messages[0].body == b"3":
            go_on.wait(20)
        return OK

    site = Site(listen, 2)
    async with site.crew() as crew:
        crew.put(run_of(100))
        await site.until(99)
        assert 3 not in {at for _, at, *_ in site.told}
        go_on.set()
        await site.until(100)


async def test_no_more_calls_than_may_are_made_at_the_same_time():
    running, most, lock = set(), [], threading.Lock()

    def listen(messages):
        with lock:
            running.add(messages[0].queue_offset)
            most.append(len(running))
        threading.Event().wait(0.003)
        with lock:
            running.discard(messages[0].queue_offset)
        return OK

    site = Site(listen, 3)
    async with site.crew() as crew:
        crew.put(run_of(60))
        await site.until(60)
    assert max(most) <= 3


async def test_what_a_call_comes_to_is_told(caplog):
    def listen(messages, context):
        context.ack_index = int(messages[0].body)
        if context.ack_index == 0:
            raise RuntimeError("no")
        if context.ack_index == 1:
            raise SystemExit
        return None if context.ack_index == 2 else OK

    site = Site(listen, 1)
    async with site.crew() as crew:
        crew.put(run_of(4))
        await site.until(4)
    told = {at: (told, context.ack_index) for _, at, told, context, _ in site.told}
    assert [told[at][1] for at in range(4)] == [0, 1, 2, 3]
    assert [told[at][0].raised for at in range(2)] == ["RuntimeError: no", "SystemExit: "]
    assert (told[2][0].status, told[3][0]) == (None, OK)
    assert "the listener of T failed, group g" in caplog.text


async def test_a_call_sees_a_copy_of_the_variables_of_whoever_subscribed():
    seen = []

    def listen(_):
        seen.append(NAME.get())
        NAME.set("changed")
        return OK

    NAME.set("subscriber")
    site = Site(listen, 1)
    NAME.set("later")
    async with site.crew() as crew:
        crew.put(run_of(2))
        await site.until(2)
    assert seen == ["subscriber", "subscriber"]


async def test_what_a_plain_listener_gives_to_be_awaited_is_awaited_in_the_consumers_loop():
    async def later():
        await trio.lowlevel.checkpoint()
        return OK

    site = Site(lambda _: later(), 1)
    async with site.crew() as crew:
        crew.put(run_of(1))
        await site.until(1)
    assert site.told[0][2] is OK


async def test_what_is_not_these_threads_matter_comes_back():
    site = Site(lambda _: OK, 1)
    given_up = run_of(1)
    given_up.process_queue.drop()
    async with site.crew() as crew:
        crew.put(given_up)
        await site.until(1)
        site.listeners["T"] = ListenerCall(lambda _: OK, ConsumeStatus, "g")
        crew.put(run_of(1))
        await site.until(2)
        del site.listeners["T"]
        crew.put(run_of(1))
        await site.until(3)
    assert [told for _, _, told, _, _ in site.told] == [None] * 3


async def test_the_end_waits_for_calls_that_were_begun_and_for_no_other():
    begun, go_on = threading.Event(), threading.Event()

    def listen(_):
        begun.set()
        go_on.wait(20)
        return OK

    site = Site(listen, 1)
    async with site.crew() as crew:
        crew.put(run_of(5))
        await trio.to_thread.run_sync(begun.wait, 20)
        with trio.move_on_after(0.01) as scope:
            await crew.finish()
        assert scope.cancelled_caught
        crew.put(run_of(5))
        go_on.set()
    assert [at for _, at, *_ in site.told] == [0]


def test_an_async_listener_needs_no_thread():
    async def listen(messages):
        await asyncio.sleep(0)

    assert in_workers(listen) is listen


@pytest.mark.parametrize("most", [1, 20])
async def test_a_busy_crew_tells_all_of_it(most):
    """Calls come and end at the same time, in as many threads as may be."""
    site, slow = (
        Site(lambda _: threading.Event().wait(next(numbers) % 9 // 8 / 500) or OK, most),
        30,
    )
    async with site.crew() as crew:
        for _ in range(slow):
            crew.put(run_of(20))
            await trio.sleep(0.001)
        await site.until(20 * slow)
        await crew.finish()
    assert len(site.told) == 20 * slow


async def test_what_fails_in_the_consumer_fails_there_and_not_in_the_loop_of_all():
    site = Site(lambda _: OK, 1)
    site.told = Refusing()

    async def one_call():
        async with site.crew() as crew:
            crew.put(run_of(1))
            await trio.sleep(20)

    with pytest.raises(ExceptionGroup) as caught:
        await one_call()
    assert "TypeError('no')" in repr(caught.value.exceptions)
