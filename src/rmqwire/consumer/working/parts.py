"""What a push consumer is made of, as it is set to work (``DefaultMQPushConsumerImpl.start``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from rmqwire.consumer.listener import ConsumeOrderlyStatus, ConsumeStatus
from rmqwire.consumer.reading.held_queues import HeldQueues
from rmqwire.consumer.reading.pop_reader import PopReader
from rmqwire.consumer.reading.popped_queues import PoppedQueues
from rmqwire.consumer.reading.queue_reader import QueueReader
from rmqwire.consumer.working.acks import Acks
from rmqwire.consumer.working.calls import ConcurrentCalls
from rmqwire.consumer.working.concurrently import ConcurrentService
from rmqwire.consumer.working.locked_queues import LockedQueues
from rmqwire.consumer.working.orderly import OrderlyService
from rmqwire.consumer.working.pool import WorkerPool
from rmqwire.consumer.working.popping import PopService
from rmqwire.consumer.working.queue_locks import QueueLocks
from rmqwire.consumer.working.window import Window
from rmqwire.remoting.channel import trio_ms

if TYPE_CHECKING:
    from enum import Enum

    from rmqwire.client.message_ext import MessageExt
    from rmqwire.codec.bodies import ConsumeMessageDirectlyResult
    from rmqwire.consumer.dedupe import Dedupe
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
        popping: what pops, of a consumer that brokers may tell to.
    """

    status: type[Enum]
    work: Work
    reader: QueueReader
    queues: HeldQueues
    popping: Popping | None = None

    def suspend(self, suspended: bool) -> None:
        """Read nothing more, or read again."""
        self.reader.suspended = suspended
        if self.popping is not None:
            self.popping.reader.suspended = suspended

    def stop_reading(self) -> None:
        """End all readers."""
        self.queues.stop_reading()
        if self.popping is not None:
            self.popping.queues.stop_reading()

    async def finish(self) -> None:
        """Call no more listeners, wait for those that run, and tell what they said."""
        await self.work.finish()
        if self.popping is not None:
            await self.popping.acks.finish()


@dataclass(slots=True)
class Popping:
    """What gives listeners popped messages.

    Args:
        reader: pops.
        queues: those that this member pops from.
        acks: tells brokers what became of the messages.
    """

    reader: PopReader
    queues: PoppedQueues
    acks: Acks


def push_parts(
    state: PushState,
    listeners: dict[str, ListenerCall[Any]],
    stream: DeliveryStream,
    dedupe: Dedupe | None,
) -> PushParts:
    """Return the parts of a consumer: concurrent or orderly, with locked queues or without.

    Args:
        state: the consumer.
        listeners: listeners by topic.
        stream: takes the messages of topics without a listener.
        dedupe: what was consumed before; None: that doesn't matter.
    """
    window = Window(state.group, dedupe)
    if not state.config.consume_orderly:
        return _concurrent_parts(state, listeners, stream, window)
    if state.config.broadcasting:
        orderly = OrderlyService(state, listeners, stream, window, None, trio_ms)
        reader = QueueReader(state, orderly.submit)
        return PushParts(ConsumeOrderlyStatus, orderly, reader, HeldQueues(state, reader))
    locks = QueueLocks(state, trio_ms)
    orderly = OrderlyService(state, listeners, stream, window, locks, trio_ms)
    reader = QueueReader(state, orderly.submit, locks.holds)
    queues = LockedQueues(state, reader, locks, orderly.until_idle)
    return PushParts(ConsumeOrderlyStatus, orderly, reader, queues)


def _concurrent_parts(
    state: PushState,
    listeners: dict[str, ListenerCall[Any]],
    stream: DeliveryStream,
    window: Window,
) -> PushParts:
    calls = ConcurrentCalls(state, listeners, window)
    pool = WorkerPool(state.tasks, state.config.consume_thread_max)
    service = ConcurrentService(state, calls, stream, pool)
    reader = QueueReader(state, service.submit)
    parts = PushParts(ConsumeStatus, service, reader, HeldQueues(state, reader))
    if state.config.asks_brokers:
        acks = Acks(state)
        popper = PopReader(state, PopService(state, calls, stream, pool, acks).submit, acks.done)
        parts.popping = Popping(popper, PoppedQueues(state, popper), acks)
    return parts
