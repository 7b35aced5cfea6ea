"""Rates of a consumer by topic (Java ``ConsumerStatsManager``), for GET_CONSUMER_RUNNING_INFO.

Counts are kept per ten seconds; a rate is over the last minute, failed messages over the last hour.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from rmqwire.codec.bodies import ConsumeStatus

if TYPE_CHECKING:
    from rmqwire.clock import WallMs

SLOT_MS = 10_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000


class Counter:
    """Events and a sum that belongs to them, by time slot, one hour long."""

    __slots__ = ("_slots",)

    def __init__(self) -> None:
        self._slots: deque[list[int]] = deque(maxlen=HOUR_MS // SLOT_MS)  # [slot, events, sum]

    def add(self, wall_ms: int, events: int, value: int = 0) -> None:
        """Count ``events`` now, and add ``value`` to the sum."""
        slot = wall_ms // SLOT_MS
        slots = self._slots
        if not slots or slots[-1][0] != slot:
            slots.append([slot, 0, 0])
        slots[-1][1] += events
        slots[-1][2] += value

    def over(self, wall_ms: int, window_ms: int) -> tuple[int, int]:
        """Return (events, sum) of the last ``window_ms``."""
        first = (wall_ms - window_ms) // SLOT_MS
        recent = [slot for slot in self._slots if slot[0] > first]
        return sum(slot[1] for slot in recent), sum(slot[2] for slot in recent)


class TopicStats:
    """What is counted of one topic."""

    __slots__ = ("consumed", "failed", "pulled", "pulls", "runs")

    def __init__(self) -> None:
        self.pulls = Counter()
        self.pulled = Counter()
        self.runs = Counter()
        self.consumed = Counter()
        self.failed = Counter()


class ConsumerStats:
    """Counters of one consumer.

    Args:
        wall_ms: the clock in ms.
    """

    def __init__(self, wall_ms: WallMs) -> None:
        self._wall_ms = wall_ms
        self._topics: dict[str, TopicStats] = {}

    def _of(self, topic: str) -> TopicStats:
        stats = self._topics.get(topic)
        if stats is None:
            stats = self._topics[topic] = TopicStats()
        return stats

    def pulled(self, topic: str, messages: int, took_ms: int) -> None:
        """Count a pull that found messages."""
        now, stats = self._wall_ms(), self._of(topic)
        stats.pulls.add(now, 1, took_ms)
        stats.pulled.add(now, messages)

    def consumed(self, topic: str, took_ms: int, *, ok: int, failed: int) -> None:
        """Count a run of the listener, and the messages that it consumed and didn't."""
        now, stats = self._wall_ms(), self._of(topic)
        stats.runs.add(now, 1, took_ms)
        if ok:
            stats.consumed.add(now, ok)
        if failed:
            stats.failed.add(now, failed)

    def status(self, topic: str) -> ConsumeStatus:
        """Return the rates of a topic: times in ms, rates per second."""
        now, stats = self._wall_ms(), self._of(topic)
        pulls, pull_ms = stats.pulls.over(now, MINUTE_MS)
        runs, run_ms = stats.runs.over(now, MINUTE_MS)
        return ConsumeStatus(
            pull_rt=pull_ms / pulls if pulls else 0.0,
            pull_tps=stats.pulled.over(now, MINUTE_MS)[0] / 60,
            consume_rt=run_ms / runs if runs else 0.0,
            consume_oktps=stats.consumed.over(now, MINUTE_MS)[0] / 60,
            consume_failed_tps=stats.failed.over(now, MINUTE_MS)[0] / 60,
            consume_failed_msgs=stats.failed.over(now, HOUR_MS)[0],
        )
