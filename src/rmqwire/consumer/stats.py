"""Rates of a consumer by topic (Java ``ConsumerStatsManager``), for GET_CONSUMER_RUNNING_INFO.

Counts are kept per ten seconds; a rate is over the last minute, failed messages over the last hour.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmqwire.codec.bodies import ConsumeStatus

if TYPE_CHECKING:
    from rmqwire.clock import WallMs

SLOT_MS = 10_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000


@dataclass(slots=True)
class Counts:
    """What was counted of one topic within some time; ``slot`` is the number of its ten seconds."""

    slot: int = 0
    pulls: int = 0
    pull_ms: int = 0  # of all of them together
    pulled: int = 0  # messages
    runs: int = 0
    run_ms: int = 0
    consumed: int = 0
    failed: int = 0


class TopicStats:
    """The counts of one topic by time slot, one hour long."""

    __slots__ = ("_slots",)

    def __init__(self) -> None:
        self._slots: deque[Counts] = deque(maxlen=HOUR_MS // SLOT_MS)

    def at(self, wall_ms: int) -> Counts:
        """Return the counts to add to now."""
        slot, slots = wall_ms // SLOT_MS, self._slots
        if not slots or slots[-1].slot != slot:
            slots.append(Counts(slot))
        return slots[-1]

    def over(self, wall_ms: int, window_ms: int) -> Counts:
        """Return the sums of the last ``window_ms``."""
        first, total = (wall_ms - window_ms) // SLOT_MS, Counts()
        for one in self._slots:
            if one.slot > first:
                total.pulls += one.pulls
                total.pull_ms += one.pull_ms
                total.pulled += one.pulled
                total.runs += one.runs
                total.run_ms += one.run_ms
                total.consumed += one.consumed
                total.failed += one.failed
        return total


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
        counts = self._of(topic).at(self._wall_ms())
        counts.pulls += 1
        counts.pull_ms += took_ms
        counts.pulled += messages

    def consumed(self, topic: str, took_ms: int, *, ok: int, failed: int, calls: int = 1) -> None:
        """Count calls of the listener, and the messages that they consumed and didn't."""
        counts = self._of(topic).at(self._wall_ms())
        counts.runs += calls
        counts.run_ms += took_ms
        counts.consumed += ok
        counts.failed += failed

    def status(self, topic: str) -> ConsumeStatus:
        """Return the rates of a topic: times in ms, rates per second."""
        now, stats = self._wall_ms(), self._of(topic)
        last = stats.over(now, MINUTE_MS)
        return ConsumeStatus(
            pull_rt=last.pull_ms / last.pulls if last.pulls else 0.0,
            pull_tps=last.pulled / 60,
            consume_rt=last.run_ms / last.runs if last.runs else 0.0,
            consume_oktps=last.consumed / 60,
            consume_failed_tps=last.failed / 60,
            consume_failed_msgs=stats.over(now, HOUR_MS).failed,
        )
