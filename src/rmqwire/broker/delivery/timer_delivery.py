"""Put timers that are due into their real queues, or into the wheel's queue again (``doPut``)."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from rmqwire.broker.delivery.properties import write_properties
from rmqwire.codec import message_const as const
from rmqwire.codec.host import pack_host
from rmqwire.codec.java_hash import tags_code
from rmqwire.codec.record import decode_message
from rmqwire.errors import BadRecord
from rmqwire.store.results import PUT_STATUS_NAMES, MessageInner, PutStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.broker.stats.broker_stats import BrokerStats
    from rmqwire.broker.tables.timer_metrics import TimerMetrics
    from rmqwire.clock import WallMs
    from rmqwire.codec.message import StoredMessage
    from rmqwire.codec.release import Release
    from rmqwire.store.message_store import MessageStore
    from rmqwire.store.results import PutMessageResult

RETRY_MS = 500  # a delivery that was refused is tried again after this
NEVER_ENQUEUED = (
    2**63 - 1
)  # TIMER_ENQUEUE_MS of a message that was due before it got into the wheel
_HOPELESS = frozenset({PutStatus.MESSAGE_ILLEGAL, PutStatus.PROPERTIES_SIZE_EXCEEDED})
_STORED = frozenset(
    {
        PutStatus.PUT_OK,
        PutStatus.FLUSH_DISK_TIMEOUT,
        PutStatus.FLUSH_SLAVE_TIMEOUT,
        PutStatus.SLAVE_NOT_AVAILABLE,
    }
)
logger = logging.getLogger(__name__)


class TimerDelivery:
    """The last step of a timer.

    Args:
        store: where both queues are.
        release: whose property order is kept.
        metrics: count what waits.
        stats: count what is stored.
        wall_ms: wall clock.

    Attributes:
        pending: deliveries that aren't stored yet, those that wait for another try among them.
    """

    def __init__(
        self,
        store: MessageStore,
        release: Release,
        metrics: TimerMetrics,
        stats: BrokerStats,
        wall_ms: WallMs,
    ) -> None:
        self._store = store
        self._release = release
        self._metrics = metrics
        self._stats = stats
        self._wall_ms = wall_ms
        self.pending = 0
        self._refused: list[tuple[int, MessageInner, Callable[[], None]]] = []

    def read(self, offset: int, size: int) -> StoredMessage | None:
        """Return the timer message whose record is at this place of the log, None if none is.

        Raises:
            OSError: the disk failed.
        """
        record = self._store.log.record_at(offset)
        if record is None or len(record) != size:
            return None
        try:
            message = decode_message(record)
        except BadRecord:
            return None
        return message if message.topic == const.TIMER_TOPIC else None

    def deliver(
        self, stored: StoredMessage, enqueue_ms: int, done: Callable[[], None], *, roll: bool
    ) -> None:
        """Put a message where it belongs now; the caller ends the pass.

        Args:
            stored: as it stands in the wheel's queue.
            enqueue_ms: when it got into the wheel; NEVER_ENQUEUED: it didn't.
            done: called once it is stored, or given up because it can't ever be.
            roll: it goes through the queue of the wheel once more.
        """
        properties = stored.properties
        real_topic = properties.get(const.PROPERTY_REAL_TOPIC)
        if real_topic is not None and enqueue_ms != NEVER_ENQUEUED:
            # One that takes another out was counted down. (Java counts it down once more.)
            self._metrics.add(
                real_topic, 1 if const.PROPERTY_TIMER_DEL_UNIQKEY in properties else -1
            )
        inner = self._convert(stored, enqueue_ms, roll=roll)
        if inner is None:
            done()
            return
        self.pending += 1
        self._put(inner, done)

    def _convert(
        self, stored: StoredMessage, enqueue_ms: int, *, roll: bool
    ) -> MessageInner | None:
        """Return the message to store (``convert``); None when it has no real queue."""
        properties = stored.properties
        properties[const.PROPERTY_TIMER_ENQUEUE_MS] = str(enqueue_ms)
        if roll:
            properties[const.PROPERTY_TIMER_ROLL_TIMES] = str(roll_times(properties) + 1)
        properties[const.PROPERTY_TIMER_DEQUEUE_MS] = str(self._wall_ms())
        topic: str | None = stored.topic
        queue_id = str(stored.queue_id)
        if not roll:
            if const.PROPERTY_TIMER_DEL_UNIQKEY in properties:
                return None  # it has done its work, or came too late for it
            topic = properties.get(const.PROPERTY_REAL_TOPIC)
            queue_id = properties.get(const.PROPERTY_REAL_QUEUE_ID, "")
        if topic is None or not (queue_id.isascii() and queue_id.isdigit()):
            logger.error("timer message %s has no real topic, discarded", stored.message_id)
            return None
        return MessageInner(
            topic=topic,
            queue_id=int(queue_id),
            flag=stored.flag,
            sys_flag=stored.sys_flag,
            properties=write_properties(properties, self._release),
            body=stored.body,
            tags_code=tags_code(stored.tags),
            born_timestamp=stored.born_timestamp,
            born_host=pack_host(*stored.born_host),
            reconsume_times=stored.reconsume_times,
            wait_store_ok=False,
        )

    def _put(self, inner: MessageInner, done: Callable[[], None]) -> None:
        self._store.puts.put(inner, partial(self._stored, inner, done))

    def _stored(
        self, inner: MessageInner, done: Callable[[], None], result: PutMessageResult
    ) -> None:
        status = result.status
        if status in _STORED:
            self._stats.put_by_broker(inner.topic, result.count, result.size)
        elif status in _HOPELESS:
            name, remark = PUT_STATUS_NAMES[status], result.remark
            logger.error("timer message for %s given up: %s %s", inner.topic, name, remark)
        else:
            self._refused.append((self._wall_ms() + RETRY_MS, inner, done))
            return
        self.pending -= 1
        done()

    @property
    def in_pass(self) -> bool:
        """Whether some are in the running pass, so that its end changes something."""
        return self.pending > len(self._refused)

    @property
    def is_delivering(self) -> bool:
        """Whether messages are on their way, or were refused and wait to be tried again."""
        return self.in_pass or bool(self._refused)

    def try_again(self, now_ms: int) -> int | None:
        """Try those again that were refused a while ago; return when the next is due, None without."""
        if not self._refused:
            return None
        if self._refused[0][0] <= now_ms or self._refused[0][0] > now_ms + RETRY_MS:
            again, self._refused = self._refused, []
            for _, inner, done in again:
                self._put(inner, done)
        return self._refused[0][0] if self._refused else None


def roll_times(properties: dict[str, str]) -> int:
    """Return how often a message went through the wheel's queue again."""
    times = properties.get(const.PROPERTY_TIMER_ROLL_TIMES, "")
    return int(times) if times.isascii() and times.isdigit() and len(times) < 10 else 0
