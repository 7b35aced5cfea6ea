"""Running listeners on popped messages (Java ``ConsumeMessagePopConcurrentlyService``).

The broker gives a message to somebody else when its invisible time is over. So a job that waited too
long isn't begun, and what a listener says after that time isn't told: the message is under way again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rmqwire.consumer.working.acks import handle_of
from rmqwire.consumer.working.settling import Settling
from rmqwire.consumer.working.stream import DeliveredBatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmqwire.client.message_ext import MessageExt
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.consumer.delivery import Delivery
    from rmqwire.consumer.reading.popped_queues import PopProcessQueue
    from rmqwire.consumer.state import PushState
    from rmqwire.consumer.working.acks import Acks
    from rmqwire.consumer.working.calls import ConcurrentCalls
    from rmqwire.consumer.working.pool import WorkerPool
    from rmqwire.consumer.working.stream import DeliveryStream

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class PopConsumeRequest:
    """Popped messages for one call of a listener.

    Args:
        messages: of one pop.
        popped: what they were popped from.
        queue: which queue that is, -1 for all of a broker.
        visible_ms: when somebody else gets them, ms since the epoch.
        invisible_ms: how long after the pop that is.
    """

    dropped: ClassVar[bool] = False  # whoever pops next: these are this member's

    messages: list[MessageExt]
    popped: PopProcessQueue
    queue: MessageQueue
    visible_ms: int
    invisible_ms: int


def pop_job(
    messages: list[MessageExt], popped: PopProcessQueue, queue: MessageQueue
) -> PopConsumeRequest:
    """Return what is to be done with messages of one pop."""
    handle = handle_of(messages[0])
    visible_ms = handle.pop_time + handle.invisible_time
    return PopConsumeRequest(messages, popped, queue, visible_ms, handle.invisible_time)


def is_late(
    job: PopConsumeRequest, messages: Sequence[MessageExt], wall_ms: int, group: str
) -> bool:
    """Return whether somebody else may have messages already; nothing is waited for then.

    Args:
        job: what they are of.
        messages: those that aren't settled.
        wall_ms: now, ms since the epoch.
        group: for the log.
    """
    if wall_ms < job.visible_ms:
        return False
    logger.warning(
        "%s, group %s: the pop's %d ms are over, they come again",
        messages,
        group,
        job.invisible_ms,
    )
    job.popped.waiting -= len(messages)
    return True


class PopService:
    """The popped messages of one consumer.

    Args:
        state: the consumer.
        calls: calls its listeners.
        stream: takes the messages of topics without a listener.
        pool: its workers.
        acks: tells the brokers.
    """

    def __init__(
        self,
        state: PushState,
        calls: ConcurrentCalls,
        stream: DeliveryStream,
        pool: WorkerPool,
        acks: Acks,
    ) -> None:
        self._group = state.group
        self._wall_ms = state.instance.wall_ms
        self._batch = state.config.consume_message_batch_max_size
        self._calls = calls
        self._stream = stream
        self._pool = pool
        self._acks = acks

    def submit(
        self, messages: list[MessageExt], popped: PopProcessQueue, queue: MessageQueue
    ) -> None:
        """Have messages of one pop consumed, in calls of consumeMessageBatchMaxSize."""
        if messages[0].topic in self._stream.topics:
            before, others = self._calls.window.split(messages)
            popped.waiting -= len(before)
            self._acks.done(before)
            if others:
                job = pop_job(others, popped, queue)
                self._stream.put(DeliveredBatch(others, job, queue, Settling(self, job)))
            return
        for start in range(0, len(messages), self._batch):
            job = pop_job(messages[start : start + self._batch], popped, queue)
            self._pool.add(partial(self._consume, job))

    async def _consume(self, job: PopConsumeRequest) -> None:
        if self._is_late(job, job.messages):
            return
        told = await self._calls.consume(job.messages, job.queue, job.invisible_ms)
        if self._is_late(job, job.messages):
            return
        job.popped.waiting -= len(job.messages)
        self._acks.done(told.done)
        for message in told.failed:
            self._acks.later(message, told.delay_level)

    def settle(self, job: PopConsumeRequest, delivery: Delivery, delay_level: int | None) -> None:
        """Take note that a delivery is done with, or with a ``delay_level``, to come again."""
        self._calls.settled(delivery, job.queue, failed=delay_level is not None)
        if self._is_late(job, [delivery]):
            return
        job.popped.waiting -= 1
        if delay_level is None:
            self._acks.done([delivery])
        else:
            self._acks.later(delivery, delay_level)

    def _is_late(self, job: PopConsumeRequest, messages: Sequence[MessageExt]) -> bool:
        return is_late(job, messages, self._wall_ms(), self._group)
