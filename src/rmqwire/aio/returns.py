"""The way from the engine to an asyncio loop."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class Returns:
    """Calls on their way to one asyncio loop; those that come together wake it once."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._over: deque[Callable[[], None]] = deque()

    def put(self, resume: Callable[[], None]) -> None:
        """Let the loop call something; from the engine's thread.

        Raises:
            RuntimeError: the loop is closed.
        """
        with self._lock:
            first = not self._over
            self._over.append(resume)
        if first:
            try:
                self._loop.call_soon_threadsafe(self._resume_all)
            except RuntimeError:
                self._over.clear()
                raise

    def _resume_all(self) -> None:
        with self._lock:
            over, self._over = self._over, deque()
        for resume in over:
            resume()


_returns: WeakKeyDictionary[asyncio.AbstractEventLoop, Returns] = WeakKeyDictionary()


def returns_of(loop: asyncio.AbstractEventLoop) -> Returns:
    """Return the way back to a loop."""
    found = _returns.get(loop)
    if found is None:
        found = _returns[loop] = Returns(loop)
    return found
