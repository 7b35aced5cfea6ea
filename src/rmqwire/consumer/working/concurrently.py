"""Running listeners (Java ``ConsumeMessageConcurrentlyService``).

Up to consumeThreadMax workers take jobs in the order of the pulls. A job's messages leave their
process queue when the listener has succeeded, or when the broker has taken them back to deliver
them again later; messages that can't be sent back stay and are tried again here after 5 s. So the
committed offset never passes a message that nobody has finished.

No trio in here: ``Tasks`` starts workers, sleeps and calls functions that may block.
"""

from __future__ import annotations

import inspect
import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmqwire.client.tasks import Wakeup
from rmqwire.codec.bodies import ConsumeMessageDirectlyResult
from rmqwire.codec.headers import ConsumerSendMsgBackRequestHeader
from rmqwire.codec.message_const import retry_topic
from rmqwire.consumer.listener import ConsumeStatus
from rmqwire.errors import RmqError

if TYPE_CHECKING:
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.consumer.listener import Listener
    from rmqwire.consumer.message_ext import MessageExt
    from rmqwire.consumer.reading.held_queues import HeldQueues
    from rmqwire.consumer.reading.process_queue import ProcessQueue
    from rmqwire.consumer.state import ConsumerState

logger = logging.getLogger(__name__)

RETRY_LOCALLY_S = 5.0  # submitConsumeRequestLater
JOBS_PER_CHECKPOINT = 8  # plain listeners never wait: others get a turn after so many
EXPIRED_DELAY_LEVEL = 3
EXPIRED_PER_PASS = 16


@dataclass(slots=True)
class ConsumeRequest:
    """Messages for one call of a listener, and the queue they are from."""

    messages: list[MessageExt]
    process_queue: ProcessQueue
    queue: MessageQueue


class ConcurrentService:
    """The workers of one consumer.

    Args:
        state: the consumer.
        listeners: listeners by topic; looked at for each job.
    """

    def __init__(self, state: ConsumerState, listeners: dict[str, Listener]) -> None:
        self._group = state.group
        self._config = state.config
        self._listeners = listeners
        self._offsets = state.offsets
        self._instance = state.instance
        self._tasks = state.tasks
        self._stats = state.stats
        self._wall_ms = state.instance.wall_ms
        self._retry_topic = retry_topic(state.group)
        self._jobs: deque[ConsumeRequest] = deque()
        self._running = 0
        self._idle = Wakeup()

    def submit(
        self, messages: list[MessageExt], process_queue: ProcessQueue, queue: MessageQueue
    ) -> None:
        """Have messages consumed, in calls of consumeMessageBatchMaxSize."""
        size = self._config.consume_message_batch_max_size
        for start in range(0, len(messages), size):
            self._jobs.append(ConsumeRequest(messages[start : start + size], process_queue, queue))
        most = self._config.consume_thread_max
        for _ in range(min(len(self._jobs), most - self._running)):
            self._running += 1
            self._tasks.spawn(self._work)

    async def finish(self) -> None:
        """Begin no more jobs and wait for those that run; the others' messages stay uncommitted."""
        self._jobs.clear()
        while self._running:
            await self._idle.wait()

    async def _work(self) -> None:
        done = 0
        try:
            while self._jobs:
                await self._consume(self._jobs.popleft())
                done += 1
                if done % JOBS_PER_CHECKPOINT == 0:
                    await self._tasks.sleep(0)
        finally:
            self._running -= 1
            if self._running == 0:
                self._idle.set()

    async def _consume(self, job: ConsumeRequest) -> None:
        if job.process_queue.dropped:
            return
        started = self._wall_ms()
        for message in job.messages:
            message.restore_topic(self._retry_topic)
            message.consume_start_ms = started
        topic = job.messages[0].topic
        status, _ = await self._call(topic, job.messages)
        ok = status is ConsumeStatus.CONSUME_SUCCESS
        self._stats.consumed(topic, len(job.messages), self._wall_ms() - started, ok=ok)
        if job.process_queue.dropped:
            logger.info("%s was given up meanwhile: the result is not used", job.queue)
            return
        finished = job.messages if ok else await self._send_all_back(job)
        self._finish(job, finished)

    def _finish(self, job: ConsumeRequest, finished: list[MessageExt]) -> None:
        offset = job.process_queue.remove(finished, self._wall_ms())
        if offset >= 0 and not job.process_queue.dropped:
            self._offsets.update(job.queue, offset, increase_only=True)

    async def _call(
        self, topic: str, messages: list[MessageExt]
    ) -> tuple[ConsumeStatus | None, str | None]:
        """Run the listener; give its status, None for none, and what it raised."""
        listener = self._listeners.get(topic)
        if listener is None:
            logger.warning("no listener for topic %s in group %s", topic, self._group)
            return ConsumeStatus.RECONSUME_LATER, None
        try:
            if self._config.consume_in_threads and not inspect.iscoroutinefunction(listener):
                result = await self._tasks.in_thread(listener, list(messages))
            else:
                result = listener(list(messages))
            if inspect.isawaitable(result):
                result = await result
        except Exception as error:  # the listener is the user's code: logged, then tried again
            logger.exception("the listener of %s failed, group %s", topic, self._group)
            return None, f"{type(error).__name__}: {error}"
        if not isinstance(result, ConsumeStatus):
            logger.warning("the listener of %s returned %r, group %s", topic, result, self._group)
            return None, None
        return result, None

    # ---- failures

    async def _send_all_back(self, job: ConsumeRequest) -> list[MessageExt]:
        """Send a failed job's messages back; return those that the broker took."""
        kept: list[MessageExt] = []
        gone: list[MessageExt] = []
        for message in job.messages:
            if message not in job.process_queue:
                continue  # expired and sent back already
            (gone if await self.send_back(message) else kept).append(message)
        if kept:
            for message in kept:
                message.reconsume_times += 1

            async def later() -> None:
                await self._tasks.sleep(RETRY_LOCALLY_S)
                self.submit(kept, job.process_queue, job.queue)

            self._tasks.spawn(later)
        return gone

    async def send_back(self, message: MessageExt, delay_level: int = 0) -> bool:
        """Hand a message back to its broker; say whether it took it.

        Args:
            message: the message.
            delay_level: when it comes again; 0 leaves that to the broker (3 + deliveries).
        """
        header = ConsumerSendMsgBackRequestHeader(
            offset=message.stored.physical_offset,
            group=self._group,
            delay_level=delay_level,
            origin_msg_id=message.msg_id,
            origin_topic=message.topic,
            unit_mode=False,
            max_reconsume_times=self._config.reconsume_limit(),
            bname=message.broker_name,
        )
        try:
            await self._instance.send_back(message.broker_name, header)
        except RmqError as error:
            logger.warning("send back of %s, group %s: %s", message, self._group, error)
            return False
        return True

    async def watch(self, queues: HeldQueues) -> None:
        """Send messages back that take longer than consumeTimeout, as often as it is long."""
        while True:
            await self._tasks.sleep(self._config.consume_timeout * 60)
            for queue in queues:
                await self._clean_expired(queues[queue], queue)

    async def _clean_expired(self, process_queue: ProcessQueue, queue: MessageQueue) -> None:
        """Send back the oldest messages that take longer than consumeTimeout."""
        timeout_ms = self._config.consume_timeout * 60_000
        for _ in range(EXPIRED_PER_PASS):
            message = process_queue.expired(self._wall_ms(), timeout_ms)
            if message is None or not await self.send_back(message, EXPIRED_DELAY_LEVEL):
                return
            logger.info("%s took too long and was sent back", message)
            if message in process_queue:
                self._finish(ConsumeRequest([message], process_queue, queue), [message])

    # ---- administrators

    async def consume_directly(self, message: MessageExt) -> ConsumeMessageDirectlyResult:
        """Run the listener on one message, whatever queue it is from (``consumeMessageDirectly``)."""
        started = self._wall_ms()
        message.restore_topic(self._retry_topic)
        status, raised = await self._call(message.topic, [message])
        result = ConsumeMessageDirectlyResult(order=False, auto_commit=True)
        if raised is not None:
            result.consume_result, result.remark = "CR_THROW_EXCEPTION", raised
        elif status is None:
            result.consume_result = "CR_RETURN_NULL"
        else:
            ok = status is ConsumeStatus.CONSUME_SUCCESS
            result.consume_result = "CR_SUCCESS" if ok else "CR_LATER"
        result.spent_time_mills = self._wall_ms() - started
        return result
