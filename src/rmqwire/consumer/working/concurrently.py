"""Running listeners side by side (Java ``ConsumeMessageConcurrentlyService``).

Up to consumeThreadMax workers take jobs in the order of the pulls. A job's messages leave their
process queue when the listener has succeeded, or when the broker has taken them back to deliver
them again later, or any broker has them as new ones; messages that none takes stay and are tried
again here after 5 s. So the committed offset never passes a message that nobody has finished.

No trio in here: ``Tasks`` starts workers, sleeps and calls functions that may block.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from rmqwire.codec.message_const import RETRY_GROUP_TOPIC_PREFIX, retry_topic
from rmqwire.codec.pop import normal_topic
from rmqwire.consumer.listener import ConsumeConcurrentlyContext, ConsumeStatus
from rmqwire.consumer.working.direct import direct_result
from rmqwire.consumer.working.elsewhere import Hiring
from rmqwire.consumer.working.listener_call import Outcome
from rmqwire.consumer.working.pool import WorkerPool
from rmqwire.consumer.working.runs import Run, Runs
from rmqwire.consumer.working.send_back import SendBack
from rmqwire.consumer.working.settling import Settling
from rmqwire.consumer.working.stream import DeliveredBatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmqwire.client.message_ext import MessageExt
    from rmqwire.codec.bodies import ConsumeMessageDirectlyResult, MessageQueue
    from rmqwire.consumer.delivery import Delivery
    from rmqwire.consumer.reading.held_queues import HeldQueues
    from rmqwire.consumer.reading.process_queue import ProcessQueue
    from rmqwire.consumer.state import PushState
    from rmqwire.consumer.working.calls import ConcurrentCalls, Consumed
    from rmqwire.consumer.working.elsewhere import Crew, Place, Returned
    from rmqwire.consumer.working.runs import Told
    from rmqwire.consumer.working.stream import DeliveryStream

logger = logging.getLogger(__name__)

RETRY_LOCALLY_S = 5.0  # submitConsumeRequestLater
EXPIRED_DELAY_LEVEL = 3
EXPIRED_PER_PASS = 16
CM_RESULTS = {
    ConsumeStatus.CONSUME_SUCCESS: "CR_SUCCESS",
    ConsumeStatus.RECONSUME_LATER: "CR_LATER",
}


@dataclass(slots=True)
class ConsumeRequest:
    """Messages of one topic for one call of a listener, and the queue they are from."""

    messages: list[MessageExt]
    process_queue: ProcessQueue
    queue: MessageQueue


class ConcurrentService:
    """The workers of one consumer.

    Args:
        state: the consumer.
        calls: calls its listeners.
        stream: takes the messages of topics without a listener.
        pool: its workers.
    """

    def __init__(
        self, state: PushState, calls: ConcurrentCalls, stream: DeliveryStream, pool: WorkerPool
    ) -> None:
        self._state = state
        self._config = state.config
        self._calls = calls
        self._stream = stream
        self._tasks = state.tasks
        self._wall_ms = state.instance.wall_ms
        self._retry_topic = retry_topic(state.group)
        self._send_back = SendBack(state)
        self._pool = pool
        self._listeners = calls.listeners
        self._runs = Runs(calls.listeners, pool, state.tasks, self, self._wall_ms)
        self._crews: dict[Place, Crew] = {}
        self._ends = WorkerPool(state.tasks, state.config.consume_thread_max)  # of crews' calls

    def submit(
        self, messages: list[MessageExt], process_queue: ProcessQueue, queue: MessageQueue
    ) -> None:
        """Have messages consumed, in calls of consumeMessageBatchMaxSize."""
        size = self._config.consume_message_batch_max_size
        for run in self._by_topic(messages, queue):
            if run[0].topic in self._stream.topics:
                before, others = self._calls.window.split(run)
                job = ConsumeRequest(run, process_queue, queue)
                if before:
                    self._finish(job, before)
                if others:
                    settling = Settling(self, job)
                    self._stream.put(DeliveredBatch(others, process_queue, queue, settling))
                continue
            if self._calls.unwatched:
                self._begin(Run(run, process_queue, queue, size))
                continue
            for start in range(0, len(run), size):
                job = ConsumeRequest(run[start : start + size], process_queue, queue)
                self._pool.add(partial(self._consume, job))

    def _by_topic(self, messages: list[MessageExt], queue: MessageQueue) -> list[list[MessageExt]]:
        """Return runs of one topic: each topic has its listener, and retries are of any of them."""
        if not queue.topic.startswith(RETRY_GROUP_TOPIC_PREFIX):
            return [messages]
        for message in messages:
            self._restore_topic(message)
        return [list(run) for _, run in groupby(messages, lambda message: message.topic)]

    def _restore_topic(self, message: MessageExt) -> None:
        """Restore the topic that was sent to, also of a message that was popped before."""
        message.restore_topic(self._retry_topic)
        state = self._state
        message.topic = state.instance.namespace.unwrap(normal_topic(message.topic, state.group))

    def _begin(self, run: Run) -> None:
        """Have a run consumed where its listener is called."""
        call = self._listeners.get(run.topic)
        if call is None or call.elsewhere is None:
            self._runs.add(run)
        else:
            self._crew(call.elsewhere.place).put(run)

    def _crew(self, place: Place) -> Crew:
        crew = self._crews.get(place)
        if crew is None:
            most, spawn = self._config.consume_thread_max, self._tasks.spawn
            crew = place.crew(Hiring(self._listeners, most, self._returned, spawn, self._wall_ms))
            self._crews[place] = crew
            spawn(crew.stay)
        return crew

    async def finish(self) -> None:
        """Begin no more jobs and wait for those that run; the others' messages stay uncommitted."""
        for crew in self._crews.values():
            await crew.finish()
        await self._ends.idle()
        await self._pool.finish()

    async def _consume(self, job: ConsumeRequest) -> None:
        if job.process_queue.dropped:
            return
        told = await self._calls.consume(
            job.messages, job.queue, self._config.consume_timeout * 60_000
        )
        await self._take_note(job, told)

    async def _take_note(self, job: ConsumeRequest, told: Consumed) -> None:
        """Finish what is done with, and have what failed come again."""
        if job.process_queue.dropped:
            logger.info("%s was given up meanwhile: the result is not used", job.queue)
            return
        finished = told.done
        if told.failed:
            finished = finished + await self._take_back(job, told.failed, told.delay_level)
        self._finish(job, finished)

    def consumed(self, run: Run, first: int, end: int, calls: int, took_ms: int) -> None:
        """Take note that messages of a run are consumed: of one call, or several in a row."""
        messages = run.messages[first:end]
        self._state.stats.consumed(run.topic, took_ms, ok=len(messages), failed=0, calls=calls)
        if run.process_queue.dropped:
            logger.info("%s was given up meanwhile: the result is not used", run.queue)
        else:
            self._finish(run, messages)

    async def judge(
        self,
        run: Run,
        at: int,
        told: Told,
        context: ConsumeConcurrentlyContext | None,
        took_ms: int,
    ) -> None:
        """Do what a call's end asks for, whatever it is; None: its listener is still to be called."""
        messages = run.messages[at : at + run.size]
        job = ConsumeRequest(messages, run.process_queue, run.queue)
        if told is None:
            await self._consume(job)
            return
        status = told.status if isinstance(told, Outcome) else told
        context = context or ConsumeConcurrentlyContext(run.queue)
        await self._take_note(job, self._calls.judge(messages, status, context, took_ms))

    def _returned(self, calls: Sequence[Returned]) -> None:
        """Take note of calls that are over in another thread, of those in a row together."""
        run, first, end, count, took = None, 0, 0, 0, 0.0
        for one, at, told, context, ms in calls:
            if told is not ConsumeStatus.CONSUME_SUCCESS or context is not None:
                self._ends.add(partial(self.judge, one, at, told, context, int(ms)))
                continue
            if one is not run or at != end:
                if run is not None:
                    self.consumed(run, first, end, count, int(took))
                run, first, count, took = one, at, 0, 0.0
            end, count, took = at + one.size, count + 1, took + ms
        if run is not None:
            self.consumed(run, first, end, count, int(took))

    def _finish(self, job: ConsumeRequest | Run, finished: list[MessageExt]) -> None:
        offset = job.process_queue.remove(finished, self._wall_ms())
        if offset >= 0 and not job.process_queue.dropped:
            self._state.offsets.update(job.queue, offset, increase_only=True)

    def settle(self, job: ConsumeRequest, delivery: Delivery, delay_level: int | None) -> None:
        """Take note that a delivery is done with, or with a ``delay_level``, to come again."""
        self._calls.settled(delivery, job.queue, failed=delay_level is not None)
        if job.process_queue.dropped:
            logger.info("%s was given up meanwhile: the result is not used", job.queue)
        elif delay_level is None:
            self._finish(job, [delivery])
        else:
            self._tasks.spawn(self._deliver_again, job, delivery, delay_level)

    async def _deliver_again(
        self, job: ConsumeRequest, delivery: Delivery, delay_level: int
    ) -> None:
        self._finish(job, await self._take_back(job, [delivery], delay_level))

    # --- failures

    async def _take_back(
        self, job: ConsumeRequest, failed: list[MessageExt], delay_level: int
    ) -> list[MessageExt]:
        """Send failed messages back; return those that need nothing more here."""
        if self._config.broadcasting:
            logger.warning("BROADCASTING, the message consume failed, drop it, %s", failed)
            return failed
        kept: list[MessageExt] = []
        gone: list[MessageExt] = []
        for message in failed:
            if message not in job.process_queue:
                continue  # expired and sent back already
            taken = await self._send_back(message, delay_level)
            (gone if taken else kept).append(message)
        if kept:
            for message in kept:
                message.reconsume_times += 1
            self._tasks.spawn(self._again_later, kept, job)
        return gone

    async def _again_later(self, messages: list[MessageExt], job: ConsumeRequest) -> None:
        await self._tasks.sleep(RETRY_LOCALLY_S)
        self.submit(messages, job.process_queue, job.queue)

    async def watch(self, queues: HeldQueues) -> None:
        """Send messages back that take longer than consumeTimeout, as often as it is long.

        A broadcasting consumer's would come to nobody again.
        """
        while not self._config.broadcasting:
            await self._tasks.sleep(self._config.consume_timeout * 60)
            for queue in queues:
                await self._clean_expired(queues[queue], queue)

    async def _clean_expired(self, process_queue: ProcessQueue, queue: MessageQueue) -> None:
        """Send back the oldest messages that take longer than consumeTimeout."""
        timeout_ms = self._config.consume_timeout * 60_000
        for _ in range(EXPIRED_PER_PASS):
            message = process_queue.expired(self._wall_ms(), timeout_ms)
            if message is None or not await self._send_back(message, EXPIRED_DELAY_LEVEL):
                return
            logger.info("%s took too long and was sent back", message)
            if message in process_queue:
                self._finish(ConsumeRequest([message], process_queue, queue), [message])

    # --- administrators

    async def consume_directly(self, message: MessageExt) -> ConsumeMessageDirectlyResult:
        """Run the listener on one message, whatever queue it is from (``consumeMessageDirectly``)."""
        started = self._wall_ms()
        context = ConsumeConcurrentlyContext(message.queue)
        self._restore_topic(message)
        outcome = await self._calls.call([message], context)
        spent_ms = self._wall_ms() - started
        return direct_result(outcome, CM_RESULTS, spent_ms, order=False, auto_commit=True)
