"""Functions that may block, called in threads for tasks of a loop."""

import threading
from contextvars import ContextVar

import pytest
import trio

from rmqwire.bridge import workers
from rmqwire.bridge.workers import Workers
from rmqwire.errors import UsageError

NAME = ContextVar("NAME", default="nobody")


def of_this_loop():
    return Workers(trio.lowlevel.current_trio_token().run_sync_soon)


async def test_a_call_returns_what_the_function_returns_and_raises_what_it_raises():
    here = of_this_loop()
    name = await here.run(lambda: threading.current_thread().name)
    assert name == "rmqwire-worker"
    assert await here.run(max, 2, 3) == 3
    with pytest.raises(UsageError, match="no"):
        await here.run(lambda: (_ for _ in ()).throw(UsageError("no")))


async def test_calls_that_block_run_at_the_same_time():
    here, meeting = of_this_loop(), threading.Barrier(7, timeout=20)
    async with trio.open_nursery() as nursery:
        for _ in range(7):
            nursery.start_soon(here.run, meeting.wait)


async def test_a_thread_is_there_for_many_calls_one_after_the_other():
    here = of_this_loop()
    idents = {await here.run(threading.get_ident) for _ in range(200)}
    assert len(idents) < 20, "another one is begun only where the last hasn't come back yet"


async def test_all_of_many_calls_are_made():
    here, results = of_this_loop(), []

    async def one(number):
        results.append(await here.run(lambda: number))

    async with trio.open_nursery() as nursery:
        for number in range(500):
            nursery.start_soon(one, number)
    assert sorted(results) == list(range(500))


async def test_a_function_sees_the_context_of_its_task():
    here = of_this_loop()
    NAME.set("somebody")
    assert await here.run(NAME.get) == "somebody"
    assert await here.run(lambda: NAME.set("else")) is not None
    assert NAME.get() == "somebody"


async def test_a_cancelled_task_waits_for_its_function():
    here, ended = of_this_loop(), threading.Event()

    def late():
        trio.from_thread.run_sync(scope.cancel, trio_token=token)
        ended.set()
        return "late"

    token = trio.lowlevel.current_trio_token()
    with trio.CancelScope() as scope:
        assert await here.run(late) == "late"
        assert ended.is_set()
        await trio.lowlevel.checkpoint()
    assert scope.cancelled_caught


async def test_a_thread_without_calls_ends_and_the_next_call_has_another(monkeypatch):
    monkeypatch.setattr(workers, "IDLE_S", 0.01)
    here = of_this_loop()
    thread = await here.run(threading.current_thread)
    await trio.to_thread.run_sync(thread.join, 20)
    assert not thread.is_alive()
    assert await here.run(max, 1, 2) == 2


async def test_a_thread_outlives_a_loop_that_has_ended():
    token, threads = trio.lowlevel.current_trio_token(), []

    def refuse(call):
        token.run_sync_soon(call)
        threads.append(threading.current_thread())
        raise UsageError("ended")

    here = Workers(refuse)
    await here.run(lambda: None)
    assert await here.run(max, 1, 2) == 2
    assert threads[0].is_alive()
