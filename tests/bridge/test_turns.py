"""Who may touch what lives in the engine, and calls that begin in another thread."""

import logging
import threading
from queue import SimpleQueue

import pytest

from rmqwire.bridge import turns as module
from rmqwire.bridge.engine import Call, Engine
from rmqwire.bridge.sends import SendCall, SendOptions
from rmqwire.bridge.turns import Turns
from rmqwire.remoting.channel import trio_ms


def yes(_):
    return True


def test_other_threads_have_the_turn_while_the_loop_sleeps_and_one_at_a_time():
    turns = Turns()
    turns.before_run()
    assert not turns.use(yes), "the loop runs"
    turns.before_io_wait(0)
    assert turns.use(lambda _: not turns.use(yes)), "another one works meanwhile"
    assert not turns.use(lambda _: False)
    turns.after_io_wait(0)
    assert not turns.use(yes), "it runs again"


def test_what_fails_in_a_turn_gives_it_back():
    turns = Turns()
    with pytest.raises(ZeroDivisionError):
        turns.use(lambda _: 1 // 0)
    assert turns.use(yes)


def test_the_loop_goes_on_when_a_turn_does_not_end(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_S", 0.001)
    turns = Turns()

    def interrupted(_):
        turns.after_io_wait(0)
        assert not turns.use(yes), "the loop has a new one"
        turns.before_io_wait(0)
        return turns.use(yes)

    assert turns.use(interrupted)
    assert turns.use(yes)
    turns.after_io_wait(0)
    assert not turns.use(yes)


def test_a_loop_that_is_awake_comes_first():
    turns, awake = Turns(), threading.Event()

    class Slow(threading.Thread):
        def run(self):
            turns.after_io_wait(0)
            awake.set()

    def meanwhile(_):
        loop.start()
        while not turns.wanted:
            pass
        return True

    loop = Slow()
    assert turns.use(meanwhile)
    assert not turns.use(yes), "it waits for the turn, or has it already"
    assert awake.wait(20)
    loop.join()


def test_who_is_told_at_the_end_of_a_turn_finds_it_free(caplog):
    turns, told = Turns(), []
    turns.before_run()
    turns.after(lambda: told.append(turns.use(yes)))
    turns.after(lambda: 1 // 0)
    turns.after(lambda: told.append("next"))
    with caplog.at_level(logging.ERROR):
        turns.before_io_wait(0)
    assert told == [True, "next"]
    assert "ZeroDivisionError" in caplog.text
    turns.after_io_wait(0)
    turns.after(lambda: told.append("end"))
    turns.after_run()
    assert told[2:] == ["end"]


def test_what_is_over_in_another_threads_turn_is_told_at_its_end():
    turns, told = Turns(), []

    def work(_):
        turns.after(lambda: told.append(turns.use(yes)))
        assert not told
        return True

    assert turns.use(work)
    assert told == [True]
    turns.after_io_wait(0)
    turns.before_io_wait(0)
    assert told == [True], "once"


def test_who_waits_for_the_loop_in_its_turn_lends_it():
    turns, order = Turns(), []

    class Loop(threading.Thread):
        def run(self):
            turns.after_io_wait(0)
            order.append("loop")
            turns.before_io_wait(0)

    def interrupted(_):
        loop = Loop()
        loop.start()
        turns.wait(loop.join)
        order.append("work")
        assert not turns.use(yes), "it has its turn again"
        return True

    assert turns.use(interrupted)
    assert order == ["loop", "work"]
    assert turns.use(yes)


def test_a_handler_that_fails_while_it_waits_has_its_turn_again():
    turns = Turns()

    def interrupted(_):
        with pytest.raises(ZeroDivisionError):
            turns.wait(lambda: 1 // 0)
        return not turns.use(yes)

    assert turns.use(interrupted)
    assert turns.use(yes)


def test_who_waits_without_a_turn_lends_none():
    turns = Turns()
    turns.before_run()
    turns.wait(lambda: None)
    assert not turns.use(yes), "the loop runs"


async def test_a_turn_knows_the_time_of_the_loop():
    turns = Turns()
    turns.set_clock()
    before, times = trio_ms(), []
    turns.use(times.append)
    assert before - 1 <= times[0] <= trio_ms() + 1


class Step(Call):
    """Every third one can begin in the caller's thread."""

    def __init__(self, number, seen):
        super().__init__()
        self._number = number
        self._seen = seen

    def begin(self, nursery):
        self._seen.put((self._number, threading.current_thread().name))

    def begin_now(self, mono_ms):
        if self._number % 3:
            return False
        self._seen.put((self._number, threading.current_thread().name))
        return True

    def cancel(self):
        raise NotImplementedError


def test_calls_of_a_thread_begin_in_their_order_wherever_they_do():
    engine, seen = Engine(), SimpleQueue()
    try:
        for number in range(300):
            engine.start(Step(number, seen), seen.put)
        begun = [seen.get(timeout=20) for _ in range(300)]
    finally:
        engine.stop()
    assert [number for number, _ in begun] == list(range(300))
    assert "rmqwire" in {name for _, name in begun}


def options() -> SendOptions:
    return {"queue": None, "key": None, "selector": None, "arg": None, "timeout_ms": None}


class NoProducer:
    """A producer whose sends fail."""

    def begin_now(self, sent, *, mono_ms, **way):
        raise LookupError(sent.message)

    def begin_send(self, sent, **way):
        raise LookupError(sent.message)


def test_a_send_that_fails_at_once_fails_in_the_engine():
    told = []
    call = SendCall(NoProducer(), "m", options(), soon=True)
    call.tell, call.told = told.append, told.append
    assert not call.begin_now(0)
    assert not told
    call.begin(None)
    assert len(told) == 1
    assert repr(call.error) == "LookupError('m')"
