"""What a push consumer is made of, as it is set to work (``DefaultMQPushConsumerImpl.start``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from rmqwire.consumer.listener import ConsumeOrderlyStatus, ConsumeStatus
from rmqwire.consumer.reading.held_queues import HeldQueues
from rmqwire.consumer.reading.queue_reader import QueueReader
from rmqwire.consumer.working.concurrently import ConcurrentService
from rmqwire.consumer.working.locked_queues import LockedQueues
from rmqwire.consumer.working.orderly import OrderlyService
from rmqwire.consumer.working.queue_locks import QueueLocks
from rmqwire.remoting.channel import trio_ms

if TYPE_CHECKING:
    from enum import Enum

    from rmqwire.client.message_ext import MessageExt
    from rmqwire.codec.bodies import ConsumeMessageDirectlyResult
    from rmqwire.consumer.state import PushState
    from rmqwire.consumer.working.listener_call import ListenerCall
    from rmqwire.consumer.working.stream import DeliveryStream

    class Work(Protocol):
        """What runs listeners (``ConsumeMessageService``)."""

        async def watch(self, queues: HeldQueues) -> None:
            """Do what is due from time to time, until the consumer is closed."""

        async def finish(self) -> None:
            """Call no more listeners and wait for those that run."""

        async def consume_directly(self, message: MessageExt) -> ConsumeMessageDirectlyResult:
            """Run the listener on one message, whatever queue it is from."""


@dataclass(slots=True)
class PushParts:
    """Listeners at work, and what gives them messages.

    Args:
        status: what listeners have to return.
        work: runs them.
        reader: reads queues.
        queues: those that this member holds.
    """

    status: type[Enum]
    work: Work
    reader: QueueReader
    queues: HeldQueues


def push_parts(
    state: PushState, listeners: dict[str, ListenerCall[Any]], stream: DeliveryStream
) -> PushParts:
    """Return the parts of a consumer: concurrent or orderly, with locked queues or without.

    Args:
        state: the consumer.
        listeners: listeners by topic.
        stream: takes the messages of topics without a listener.
    """
    if not state.config.consume_orderly:
        concurrent = ConcurrentService(state, listeners, stream)
        reader = QueueReader(state, concurrent.submit)
        return PushParts(ConsumeStatus, concurrent, reader, HeldQueues(state, reader))
    if state.config.broadcasting:
        orderly = OrderlyService(state, listeners, stream, None, trio_ms)
        reader = QueueReader(state, orderly.submit)
        return PushParts(ConsumeOrderlyStatus, orderly, reader, HeldQueues(state, reader))
    locks = QueueLocks(state, trio_ms)
    orderly = OrderlyService(state, listeners, stream, locks, trio_ms)
    reader = QueueReader(state, orderly.submit, locks.holds)
    queues = LockedQueues(state, reader, locks, orderly.until_idle)
    return PushParts(ConsumeOrderlyStatus, orderly, reader, queues)
