"""What a broker does from time to time: at fixed periods, and soon after requests that left something to do.

A tick answers the requests whose time is up and does paced work. Most of what it looks for begins with a
request, so a broker that nobody asks for anything has no ticks, but looks once a second all the same.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import trio

from rmqwire.wakeup import Wakeup, beat_after, next_beat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rmqwire.broker.core import BrokerCore

TICK_S = 0.1  # how late a held pull may be answered, paced work be done
REST_S = 1.0  # how long it may take to see what no request has begun
logger = logging.getLogger(__name__)


async def every(period_s: float, call: Callable[[], Iterator[None] | None]) -> None:
    """Call something each period, in slices if it gives some; what goes wrong with one call is logged."""
    while True:
        await next_beat(period_s)
        try:
            for _ in call() or ():
                await trio.lowlevel.checkpoint()
        except Exception:  # one call is the border: logged, the next goes on
            logger.exception("timer of %s s failed", period_s)


class Ticks:
    """The ticks of one broker.

    Attributes:
        at_rest: the next tick may be far: ``soon`` is to be called behind requests.
    """

    def __init__(self) -> None:
        self.at_rest = False
        self._wanted = Wakeup()

    def soon(self) -> None:
        """Tick within ``TICK_S``: requests have come."""
        self.at_rest = False
        self._wanted()

    async def run(self, core: BrokerCore) -> None:
        """Tick until cancelled."""
        state = core.state
        while True:
            try:
                self._tick(core)
            except Exception:  # one tick is the border: logged, the next goes on
                logger.exception("a tick failed")
            self.at_rest = state.pop.at_rest and state.lite.at_rest and state.paced.at_rest
            if self.at_rest:
                await self._wanted.wait(self._rest_s(core))
            if not self.at_rest:
                await trio.sleep(TICK_S)

    @staticmethod
    def _tick(core: BrokerCore) -> None:
        state = core.state
        state.held_pulls.expire(state.mono_ms())
        state.pop.tick()
        state.lite.tick(is_master=not state.replication.is_slave)
        state.store.puts.end_pass()  # check points of the pops that were run again
        state.paced.tick()

    def _rest_s(self, core: BrokerCore) -> float:
        """Return until when nothing is due if nobody asks for anything, s from now."""
        now = trio.current_time()
        rest_s = beat_after(now, REST_S) - now
        due = core.state.held_pulls.next_deadline()
        return rest_s if due is None else min(rest_s, (due - core.state.mono_ms()) / 1000)
