"""Running listeners on messages of lite topics: each lite topic in order, several side by side.

A broker gives out more of a lite topic only when all that it gave is acknowledged or comes again. So
when one message can't be consumed, its lite topic stands still for a while, and then it comes again
with all behind it; one that has come often enough goes to the dead letters, and those behind it follow.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rmqwire.consumer.listener import ConsumeConcurrentlyContext
from rmqwire.consumer.working.concurrently import CM_RESULTS
from rmqwire.consumer.working.direct import direct_result
from rmqwire.consumer.working.popping import is_late, pop_job

if TYPE_CHECKING:
    from rmqwire.client.message_ext import MessageExt
    from rmqwire.codec.bodies import ConsumeMessageDirectlyResult, MessageQueue
    from rmqwire.consumer.delivery import Delivery
    from rmqwire.consumer.reading.popped_queues import PopProcessQueue
    from rmqwire.consumer.state import LitePushState
    from rmqwire.consumer.working.calls import ConcurrentCalls
    from rmqwire.consumer.working.lite_acks import LiteAcks
    from rmqwire.consumer.working.pool import WorkerPool
    from rmqwire.consumer.working.popping import PopConsumeRequest


class LiteService:
    """The popped messages of one consumer of lite topics.

    Args:
        state: the consumer.
        calls: calls its listener.
        pool: its workers.
        acks: tells the brokers.
    """

    def __init__(
        self, state: LitePushState, calls: ConcurrentCalls, pool: WorkerPool, acks: LiteAcks
    ) -> None:
        self._group = state.group
        self._wall_ms = state.instance.wall_ms
        self._batch = state.config.consume_message_batch_max_size
        self._limit = state.config.reconsume_limit()
        self._calls = calls
        self._pool = pool
        self._acks = acks

    def submit(
        self, messages: list[Delivery], popped: PopProcessQueue, queue: MessageQueue
    ) -> None:
        """Have the messages of one pop consumed."""
        found: dict[str | None, list[MessageExt]] = {}
        for message in messages:
            found.setdefault(message.lite_topic, []).append(message)
        for of_one in found.values():
            self._pool.add(partial(self._consume, pop_job(of_one, popped, queue)))

    async def _consume(self, job: PopConsumeRequest) -> None:
        """Consume the messages of one lite topic, up to the first that has to come again."""
        left = job.messages
        while left:
            batch, left = left[: self._batch], left[self._batch :]
            if self._is_late(job, [*batch, *left]):
                return
            told = await self._calls.consume(batch, job.queue, job.invisible_ms)
            if self._is_late(job, [*batch, *left]):
                return
            self._acks.done(told.done)
            job.popped.waiting -= len(told.done)
            for index, message in enumerate(told.failed):
                if told.delay_level >= 0 and message.reconsume_times < self._limit:
                    again = [*told.failed[index:], *left]
                    job.popped.waiting -= len(again)
                    self._acks.stand_still(again, told.delay_level)
                    return
                self._acks.bury(message)
                job.popped.waiting -= 1

    def _is_late(self, job: PopConsumeRequest, messages: list[MessageExt]) -> bool:
        return is_late(job, messages, self._wall_ms(), self._group)

    async def consume_directly(self, message: MessageExt) -> ConsumeMessageDirectlyResult:
        """Run the listener on one message, whatever lite topic it is of."""
        started = self._wall_ms()
        outcome = await self._calls.call([message], ConsumeConcurrentlyContext(message.queue))
        spent_ms = self._wall_ms() - started
        return direct_result(outcome, CM_RESULTS, spent_ms, order=False, auto_commit=True)
