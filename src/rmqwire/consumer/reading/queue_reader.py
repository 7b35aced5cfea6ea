"""Reading one queue by long polling (``DefaultMQPushConsumerImpl.pullMessage``).

One task per queue: ask, hand the messages over, ask again from where the answer ends. Pauses when
too much of the queue is still being consumed. No trio in here: ``Tasks`` sleeps.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.broker_errors import (
    FlowControl,
    SubscriptionGroupNotExist,
    SubscriptionNotExist,
    SubscriptionNotLatest,
)
from rmqwire.client.requests import PullOptions
from rmqwire.client.signs import Sign
from rmqwire.codec.message_const import RETRY_GROUP_TOPIC_PREFIX
from rmqwire.codec.sys_flag import build_pull_sys_flag
from rmqwire.consumer.delivery import Delivery
from rmqwire.consumer.reading.process_queue import MIB, ProcessQueue
from rmqwire.consumer.reading.pull_result import STATUS_OF_CODE, PullStatus, found_messages
from rmqwire.consumer.reading.pull_wrapper import PullApiWrapper
from rmqwire.errors import RmqError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.client.api import PullAnswer
    from rmqwire.client.message_ext import MessageExt
    from rmqwire.codec.bodies import MessageQueue, SubscriptionData
    from rmqwire.consumer.config import PushConsumerConfig
    from rmqwire.consumer.state import PushState

    Submit = Callable[[list[MessageExt], ProcessQueue, MessageQueue], None]

logger = logging.getLogger(__name__)

BROKER_SUSPEND_MAX_TIME_MS = 15_000  # brokerSuspendMaxTimeMillis
CONSUMER_TIMEOUT_WHEN_SUSPEND_MS = 30_000  # consumerTimeoutMillisWhenSuspend
FLOW_CONTROL_S = 0.05  # PULL_TIME_DELAY_MILLS_WHEN_CACHE_FLOW_CONTROL
BROKER_FLOW_CONTROL_S = 0.02  # PULL_TIME_DELAY_MILLS_WHEN_BROKER_FLOW_CONTROL
SUSPENDED_S = 1.0  # PULL_TIME_DELAY_MILLS_WHEN_SUSPEND
UNKNOWN_TO_BROKER = (SubscriptionNotExist, SubscriptionNotLatest, SubscriptionGroupNotExist)


def over_threshold(
    process_queue: ProcessQueue, config: PushConsumerConfig, queues: int
) -> str | None:
    """Return why a queue must not be read now, None when it may; ``queues`` are read here."""
    most, most_mib = config.queue_thresholds(queues)
    if len(process_queue) > most:
        return f"the cached message count exceeds {most}"
    if process_queue.size // MIB > most_mib:
        return f"the cached message size exceeds {most_mib} MiB"
    if not config.consume_orderly and (
        process_queue.max_span > config.consume_concurrently_max_span
    ):
        return "the queue's messages, span too long"
    return None


class QueueReader:
    """Read queues for one consumer.

    Args:
        state: the consumer.
        submit: takes the messages.
        may_read: whether a queue may be read now; None when any may.
    """

    def __init__(
        self,
        state: PushState,
        submit: Submit,
        may_read: Callable[[MessageQueue], bool] | None = None,
    ) -> None:
        self._state = state
        self._config = state.config
        self._instance = state.instance
        self._offsets = state.offsets
        self._sleep = state.tasks.sleep
        self._submit = submit
        self._may_read = may_read
        self._pulls = PullApiWrapper(state.group, state.instance)
        self._broadcasting = state.config.broadcasting
        self._max_bytes = state.config.pull_bytes()
        post = state.config.post_subscription_when_pull
        self._sys_flags = [
            build_pull_sys_flag(
                commit_offset=commits, suspend=True, subscription=post, class_filter=False
            )
            for commits in (False, True)
        ]
        self.suspended = False
        self._reading = 0  # queues

    async def read(self, queue: MessageQueue, process_queue: ProcessQueue, offset: int) -> int:
        """Read a queue from ``offset`` on until it is dropped.

        Returns:
            the offset the broker wants instead, when ``offset`` is out of its range; else -1.
        """
        self._reading += 1
        try:
            return await self._read(queue, process_queue, offset)
        finally:
            self._reading -= 1

    async def _read(self, queue: MessageQueue, process_queue: ProcessQueue, offset: int) -> int:
        while not process_queue.dropped:
            process_queue.last_pull_ms = self._instance.wall_ms()
            subscription = self._state.subscriptions.get(queue.topic)
            if self.suspended or subscription is None:
                await self._sleep(SUSPENDED_S)
                continue
            if self._may_read is not None and not self._may_read(queue):
                await self._sleep(self._config.pull_time_delay_mills_when_exception / 1000)
                continue
            if over_threshold(process_queue, self._config, self._reading) is not None:
                await self._sleep(FLOW_CONTROL_S)
                continue
            try:
                answer = await self._pull(queue, offset, subscription)
                status = STATUS_OF_CODE[answer.code]
                if status is PullStatus.OFFSET_ILLEGAL:
                    logger.warning("%s has no offset %d, but %s", queue, offset, answer)
                    return answer.next_begin_offset
                if status is PullStatus.FOUND:
                    self._take(answer, queue, process_queue, subscription, offset)
            except RmqError as error:
                process_queue.last_answer = Sign(
                    self._instance.wall_ms(), error.with_traceback(None)
                )
                await self._sleep(self._pause_after(queue, error))
                continue
            process_queue.last_answer = Sign(self._instance.wall_ms())
            offset = answer.next_begin_offset
            if status is not PullStatus.FOUND and not len(process_queue):
                # Nothing is being consumed: what the filter skipped counts as consumed.
                self._offsets.update(queue, offset, increase_only=True)
            if self._config.pull_interval and status is PullStatus.FOUND:
                await self._sleep(self._config.pull_interval / 1000)
        return -1

    def _take(
        self,
        answer: PullAnswer,
        queue: MessageQueue,
        process_queue: ProcessQueue,
        subscription: SubscriptionData,
        offset: int,
    ) -> None:
        found = found_messages(answer, queue, subscription, offset, Delivery)
        messages = self._state.hooks.wanted(found)
        took_ms = self._instance.wall_ms() - process_queue.last_pull_ms
        self._state.stats.pulled(queue.topic, len(messages), took_ms)
        if messages and not process_queue.dropped:
            process_queue.put(messages)
            self._submit(messages, process_queue, queue)

    async def _pull(
        self, queue: MessageQueue, offset: int, subscription: SubscriptionData
    ) -> PullAnswer:
        config = self._config
        committed = 0 if self._broadcasting else self._offsets.get(queue)
        post = config.post_subscription_when_pull
        options = PullOptions(
            queue=queue,
            queue_offset=offset,
            max_msg_nums=config.pull_batch_size,
            max_msg_bytes=self._max_bytes,
            sys_flag=self._sys_flags[committed > 0],
            commit_offset=committed,
            suspend_timeout_ms=BROKER_SUSPEND_MAX_TIME_MS,
            subscription=subscription,
            send_expression=post,
        )
        return await self._pulls.pull(options, CONSUMER_TIMEOUT_WHEN_SUSPEND_MS)

    def _pause_after(self, queue: MessageQueue, error: RmqError) -> float:
        if isinstance(error, FlowControl):
            return BROKER_FLOW_CONTROL_S
        if isinstance(error, UNKNOWN_TO_BROKER):
            self._instance.heartbeat_soon()
        if not queue.topic.startswith(RETRY_GROUP_TOPIC_PREFIX):
            logger.warning("pull of %s for group %s: %s", queue, self._state.group, error)
        return self._config.pull_time_delay_mills_when_exception / 1000
