"""Deliver the ticks of the wheel that are over, one after the other (``TimerDequeueGetService`` and
those behind it)."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING

from rmqwire.codec import message_const as const

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.broker.delivery.timer_delivery import TimerDelivery
    from rmqwire.broker.tables.timer_metrics import TimerMetrics
    from rmqwire.codec.message import StoredMessage
    from rmqwire.store.timer.timer_store import TimerFiles, Waiting

BATCH = 64  # messages of one step
HORIZON_TICKS = 10  # how far ahead is looked for the next tick
logger = logging.getLogger(__name__)


class TimerDequeue:
    """How far the wheel was delivered.

    A tick is over when each of its messages is stored: then ``read_ms`` moves. Within a tick those
    that take others out come first.

    Args:
        files: the wheel.
        metrics: count what waits.
        delivery: stores what is due.
        read_ms: the first tick that isn't delivered.
        delete_key: (topic, unique key) -> what a message that takes another out calls it.
    """

    def __init__(
        self,
        files: TimerFiles,
        metrics: TimerMetrics,
        delivery: TimerDelivery,
        read_ms: int,
        delete_key: Callable[[str, str], str],
    ) -> None:
        self._files = files
        self._metrics = metrics
        self._delivery = delivery
        self._delete_key = delete_key
        self.read_ms = read_ms
        self.delivered = 0
        self._todo: deque[Waiting] | None = None  # of the tick at read_ms, once it has begun
        self._open = 0  # of them, given to the delivery and not stored yet
        self._deleted: set[str] = set()

    @property
    def open_ms(self) -> int:
        """The first tick that still takes messages: the one that is being delivered doesn't."""
        return self.read_ms if self._todo is None else self.read_ms + self._files.precision_ms

    def step(self, now_ms: int) -> bool:
        """Deliver some messages that are due; return whether there are more.

        Raises:
            OSError: the disk failed; the next call goes on.
        """
        if self._todo is None and not self._begin(now_ms):
            return False
        todo = self._todo
        if todo is None:
            return True
        for _ in range(min(len(todo), BATCH - self._open)):
            self._deliver(todo[0])
            todo.popleft()
        self._end_tick()
        return self._todo is None or (bool(todo) and self._open < BATCH)

    def _begin(self, now_ms: int) -> bool:
        """Begin with the next tick that is over and has messages; False if there is none."""
        precision = self._files.precision_ms
        limit = now_ms // precision * precision
        if self.read_ms >= limit:
            return False
        self.read_ms = self._files.wheel.next_used(self.read_ms, limit)
        if self.read_ms >= limit:
            return False
        chain = self._files.chain(self.read_ms)
        self._deleted = set()
        for waiting in chain:
            if waiting.delete and not waiting.roll:
                self._take_delete(waiting)
        self._todo = deque(waiting for waiting in chain if waiting.roll or not waiting.delete)
        return True

    def _take_delete(self, waiting: Waiting) -> None:
        message = self._delivery.read(waiting.offset_py, waiting.size_py)
        if message is None:
            logger.error("timer at %s can't be read, left out", waiting.offset_py)
            return
        self._count(message, 1)
        self._deleted.add(message.properties.get(const.PROPERTY_TIMER_DEL_UNIQKEY, ""))

    def _deliver(self, waiting: Waiting) -> None:
        message = self._delivery.read(waiting.offset_py, waiting.size_py)
        if message is None:
            logger.error("timer at %s can't be read, left out", waiting.offset_py)
            return
        if self._deleted and self._is_deleted(message):
            self._count(message, -1)
            return
        self._open += 1
        self._delivery.deliver(message, waiting.enqueue_ms, self._stored, roll=waiting.roll)

    def _is_deleted(self, message: StoredMessage) -> bool:
        properties = message.properties
        unique = properties.get(const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX)
        topic = properties.get(const.PROPERTY_REAL_TOPIC, "")
        return unique is not None and self._delete_key(topic, unique) in self._deleted

    def _count(self, message: StoredMessage, number: int) -> None:
        topic = message.properties.get(const.PROPERTY_REAL_TOPIC)
        if topic is not None:
            self._metrics.add(topic, number)

    def _stored(self) -> None:
        self._open -= 1
        self.delivered += 1
        self._end_tick()

    def _end_tick(self) -> None:
        if self._todo is not None and not self._todo and self._open == 0:
            self._todo = None
            self.read_ms += self._files.precision_ms

    def next_due(self, now_ms: int) -> int:
        """Return when something may be due, wall clock ms, at most some ticks from now."""
        precision = self._files.precision_ms
        horizon = (now_ms // precision + HORIZON_TICKS) * precision
        if self._todo is not None:  # it isn't the time that is missing
            return horizon
        return self._files.wheel.next_used(self.read_ms, horizon) + precision
