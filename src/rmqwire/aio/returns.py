"""The way from the engine to an asyncio loop."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class Returns:
    """Calls on their way to one asyncio loop; those that come together wake it once.

    Args:
        loop: where they are called.

    Attributes:
        loop: the same.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._woken = False
        self._over: deque[Callable[[], None]] = deque()

    def put(self, resume: Callable[[], None]) -> None:
        """Let the loop call something; from the engine's thread.

        Raises:
            RuntimeError: the loop is closed.
        """
        self._over.append(resume)
        if not self._woken:
            self._woken = True
            try:
                self.loop.call_soon_threadsafe(self._resume_all)
            except RuntimeError:
                self._woken = False
                self._over.clear()
                raise

    def at_once(self, work: Callable[[], None]) -> None:
        """Do a piece of work in the loop, and make the calls that it puts here without being woken."""
        self._woken = True
        try:
            work()
        finally:
            self._resume_all()

    def _resume_all(self) -> None:
        self._woken = False  # from now on who puts something wakes the loop again
        over = self._over
        for _ in range(len(over)):
            over.popleft()()


# By the loop's id, which belongs to it as long as its way does.
_returns: WeakValueDictionary[int, Returns] = WeakValueDictionary()


def returns_of(loop: asyncio.AbstractEventLoop) -> Returns:
    """Return the way back to a loop: the same one as long as somebody has it."""
    found = _returns.get(id(loop))
    if found is None:
        found = _returns[id(loop)] = Returns(loop)
    return found
