"""Reading one queue for a consumer that asks for messages (``DefaultLitePullConsumerImpl.PullTaskImpl``).

One task per queue, as ``queue_reader`` has for listeners. What it finds waits in the inbox; it reads
on until too much waits there. No trio in here: ``Tasks`` sleeps.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.broker_errors import FlowControl
from rmqwire.client.requests import PullOptions
from rmqwire.client.signs import Sign
from rmqwire.codec.sys_flag import build_pull_sys_flag
from rmqwire.consumer.reading.inbox import PulledBatch
from rmqwire.consumer.reading.process_queue import MIB
from rmqwire.consumer.reading.pull_result import STATUS_OF_CODE, PullStatus, found_messages
from rmqwire.consumer.reading.pull_wrapper import PullApiWrapper
from rmqwire.consumer.reading.queue_reader import BROKER_FLOW_CONTROL_S, FLOW_CONTROL_S
from rmqwire.errors import RmqError
from rmqwire.filter.subscription import is_tag_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.client.api import PullAnswer
    from rmqwire.codec.bodies import MessageQueue, SubscriptionData
    from rmqwire.consumer.reading.inbox import Inbox
    from rmqwire.consumer.reading.process_queue import ProcessQueue
    from rmqwire.consumer.state import LitePullState

logger = logging.getLogger(__name__)

PAUSED_S = 1.0  # PULL_TIME_DELAY_MILLS_WHEN_PAUSE
LITE_PULL = build_pull_sys_flag(
    commit_offset=False, suspend=True, subscription=True, class_filter=False, lite=True
)


class LiteQueueReader:
    """Read queues for one consumer.

    Args:
        state: the consumer.
        inbox: takes the messages.
        wanted: tells what is wanted of a topic.
    """

    def __init__(
        self,
        state: LitePullState,
        inbox: Inbox[PulledBatch],
        wanted: Callable[[str], SubscriptionData | None],
    ) -> None:
        self._config = state.config
        self._group = state.group
        self._wall_ms = state.instance.wall_ms
        self._stats = state.stats
        self._hooks = state.hooks
        self._sleep = state.tasks.sleep
        self._pulls = PullApiWrapper(state.group, state.instance, state.config.broker_id())
        self._inbox = inbox
        self._wanted = wanted

    async def read(self, queue: MessageQueue, process_queue: ProcessQueue, offset: int) -> int:
        """Read a queue from ``offset`` on until it is dropped, and return -1.

        Out of the queue's range, it goes on from where the broker says.
        """
        while not process_queue.dropped:
            process_queue.last_pull_ms = self._wall_ms()
            subscription = self._wanted(queue.topic)
            if process_queue.paused or subscription is None:
                await self._sleep(PAUSED_S)
                continue
            if self._over_threshold(process_queue):
                await self._sleep(FLOW_CONTROL_S)
                continue
            try:
                answer = await self._pull(queue, offset, subscription)
                self._take(answer, queue, process_queue, subscription, offset)
            except RmqError as error:
                process_queue.last_answer = Sign(self._wall_ms(), error.with_traceback(None))
                logger.warning("pull of %s for group %s: %s", queue, self._group, error)
                await self._sleep(self._pause_after(error))
                continue
            process_queue.last_answer = Sign(self._wall_ms())
            offset = answer.next_begin_offset
        return -1

    def _over_threshold(self, process_queue: ProcessQueue) -> bool:
        config = self._config
        return (
            len(self._inbox) * config.pull_batch_size > config.pull_threshold_for_all
            or len(process_queue) > config.pull_threshold_for_queue
            or process_queue.size // MIB > config.pull_threshold_size_for_queue
            or process_queue.max_span > config.consume_max_span
        )

    async def _pull(
        self, queue: MessageQueue, offset: int, subscription: SubscriptionData
    ) -> PullAnswer:
        config = self._config
        options = PullOptions(
            queue=queue,
            queue_offset=offset,
            max_msg_nums=config.pull_batch_size,
            max_msg_bytes=config.most_pull_bytes(),
            sys_flag=LITE_PULL,
            commit_offset=0,
            suspend_timeout_ms=config.broker_suspend_max_time_millis,
            subscription=subscription,
            send_expression=True,
            sub_version=0 if is_tag_type(subscription.expression_type) else None,
        )
        return await self._pulls.pull(options, config.consumer_timeout_millis_when_suspend)

    def _take(
        self,
        answer: PullAnswer,
        queue: MessageQueue,
        process_queue: ProcessQueue,
        subscription: SubscriptionData,
        offset: int,
    ) -> None:
        status = STATUS_OF_CODE[answer.code]
        if status is PullStatus.OFFSET_ILLEGAL:
            logger.warning("%s has no offset %d, but %s", queue, offset, answer)
        if status is not PullStatus.FOUND:
            return
        messages = self._hooks.wanted(found_messages(answer, queue, subscription, offset))
        took_ms = self._wall_ms() - process_queue.last_pull_ms
        self._stats.pulled(queue.topic, len(messages), took_ms)
        if messages and not process_queue.dropped:
            process_queue.put(messages)
            self._inbox.put(PulledBatch(messages, process_queue, queue))

    def _pause_after(self, error: RmqError) -> float:
        if isinstance(error, FlowControl):
            return BROKER_FLOW_CONTROL_S
        return self._config.pull_time_delay_mills_when_exception / 1000
