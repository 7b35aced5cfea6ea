"""Counters of the store and its part of ``brokerStatus`` (``StoreStatsService``).

Times are taken per pass, not per message: every message of a pass counts with the pass's time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

KEPT_SAMPLES = 601  # one a second: the longest window is 600 s
_WINDOWS = (10, 60, 600)  # s
_BORDERS_MS = (0, 10, 50, 100, 200, 500, 1_000, 2_000, 3_000, 4_000, 5_000, 10_000)
_BUCKETS = (
    "[<=0ms]",
    "[0~10ms]",
    "[10~50ms]",
    "[50~100ms]",
    "[100~200ms]",
    "[200~500ms]",
    "[500ms~1s]",
    "[1~2s]",
    "[2~3s]",
    "[3~4s]",
    "[4~5s]",
    "[5~10s]",
    "[10s~]",
)
_LATENCY_STEPS_MS = ((1, 20), (2, 15), (5, 10), (10, 10), (50, 6), (100, 5), (1_000, 9))
_LATENCY_ENDS_MS = tuple(
    accumulate(step for step, times in _LATENCY_STEPS_MS for _ in range(times))
)
_MINUTE = 60  # samples


class StoreStats:
    """Totals since the start, one sample of them a second, and how long puts took in this minute.

    Args:
        boot_ms: when the store was opened.
    """

    def __init__(self, boot_ms: int) -> None:
        self.boot_ms = boot_ms
        self.put_times = 0  # messages
        self.put_failed = 0  # messages
        self.put_bytes = 0
        self.put_time_max = 0  # ms
        self.get_time_max = 0  # ms
        self.get_found = 0  # calls
        self.get_miss = 0  # calls
        self.get_messages = 0
        self._puts_by_ms: dict[int, int] = {}  # what each took in this minute -> puts
        self._last_puts_by_ms: dict[int, int] = {}  # in the minute before
        self._seconds = 0  # of the running minute
        self._samples: deque[tuple[int, int, int, int, int]] = deque(maxlen=KEPT_SAMPLES)

    def put_done(self, count: int, elapsed_ms: int) -> None:
        """Count the time of one pass of ``count`` puts."""
        by_ms = self._puts_by_ms
        by_ms[elapsed_ms] = by_ms.get(elapsed_ms, 0) + count
        self.put_time_max = max(self.put_time_max, elapsed_ms)

    def sample(self, wall_ms: int) -> None:
        """Remember the totals; to be called once a second."""
        totals = (wall_ms, self.put_times, self.get_found, self.get_miss, self.get_messages)
        self._samples.append(totals)
        self._seconds += 1
        if self._seconds >= _MINUTE:
            self._seconds = 0
            self._last_puts_by_ms, self._puts_by_ms = self._puts_by_ms, {}

    def put_latency(self, share: float) -> float:
        """Return within how many ms a share of the puts of the last whole minute was done.

        The place within a bucket is taken in proportion (``findPutMessageEntireTimePX``); what took
        longer than 10 s counts as 10 s.
        """
        counts = _in_buckets(self._last_puts_by_ms, _LATENCY_ENDS_MS)
        left = int(sum(counts) * share)
        begin = 0
        for end, count in zip(_LATENCY_ENDS_MS, counts[:-1], strict=True):
            if left <= count:
                return begin + (end - begin) * left / count if count else float(begin)
            left -= count
            begin = end
        return float(begin)

    def runtime_info(self, wall_ms: int) -> dict[str, str]:
        """Return the keys of Java's ``StoreStatsService.getRuntimeInfo``."""
        times = max(self.put_times, 1)
        buckets = zip(_BUCKETS, _in_buckets(self._puts_by_ms, _BORDERS_MS), strict=True)
        return {
            "bootTimestamp": str(self.boot_ms),
            "runtime": format_runtime(wall_ms - self.boot_ms),
            "putMessageEntireTimeMax": str(self.put_time_max),
            "putMessageTimesTotal": str(times),
            "putMessageFailedTimes": str(self.put_failed),
            "putMessageSizeTotal": str(self.put_bytes),
            "putMessageDistributeTime": "".join(f"{name}:{count} " for name, count in buckets),
            "putLatency99": f"{self.put_latency(0.99):.2f}",
            "putLatency999": f"{self.put_latency(0.999):.2f}",
            "putMessageAverageSize": str(self.put_bytes / times),
            "dispatchMaxBuffer": "0",  # dispatch has no buffer here: it happens in the pass
            "getMessageEntireTimeMax": str(self.get_time_max),
            "putTps": self._rates((1,)),
            "getFoundTps": self._rates((2,)),
            "getMissTps": self._rates((3,)),
            "getTotalTps": self._rates((2, 3)),
            "getTransferredTps": self._rates((4,)),
        }

    def _rates(self, columns: tuple[int, ...]) -> str:
        return " ".join(self._rate(columns, seconds) for seconds in _WINDOWS)

    def _rate(self, columns: tuple[int, ...], seconds: int) -> str:
        if len(self._samples) <= seconds:
            return ""
        old, new = self._samples[-seconds - 1], self._samples[-1]
        elapsed = (new[0] - old[0]) / 1000
        count = sum(new[column] - old[column] for column in columns)
        return str(count / elapsed) if elapsed > 0 else "0.0"


def _in_buckets(puts_by_ms: dict[int, int], ends_ms: Sequence[int]) -> list[int]:
    """Count puts by the first of the ends that they don't exceed; the last bucket has none."""
    buckets = [0] * (len(ends_ms) + 1)
    for elapsed_ms, count in puts_by_ms.items():
        buckets[bisect_left(ends_ms, elapsed_ms)] += count
    return buckets


def format_runtime(elapsed_ms: int) -> str:
    """Write a duration as Java's ``getFormatRuntime`` does."""
    seconds = max(elapsed_ms, 0) // 1000
    days, seconds = divmod(seconds, 86_400)
    hours, seconds = divmod(seconds, 3_600)
    minutes, seconds = divmod(seconds, 60)
    return f"[ {days:,} days, {hours} hours, {minutes} minutes, {seconds} seconds ]"
