"""Wake trio tasks from plain calls, or together; hand somebody else what to wait for."""

from __future__ import annotations

import math
from contextlib import suppress
from threading import get_ident
from typing import TYPE_CHECKING, Any

import trio

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator


async def next_beat(period_s: float) -> None:
    """Sleep until the next multiple of a period, s: who waits for the same time wakes together.

    To be woken costs a process at rest more than what it does then.
    """
    if period_s <= 0:
        await trio.lowlevel.checkpoint()
    else:
        await trio.sleep_until(beat_after(trio.current_time(), period_s))


def beat_after(now_s: float, period_s: float) -> float:
    """Return the first multiple of a period that is later than a time of trio's clock, s."""
    return (now_s // period_s + 1) * period_s


class Arrivals:
    """A call for each thing that has come; each wakes one of the tasks that wait.

    Attributes:
        waited_for: how many wait.
    """

    def __init__(self) -> None:
        self.waited_for = 0
        self._waiting = trio.lowlevel.ParkingLot()

    def __call__(self) -> None:
        """Wake the task that has waited longest, if there is one."""
        if self._waiting:
            self._waiting.unpark()

    def wake_all(self) -> None:
        """Wake all of them: nothing more comes."""
        if self._waiting:
            self._waiting.unpark_all()

    async def wait(self, seconds: float = math.inf) -> bool:
        """Wait to be woken; return whether it was, within ``seconds``."""
        self.waited_for += 1
        try:
            if seconds == math.inf:
                await self._waiting.park()
                return True
            with trio.move_on_after(max(seconds, 0)):
                await self._waiting.park()
                return True
            return False
        finally:
            self.waited_for -= 1


class AnyThreadArrivals(Arrivals):
    """The same; other threads may call ``wake_all`` as well, while no task runs."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = 0
        self._token: trio.lowlevel.TrioToken | None = None

    def wake_all(self) -> None:
        """Wake all of them."""
        if self._token is None:
            return  # nobody has waited yet
        if get_ident() == self._thread:
            super().wake_all()
        else:
            with suppress(trio.RunFinishedError):  # nobody waits any more
                self._token.run_sync_soon(super().wake_all)

    async def wait(self, seconds: float = math.inf) -> bool:
        """Wait to be woken; return whether it was, within ``seconds``."""
        if self._token is None:
            self._thread, self._token = get_ident(), trio.lowlevel.current_trio_token()
        return await super().wait(seconds)


class Wakeup:
    """A call that one waiting task hears; calls while it is busy count once, for its next wait."""

    def __init__(self) -> None:
        self._event = trio.Event()

    def __call__(self) -> None:
        """Wake the task, now or at its next wait."""
        self._event.set()

    async def wait(self, seconds: float = math.inf) -> None:
        """Return after the next call, at once when there was one since the last wait.

        Args:
            seconds: return without a call after that long.
        """
        with trio.move_on_after(max(seconds, 0)):
            await self._event.wait()
        self._event = trio.Event()


class AnyThreadWakeup:
    """A ``Wakeup`` that other threads may call as well, while no task runs.

    It is made in the loop.

    Attributes:
        called: there was a call since the last wait.
    """

    __slots__ = ("_thread", "_token", "_waiting", "called")

    def __init__(self) -> None:
        self.called = False
        self._waiting: trio.lowlevel.Task | None = None
        self._thread = get_ident()
        self._token: trio.lowlevel.TrioToken = trio.lowlevel.current_trio_token()

    def __call__(self) -> None:
        """Wake the task, now or at its next wait."""
        if self.called:
            return
        self.called = True
        if self._waiting is None:
            return
        if get_ident() == self._thread:
            self._wake()
        else:
            with suppress(trio.RunFinishedError):  # nobody waits any more
                self._token.run_sync_soon(self._wake)

    def _wake(self) -> None:
        task, self._waiting = self._waiting, None
        if task is not None:  # else it was cancelled meanwhile
            trio.lowlevel.reschedule(task)

    async def wait(self, seconds: float = math.inf) -> None:
        """Return after the next call, at once when there was one since the last wait.

        Args:
            seconds: return without a call after that long.
        """
        if self.called:
            await trio.lowlevel.checkpoint()
        elif seconds == math.inf:
            await self._park()
        else:
            with trio.move_on_after(max(seconds, 0)):
                await self._park()
        self.called = False

    async def _park(self) -> None:
        self._waiting = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(self._abort)

    def _abort(self, _: object) -> trio.lowlevel.Abort:
        self._waiting = None
        return trio.lowlevel.Abort.SUCCEEDED


class OneWait:
    """The one wait of one task for something that happens once."""

    __slots__ = ("_over", "_task")

    def __init__(self) -> None:
        self._over = False
        self._task: trio.lowlevel.Task | None = None

    def end(self) -> None:
        """Let it be over."""
        self._over = True
        if self._task is not None:
            trio.lowlevel.reschedule(self._task)
            self._task = None

    async def wait(self) -> None:
        """Wait; at once when it is over already."""
        if not self._over:
            self._task = trio.lowlevel.current_task()
            await trio.lowlevel.wait_task_rescheduled(self._abort)

    def _abort(self, _: object) -> trio.lowlevel.Abort:
        self._task = None
        return trio.lowlevel.Abort.SUCCEEDED


class Waiting:
    """Something to await, which begins only then: it may be dropped, as a coroutine may not.

    Args:
        begin: begins the wait.
    """

    def __init__(self, begin: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._begin = begin

    def __await__(self) -> Generator[Any, None, None]:
        return self._begin().__await__()
