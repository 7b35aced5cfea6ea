"""Workers in a program's asyncio loop, for its consumers' listeners.

A worker is a task, so that a listener finds one that is its own as long as it runs, and calls listeners as
long as calls are left. One that waits is waited for; the next worker begins only then.
"""

from __future__ import annotations

import asyncio
import logging
from time import perf_counter
from typing import TYPE_CHECKING

import trio

from rmqwire.aio.returns import returns_of
from rmqwire.bridge.crews import TURN_S, Crew
from rmqwire.bridge.engine import shared_engine
from rmqwire.consumer.working.stepping import Begun
from rmqwire.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.consumer.working.elsewhere import Hiring, Place
    from rmqwire.consumer.working.runs import Run

logger = logging.getLogger(__name__)


class LoopCrew(Crew):
    """Workers in one loop.

    Args:
        place: the face's.
        loop: its loop.
        hiring: what they need of the consumer.
    """

    def __init__(self, place: Place, loop: asyncio.AbstractEventLoop, hiring: Hiring) -> None:
        super().__init__(place, hiring, shared_engine().post, shared_engine().after_turn)
        self._loop = loop
        self._tasks: set[asyncio.Task[None]] = set()
        self._awake = False  # somebody looks for runs before the loop waits

    def _call_workers(self) -> None:
        if not self._awake:
            self._awake = True
            self._put(self._hire)

    def _put(self, call: Callable[[], None]) -> None:
        """Have the loop call something; if it is closed no listener is called any more."""
        try:
            returns_of(self._loop).put(call)
        except RuntimeError:
            if not self._closed:
                logger.warning("the asyncio loop of a consumer's listeners is closed")
            self._closed = True

    async def finish(self) -> None:
        """Begin no more calls, and wait for those that are under way, unless they have no loop any more."""
        if not self._loop.is_closed():
            await super().finish()

    async def stay(self) -> None:
        """Be there until this is cancelled, and then cancel all calls."""
        try:
            await trio.sleep_forever()
        finally:
            self._put(self._cancel)

    # --- in the loop

    def _hire(self) -> None:
        """Have one more worker begin, if calls are left and it may."""
        self._awake = False  # before the look: what comes behind it wakes the loop again
        if len(self._tasks) < self._hiring.most and self._next() is not None:
            self._awake = True
            task = self._loop.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._left)

    def _left(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._hire()

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _next_or_leave(self) -> Run | None:
        """Return a run that has calls left; None without one: then the next that comes wakes the loop."""
        run = self._next()
        if run is None:
            self._awake = False
            run = self._next()
            if run is not None:
                self._awake = True
        return run

    async def _work(self) -> None:
        turn = now = perf_counter()
        wall_ms = self._hiring.wall_ms()
        run: Run | None = None
        while True:
            if run is None or not run.starts:
                run = self._next_or_leave()
                if run is None:
                    break
            try:
                at = run.starts.popleft()
            except IndexError:  # the consumer is closing
                continue
            work = self._work_of(run, at, wall_ms)
            if work is None:
                continue
            call, messages, context, variables = work
            try:
                told = variables.run(call.start, run.topic, messages, context)
                if waits := isinstance(told, Begun):
                    self._tell()
                    self._hire()
                    told = await call.finish(run.topic, told, variables.run)
                    self._awake = True
            except BaseException as error:
                reason = UsageError(f"the listener ended by {type(error).__name__}")
                told = call.raised(run.topic, reason)
                self._back.append((run, at, told, context, (perf_counter() - now) * 1000))
                self._tell()
                raise
            over = perf_counter()
            self._back.append((run, at, told, context, (over - now) * 1000))
            now = over
            if waits or now - turn >= TURN_S:
                self._tell()
                if not waits:
                    await asyncio.sleep(0)
                turn = now = perf_counter()
                wall_ms = self._hiring.wall_ms()
        self._tell()
