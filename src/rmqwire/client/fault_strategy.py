"""Keeping away from slow brokers (Java ``MQFaultStrategy`` and ``LatencyFaultToleranceImpl``).

Off by default (``sendLatencyFaultEnable``): then a retry merely avoids the broker tried last. When
it is on, every send's latency decides how long its broker is left alone; the tables of the releases
are columns of ``Release``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from rmqwire.client.route_table import TopicPublishInfo
    from rmqwire.clock import MonoMs
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.codec.release import Release


@dataclass(slots=True)
class FaultItem:
    """What is known of one broker: ms of its last send, when it may be used and asked again."""

    latency_ms: int
    available_from_ms: int
    reachable: bool
    ask_from_ms: int = 0


class FaultStrategy:
    """Choose queues and remember how their brokers did.

    Args:
        release: whose table of latencies.
        mono_ms: monotonic clock in ms.
        rng: restarts the round robin of a retry at a random queue.
        enabled: ``sendLatencyFaultEnable``.
        table: (ms of a send, ms that a broker is left alone then); None for the release's.
    """

    def __init__(
        self,
        release: Release,
        mono_ms: MonoMs,
        rng: Random,
        *,
        enabled: bool = False,
        table: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        self.enabled = enabled
        self._table = table or tuple(
            zip(release.client.latency_max_ms, release.client.not_available_ms, strict=True)
        )
        self._isolation_ms = release.client.isolation_latency_ms
        self._mono_ms = mono_ms
        self._rng = rng
        self.items: dict[str, FaultItem] = {}

    def select(
        self, info: TopicPublishInfo, last_broker: str | None, *, retry: bool = False
    ) -> MessageQueue:
        """Return the queue to send to.

        Args:
            info: the topic's queues, at least one.
            last_broker: the broker of the attempt before, to be avoided if there is another.
            retry: this isn't the first attempt.
        """
        if not self.enabled:
            return (
                info.select()
                if last_broker is None
                else info.select_where(lambda queue: queue.broker_name != last_broker)
                or info.select()
            )
        if retry:
            info.reset(self._rng.randrange(1 << 16))
        for usable in (self.is_available, self.is_reachable):
            queue = info.select_where(_other_broker(usable, last_broker))
            if queue is not None:
                return queue
        return info.select()

    def update(
        self, broker_name: str, latency_ms: int, *, isolate: bool = False, reachable: bool = True
    ) -> None:
        """Remember how a send went.

        Args:
            broker_name: who got it.
            latency_ms: how long it took.
            isolate: it failed: count it as a long latency.
            reachable: False when no connection came about.
        """
        if not self.enabled:
            return
        pause = self.not_available_ms(self._isolation_ms if isolate else latency_ms)
        until = self._mono_ms() + pause if pause else 0
        item = self.items.get(broker_name)
        if item is None:
            self.items[broker_name] = FaultItem(latency_ms, until, reachable)
            return
        item.latency_ms = latency_ms
        item.available_from_ms = max(item.available_from_ms, until)
        item.reachable = reachable

    def unreachable(self) -> list[str]:
        """Return the brokers that the last send didn't get through to."""
        return [name for name, item in self.items.items() if not item.reachable]

    def to_ask(self, interval_ms: int) -> list[str]:
        """Return those that are to be asked now whether they are back (``detectByOneRound``).

        Args:
            interval_ms: in which none of them is to be asked again.
        """
        now = self._mono_ms()
        names = [name for name in self.unreachable() if now >= self.items[name].ask_from_ms]
        for name in names:
            self.items[name].ask_from_ms = now + interval_ms
        return names

    def reachable_again(self, broker_name: str) -> None:
        """Take a broker back that has answered."""
        if broker_name in self.items:
            self.items[broker_name].reachable = True

    def forget(self, broker_name: str) -> None:
        """Know nothing of a broker any more."""
        self.items.pop(broker_name, None)

    def not_available_ms(self, latency_ms: int) -> int:
        """Return how long a broker with this latency is left alone."""
        for latency_max, pause in reversed(self._table):
            if latency_ms >= latency_max:
                return pause
        return 0

    def is_available(self, broker_name: str) -> bool:
        """Say whether the broker's pause is over."""
        item = self.items.get(broker_name)
        return item is None or self._mono_ms() >= item.available_from_ms

    def is_reachable(self, broker_name: str) -> bool:
        """Say whether the last send got through to the broker."""
        item = self.items.get(broker_name)
        return item is None or item.reachable


def _other_broker(
    usable: Callable[[str], bool], last_broker: str | None
) -> Callable[[MessageQueue], bool]:
    return lambda queue: queue.broker_name != last_broker and usable(queue.broker_name)
