"""When a server that is loaded slice after slice is as fast as it becomes."""

from __future__ import annotations

import time
from collections.abc import Sequence

from bench.machine import compiling_seconds

SLICES = 3  # the last ones, which must bring nothing new
GROWN = 0.03  # above the best slice before: the rate still grows
COMPILING = 0.1  # of a core: a JVM's compilers are still at work


def stands(rates: Sequence[float], compiling: Sequence[float]) -> bool:
    """Return whether a rate has stopped to grow, and those who could make it grow have no work.

    A rate alone doesn't tell: on a busy machine compilers wait, and noise is no growth.

    Args:
        rates: of each slice.
        compiling: what a JVM's compilers took of a core meanwhile.
    """
    if len(rates) <= SLICES or sum(compiling[-SLICES:]) > COMPILING * SLICES:
        return False
    return max(rates[-SLICES:]) <= (1 + GROWN) * max(rates[:-SLICES])


class Warming:
    """The slices of one process.

    Args:
        pid: of the process, a JVM or not.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._rates: list[float] = []
        self._compiling: list[float] = []
        self._last = time.monotonic(), compiling_seconds(pid)

    def __str__(self) -> str:
        return ", ".join(f"{rate:,.0f}" for rate in self._rates)

    def add(self, rate: float) -> None:
        """Take the rate of the slice that has just ended."""
        (began, before), self._last = self._last, (time.monotonic(), compiling_seconds(self._pid))
        self._rates.append(rate)
        self._compiling.append((self._last[1] - before) / (self._last[0] - began))

    @property
    def is_over(self) -> bool:
        return stands(self._rates, self._compiling)
