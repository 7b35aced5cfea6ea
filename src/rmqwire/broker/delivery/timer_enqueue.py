"""Read the queue of timer messages and put them into the wheel (``TimerEnqueueGetService``, ``-Put-``)."""

from __future__ import annotations

import logging
from functools import partial
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from rmqwire.broker.delivery.timer_delivery import NEVER_ENQUEUED
from rmqwire.broker.delivery.timer_heads import read_heads, rolled_heads
from rmqwire.codec import message_const as const
from rmqwire.codec.java_hash import string_hash

if TYPE_CHECKING:
    from rmqwire.broker.delivery.timer_delivery import TimerDelivery
    from rmqwire.broker.delivery.timer_heads import TimerHead
    from rmqwire.broker.tables.timer_metrics import TimerMetrics
    from rmqwire.store.message_store import MessageStore
    from rmqwire.store.timer.checkpoint import Progress
    from rmqwire.store.timer.recovery import RecoveredTimers
    from rmqwire.store.timer.timer_store import TimerFiles

BATCH = 64  # messages of one step
_MOST_HELD = 100_000  # messages that wait in memory for a clock that was set back
logger = logging.getLogger(__name__)


class TimerEnqueue:
    """How far the queue was read, and what of that isn't in the wheel.

    Args:
        store: where the queue is.
        files: the wheel.
        metrics: count what waits.
        delivery: takes what is due already.
        found: where to begin.

    Attributes:
        offset: of the next message of the queue.
    """

    def __init__(
        self,
        store: MessageStore,
        files: TimerFiles,
        metrics: TimerMetrics,
        delivery: TimerDelivery,
        found: RecoveredTimers,
    ) -> None:
        self._store = store
        self._files = files
        self._metrics = metrics
        self._delivery = delivery
        self.offset = found.queue_offset
        self._end_at_start = store.max_offset(const.TIMER_TOPIC, 0)
        self._known = found.known
        self._delivered: Progress | None = found.delivered
        self._rolled: dict[tuple[str, str, str], int] = {}
        # Offset -> message that is neither in the wheel nor delivered; grows by ascending offsets.
        self._held: dict[int, None] = {}
        # (tick, offset, message): the clock was set back behind what was delivered.
        self._early: list[tuple[int, int, TimerHead]] = []
        if found.queue_offset < found.delivered.queue_offset:
            self._find_rolled(found.delivered.queue_offset)

    @property
    def committed(self) -> int:
        """Queue offset before which every message is in the wheel or delivered."""
        return next(iter(self._held), self.offset)

    @property
    def behind(self) -> int:
        """How many messages of the queue are to be read."""
        return max(self._store.max_offset(const.TIMER_TOPIC, 0) - self.offset, 0)

    @property
    def is_catching_up(self) -> bool:
        """Whether messages are to be read that were there at the start: recalls may be among them."""
        return self.offset < self._end_at_start

    def step(self, now_ms: int, read_ms: int) -> bool:
        """Take some messages of the queue; return whether there are more.

        Args:
            now_ms: wall clock.
            read_ms: the first tick that still takes messages: none of it was delivered.

        Raises:
            OSError: the disk failed; the next call goes on.
        """
        queue = self._store.queues.find(const.TIMER_TOPIC, 0)
        if queue is None:
            return False
        if self.offset < queue.min_offset:
            logger.warning("timers %s to %s were removed unread", self.offset, queue.min_offset)
            self.offset = queue.min_offset
        units = queue.read(self.offset, min(BATCH, queue.max_offset - self.offset))
        for head in read_heads(self._store.log, units):
            if head is None:
                logger.error("timer %s can't be read, left out", self.offset)
            else:
                self._take(head, now_ms, read_ms)
            self.offset += 1
        return self.offset < queue.max_offset

    def _take(self, head: TimerHead, now_ms: int, read_ms: int) -> None:
        text = head.out_ms
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            logger.error("message %s in the timers' queue has no time", self.offset)
            return
        tick_ms = int(text) // self._files.precision_ms * self._files.precision_ms
        if self._was_taken(head, tick_ms):
            return
        now_tick = now_ms // self._files.precision_ms * self._files.precision_ms
        if tick_ms >= read_ms:  # even if it's over: what recalls it goes there too
            self._put(head, tick_ms, max(now_tick, read_ms))
        elif tick_ms < now_tick:
            self._deliver(head.offset_py, head.size_py, self.offset)
        else:
            self._hold(head, tick_ms, max(now_tick, read_ms))

    def _put(self, head: TimerHead, tick_ms: int, write_ms: int) -> None:
        topic, delete = head.topic, head.deletes is not None
        self._files.put(
            head.offset_py,
            head.size_py,
            tick_ms,
            write_ms,
            string_hash(topic or ""),
            delete=delete,
        )
        if topic is not None:
            self._metrics.add(topic, -1 if delete else 1)

    def _deliver(self, place: int, size: int, offset: int) -> None:
        """Deliver what is due, or leave out what isn't there any more."""
        message = self._delivery.read(place, size)
        if message is None:
            logger.error("timer %s can't be read at %s, left out", offset, place)
            self._held.pop(offset, None)
            return
        self._held[offset] = None
        done = partial(self._held.pop, offset, None)
        self._delivery.deliver(message, NEVER_ENQUEUED, done, roll=False)

    # --- a clock that was set back

    def _hold(self, head: TimerHead, tick_ms: int, write_ms: int) -> None:
        """Keep a message whose tick was delivered before the clock was set back behind it."""
        if len(self._early) >= _MOST_HELD:
            self._put(head, write_ms, write_ms)
            return
        self._held[self.offset] = None
        heappush(self._early, (tick_ms, self.offset, head))

    def deliver_early(self, now_ms: int) -> int | None:
        """Deliver those of them that are due; return when the next is, None without.

        Raises:
            OSError: the disk failed; the next call goes on.
        """
        precision = self._files.precision_ms
        while self._early and self._early[0][0] + precision <= now_ms:
            _, offset, head = self._early[0]
            self._deliver(head.offset_py, head.size_py, offset)
            heappop(self._early)
        return self._early[0][0] + precision if self._early else None

    def settle(self, read_ms: int) -> None:
        """Put what is held into the next tick of the wheel: the broker stops.

        Raises:
            OSError: the disk failed.
        """
        for _, offset, head in sorted(self._early):
            self._put(head, read_ms, read_ms)
            self._held.pop(offset, None)
        self._early.clear()

    # --- after a loss

    def _was_taken(self, head: TimerHead, tick_ms: int) -> bool:
        """Return whether a message that is read again is in the wheel, or was delivered."""
        if self._known and head.offset_py in self._known:
            self._known.discard(head.offset_py)
            return True
        delivered = self._delivered
        if delivered is None:
            return False
        if self.offset >= delivered.queue_offset:
            self._delivered = None
            self._rolled = {}
            return False
        if tick_ms < delivered.read_time_ms:
            return True
        return self._rolled.get(head.key, 0) > head.roll_times

    def _find_rolled(self, end: int) -> None:
        """Find out which messages before ``end`` stand in the queue again further behind."""
        queue = self._store.queues.find(const.TIMER_TOPIC, 0)
        if queue is None:
            return
        for begin in range(self.offset, end, BATCH):
            units = queue.read(begin, min(BATCH, end - begin))
            for head in rolled_heads(self._store.log, units):
                self._rolled[head.key] = head.roll_times
