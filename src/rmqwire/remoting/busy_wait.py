"""To look again and again for a moment, instead of sleeping, where that has paid before.

Who sleeps gives its core away, and to be woken costs a client that asks one thing after the other
more than the answer itself. So the loop that has just answered looks for some microseconds more.
Where nobody comes by then, as with a client that thinks between its requests, that was for nothing:
then it sleeps at once the next time, and twice as often with each such miss.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

WAIT_S = 100e-6  # a round trip to a client on this machine takes 20 to 70 µs
MOST_SLEPT = 255  # sleeps at once between two tries

Events = list[tuple[int, int]]  # descriptor, what it is ready for


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class BusyWait:
    """Decides whether it is worth to wait awake.

    Args:
        wait_s: for that long, monotonic.
        mono_s: monotonic clock, s.
        is_alone: nobody can ask meanwhile, because there is one core only; None: found out.
    """

    def __init__(
        self,
        wait_s: float = WAIT_S,
        mono_s: Callable[[], float] = time.perf_counter,
        is_alone: bool | None = None,
    ) -> None:
        self._wait_s = 0.0 if (cores() < 2 if is_alone is None else is_alone) else wait_s
        self._mono_s = mono_s
        self._sleeps = 0  # at once, before the next try
        self._next_sleeps = 1  # if that one is for nothing, too

    def look(self, look: Callable[[], Events]) -> Events:
        """Return what ``look`` finds within the time, nothing if the loop may as well sleep.

        Args:
            look: returns at once with what is there.
        """
        if self._sleeps:
            self._sleeps -= 1
            return []
        mono_s = self._mono_s
        end_s = mono_s() + self._wait_s
        while mono_s() < end_s:
            if found := look():
                self._next_sleeps = 1
                return found
        self._sleeps = self._next_sleeps
        self._next_sleeps = min(2 * self._next_sleeps + 1, MOST_SLEPT)
        return []
