"""What a client knows of a push consumer, and what brokers ask of it (Java ``MQConsumerInner``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from rmqwire.consumer.message_ext import MessageExt
from rmqwire.consumer.running_info import running_info

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.codec.bodies import (
        ConsumeMessageDirectlyResult,
        ConsumerRunningInfo,
        MessageQueue,
        SubscriptionData,
    )
    from rmqwire.codec.message import StoredMessage
    from rmqwire.consumer.reading.held_queues import HeldQueues
    from rmqwire.consumer.state import ConsumerState

    class DirectWork(Protocol):
        """What can run a listener on one message."""

        async def consume_directly(self, message: MessageExt) -> ConsumeMessageDirectlyResult:
            """Run the listener on one message, whatever queue it is from."""


class PushConsumerInner:
    """One push consumer as its client sees it (a ``client.processor.Consumer``).

    Args:
        state: the consumer.
        queues: the queues it holds.
        work: runs its listeners.
    """

    consume_type = "CONSUME_PASSIVELY"

    def __init__(self, state: ConsumerState, queues: HeldQueues, work: DirectWork) -> None:
        self.group = state.group
        self.message_model = str(state.config.message_model)
        self.consume_from_where = str(state.config.consume_from_where)
        self.unit_mode = state.config.unit_mode
        self._state = state
        self._queues = queues
        self._work = work
        self._start_ms = state.instance.wall_ms()

    def subscriptions(self) -> list[SubscriptionData]:
        """Return what the group wants of each topic."""
        return list(self._state.subscriptions.values())

    def rebalance_soon(self) -> None:
        """Divide the queues again at once."""
        self._state.rebalance()

    def offsets(self, topic: str) -> dict[MessageQueue, int]:
        """Return the consumed offsets of a topic, of all for ""."""
        return self._state.offsets.of_topic(topic)

    def running_info(self) -> ConsumerRunningInfo:
        """Return what the consumer is set to and doing."""
        state = self._state
        return running_info(
            state.config, self.subscriptions(), self._queues.infos(), state.stats, self._start_ms
        )

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
    ) -> None:
        """Run the listener on one message and tell how it went."""

        async def run() -> None:
            done(await self._work.consume_directly(MessageExt(message, broker_name)))

        self._state.tasks.spawn(run)
