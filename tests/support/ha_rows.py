"""The rows of HA faults: tests that also judge the mutants of the replication."""

from __future__ import annotations

import functools
import inspect

import trio
import trio.testing

LIMIT_S = 1500  # of simulated time: what waits for ever is found out

ROWS = []


def row(function):
    """Make a test, sync or async, one that every mutant has to pass."""
    judge = _simulated(function) if inspect.iscoroutinefunction(function) else function
    ROWS.append(judge)
    return judge


def _simulated(function):
    @functools.wraps(function)
    def run():
        async def limited():
            with trio.fail_after(LIMIT_S):
                await function()

        trio.run(limited, clock=trio.testing.MockClock(autojump_threshold=0))

    return run
