"""Wake trio tasks from plain calls; hand somebody else what to wait for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import trio

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator


class Arrivals:
    """A call for each thing that has come; each wakes one of the tasks that wait."""

    def __init__(self) -> None:
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
        if seconds == math.inf:
            await self._waiting.park()
            return True
        with trio.move_on_after(max(seconds, 0)):
            await self._waiting.park()
            return True
        return False


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


class Waiting:
    """Something to await, which begins only then: it may be dropped, as a coroutine may not.

    Args:
        begin: begins the wait.
    """

    def __init__(self, begin: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._begin = begin

    def __await__(self) -> Generator[Any, None, None]:
        return self._begin().__await__()
