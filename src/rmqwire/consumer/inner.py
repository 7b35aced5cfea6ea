"""What a client knows of a consumer, and what brokers ask of it (Java ``MQConsumerInner``)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from rmqwire.client.message_ext import MessageExt
from rmqwire.codec.bodies import ConsumerRunningInfo
from rmqwire.consumer.config import ConsumeFromWhere
from rmqwire.consumer.running_info import push_running_info, running_properties

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rmqwire.codec.bodies import (
        ConsumeMessageDirectlyResult,
        MessageQueue,
        SubscriptionData,
    )
    from rmqwire.codec.message import StoredMessage
    from rmqwire.consumer.reading.held_queues import HeldQueues
    from rmqwire.consumer.reading.popped_queues import PoppedQueues
    from rmqwire.consumer.state import AnyState, LitePushState, PushState

    class DirectWork(Protocol):
        """What can run a listener on one message."""

        async def consume_directly(self, message: MessageExt) -> ConsumeMessageDirectlyResult:
            """Run the listener on one message, whatever queue it is from."""

    class LiteTopics(Protocol):
        """What a consumer subscribes."""

        def tell_soon(self) -> None:
            """Tell brokers all of it at once."""

        def lost(self, name: str) -> None:
            """Hear that another client has a lite topic now."""


logger = logging.getLogger(__name__)


class ConsumerInner:
    """What all consumers have in common."""

    consume_type = "CONSUME_ACTIVELY"

    def __init__(self, state: AnyState) -> None:
        self.group = state.group
        self.message_model = str(state.config.message_model)
        self.consume_from_where = str(ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET)
        self.unit_mode = state.config.unit_mode
        self._subscriptions = state.subscriptions
        self._rebalance = state.rebalance
        self._start_ms = state.instance.wall_ms()

    def subscriptions(self) -> list[SubscriptionData]:
        """Return what the group wants of each topic."""
        return list(self._subscriptions.values())

    def topics(self) -> set[str]:
        """Return the topics whose routes it needs."""
        return set(self._subscriptions)

    def rebalance_soon(self) -> None:
        """Divide the queues again at once."""
        self._rebalance()

    def lost_lite_topic(self, lite_topic: str) -> None:
        """Say that nothing but a consumer of lite topics can lose one."""
        logger.warning("group %s subscribes no lite topics: %s isn't lost", self.group, lite_topic)


class PullConsumerInner(ConsumerInner):
    """A consumer that asks for messages, as its client sees it: no broker may move or try it.

    Args:
        state: the consumer.
        queues: the queues it holds; None if it reads none by itself.
        topics: the topics that it reads.
        told: what brokers are told that the group wants.
    """

    def __init__(
        self,
        state: AnyState,
        queues: HeldQueues | None,
        topics: Callable[[], Iterable[str]],
        told: Callable[[], list[SubscriptionData]],
    ) -> None:
        super().__init__(state)
        self._state = state
        self._queues = queues
        self._topics = topics
        self._told = told

    def subscriptions(self) -> list[SubscriptionData]:
        """Return what brokers are told that the group wants."""
        return self._told()

    def topics(self) -> set[str]:
        """Return the topics whose routes it needs."""
        return set(self._topics())

    def offsets(self, topic: str) -> dict[MessageQueue, int]:
        """Return the consumed offsets of a topic, of all for ""; a lite pull consumer tells none."""
        return self._state.offsets.of_topic(topic) if self._queues is None else {}

    def running_info(self) -> ConsumerRunningInfo:
        """Return what the consumer is set to and holding."""
        return ConsumerRunningInfo(
            properties=running_properties(self._state.config, self._start_ms),
            subscription_set=self.subscriptions(),
            mq_table=self._queues.infos() if self._queues is not None else {},
            status_table={},
        )

    def reset_offsets(self, topic: str, offsets: dict[MessageQueue, int]) -> None:
        """Say that only push consumers are moved from outside (``resetOffset``)."""
        logger.info("[reset-offset] group=%s is no push consumer: nothing is reset", self.group)

    def consume_directly(
        self,
        message: StoredMessage,
        broker_name: str,
        done: Callable[[ConsumeMessageDirectlyResult], None],
    ) -> bool:
        """Return False: there is no listener."""
        return False


class LitePushConsumerInner(ConsumerInner):
    """A consumer of lite topics as its client sees it; where its group is, only brokers know.

    Args:
        state: the consumer.
        lite_topics: what it subscribes.
        popped: what it pops from.
        work: runs its listener.
    """

    consume_type = "CONSUME_POP"

    def __init__(
        self, state: LitePushState, lite_topics: LiteTopics, popped: PoppedQueues, work: DirectWork
    ) -> None:
        super().__init__(state)
        self.message_model = "LITE_SELECTIVE"
        self._state = state
        self._lite_topics = lite_topics
        self._popped = popped
        self._work = work

    def rebalance_soon(self) -> None:
        """Pop from other brokers if there are, and tell all of them what is subscribed."""
        super().rebalance_soon()
        self._lite_topics.tell_soon()

    def lost_lite_topic(self, lite_topic: str) -> None:
        """Take note that another client has it now."""
        self._lite_topics.lost(lite_topic)

    def offsets(self, topic: str) -> dict[MessageQueue, int]:
        """Return nothing."""
        return {}

    def running_info(self) -> ConsumerRunningInfo:
        """Return what the consumer is set to and holding."""
        state, infos = self._state, self._popped.infos()
        return ConsumerRunningInfo(
            properties=running_properties(state.config, self._start_ms),
            subscription_set=self.subscriptions(),
            mq_table={},
            mq_pop_table={queue: infos[queue] for queue in sorted(infos)},
            status_table={one.topic: state.stats.status(one.topic) for one in self.subscriptions()},
        )

    def reset_offsets(self, topic: str, offsets: dict[MessageQueue, int]) -> None:
        """Say that this isn't where offsets of lite topics are."""
        logger.info("[reset-offset] group=%s has lite topics: nothing is reset here", self.group)

    def consume_directly(
        self,
        message: StoredMessage,
        broker_name: str,
        done: Callable[[ConsumeMessageDirectlyResult], None],
    ) -> bool:
        """Run the listener on one message and tell how it went."""
        return _consume_directly(self._state, self._work, MessageExt.of(message, broker_name), done)


class PushConsumerInner(ConsumerInner):
    """One push consumer as its client sees it (a ``client.processor.Consumer``).

    Args:
        state: the consumer.
        queues: the queues it holds.
        popped: those that it pops from; None of a consumer that doesn't.
        work: runs its listeners.
    """

    consume_type = "CONSUME_PASSIVELY"

    def __init__(
        self, state: PushState, queues: HeldQueues, popped: PoppedQueues | None, work: DirectWork
    ) -> None:
        super().__init__(state)
        self.consume_from_where = str(state.config.consume_from_where)
        self._state = state
        self._queues = queues
        self._popped = popped
        self._work = work

    def offsets(self, topic: str) -> dict[MessageQueue, int]:
        """Return the consumed offsets of a topic, of all for ""."""
        return self._state.offsets.of_topic(topic)

    def running_info(self) -> ConsumerRunningInfo:
        """Return what the consumer is set to and doing."""
        state = self._state
        info = push_running_info(
            state.config, self.subscriptions(), self._queues.infos(), state.stats, self._start_ms
        )
        if self._popped is not None:
            infos = self._popped.infos()
            info.mq_pop_table = {queue: infos[queue] for queue in sorted(infos)}
        return info

    def reset_offsets(self, topic: str, offsets: dict[MessageQueue, int]) -> None:
        """Go on from other offsets: queues are given up, committed there, and taken again."""
        moved = {
            queue: offset
            for queue, offset in offsets.items()
            if queue.topic == topic and queue in self._queues
        }

        async def reset() -> None:
            for queue, offset in moved.items():
                await self._queues.reset(queue, offset)
            self.rebalance_soon()

        self._state.tasks.spawn(reset)

    def consume_directly(
        self,
        message: StoredMessage,
        broker_name: str,
        done: Callable[[ConsumeMessageDirectlyResult], None],
    ) -> bool:
        """Run the listener on one message and tell how it went."""
        return _consume_directly(self._state, self._work, MessageExt.of(message, broker_name), done)


def _consume_directly(
    state: AnyState,
    work: DirectWork,
    message: MessageExt,
    done: Callable[[ConsumeMessageDirectlyResult], None],
) -> bool:
    async def run() -> None:
        done(await work.consume_directly(message))

    state.tasks.spawn(run)
    return True
