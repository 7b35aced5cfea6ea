"""The tasks of a master's timers: one does their steps, one flushes their files."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

import trio

from rmqwire.wakeup import next_beat

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.wakeup import Wakeup

CLEAN_S = 30.0  # how often old files of the timer log are looked for
RECOUNT_S = 45 * 60.0  # how often it is asked whether what waits is to be counted again
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
    """Write and sync the timers' files every timerFlushIntervalMs, until cancelled.

    Besides, old files are removed, what waits is counted again, and the log told how far the timers are.
    """
    config = state.store.config
    began = trio.current_time()
    clean_at, recount_at, told_at, told = began + CLEAN_S, began + RECOUNT_S, began, ""
    while True:
        await next_beat(config.timer_flush_interval_ms / 1000)
        now = trio.current_time()
        if now - told_at >= config.timer_progress_log_interval_ms / 1000:
            told_at, told = now, _tell_progress(state, told)
        try:
            await _flush(state)
            if now >= clean_at:
                clean_at = now + CLEAN_S
                state.timers.clean()
            if now >= recount_at and not state.timers.is_in_tick:
                recount_at = now + RECOUNT_S
                await _recount(state)
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


async def _recount(state: BrokerState) -> None:
    for _ in state.timers.recount() or ():
        await trio.lowlevel.checkpoint()
        if not state.timers.is_running:
            return


def _tell_progress(state: BrokerState, told: str) -> str:
    """Tell the log how far the timers are, unless it was told the same; return what it knows then."""
    progress = state.timers.progress()
    if progress not in {"", told}:
        logger.info("timers: %s", progress)
    return progress
