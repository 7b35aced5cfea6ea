"""Running listeners in the order of each queue (Java ``ConsumeMessageOrderlyService``).

A queue has one job at a time. It takes the oldest messages, calls the listener, and goes on until
none are left. Messages that could not be consumed come again after a pause, before any later one; so
a queue stands still until its listener succeeds, or the message has come maxReconsumeTimes and goes
to the dead letters.

In a clustering group a job only works while the broker keeps the queue for this member alone.

No trio in here: ``Tasks`` starts workers, sleeps and calls functions that may block.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING

from rmqwire.codec.message_const import retry_topic
from rmqwire.consumer.hooks import return_type
from rmqwire.consumer.listener import ConsumeOrderlyContext, ConsumeOrderlyStatus
from rmqwire.consumer.working.direct import direct_result
from rmqwire.consumer.working.handing_out import HandingOut
from rmqwire.consumer.working.listener_call import Outcome, call_listener
from rmqwire.consumer.working.pool import JOBS_PER_CHECKPOINT, WorkerPool
from rmqwire.consumer.working.resend import Resend
from rmqwire.wakeup import Wakeup

if TYPE_CHECKING:
    from rmqwire.client.message_ext import MessageExt
    from rmqwire.clock import MonoMs
    from rmqwire.codec.bodies import ConsumeMessageDirectlyResult, MessageQueue
    from rmqwire.consumer.hooks import ConsumeContext
    from rmqwire.consumer.reading.held_queues import HeldQueues
    from rmqwire.consumer.reading.process_queue import ProcessQueue
    from rmqwire.consumer.state import PushState
    from rmqwire.consumer.working.listener_call import ListenerCall
    from rmqwire.consumer.working.queue_locks import QueueLocks
    from rmqwire.consumer.working.stream import DeliveryStream
    from rmqwire.consumer.working.window import Window

    Listeners = dict[str, ListenerCall[ConsumeOrderlyStatus]]

logger = logging.getLogger(__name__)

FIRST_RENEWAL_S = 1.0
RENEWAL_S = 20.0  # rocketmq.client.rebalance.lockInterval
CONTINUOUSLY_MS = 60_000  # rocketmq.client.maxTimeConsumeContinuously: then others get a turn
TURN_S = 0.01
LOCK_AGAIN_S = 0.1  # until a queue that isn't locked is asked for
NOT_GIVEN_S = 3.0  # until it is asked for again
PAUSE_MS = (10, 30_000)  # the least and the most that a queue stands still

_S = ConsumeOrderlyStatus
CM_RESULTS = {
    _S.COMMIT: "CR_COMMIT",
    _S.ROLLBACK: "CR_ROLLBACK",
    _S.SUCCESS: "CR_SUCCESS",
    _S.SUSPEND_CURRENT_QUEUE_A_MOMENT: "CR_LATER",
}


class Step(Enum):
    """What becomes of messages whose listener has ended."""

    COMMIT = auto()
    KEEP = auto()  # consumed, to be committed or rolled back later
    ROLL_BACK = auto()
    AGAIN = auto()


STEPS = {  # (status, auto_commit) -> step (processConsumeResult)
    (_S.SUCCESS, True): Step.COMMIT,
    (_S.COMMIT, True): Step.COMMIT,
    (_S.ROLLBACK, True): Step.COMMIT,  # Java warns, and so do we
    (_S.SUSPEND_CURRENT_QUEUE_A_MOMENT, True): Step.AGAIN,
    (_S.SUCCESS, False): Step.KEEP,
    (_S.COMMIT, False): Step.COMMIT,
    (_S.ROLLBACK, False): Step.ROLL_BACK,
    (_S.SUSPEND_CURRENT_QUEUE_A_MOMENT, False): Step.AGAIN,
}


@dataclass(slots=True)
class QueueJob:
    """The one job of a queue."""

    queue: MessageQueue
    process_queue: ProcessQueue


class OrderlyService:
    """The workers of one consumer.

    Args:
        state: the consumer.
        listeners: listeners by topic; looked at for each call.
        stream: takes the messages of topics without a listener.
        window: what was consumed before: nobody is called for that.
        locks: asks the brokers for queues; None where no member has a queue alone (broadcasting).
        mono_ms: monotonic clock in ms.
    """

    def __init__(
        self,
        state: PushState,
        listeners: Listeners,
        stream: DeliveryStream,
        window: Window,
        locks: QueueLocks | None,
        mono_ms: MonoMs,
    ) -> None:
        self._state = state
        self._config = state.config
        self._listeners = listeners
        self._stream = stream
        self._window = window
        self._locks = locks
        self._mono_ms = mono_ms
        self._wall_ms = state.instance.wall_ms
        self._tasks = state.tasks
        self._retry_topic = retry_topic(state.group)
        self._resend = Resend(state)
        self._pool = WorkerPool(state.tasks, state.config.consume_thread_max)
        self._busy: dict[MessageQueue, Wakeup] = {}  # woken when the listener has ended
        self._closed = False

    def submit(
        self, messages: list[MessageExt], process_queue: ProcessQueue, queue: MessageQueue
    ) -> None:
        """Have a queue's messages consumed, unless its job is at it already."""
        if process_queue.begin():
            self._pool.add(partial(self._consume, QueueJob(queue, process_queue)))

    async def finish(self) -> None:
        """Call no more listeners and wait for those that run; the others' messages stay uncommitted."""
        self._closed = True
        await self._pool.finish()

    async def until_idle(self, queue: MessageQueue, seconds: float) -> bool:
        """Wait for the listener of a queue, up to ``seconds``; return whether none runs."""
        busy = self._busy.get(queue)
        if busy is not None:
            await busy.wait(seconds)
        return queue not in self._busy

    async def watch(self, queues: HeldQueues) -> None:
        """Renew the locks every 20 s (``lockMQPeriodically``)."""
        if self._locks is None:
            return
        await self._tasks.sleep(FIRST_RENEWAL_S)
        while True:
            await self._locks.lock(queues.held)
            await self._tasks.sleep(RENEWAL_S)

    # --- one queue

    async def _consume(self, job: QueueJob) -> None:
        held, began, calls = job.process_queue, self._mono_ms(), 0
        while not (held.dropped or self._closed):
            if self._locks is not None and not self._locks.holds(job.queue):
                self._tasks.spawn(self._lock_and_go_on, job)
                return
            if self._mono_ms() - began > CONTINUOUSLY_MS:
                self._tasks.spawn(self._go_on, job, TURN_S)
                return
            messages = self._take(held)
            if not messages:
                return
            before, others = self._window.split(messages)
            if not others:
                self._pass_over(job, before)
                continue
            pause_s = await self._deliver(job, messages, others)
            if pause_s is not None:
                self._tasks.spawn(self._go_on, job, pause_s)
                return
            calls += 1
            if calls % JOBS_PER_CHECKPOINT == 0:
                await self._tasks.sleep(0)

    def _take(self, held: ProcessQueue) -> list[MessageExt]:
        """Return the oldest messages, of one topic: retries may be of several."""
        messages = held.take(self._config.consume_message_batch_max_size, self._wall_ms())
        for message in messages:
            message.restore_topic(self._retry_topic)
        run = next(
            (n for n, message in enumerate(messages) if message.topic != messages[0].topic),
            len(messages),
        )
        held.put_back(messages[run:])
        return messages[:run]

    async def _go_on(self, job: QueueJob, seconds: float) -> None:
        await self._tasks.sleep(seconds)
        self._pool.add(partial(self._consume, job))

    async def _lock_and_go_on(self, job: QueueJob) -> None:
        """Ask for a queue that isn't locked (``tryLockLaterAndReconsume``)."""
        if self._locks is None:
            raise AssertionError("no queue is locked here")
        await self._tasks.sleep(LOCK_AGAIN_S)
        if not job.process_queue.dropped:
            await self._locks.lock([job.queue])
        await self._go_on(job, TURN_S if self._locks.holds(job.queue) else NOT_GIVEN_S)

    # --- one call

    def _pass_over(self, job: QueueJob, before: list[MessageExt]) -> None:
        """Commit messages that were consumed before, unless some before them aren't committed yet."""
        if len(job.process_queue.under_way) == len(before):
            self._commit(job)

    async def _deliver(
        self, job: QueueJob, messages: list[MessageExt], others: list[MessageExt]
    ) -> float | None:
        """Call the listener for ``others``, those of the messages that weren't consumed before.

        Returns:
            for how many seconds the queue stands still now, None to go on.
        """
        context = ConsumeOrderlyContext(job.queue)
        began = self._wall_ms()
        busy = self._busy[job.queue] = Wakeup()
        try:
            seen = self._state.hooks.before(others, job.queue)
            outcome = await self._hand_over(job, others, context)
            status = outcome.status or _S.SUSPEND_CURRENT_QUEUE_A_MOMENT
            took_ms = self._wall_ms() - began
            self._count(others, status, context, took_ms)
            if seen is not None:
                self._tell(seen, outcome, status, took_ms)
            return await self._settle(job, messages, others, status, context)
        finally:
            del self._busy[job.queue]
            busy()

    def _tell(
        self,
        seen: ConsumeContext,
        outcome: Outcome[ConsumeOrderlyStatus],
        status: ConsumeOrderlyStatus,
        took_ms: int,
    ) -> None:
        kind = return_type(
            outcome.status,
            raised=outcome.raised is not None,
            late=took_ms >= self._config.consume_timeout * 60_000,
            failed=status is _S.SUSPEND_CURRENT_QUEUE_A_MOMENT,
        )
        success = status in {_S.SUCCESS, _S.COMMIT}
        self._state.hooks.after(seen, status.value, kind, success=success)

    async def _hand_over(
        self, job: QueueJob, messages: list[MessageExt], context: ConsumeOrderlyContext
    ) -> Outcome[ConsumeOrderlyStatus]:
        if messages[0].topic not in self._stream.topics:
            return await self._call(messages, context)
        handing_out = HandingOut(messages, context)
        return Outcome(await handing_out.run(self._stream, job.process_queue, job.queue))

    async def _call(
        self, messages: list[MessageExt], context: ConsumeOrderlyContext
    ) -> Outcome[ConsumeOrderlyStatus]:
        later = _S.SUSPEND_CURRENT_QUEUE_A_MOMENT
        return await call_listener(
            self._listeners, messages, context, group=self._state.group, later=later
        )

    def _count(
        self,
        messages: list[MessageExt],
        status: ConsumeOrderlyStatus,
        context: ConsumeOrderlyContext,
        took_ms: int,
    ) -> None:
        failed = status is _S.SUSPEND_CURRENT_QUEUE_A_MOMENT
        ok = status is _S.SUCCESS or (context.auto_commit and not failed)
        count, topic = len(messages), messages[0].topic
        self._state.stats.consumed(
            topic, took_ms, ok=count if ok else 0, failed=count if failed else 0
        )

    async def _settle(
        self,
        job: QueueJob,
        messages: list[MessageExt],
        others: list[MessageExt],
        status: ConsumeOrderlyStatus,
        context: ConsumeOrderlyContext,
    ) -> float | None:
        held = job.process_queue
        step = STEPS[status, context.auto_commit]
        if context.auto_commit and status in {_S.COMMIT, _S.ROLLBACK}:
            logger.warning("%s of %s: taken for SUCCESS, as auto_commit is set", status, job.queue)
        if step is Step.AGAIN:
            if await self._comes_again(others):
                held.put_back(messages)
                return self._pause_s(context)
            step = Step.COMMIT if context.auto_commit else Step.KEEP
        if step is Step.ROLL_BACK:
            held.roll_back()
            return self._pause_s(context)
        if step is Step.COMMIT:
            self._commit(job)
        return None

    def _commit(self, job: QueueJob) -> None:
        """Commit all that is under way; what was given up may come back from the dead letters."""
        held, limit = job.process_queue, self._config.reconsume_limit()
        self._window.remember(one for one in held.under_way if one.reconsume_times < limit)
        offset = held.commit()
        if offset >= 0 and not held.released:
            self._state.offsets.update(job.queue, offset)

    async def _comes_again(self, messages: list[MessageExt]) -> bool:
        """Return whether messages are to be consumed again; those that may not go to the dead letters."""
        again = False
        for message in messages:
            spent = message.reconsume_times >= self._config.reconsume_limit()
            if not (spent and await self._resend(message)):
                message.reconsume_times += 1
                again = True
        return again

    def _pause_s(self, context: ConsumeOrderlyContext) -> float:
        wanted = context.suspend_current_queue_time_millis
        if wanted == -1:
            wanted = self._config.suspend_current_queue_time_millis
        least, most = PAUSE_MS
        return min(max(wanted, least), most) / 1000

    # --- administrators

    async def consume_directly(self, message: MessageExt) -> ConsumeMessageDirectlyResult:
        """Run the listener on one message, whatever queue it is from (``consumeMessageDirectly``)."""
        began = self._wall_ms()
        context = ConsumeOrderlyContext(message.queue)
        message.restore_topic(self._retry_topic)
        outcome = await self._call([message], context)
        spent_ms = self._wall_ms() - began
        return direct_result(
            outcome, CM_RESULTS, spent_ms, order=True, auto_commit=context.auto_commit
        )
