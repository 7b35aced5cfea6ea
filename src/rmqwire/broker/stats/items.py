"""One counter and its windows.

The shell samples every item each 10 s, 10 minutes and hour, as Java does, so what happened in the last
minute, hour and day is the difference of two samples. An item at rest for a whole window has no samples:
they would all be the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

SAMPLE_SECONDS_MS: Final = 10_000
SAMPLE_MINUTES_MS: Final = 600_000
SAMPLE_HOURS_MS: Final = 3_600_000


class StatsSnapshot(msgspec.Struct):
    """Sum and rate of one window (``StatsSnapshot``): sum, per second, times, per call."""

    sum: int = 0
    tps: float = 0.0
    times: int = 0
    avgpt: float = 0.0


class Window:
    """The samples of one counter's last minute, hour or day.

    Args:
        step_ms: between two samples.
        kept: samples at most.
    """

    __slots__ = ("_kept", "_samples", "_step_ms", "_times", "_value")

    def __init__(self, step_ms: int, kept: int) -> None:
        self._step_ms = step_ms
        self._kept = kept
        self._samples: list[tuple[int, int, int]] = []  # wall clock ms, value, times
        self._value = 0  # at the sample before
        self._times = 0

    def sample(self, wall_ms: int, value: int, times: int) -> None:
        """Take a sample (``StatsItem.samplingInSeconds`` and its like)."""
        samples = self._samples
        if not samples:
            if value == self._value and times == self._times:
                return
            samples.append((wall_ms - self._step_ms, self._value, self._times))
        samples.append((wall_ms, value, times))
        self._value, self._times = value, times
        if len(samples) > self._kept:
            del samples[0]
            if samples[0][1:] == (value, times):
                samples.clear()

    def snapshot(self) -> StatsSnapshot:
        """Return what happened between the first and the last sample (``computeStatsData``)."""
        if not self._samples:
            return StatsSnapshot()
        first_ms, first_value, first_times = self._samples[0]
        last_ms, last_value, last_times = self._samples[-1]
        total, times = last_value - first_value, last_times - first_times
        tps = total * 1000.0 / (last_ms - first_ms) if last_ms > first_ms else 0.0
        return StatsSnapshot(total, tps, times, total / times if times > 0 else 0.0)


# What it takes for each: ms between two samples, samples at most.
_WINDOWS: Final[Mapping[str, tuple[int, int]]] = {
    "minute": (SAMPLE_SECONDS_MS, 7),
    "hour": (SAMPLE_MINUTES_MS, 7),
    "day": (SAMPLE_HOURS_MS, 25),
}
_UNUSED: Final = Window(0, 0)  # a counter has three, and there are many that have just begun


class StatsItem:
    """One counter (``StatsItem``): what, how often, and the windows of both, each made with its first sample."""

    __slots__ = ("_rest_since", "_times_then", "day", "hour", "minute", "times", "value")

    def __init__(self) -> None:
        self.value = 0
        self.times = 0
        self._times_then = -1  # when somebody looked whether it is at rest
        self._rest_since = 0
        self.minute = self.hour = self.day = _UNUSED

    def sample(self, window_name: str, wall_ms: int) -> None:
        """Take a sample for ``minute``, ``hour`` or ``day``."""
        window: Window = getattr(self, window_name)
        if window is _UNUSED:
            window = Window(*_WINDOWS[window_name])
            setattr(self, window_name, window)
        window.sample(wall_ms, self.value, self.times)

    def add(self, amount: int, times: int = 1) -> None:
        """Count ``amount`` (messages, bytes or ms) of ``times`` calls."""
        self.value += amount
        self.times += times

    def rested_ms(self, wall_ms: int) -> int:
        """Return since how many ms nothing was counted, as far as the looks until now can tell."""
        if self.times != self._times_then:
            self._times_then, self._rest_since = self.times, wall_ms
        return wall_ms - self._rest_since
