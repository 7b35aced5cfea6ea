"""How far groups are behind in lite topics (``LiteConsumerLagCalculator``)."""

from __future__ import annotations

from heapq import nlargest, nsmallest
from typing import TYPE_CHECKING

from rmqwire.codec import bodies
from rmqwire.codec.lite_topic import is_lite, split_lmq
from rmqwire.store.queues.light_queues import LMQ_QUEUE_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.broker.lite.lite_topics import LiteTopics
    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.broker.tables.offsets import ConsumerOffsetManager
    from rmqwire.store.message_store import MessageStore


class LiteLag:
    """The lags of one broker's groups.

    Args:
        config: ``liteLagLatencyTopK``.
        store: when messages were stored.
        topics: the ends of lite topics.
        offsets: how far groups are.
    """

    def __init__(
        self,
        config: BrokerConfig,
        store: MessageStore,
        topics: LiteTopics,
        offsets: ConsumerOffsetManager,
    ) -> None:
        self._config = config
        self._store = store
        self._topics = topics
        self._offsets = offsets
        self._oldest: dict[tuple[str, str], dict[str, int]] = {}  # topic, group -> queue -> time

    def most_behind(self, group: str, number: int) -> tuple[list[bodies.LiteLagInfo], int]:
        """Return the lite topics with the most messages that wait, and how many wait in all of them."""
        lags = list(self._lags(group))
        found = [
            bodies.LiteLagInfo(
                lite_topic=_lite_name(lmq),
                lag_count=lag,
                earliest_unconsumed_timestamp=self._store.store_timestamp(
                    lmq, LMQ_QUEUE_ID, offset
                ),
            )
            for lmq, offset, lag in nlargest(number, lags, key=lambda entry: entry[2])
        ]
        return found, sum(lag for _, _, lag in lags)

    def longest_behind(
        self, group: str, topic: str, number: int
    ) -> tuple[list[bodies.LiteLagInfo], int]:
        """Return the lite topics whose next message waits for the longest, and since when the first; -1."""
        times = self._oldest.get((topic, group), {})
        found = [
            bodies.LiteLagInfo(
                lite_topic=_lite_name(lmq),
                lag_count=self._behind(lmq, self._offsets.query(group, lmq, LMQ_QUEUE_ID)),
                earliest_unconsumed_timestamp=time,
            )
            for lmq, time in nsmallest(number, times.items(), key=lambda entry: entry[1])
        ]
        return found, found[0].earliest_unconsumed_timestamp if found else -1

    def popped(self, group: str, topic: str, lmq: str, since_ms: int | None) -> None:
        """Note since when a group's next message of a lite topic has waited; None: there is none."""
        times = self._oldest.setdefault((topic, group), {})
        times.pop(lmq, None)
        if since_ms is not None:
            times[lmq] = since_ms
            if len(times) > self._config.lite_lag_latency_top_k:
                del times[max(times, key=times.__getitem__)]

    def _lags(self, group: str) -> Iterator[tuple[str, int, int]]:
        for key, offsets in self._offsets.table.items():
            lmq, _, owner = key.rpartition("@")
            if owner == group and is_lite(lmq) and LMQ_QUEUE_ID in offsets:
                lag = self._behind(lmq, offsets[LMQ_QUEUE_ID])
                if lag > 0:
                    yield lmq, offsets[LMQ_QUEUE_ID], lag

    def _behind(self, lmq: str, offset: int) -> int:
        return max(0, self._topics.max_offset(lmq) - offset) if offset >= 0 else 0


def _lite_name(lmq: str) -> str:
    names = split_lmq(lmq)
    return names[1] if names is not None else ""
