"""Lite topics go when nothing was sent to them for a while (``LiteLifecycleManager``).

How long is the parent topic's ``lite.topic.expiration``, and ``minLiteTTl`` at least. Messages that
nobody has consumed go too, as in Java.
"""

from __future__ import annotations

import logging
from itertools import islice
from typing import TYPE_CHECKING

from rmqwire.codec.lite_topic import split_lmq
from rmqwire.store.queues.light_queues import LMQ_QUEUE_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rmqwire.broker.lite.lite_topics import LiteTopics
    from rmqwire.broker.lite.metadata import LiteMetadata
    from rmqwire.broker.lite.subscriptions import LiteSubscriptionRegistry
    from rmqwire.broker.pop.order_info import MemoryConsumerOrderInfoManager
    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.broker.tables.offsets import ConsumerOffsetManager
    from rmqwire.clock import MonoMs
    from rmqwire.store.message_store import MessageStore

logger = logging.getLogger(__name__)
MAX_INVALID_SCAN_COUNT = 5  # looks at a queue without a message before it goes
MINUTE_MS = 60_000
AT_ONCE = 200  # lite topics that one tick looks at: each costs a read


class LiteLifecycle:
    """The cleaning of one broker's lite topics, a few at each tick.

    Args:
        config: ``liteTtlCheckInterval``, ``minLiteTTl``.
        store: where their queues are.
        topics: which there are.
        metadata: how long they last.
        offsets: how far groups are.
        order: blocks of the groups.
        subscriptions: who subscribes them.
        mono_ms: clock of the rounds.

    Attributes:
        in_round: a round goes on with the next tick.
    """

    def __init__(
        self,
        config: BrokerConfig,
        store: MessageStore,
        topics: LiteTopics,
        metadata: LiteMetadata,
        offsets: ConsumerOffsetManager,
        order: MemoryConsumerOrderInfoManager,
        subscriptions: LiteSubscriptionRegistry,
        mono_ms: MonoMs,
    ) -> None:
        self._config = config
        self._store = store
        self._topics = topics
        self._metadata = metadata
        self._offsets = offsets
        self._order = order
        self._subscriptions = subscriptions
        self._mono_ms = mono_ms
        self.in_round = False
        self._round: Iterator[str] = iter(())
        self._ttl: dict[str, int] = {}
        self._next_ms = mono_ms() + config.min_lite_t_tl
        self._empty: dict[str, int] = {}  # light queue without a message -> how often seen

    def tick(self) -> None:
        """Look at some lite topics; begin again with all of them when it's time."""
        now = self._mono_ms()
        if now >= self._next_ms:
            self._next_ms = now + self._config.lite_ttl_check_interval
            self._ttl = self._metadata.ttl_by_topic()
            self._round = iter(self._topics.all())
        some = list(islice(self._round, AT_ONCE))
        self.in_round = len(some) == AT_ONCE
        gone = [lmq for lmq in some if self._is_over(lmq)]
        if gone:
            self.delete(gone)

    def _is_over(self, lmq: str) -> bool:
        """Return whether a lite topic is to go (``isLiteTopicExpired``)."""
        names, end = split_lmq(lmq), self._topics.max_offset(lmq)
        if names is None:
            return False
        if end <= 0:
            return self._is_empty_for_long(lmq)
        self._empty.pop(lmq, None)
        minutes = self._ttl.get(names[0], -1)
        if minutes <= 0:
            return False
        rests_ms = self._store.wall_ms() - self._store.store_timestamp(lmq, LMQ_QUEUE_ID, end - 1)
        return rests_ms >= self._config.min_lite_t_tl and rests_ms > minutes * MINUTE_MS

    def _is_empty_for_long(self, lmq: str) -> bool:
        seen = self._empty.pop(lmq, 0) + 1
        if seen > MAX_INVALID_SCAN_COUNT:
            return True
        self._empty[lmq] = seen
        return False

    def delete_of(self, parent: str) -> None:
        """Let all lite topics of a topic go that is deleted (``cleanByParentTopic``)."""
        self.delete(self._topics.of_parent(parent))

    def delete(self, lmqs: Iterable[str]) -> None:
        """Let lite topics go, with what groups know about them (``deleteLmq``)."""
        names = list(lmqs)
        for lmq in names:
            self._offsets.clean_topic(lmq)
            self._order.remove_topic(lmq)
            self._subscriptions.clean(lmq)
        self._store.delete_topics(names)
        logger.info("%d lite topics are gone", len(names))
