"""The two clocks, named: which one a time comes from stands in its name.

``wall_ms`` is the time of day, ms since the epoch: what records, tables and clients show each other.
It jumps when somebody sets it. ``mono_ms`` only goes forward, from an arbitrary start: leases,
time limits and waits. Cores take either as an argument of that name; shells pass these functions, or
trio's clock (``remoting.channel.trio_ms``) where tests want to turn it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

WallMs = Callable[[], int]  # returns ms since the epoch
MonoMs = Callable[[], int]  # returns ms of a clock that never goes back


def wall_ms() -> int:
    """Return the time of day in ms since the epoch."""
    return time.time_ns() // 1_000_000


def is_hour_of(hours: str, wall_ms: int) -> bool:
    """Return whether a time is in one of some hours, ``04`` or ``04;16`` in local time (``isItTimeToDo``)."""
    hour = time.localtime(wall_ms // 1000).tm_hour
    return any(int(word) == hour for word in hours.split(";"))


def mono_ms() -> int:
    """Return ms of the machine's monotonic clock."""
    return time.monotonic_ns() // 1_000_000
