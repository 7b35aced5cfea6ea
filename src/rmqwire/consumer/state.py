"""What the parts of one consumer share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rmqwire.codec.message_const import RETRY_GROUP_TOPIC_PREFIX

if TYPE_CHECKING:
    from rmqwire.client.instance import ClientInstance
    from rmqwire.client.tasks import Tasks
    from rmqwire.codec.bodies import SubscriptionData
    from rmqwire.consumer.config import PushConsumerConfig
    from rmqwire.consumer.offsets.table import OffsetStore
    from rmqwire.consumer.stats import ConsumerStats
    from rmqwire.wakeup import Wakeup


@dataclass(slots=True)
class ConsumerState:
    """One consumer of a group.

    Args:
        group: the consumer group.
        config: its settings.
        instance: connections, routes and heartbeats.
        offsets: how far the group has come.
        stats: rates by topic.
        tasks: what runs until the consumer is closed.
        rebalance: wakes what divides the queues.
        subscriptions: what the group wants, by topic; the retry topic among them.
        announced: whether the brokers know these subscriptions.
    """

    group: str
    config: PushConsumerConfig
    instance: ClientInstance
    offsets: OffsetStore
    stats: ConsumerStats
    tasks: Tasks
    rebalance: Wakeup
    subscriptions: dict[str, SubscriptionData] = field(default_factory=dict)
    announced: bool = False

    def subscribe(self, data: SubscriptionData) -> None:
        """Want a topic's messages."""
        self.subscriptions[data.topic or ""] = data
        self._changed()

    def unsubscribe(self, topic: str) -> None:
        """Want a topic's messages no longer."""
        self.subscriptions.pop(topic, None)
        self._changed()

    def _changed(self) -> None:
        self.announced = False
        self.rebalance()

    @property
    def has_topics(self) -> bool:
        """Whether anything but retries is wanted."""
        return any(not topic.startswith(RETRY_GROUP_TOPIC_PREFIX) for topic in self.subscriptions)
