"""The background loop: calls there and back, what is held in it, and its end."""

import threading
from contextlib import asynccontextmanager
from queue import SimpleQueue

import pytest
import trio
import trio.lowlevel

from rmqwire.bridge.engine import Engine, EngineStopped, Held, TaskCall


@pytest.fixture
def engine():
    made = Engine()
    yield made
    made.stop()


def made(engine, function, timeout=None):
    """Make a call and return it when it is over."""
    over = SimpleQueue()
    engine.start(TaskCall(function, timeout, over.put))
    return over.get(timeout=20)


def test_a_call_returns_what_its_function_returns(engine):
    async def name():
        await trio.lowlevel.checkpoint()
        return threading.current_thread().name

    call = made(engine, name)
    assert (call.value, call.error) == ("rmqwire", None)


def test_a_call_raises_what_its_function_raises(engine):
    async def fail():
        raise LookupError("no")

    assert repr(made(engine, fail).error) == "LookupError('no')"


def test_a_call_that_takes_too_long_is_cancelled(engine):
    ended = []

    async def forever():
        try:
            await trio.sleep_forever()
        finally:
            ended.append(True)

    assert repr(made(engine, forever, 0.01).error) == "TimeoutError('not done within 0.01 s')"
    assert ended == [True]


def test_a_call_can_be_given_up(engine):
    began, over = threading.Event(), SimpleQueue()

    async def forever():
        began.set()
        await trio.sleep_forever()

    call = TaskCall(forever, None, over.put)
    engine.start(call)
    began.wait(20)
    engine.post(call.cancel)
    assert over.get(timeout=20) is call


def test_calls_of_many_threads_all_come_back(engine):
    async def nothing():
        return 1

    found = SimpleQueue()

    def work():
        for _ in range(50):
            found.put(made(engine, nothing).value)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found.qsize() == 400


def holding(log, *, fails=None):
    @asynccontextmanager
    async def opening():
        async with trio.open_nursery() as nursery:
            if fails == "at once":
                raise LookupError("at once")
            log.append("entered")
            if fails == "later":
                nursery.start_soon(broken)
            yield "it"
            log.append("left")

    async def broken():
        raise LookupError("later")

    return opening()


def test_what_is_held_is_entered_and_left_in_one_task(engine):
    log = []
    held = Held(holding(log))
    assert made(engine, lambda: engine.enter(held)).value == "it"
    assert made(engine, lambda: engine.leave(held)).error is None
    assert log == ["entered", "left"]


def test_what_fails_at_once_is_raised_bare_by_entering(engine):
    held = Held(holding([], fails="at once"))
    assert repr(made(engine, lambda: engine.enter(held)).error) == "LookupError('at once')"


def test_what_fails_later_is_raised_bare_by_leaving(engine):
    held = Held(holding([], fails="later"))
    made(engine, lambda: engine.enter(held))
    assert repr(made(engine, lambda: engine.leave(held)).error) == "LookupError('later')"


def test_the_end_leaves_what_is_open_and_ends_what_runs(engine):
    log, over = [], SimpleQueue()
    made(engine, lambda: engine.enter(Held(holding(log))))
    made(engine, lambda: engine.enter(Held(holding([], fails="later"))))
    engine.start(TaskCall(trio.sleep_forever, None, over.put))
    engine.stop()
    assert log == ["entered", "left"]
    assert isinstance(over.get(timeout=20).error, EngineStopped)
    with pytest.raises(EngineStopped):
        engine.post(lambda: None)
    engine.stop()  # already: nothing happens


def test_an_engine_that_never_ran_stops_at_once():
    Engine().stop()
