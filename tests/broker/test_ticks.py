"""When a broker looks at what waits: ten times a second, or once if nobody asks it for anything."""

from __future__ import annotations

import pytest
import trio

from rmqwire.broker.clients.held_pulls import HeldPull
from rmqwire.broker.ticks import Ticks, every
from tests.broker.admin_support import NOW_MS, AdminBroker


def trio_ms() -> int:
    return NOW_MS + round(trio.current_time() * 1000)


class Ticking:
    """A broker whose ticks are noted, in s; its clocks are trio's."""

    def __init__(self, broker: AdminBroker) -> None:
        self.state, self.ticks, self.times = broker.state, Ticks(), []
        self._tick = broker.state.paced.tick
        broker.state.paced.tick = self._note

    def _note(self) -> None:
        self.times.append(round(trio.current_time(), 3))
        self._tick()


@pytest.fixture
async def ticking(nursery, monkeypatch):
    monkeypatch.setattr(AdminBroker, "clock", lambda _: trio_ms())
    broker = AdminBroker()
    made = Ticking(broker)
    nursery.start_soon(made.ticks.run, broker.core)
    yield made
    broker.close()  # while there is a clock


async def test_a_broker_that_nobody_asks_looks_once_a_second(ticking, autojump_clock):
    await trio.sleep(3.5)
    assert ticking.times == [0, 1, 2, 3]


async def test_what_a_request_has_begun_is_looked_at_a_tenth_of_a_second_later(
    ticking, autojump_clock
):
    await trio.sleep(0.5)
    assert ticking.ticks.at_rest
    ticking.ticks.soon()
    assert not ticking.ticks.at_rest, "one call is enough"
    await trio.sleep(0.2)
    assert ticking.times == [0, 0.6]
    assert ticking.ticks.at_rest


async def test_while_work_is_paced_it_looks_all_the_time(ticking, autojump_clock):
    done = []
    await trio.sleep(0.5)
    ticking.state.paced.start("abc", 5.0, done.extend, lambda error: None)
    ticking.ticks.soon()
    await trio.sleep(0.45)
    assert done == ["a", "b", "c"]
    assert ticking.times == [0, 0.5, 0.6, 0.7, 0.8, 0.9]
    await trio.sleep(1.5)
    assert ticking.times[6:] == [1, 2]


async def test_a_held_pull_is_answered_when_its_time_is_up(ticking, autojump_clock):
    answered = []
    await trio.sleep(0.5)
    pull = HeldPull(
        None, None, ("T", 0), 0, trio_ms() + 250, lambda _: answered.append(trio.current_time())
    )
    ticking.state.held_pulls.hold(pull)
    ticking.ticks.soon()
    await trio.sleep(1)
    assert answered == [pytest.approx(0.75)]


async def test_a_tick_that_fails_is_logged_and_the_next_one_comes(ticking, autojump_clock, caplog):
    await trio.sleep(0.5)
    ticking.state.pop.tick = lambda: 1 // 0
    await trio.sleep(1)
    del ticking.state.pop.tick
    await trio.sleep(1)
    assert caplog.messages == ["a tick failed"]
    assert ticking.times == [0, 2]


async def test_what_is_called_each_period_is_called_again_when_it_fails(
    nursery, autojump_clock, caplog
):
    times = []

    def fail():
        times.append(trio.current_time())
        raise ValueError

    await trio.sleep(0.7)
    nursery.start_soon(every, 0.5, fail)
    nursery.start_soon(every, 1.0, fail)
    await trio.sleep(1.6)
    assert times == [1, 1, 1.5, 2, 2], "those of several periods come together"
    assert caplog.messages.count("timer of 0.5 s failed") == 3
