"""The tasks of a master's timers: one does their steps, one flushes their files."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.wakeup import Wakeup

CLEAN_S = 30.0  # how often old files of the timer log are looked for
logger = logging.getLogger(__name__)


async def run_timers(state: BrokerState, wanted: Wakeup) -> None:
    """Deliver timers when they are due, and take new ones, until cancelled.

    Args:
        state: of an open broker, a master.
        wanted: called when the queue of timers has grown.
    """
    while True:
        next_ms = state.timers.step()
        state.store.puts.end_pass()
        if next_ms is None:
            await wanted.wait()
            continue
        wait_s = (next_ms - state.wall_ms()) / 1000
        if wait_s > 0:
            await wanted.wait(wait_s)
        else:
            await trio.lowlevel.checkpoint()


async def flush_timers(state: BrokerState) -> None:
    """Write and sync the timers' files every timerFlushIntervalMs, until cancelled."""
    clean_at = trio.current_time() + CLEAN_S
    while True:
        await trio.sleep(state.store.config.timer_flush_interval_ms / 1000)
        try:
            await _flush(state)
            if trio.current_time() >= clean_at:
                clean_at = trio.current_time() + CLEAN_S
                state.timers.clean()
        except OSError as error:
            logger.warning("the timers' files can not be written, tried again: %s", error)


async def _flush(state: BrokerState) -> None:
    timers = state.timers
    plan = timers.flush_plan()
    if plan is None:
        return
    try:
        await trio.to_thread.run_sync(partial(plan.run, state.store.files))
    except trio.Cancelled:
        plan.release(succeeded=False)
        raise
    except OSError as error:
        timers.flush_failed(plan)
        logger.error("timers are noted no more until the next start: %s", error)  # noqa: TRY400
    else:
        timers.flushed(plan)
