"""What the parts of one consumer share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from rmqwire.consumer.config import ConsumerConfig, PushConsumerConfig, SubscriberConfig
from rmqwire.consumer.lite_push_config import LitePushConsumerConfig
from rmqwire.consumer.pull_config import LitePullConsumerConfig, PullConsumerConfig

if TYPE_CHECKING:
    from rmqwire.client.instance import ClientInstance
    from rmqwire.client.tasks import Tasks
    from rmqwire.codec.bodies import SubscriptionData
    from rmqwire.consumer.hooks import ConsumeHooks
    from rmqwire.consumer.offsets.table import OffsetStore
    from rmqwire.consumer.stats import ConsumerStats
    from rmqwire.wakeup import Wakeup


C_co = TypeVar("C_co", bound=ConsumerConfig, covariant=True)


@dataclass(slots=True)
class ConsumerState(Generic[C_co]):
    """One consumer of a group.

    Args:
        group: the consumer group.
        config: its settings.
        instance: connections, routes and heartbeats.
        offsets: how far the group has come.
        stats: rates by topic.
        tasks: what runs until the consumer is closed.
        rebalance: wakes what divides the queues.
        hooks: look at what is consumed.
        subscriptions: what the group wants, by topic; the retry topic among them.
        announced: whether the brokers know these subscriptions.
    """

    group: str
    config: C_co
    instance: ClientInstance
    offsets: OffsetStore
    stats: ConsumerStats
    tasks: Tasks
    rebalance: Wakeup
    hooks: ConsumeHooks
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


AnyState: TypeAlias = ConsumerState[ConsumerConfig]
SubscriberState: TypeAlias = ConsumerState[SubscriberConfig]
PushState: TypeAlias = ConsumerState[PushConsumerConfig]
LitePullState: TypeAlias = ConsumerState[LitePullConsumerConfig]
PullState: TypeAlias = ConsumerState[PullConsumerConfig]
LitePushState: TypeAlias = ConsumerState[LitePushConsumerConfig]
PoppingState: TypeAlias = PushState | LitePushState
ReturningState: TypeAlias = PoppingState | PullState  # messages go back to their brokers
