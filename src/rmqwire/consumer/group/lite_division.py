"""From which brokers a consumer of lite topics pops: from each that has its topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.bodies import MessageQueue
from rmqwire.consumer.group.division import Share

if TYPE_CHECKING:
    from rmqwire.consumer.state import LitePushState

ALL_OF_IT = -1  # the queue number of a pop that is of no queue


class LiteDivision:
    """The share of one member: brokers say whose turn a lite topic is, nobody divides anything.

    Args:
        state: its consumer.
        topic: the parent topic.
    """

    has_topics = True

    def __init__(self, state: LitePushState, topic: str) -> None:
        self._state = state
        self.topics = [topic]

    async def share(self, topic: str) -> Share | None:
        """Return what to pop from, None if that isn't known."""
        queues = self._state.instance.routes.queues_to_read(topic)
        if queues is None:
            return None
        names = sorted({queue.broker_name for queue in queues})
        return Share([], [MessageQueue(topic, name, ALL_OF_IT) for name in names])
