"""Popping again and again (``DefaultMQPushConsumerImpl.popMessage``). No trio: ``Tasks`` sleeps."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from rmqwire.broker_errors import FlowControl
from rmqwire.client.pop_api import FOUND, POLLING_FULL
from rmqwire.client.signs import Sign
from rmqwire.consumer.reading.queue_reader import (
    BROKER_FLOW_CONTROL_S,
    FLOW_CONTROL_S,
    SUSPENDED_S,
    UNKNOWN_TO_BROKER,
)
from rmqwire.errors import RmqError

if TYPE_CHECKING:
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.consumer.reading.popped_queues import PopProcessQueue
    from rmqwire.consumer.state import PoppingState

logger = logging.getLogger(__name__)

ANSWER_MS = 10_000  # more than the broker waits for a message


class PopLoop(ABC):
    """Pop from one queue: hand the messages over, pop again; pause when too many aren't settled yet.

    Args:
        state: the consumer.
        interval_ms: between a pop that brought something and the next.
    """

    def __init__(self, state: PoppingState, interval_ms: int = 0) -> None:
        self._group = state.group
        self._subscriptions = state.subscriptions
        self._threshold = state.config.pop_threshold_for_queue
        self._after_error_s = state.config.pull_time_delay_mills_when_exception / 1000
        self._instance = state.instance
        self._sleep = state.tasks.sleep
        self._interval_s = interval_ms / 1000
        self.suspended = False

    @abstractmethod
    async def pop_once(self, queue: MessageQueue, popped: PopProcessQueue) -> int:
        """Pop once, and hand over what came; return the broker's code.

        Raises:
            RmqError: the broker can't be reached, doesn't answer or refuses.
        """

    async def read(self, queue: MessageQueue, popped: PopProcessQueue) -> None:
        """Pop from a queue until it is dropped."""
        while not popped.dropped:
            popped.last_pop_ms = self._instance.wall_ms()
            if self.suspended or queue.topic not in self._subscriptions:
                await self._sleep(SUSPENDED_S)
                continue
            if popped.waiting > self._threshold:
                await self._sleep(FLOW_CONTROL_S)
                continue
            try:
                code = await self.pop_once(queue, popped)
            except RmqError as error:
                popped.last_answer = Sign(self._instance.wall_ms(), error.with_traceback(None))
                await self._sleep(self._pause_after(queue, error))
                continue
            popped.last_answer = Sign(self._instance.wall_ms())
            if code == POLLING_FULL:
                await self._sleep(self._after_error_s)
            elif self._interval_s and code == FOUND:
                await self._sleep(self._interval_s)

    def _pause_after(self, queue: MessageQueue, error: RmqError) -> float:
        if isinstance(error, FlowControl):
            return BROKER_FLOW_CONTROL_S
        if isinstance(error, UNKNOWN_TO_BROKER):
            self._instance.heartbeat_soon()
        logger.warning("pop of %s for group %s: %s", queue, self._group, error)
        return self._after_error_s
