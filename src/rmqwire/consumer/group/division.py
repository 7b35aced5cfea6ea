"""Which queues this member is to read: its share of each topic, or those it was given by hand."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.codec.message_const import RETRY_GROUP_TOPIC_PREFIX
from rmqwire.consumer.group.allocate import allocate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rmqwire.codec.allocation import AllocateStrategy
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.consumer.state import AnyState

logger = logging.getLogger(__name__)


class Division:
    """The share of one member (``RebalanceImpl.rebalanceByTopic``).

    Args:
        state: its consumer.
        strategy: how the group divides the queues of a topic.
    """

    def __init__(self, state: AnyState, strategy: AllocateStrategy) -> None:
        self._state = state
        self._strategy = strategy
        self._given: dict[str, list[MessageQueue]] | None = None

    def give(self, queues: Iterable[MessageQueue]) -> None:
        """Read exactly these queues, whatever other members read (``assign``)."""
        self._given = {}
        for queue in sorted(queues):
            self._given.setdefault(queue.topic, []).append(queue)

    def gives(self, queue: MessageQueue) -> bool:
        """Return whether a queue was given by hand."""
        return self._given is not None and queue in self._given.get(queue.topic, ())

    @property
    def topics(self) -> list[str]:
        """The topics of which something is to be read; the retry topic among them."""
        return list(self._state.subscriptions if self._given is None else self._given)

    @property
    def has_topics(self) -> bool:
        """Whether anything but retries is wanted."""
        return any(not topic.startswith(RETRY_GROUP_TOPIC_PREFIX) for topic in self.topics)

    async def share(self, topic: str) -> list[MessageQueue] | None:
        """Return the queues of a topic that this member is to read, None if that isn't known."""
        if self._given is not None:
            return self._given.get(topic, [])
        instance, group = self._state.instance, self._state.group
        queues = instance.routes.queues_to_read(topic)
        if queues is None or self._state.config.broadcasting:
            return None if queues is None else sorted(queues)
        members = await instance.consumer_ids(topic, group)
        if members is None:
            return None
        try:
            return allocate(self._strategy, instance.client_id, queues, members)
        except Exception:  # the strategy may be the user's code: logged, and asked again
            logger.exception("dividing the queues of %s, group %s", topic, group)
            return None
