"""Counters of what was put and got (``BrokerStatsManager``'s role).

A :class:`StatsItem` only adds on the hot path. The shell samples every item each 10 s, 10 minutes
and hour, as Java does, so rates of the last minute, hour and day are differences of two samples.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

TOPIC_PUT_NUMS = "TOPIC_PUT_NUMS"
TOPIC_PUT_SIZE = "TOPIC_PUT_SIZE"
GROUP_GET_NUMS = "GROUP_GET_NUMS"
GROUP_GET_SIZE = "GROUP_GET_SIZE"
SNDBCK_PUT_NUMS = "SNDBCK_PUT_NUMS"
BROKER_PUT_NUMS = "BROKER_PUT_NUMS"
BROKER_GET_NUMS = "BROKER_GET_NUMS"

SAMPLE_SECONDS_MS = 10_000
SAMPLE_MINUTES_MS = 600_000
SAMPLE_HOURS_MS = 3_600_000


@dataclass(slots=True)
class StatsSnapshot:
    """Sum and rate of one window (``StatsSnapshot``): sum, per second, times, per call."""

    sum: int = 0
    tps: float = 0.0
    times: int = 0
    avgpt: float = 0.0


class StatsItem:
    """One counter with its samples of the last minute, hour and day."""

    __slots__ = ("day", "hour", "minute", "times", "value")

    def __init__(self) -> None:
        self.value = 0
        self.times = 0
        self.minute: deque[tuple[int, int, int]] = deque([(0, 0, 0)], maxlen=7)
        self.hour: deque[tuple[int, int, int]] = deque([(0, 0, 0)], maxlen=7)
        self.day: deque[tuple[int, int, int]] = deque([(0, 0, 0)], maxlen=25)

    def add(self, amount: int, times: int) -> None:
        """Count ``amount`` (messages or bytes) of ``times`` calls."""
        self.value += amount
        self.times += times


def window(samples: deque[tuple[int, int, int]]) -> StatsSnapshot:
    """Return what happened between the first and the last sample (``StatsItem.computeStatsData``)."""
    if not samples:
        return StatsSnapshot()
    first_ms, first_sum, first_times = samples[0]
    last_ms, last_sum, last_times = samples[-1]
    total, times = last_sum - first_sum, last_times - first_times
    tps = total * 1000.0 / (last_ms - first_ms) if first_ms and last_ms > first_ms else 0.0
    return StatsSnapshot(total, tps, times, total / times if times else 0.0)


class BrokerStats:
    """All counters of one broker, by RocketMQ's statistic names and keys.

    Args:
        cluster: key of the two broker-wide counters, as in Java.
    """

    def __init__(self, cluster: str) -> None:
        self.cluster = cluster
        self.tables: dict[str, dict[str, StatsItem]] = {
            name: {}
            for name in (
                TOPIC_PUT_NUMS,
                TOPIC_PUT_SIZE,
                GROUP_GET_NUMS,
                GROUP_GET_SIZE,
                SNDBCK_PUT_NUMS,
                BROKER_PUT_NUMS,
                BROKER_GET_NUMS,
            )
        }
        self._put_nums = self.tables[TOPIC_PUT_NUMS]
        self._put_size = self.tables[TOPIC_PUT_SIZE]
        self.broker_put = self._item(BROKER_PUT_NUMS, cluster)
        self.broker_get = self._item(BROKER_GET_NUMS, cluster)
        # totals at the last two midnights, for brokerStatus
        self.put_total_yesterday_morning = 0
        self.put_total_today_morning = 0
        self.get_total_yesterday_morning = 0
        self.get_total_today_morning = 0

    def put(self, topic: str, count: int, size: int, times: int = 1) -> None:
        """Count ``count`` stored messages of ``size`` bytes in all, that came with ``times`` sends."""
        nums = self._put_nums.get(topic)
        if nums is None:
            nums = self._item(TOPIC_PUT_NUMS, topic)
            self._item(TOPIC_PUT_SIZE, topic)
        nums.value += count
        nums.times += times
        sizes = self._put_size[topic]
        sizes.value += size
        sizes.times += times
        self.broker_put.value += count
        self.broker_put.times += times

    def got(self, group: str, topic: str, count: int, size: int) -> None:
        """Count ``count`` messages of ``size`` bytes handed to a group."""
        key = f"{topic}@{group}"
        self._item(GROUP_GET_NUMS, key).add(count, 1)
        self._item(GROUP_GET_SIZE, key).add(size, 1)
        self.broker_get.add(count, 1)

    def sent_back(self, group: str, topic: str) -> None:
        """Count one message that a consumer sent back."""
        self._item(SNDBCK_PUT_NUMS, f"{topic}@{group}").add(1, 1)

    def find(self, name: str, key: str) -> StatsItem | None:
        """Return the item of VIEW_BROKER_STATS_DATA, or None when nothing was counted yet."""
        return self.tables.get(name, {}).get(key)

    def delete_topic(self, topic: str) -> None:
        """Forget a deleted topic (``BrokerStatsManager.onTopicDeleted``)."""
        self._put_nums.pop(topic, None)
        self._put_size.pop(topic, None)
        for name in (GROUP_GET_NUMS, GROUP_GET_SIZE, SNDBCK_PUT_NUMS):
            table = self.tables[name]
            for key in [key for key in table if key.startswith(topic + "@")]:
                del table[key]

    def delete_group(self, group: str) -> None:
        """Forget a deleted group (``BrokerStatsManager.onGroupDeleted``)."""
        for name in (GROUP_GET_NUMS, GROUP_GET_SIZE, SNDBCK_PUT_NUMS):
            table = self.tables[name]
            for key in [key for key in table if key.endswith("@" + group)]:
                del table[key]

    def sample(self, wall_ms: int, window_name: str) -> None:
        """Take one sample of every counter.

        Args:
            wall_ms: wall clock.
            window_name: ``minute`` (each 10 s), ``hour`` (each 10 minutes) or ``day`` (each hour).
        """
        for table in self.tables.values():
            for item in table.values():
                samples: deque[tuple[int, int, int]] = getattr(item, window_name)
                if samples[0][0] == 0:
                    samples.clear()
                samples.append((wall_ms, item.value, item.times))

    def record_midnight(self) -> None:
        """Keep the totals of the day that ends (``BrokerStats.record``)."""
        self.put_total_yesterday_morning = self.put_total_today_morning
        self.get_total_yesterday_morning = self.get_total_today_morning
        self.put_total_today_morning = self.broker_put.value
        self.get_total_today_morning = self.broker_get.value

    def _item(self, name: str, key: str) -> StatsItem:
        table = self.tables[name]
        item = table.get(key)
        if item is None:
            item = table[key] = StatsItem()
        return item
