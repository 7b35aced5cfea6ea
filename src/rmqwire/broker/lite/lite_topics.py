"""The lite topics that a store has: they are the light queues of that name (``LiteLifecycleManager``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.lite_topic import belongs_to, is_lite, split_lmq
from rmqwire.codec.message_const import LMQ_PREFIX
from rmqwire.store.queues.light_queues import LMQ_QUEUE_ID

if TYPE_CHECKING:
    from rmqwire.broker.lite.sharding import LiteSharding
    from rmqwire.store.message_store import MessageStore


class LiteTopics:
    """Questions to the store.

    Args:
        store: it.
        sharding: which lite topics are to be here.
    """

    def __init__(self, store: MessageStore, sharding: LiteSharding) -> None:
        self._store = store
        self._sharding = sharding

    def max_offset(self, lmq: str) -> int:
        """Return the end (exclusive) of a lite topic, 0 if it isn't there (``getMaxOffsetInQueue``)."""
        return self._store.max_offset(lmq, LMQ_QUEUE_ID)

    def exists(self, lmq: str) -> bool:
        """Return whether a lite topic has had a message here (``isLmqExist``)."""
        return self.max_offset(lmq) > 0

    def is_active(self, parent: str, lmq: str) -> bool:
        """Return whether a lite topic may be subscribed here (``isSubscriptionActive``)."""
        return self.is_here(parent, lmq) or self.exists(lmq)

    def is_here(self, parent: str, lmq: str) -> bool:
        """Return whether this broker is the one that producers choose for a lite topic."""
        names = split_lmq(lmq)
        return names is None or self._sharding.is_here(parent, names[1])

    def all(self) -> list[str]:
        """Return the light queues of all lite topics."""
        return [name for name in self._store.topics() if is_lite(name)]

    def of_parent(self, parent: str) -> list[str]:
        """Return the light queues of the lite topics under a topic (``collectByParentTopic``)."""
        return [name for name in self._store.topics() if belongs_to(name, parent)]

    def light_queues(self) -> int:
        """Return how many light queues there are, those of lite topics and others."""
        return sum(name.startswith(LMQ_PREFIX) for name in self._store.topics())
