"""Reading one queue by long polling (``DefaultMQPushConsumerImpl.pullMessage``).

One task per queue: ask, hand the messages over, ask again from where the answer ends; as long as little of the
queue is still being consumed the next pull is asked for as soon as an answer is there (``asked_ahead.py``).
Pauses when too much is. No trio in here: ``Tasks`` sleeps.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from rmqwire.broker_errors import (
    FlowControl,
    SubscriptionGroupNotExist,
    SubscriptionNotExist,
    SubscriptionNotLatest,
)
from rmqwire.client.pull_frames import PullFrames
from rmqwire.client.requests import PullOptions
from rmqwire.client.signs import Sign
from rmqwire.codec.message_const import RETRY_GROUP_TOPIC_PREFIX
from rmqwire.codec.sys_flag import build_pull_sys_flag
from rmqwire.consumer.delivery import Delivery
from rmqwire.consumer.reading.asked_ahead import AskedPull
from rmqwire.consumer.reading.process_queue import MIB, ProcessQueue
from rmqwire.consumer.reading.pull_result import STATUS_OF_CODE, PullStatus, found_messages
from rmqwire.consumer.reading.pull_wrapper import PullApiWrapper
from rmqwire.errors import RmqError
from rmqwire.wakeup import Wakeup

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


def may_ask_ahead(
    process_queue: ProcessQueue, config: PushConsumerConfig, queues: int, offset: int, after: int
) -> bool:
    """Return whether a queue may be read on while an answer is still to be taken apart.

    Nobody knows yet how much is in it, so with it not even half of what may wait here is to be exceeded.

    Args:
        process_queue: what waits.
        config: how much may.
        queues: are read here.
        offset: of the first message that was asked for,
        after: and that behind the last one.
    """
    most, most_mib = config.queue_thresholds(queues)
    waiting = len(process_queue) + after - offset
    if 2 * waiting > most or 2 * process_queue.size > most_mib * MIB:
        return False
    if config.consume_orderly:
        return True
    lowest = process_queue.lowest
    span = after - (offset if lowest is None else lowest)
    return 2 * span <= config.consume_concurrently_max_span


@dataclass(slots=True, eq=False)
class _Reading:
    """Where the reader of one queue is.

    Args:
        queue: that is read.
        process_queue: what came of it.
        frames: writes its pulls.

    Attributes:
        asked: the pull that is the next one to wait for; None: it isn't asked for yet.
        awaited: the pull that is waited for.
    """

    queue: MessageQueue
    process_queue: ProcessQueue
    frames: PullFrames
    asked: AskedPull | None = None
    awaited: AskedPull | None = None

    def next(self) -> AskedPull | None:
        """Return the pull to wait for now."""
        self.awaited, self.asked = self.asked, None
        return self.awaited

    def forget(self) -> None:
        """Want no answer any more."""
        for one in (self.asked, self.awaited):
            if one is not None:
                one.wanted = False
        self.asked = self.awaited = None


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
        frames = PullFrames(self._instance.api.requests, self._state.group)
        reading = _Reading(queue, process_queue, frames)
        self._reading += 1
        try:
            return await self._read(reading, offset)
        finally:
            self._reading -= 1
            reading.forget()

    async def _read(self, reading: _Reading, offset: int) -> int:
        queue, process_queue = reading.queue, reading.process_queue
        while not process_queue.dropped:
            try:
                pulled = await self._next_answer(reading, offset)
                if pulled is None:
                    continue
                answer, subscription, asked_ms = pulled
                status = STATUS_OF_CODE[answer.code]
                if status is PullStatus.OFFSET_ILLEGAL:
                    logger.warning("%s has no offset %d, but %s", queue, offset, answer)
                    return answer.next_begin_offset
                if status is PullStatus.FOUND:
                    if reading.asked is None:
                        self._ask_ahead(reading, offset, answer, subscription)
                    messages = found_messages(answer, queue, subscription, offset, Delivery)
                    self._take(messages, queue, process_queue, asked_ms)
            except RmqError as error:
                reading.forget()
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

    async def _next_answer(
        self, reading: _Reading, offset: int
    ) -> tuple[PullAnswer, SubscriptionData, int] | None:
        """Return an answer, what was asked for, and when; None: look again whether it may be asked for."""
        asked, queue = reading.next(), reading.queue
        if asked is not None:
            answer = await asked.answer()
            return None if answer is None else (answer, asked.subscription, asked.asked_ms)
        subscription = await self._may_ask(queue, reading.process_queue)
        if subscription is None:
            return None
        asked_ms = reading.process_queue.last_pull_ms
        return await self._pull(queue, offset, subscription), subscription, asked_ms

    async def _may_ask(
        self, queue: MessageQueue, process_queue: ProcessQueue
    ) -> SubscriptionData | None:
        """Return what is to be asked for; None, after a pause, if nothing is to be asked for now."""
        process_queue.last_pull_ms = self._instance.wall_ms()
        subscription = self._state.subscriptions.get(queue.topic)
        if self.suspended or subscription is None:
            await self._sleep(SUSPENDED_S)
            return None
        if self._may_read is not None and not self._may_read(queue):
            await self._sleep(self._config.pull_time_delay_mills_when_exception / 1000)
            return None
        if self._is_over(process_queue):
            await self._wait_for_room(process_queue)
            return None
        return subscription

    def _is_over(self, process_queue: ProcessQueue) -> bool:
        return over_threshold(process_queue, self._config, self._reading) is not None

    async def _wait_for_room(self, process_queue: ProcessQueue) -> None:
        """Wait until less of a queue is being consumed, and look at all else in between."""
        room = Wakeup()
        process_queue.on_room = lambda: None if self._is_over(process_queue) else room()
        try:
            await room.wait(FLOW_CONTROL_S)
        finally:
            process_queue.on_room = None

    def _ask_ahead(
        self,
        reading: _Reading,
        offset: int,
        answer: PullAnswer,
        subscription: SubscriptionData,
    ) -> None:
        """Ask for what comes behind an answer that is to be taken apart yet, if that may be."""
        queue, process_queue, after = reading.queue, reading.process_queue, answer.next_begin_offset
        if (
            self.suspended
            or process_queue.dropped
            or self._config.pull_interval
            or self._state.subscriptions.get(queue.topic) is not subscription
            or (self._may_read is not None and not self._may_read(queue))
            or not may_ask_ahead(process_queue, self._config, self._reading, offset, after)
        ):
            return
        heard = partial(self._heard, reading)
        asked = AskedPull(after, subscription, self._instance.wall_ms(), heard)
        options = self._options(queue, after, subscription)
        if self._pulls.pull_now(
            reading.frames, options, CONSUMER_TIMEOUT_WHEN_SUSPEND_MS, asked.hear
        ):
            reading.asked = asked
            process_queue.last_pull_ms = asked.asked_ms

    def _heard(self, reading: _Reading, asked: AskedPull, answer: PullAnswer) -> None:
        """Ask for what comes behind an answer, unless one before it isn't taken apart yet."""
        if reading.awaited is asked and STATUS_OF_CODE[answer.code] is PullStatus.FOUND:
            self._ask_ahead(reading, asked.offset, answer, asked.subscription)

    def _take(
        self,
        found: list[MessageExt],
        queue: MessageQueue,
        process_queue: ProcessQueue,
        asked_ms: int,
    ) -> None:
        messages = self._state.hooks.wanted(found)
        took_ms = self._instance.wall_ms() - asked_ms
        self._state.stats.pulled(queue.topic, len(messages), took_ms)
        if messages and not process_queue.dropped:
            process_queue.put(messages)
            self._submit(messages, process_queue, queue)

    async def _pull(
        self, queue: MessageQueue, offset: int, subscription: SubscriptionData
    ) -> PullAnswer:
        options = self._options(queue, offset, subscription)
        return await self._pulls.pull(options, CONSUMER_TIMEOUT_WHEN_SUSPEND_MS)

    def _options(
        self, queue: MessageQueue, offset: int, subscription: SubscriptionData
    ) -> PullOptions:
        config = self._config
        committed = 0 if self._broadcasting else self._offsets.get(queue)
        return PullOptions(
            queue=queue,
            queue_offset=offset,
            max_msg_nums=config.pull_batch_size,
            max_msg_bytes=self._max_bytes,
            sys_flag=self._sys_flags[committed > 0],
            commit_offset=committed,
            suspend_timeout_ms=BROKER_SUSPEND_MAX_TIME_MS,
            subscription=subscription,
            send_expression=config.post_subscription_when_pull,
        )

    def _pause_after(self, queue: MessageQueue, error: RmqError) -> float:
        if isinstance(error, FlowControl):
            return BROKER_FLOW_CONTROL_S
        if isinstance(error, UNKNOWN_TO_BROKER):
            self._instance.heartbeat_soon()
        if not queue.topic.startswith(RETRY_GROUP_TOPIC_PREFIX):
            logger.warning("pull of %s for group %s: %s", queue, self._state.group, error)
        return self._config.pull_time_delay_mills_when_exception / 1000
