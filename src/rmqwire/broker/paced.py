"""Work on many things at a bounded rate, a little in each tick (Guava's ``RateLimiter`` in Java).

A request that deletes a thousand topics must not keep all others waiting while files are removed.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rmqwire.clock import MonoMs


class _Batch(msgspec.Struct):
    items: deque[str]
    period_ms: float
    next_ms: float
    work: Callable[[list[str]], None]
    done: Callable[[Exception | None], None]


class Paced:
    """The batches under way; each goes on at its own rate.

    Args:
        mono_ms: monotonic clock.
    """

    def __init__(self, mono_ms: MonoMs) -> None:
        self._mono_ms = mono_ms
        self._batches: list[_Batch] = []

    def start(
        self,
        items: Iterable[str],
        rate: float,
        work: Callable[[list[str]], None],
        done: Callable[[Exception | None], None],
    ) -> None:
        """Begin at once with the first item; ``tick`` goes on.

        Args:
            items: what to work on, in order.
            rate: items a second; 0 or less: all at once.
            work: does it for those that are due.
            done: called once, with the error that ended the batch early or None.
        """
        now = self._mono_ms()
        period_ms = 1000 / rate if rate > 0 else 0.0
        self._batches.append(_Batch(deque(items), period_ms, now, work, done))
        self.tick()

    @property
    def at_rest(self) -> bool:
        """Return whether no batch is under way."""
        return not self._batches

    def tick(self) -> None:
        """Do what has become due."""
        now = self._mono_ms()
        self._batches = [batch for batch in self._batches if not _advance(batch, now)]


def _advance(batch: _Batch, now: int) -> bool:
    """Do the items of a batch that are due; return whether the batch is over."""
    due: list[str] = []
    while batch.items and batch.next_ms <= now:
        due.append(batch.items.popleft())
        batch.next_ms += batch.period_ms
    try:
        if due:
            batch.work(due)
    except Exception as error:  # noqa: BLE001  the border of the batch: its request is answered with it
        batch.done(error)
        return True
    if batch.items:
        return False
    batch.done(None)
    return True
