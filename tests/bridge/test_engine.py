"""The background loop: calls there and back, what is held in it, and its end."""

import signal
import threading
from contextlib import asynccontextmanager
from queue import SimpleQueue

import pytest
import trio
import trio.lowlevel

from rmqwire.bridge import turns
from rmqwire.bridge.engine import Engine, EngineStopped, Held, TaskCall


@pytest.fixture
def engine():
    made = Engine()
    yield made
    made.stop()


def made(engine, function, timeout=None):
    """Make a call and return it when it is over."""
    over = SimpleQueue()
    engine.start(TaskCall(function, timeout), over.put)
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

    call = TaskCall(forever, None)
    engine.start(call, over.put)
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
    engine.start(TaskCall(trio.sleep_forever, None), over.put)
    engine.stop()
    assert log == ["entered", "left"]
    assert isinstance(over.get(timeout=20).error, EngineStopped)
    with pytest.raises(EngineStopped):
        engine.post(lambda: None)
    engine.stop()  # already: nothing happens


def test_an_engine_that_never_ran_stops_at_once():
    Engine().stop()


def test_a_signals_handler_that_interrupts_a_call_in_the_loops_place_calls_too(engine, monkeypatch):
    monkeypatch.setattr(turns, "PATIENCE_S", 1e6)
    over, seen = SimpleQueue(), []

    async def name():
        return threading.current_thread().name

    def handler(*_):
        engine.start(TaskCall(name, None), over.put)
        engine.wait(lambda: seen.append(over.get(timeout=40).value))

    class Interrupted(TaskCall):
        def begin_now(self, mono_ms):
            signal.raise_signal(signal.SIGTERM)
            self.told(self)
            return True

    before = signal.signal(signal.SIGTERM, handler)
    try:
        assert made(engine, name).value == "rmqwire"
        while len(seen) < 3:  # it is begun in the loop now and then
            ended = SimpleQueue()
            engine.start(Interrupted(name, None), ended.put)
            ended.get(timeout=20)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert set(seen) == {"rmqwire"}


def test_a_signals_handler_may_come_between_a_call_and_its_wake(engine):
    """Wherever in ``post`` it interrupts, the loop is woken for both calls."""
    over, told = SimpleQueue(), SimpleQueue()

    async def name():
        return threading.current_thread().name

    made(engine, name)
    wake = engine._token.run_sync_soon

    class Token:
        def run_sync_soon(self, call):
            engine._token = token
            engine.post(lambda: over.put("handler's"))
            assert over.get(timeout=20) == "handler's"
            wake(call)

    token, engine._token = engine._token, Token()
    engine.post(lambda: told.put("its own"))
    assert told.get(timeout=20) == "its own"


def test_all_posts_of_many_threads_are_called(engine):
    async def name():
        return threading.current_thread().name

    made(engine, name)
    called = SimpleQueue()

    def post():
        for _ in range(500):
            engine.post(lambda: called.put(True))

    threads = [threading.Thread(target=post) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(2_000):
        assert called.get(timeout=20)
    for thread in threads:
        thread.join()
