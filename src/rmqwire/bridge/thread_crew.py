"""Workers in threads, for listeners that may block.

One thread goes on as long as calls are left, and while the listener returns fast no other is woken: that
would cost more than the calls. Where calls are seen to take long, each thread that takes one wakes the
next, up to as many as the consumer may have; where one stands still, a watch does so within milliseconds.
"""

from __future__ import annotations

import inspect
import threading
from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING, Final

import trio

from rmqwire.bridge.crews import TURN_S, Crew
from rmqwire.consumer.listener import ConsumeStatus

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Awaitable, Callable, Iterator

    from rmqwire.bridge.crews import Work
    from rmqwire.bridge.workers import Workers
    from rmqwire.consumer.working.elsewhere import Hiring
    from rmqwire.consumer.working.listener_call import Outcome
    from rmqwire.consumer.working.runs import Run

QUICK_S: Final = 50e-6  # a call that is over by then isn't worth a thread of its own
STALL_S: Final = 0.005  # without a call taken for so long another thread comes


async def _wait_for(something: Awaitable[object]) -> object:
    return await something


def _taken_from(starts: deque[int]) -> Iterator[int]:
    """Take one after the other, as long as there are some; other threads take from them too."""
    with suppress(IndexError):
        while True:
            yield starts.popleft()


class ThreadCrew(Crew):
    """Workers in threads.

    Args:
        workers: the threads.
        hiring: what they need of the consumer.
        post: lets the engine call something soon.
        after_turn: calls something at the end of the engine's turn.
    """

    def __init__(
        self,
        workers: Workers,
        hiring: Hiring,
        post: Callable[[Callable[[], None]], None],
        after_turn: Callable[[Callable[[], None]], None],
    ) -> None:
        super().__init__(workers, hiring, post, after_turn)
        self._workers = workers
        self._token = trio.lowlevel.current_trio_token()
        self._lock = threading.Lock()
        self._running = 0
        self._taken = 0  # roughly: whether it changes is what counts
        self._slow = False
        self._watching = False

    def put(self, run: Run) -> None:
        """Have a run consumed."""
        super().put(run)
        if not self._watching:
            self._watching = True
            self._hiring.spawn(self._watch)

    def _call_workers(self) -> None:
        self._hire(one_is_enough=not self._slow)

    def _hire(self, *, one_is_enough: bool) -> None:
        """Have one more thread come, if calls are left and it may."""
        with self._lock:
            most = 1 if one_is_enough else self._hiring.most
            if self._running >= most or self._next() is None:
                return
            self._running += 1
        self._workers.start(self._work)

    async def _watch(self) -> None:
        """Look for calls that hold the others up, as long as some are left; in the engine."""
        while self._left():
            taken = self._taken
            full = self._running == self._hiring.most
            await trio.sleep(10 * STALL_S if full else STALL_S)
            self.drain()
            if self._taken == taken:
                self._slow = True
                self._hire(one_is_enough=False)
        self._watching = False

    def _left(self) -> bool:
        with self._lock:
            return self._next() is not None

    async def stay(self) -> None:
        """Be there until this is cancelled, and then until all calls that were begun are over."""
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await self.finish()

    # --- in a thread

    def _next_or_leave(self) -> Run | None:
        """Return a run that has calls left, None without one: then the thread leaves."""
        with self._lock:
            run = self._next()
            if run is None:
                self._running -= 1
            return run

    def _work(self) -> None:
        turn = now = perf_counter()
        wall_ms = self._hiring.wall_ms()
        calls = quick = 0
        while (run := self._next_or_leave()) is not None:
            for at in _taken_from(run.starts):
                self._taken += 1
                if self._slow:
                    self._hire(one_is_enough=False)
                    now = perf_counter()
                work = self._work_of(run, at, wall_ms)
                if work is None:
                    continue
                told = self._made(run.topic, work)
                over = perf_counter()
                self._back.append((run, at, told, work[2], (over - now) * 1000))
                calls += 1
                quick += over - now < QUICK_S
                now = over
                if now - turn >= TURN_S:
                    self._slow = 2 * quick < calls
                    self._tell()
                    calls = quick = 0
                    turn = now = perf_counter()
                    wall_ms = self._hiring.wall_ms()
        if calls:
            self._slow = 2 * quick < calls
        self._tell()

    def _made(self, topic: str, work: Work) -> ConsumeStatus | Outcome[ConsumeStatus]:
        """Call the listener, and return what that comes to."""
        call, messages, context, variables = work
        try:
            result = variables.run(call.call, messages, context)
            if type(result) is ConsumeStatus:
                return result
            if inspect.isawaitable(result):
                result = variables.run(self._waited_for, result)
        except BaseException as error:  # noqa: BLE001  nobody but the consumer is there to hear of it
            return call.raised(topic, error)
        return call.judged(topic, result)

    def _waited_for(self, result: Awaitable[object]) -> object:
        """Return what something comes to that a plain listener has returned."""
        return trio.from_thread.run(_wait_for, result, trio_token=self._token)
