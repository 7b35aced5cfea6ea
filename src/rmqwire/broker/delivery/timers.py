"""Messages that are delivered at a time of their own (``TimerMessageStore``, RIP-43).

::

    send     delivery/timed.py          into the queue of rmq_sys_wheel_timer, under TIMER_OUT_MS
    enqueue  delivery/timer_enqueue.py  from that queue into the wheel
    dequeue  delivery/timer_dequeue.py  ticks that are over, out of the wheel
    deliver  delivery/timer_delivery.py into the real queue, or once more into the wheel's
    flush    store/timer/               log, wheel, check point; in a thread

Java has five services with threads and queues between them. Here they are steps of one task: each takes
some messages and says when there may be more. Only a master runs them; a slave keeps the master's check
point, and as a master makes the wheel from the queue.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.broker.delivery.timed import (
    check_congestion,
    due_time_ms,
    make_timed,
    tick_before,
)
from rmqwire.broker.delivery.timer_delivery import TimerDelivery
from rmqwire.broker.delivery.timer_dequeue import TimerDequeue
from rmqwire.broker.delivery.timer_enqueue import TimerEnqueue
from rmqwire.broker.delivery.timer_recount import recount
from rmqwire.clock import is_hour_of
from rmqwire.codec import message_const as const
from rmqwire.codec.recall import recall_handle
from rmqwire.codec.timer import DEFAULT_SLOTS_TOTAL
from rmqwire.store.timer.checkpoint import Progress
from rmqwire.store.timer.timer_store import TimerFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    from rmqwire.broker.stats.broker_stats import BrokerStats
    from rmqwire.broker.tables.timer_metrics import TimerMetrics
    from rmqwire.clock import WallMs
    from rmqwire.codec.checkpoint import TimerCheckpoint
    from rmqwire.codec.release import Release
    from rmqwire.store.folder.flush_plan import FlushPlan
    from rmqwire.store.message_store import MessageStore
    from rmqwire.store.results import MessageInner

RECOUNT_MS = 70 * 60 * 1_000  # an hour that is named is used once
STEP_MS = 1_000  # a disk that failed, or a switch, is asked again after this
logger = logging.getLogger(__name__)


class TimerMessageStore:
    """The timers of one broker.

    Args:
        store: where the messages are.
        release: whose property order is kept.
        broker_name: stands in recall handles.
        metrics: count what waits.
        stats: count what is stored.
        wall_ms: wall clock.
        rng: decides about messages for crowded ticks.
        pending: called when there is something to do.
        slots_total: half the slots of the wheel.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what a broker has that timers need
        self,
        store: MessageStore,
        release: Release,
        broker_name: str,
        metrics: TimerMetrics,
        stats: BrokerStats,
        wall_ms: WallMs,
        rng: Random,
        pending: Callable[[], None],
        slots_total: int = DEFAULT_SLOTS_TOTAL,
    ) -> None:
        self._store = store
        self._config = store.config
        self._release = release
        self._broker_name = broker_name
        self.metrics = metrics
        self._wall_ms = wall_ms
        self._rng = rng
        self._tell_pending = pending
        self._slots_total = slots_total
        self._delivery = TimerDelivery(store, release, metrics, stats, wall_ms)
        self._running: _Running | None = None
        self._recounted_ms = 0

    # --- sends

    def delay(self, message: MessageInner, properties: dict[str, str]) -> str | None:
        """Let a message wait for its time, if that hasn't come already.

        Args:
            message: topic, queue and properties are replaced when it has to wait.
            properties: its properties, in the order of Java's puts; three are added.

        Returns:
            The handle to recall it with, "" if it has no unique key; None: it goes to its own queue.

        Raises:
            Reject: its time makes no sense, or too many wait for the same.
        """
        config, topic = self._config, message.topic
        due_ms = due_time_ms(properties, self._wall_ms(), config.timer_max_delay_sec)
        if due_ms is None:
            return None
        out_ms = tick_before(due_ms, config.timer_precision_ms)
        if self._running is not None:
            slot = self._running.files.wheel.get(out_ms)
            if slot is not None:
                check_congestion(slot.num, config, self._rng)
        make_timed(message, properties, out_ms, self._release)
        unique = properties.get(const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX)
        if unique is None:
            return ""
        # One later than the tick, so that what recalls it is put into the same one.
        return recall_handle(topic, self._broker_name, out_ms + 1, unique)

    def takes(self, at_ms: int) -> bool:
        """Return whether ``delay`` lets a message wait until then, without asking how many may."""
        config, now = self._config, self._wall_ms()
        if not now < at_ms <= now + config.timer_max_delay_sec * 1000:
            return False
        if self._running is None:
            return True
        slot = self._running.files.wheel.get(tick_before(at_ms, config.timer_precision_ms))
        return slot is None or slot.num <= config.timer_congest_num_each_slot

    def delete_key(self, topic: str, unique_key: str) -> str:
        """Return what a message that takes another out calls that one (``buildDeleteKey``)."""
        if self._config.append_topic_for_timer_delete_key:
            return f"{topic}+{unique_key}"
        return unique_key

    # --- begin and end with the role of a master

    @property
    def is_running(self) -> bool:
        """Whether timers are delivered here."""
        return self._running is not None

    def start(self) -> None:
        """Open the wheel and go on where this broker, or a master before it, has stopped.

        Raises:
            OSError: the disk failed.
        """
        if self._running is not None:
            return
        self.metrics.load()
        files = TimerFiles(self._config, self._store.files, self._slots_total)
        self._running = _Running(self._store, files, self.metrics, self._delivery, self.delete_key)
        for note in self._running.notes:
            logger.warning("timers: %s", note)

    def stop(self) -> None:
        """Write and sync how far we have come, and close the wheel. Idempotent.

        Raises:
            OSError: the disk failed; the next start recovers.
        """
        running, self._running = self._running, None
        if running is not None:
            running.stop(self._wall_ms())

    # --- the steps

    def arrived(self) -> None:
        """Note that the queue of timers has grown."""
        self._tell_pending()

    def step(self) -> int | None:
        """Do some of what is to be done; the caller ends the pass.

        Returns:
            when there may be more, wall clock ms; None: not before :meth:`arrived`.
        """
        if self._running is None:
            return None
        now = self._wall_ms()
        try:
            return self._running.step(now)
        except OSError as error:
            logger.error("timers wait for the disk: %s", error)  # noqa: TRY400  one line says it
            return now + STEP_MS

    def flush_plan(self) -> FlushPlan | None:
        """Plan a flush; None when nothing has changed.

        Raises:
            OSError: the disk failed; the next call tries again.
        """
        if self._running is None:
            return None
        return self._running.flush_plan(self._wall_ms())

    def flushed(self, plan: FlushPlan) -> None:
        """Book a plan that ran well."""
        if self._running is not None:
            self._running.files.flushed(plan)

    def flush_failed(self, plan: FlushPlan) -> None:
        """Book a plan that failed: the check point stays what it is until the next start."""
        if self._running is not None:
            self._running.files.flush_failed(plan)

    def clean(self) -> None:
        """Remove files of the timer log that only name what the commit log has lost.

        Raises:
            OSError: the disk failed.
        """
        if self._running is not None:
            self._running.files.remove_before(self._store.min_phy_offset)

    @property
    def is_in_tick(self) -> bool:
        """Whether what the timer log says to wait is not just what waits: a part of it was delivered."""
        return self._running is not None and self._running.is_in_tick

    def recount(self) -> Iterator[None] | None:
        """Begin to count again what waits for each topic, if the time for it has come; not in a tick.

        Returns:
            what makes a step each time that it is asked for one; None: it is not the time.
        """
        running, config, now = self._running, self._config, self._wall_ms()
        if (
            running is None
            or not config.timer_enable_check_metrics
            or not is_hour_of(config.timer_check_metrics_when, now)
            or now - self._recounted_ms <= RECOUNT_MS
        ):
            return None
        self._recounted_ms = now
        return recount(
            running.files,
            self.metrics,
            self._delivery,
            running.dequeue.read_ms,
            config.timer_metric_small_threshold,
        )

    def progress(self) -> str:
        """Say how far the timers are, for the log; "" where none are delivered."""
        running, now = self._running, self._wall_ms()
        if running is None:
            return ""
        late_s = max(now - running.read_ms(now), 0) // 1000
        return (
            f"{running.dequeue.delivered} delivered, {late_s} s behind; {running.enqueue.committed}"
            f" taken from their queue, {running.enqueue.behind} left there"
        )

    # --- what others ask

    def is_behind(self) -> bool:
        """Return whether something that is due may have yet to be delivered."""
        running, now = self._running, self._wall_ms()
        if running is None:
            return True
        tick = now // self._config.timer_precision_ms * self._config.timer_precision_ms
        late = running.read_ms(now) < tick or running.enqueue.behind > 0
        return late or self._delivery.is_delivering

    def check_point(self) -> TimerCheckpoint | None:
        """Return how far we have come, as slaves ask for it; None when no timers are delivered here."""
        return None if self._running is None else self._running.told(self._wall_ms())

    def runtime_info(self) -> dict[str, str]:
        """Return the timers' part of ``brokerStatus``."""
        running, now = self._running, self._wall_ms()
        if running is None:
            return _NO_INFO
        return {
            "timerReadBehind": str((now - running.read_ms(now)) // 1000),
            "timerOffsetBehind": str(running.enqueue.behind),
            "timerCongestNum": str(running.files.wheel.count(running.dequeue.read_ms)),
            "timerEnqueueTps": "0.0",
            "timerDequeueTps": "0.0",
        }


_NO_INFO = {
    "timerReadBehind": "0",
    "timerOffsetBehind": "0",
    "timerCongestNum": "0",
    "timerEnqueueTps": "0.0",
    "timerDequeueTps": "0.0",
}


class _Running:
    """An open wheel and the steps on it."""

    def __init__(
        self,
        store: MessageStore,
        files: TimerFiles,
        metrics: TimerMetrics,
        delivery: TimerDelivery,
        delete_key: Callable[[str, str], str],
    ) -> None:
        self._store = store
        self._config = store.config
        self._delivery = delivery
        self._metrics = metrics
        self.files = files
        found = self.files.open(_Queue(store, delivery), store.wall_ms())
        self.notes = found.notes
        if found.remade:  # whatever waits is counted again
            metrics.counts.clear()
        self.enqueue = TimerEnqueue(store, self.files, metrics, delivery, found)
        self.dequeue = TimerDequeue(files, metrics, delivery, found.read_time_ms, delete_key)
        self._noted = self._state()

    def step(self, now_ms: int) -> int:
        """Do a step of each kind; return when there is more to do."""
        config, files = self._config, self.files
        again_ms, early_ms = self._delivery.try_again(now_ms), None
        # What is a whole ring behind must be out before something new takes its slot.
        fits = self.dequeue.read_ms > now_ms - files.precision_ms * files.wheel.slots_total
        more = False
        if not config.timer_stop_enqueue and fits:
            more = self.enqueue.step(now_ms, self.dequeue.open_ms)
        waits = more and self.enqueue.is_catching_up
        if not config.timer_stop_dequeue and not waits:
            more = self.dequeue.step(now_ms) or more
            early_ms = self.enqueue.deliver_early(now_ms)
        files.write()
        if (more and again_ms is None) or self._delivery.in_pass:
            return now_ms
        due_ms = self.dequeue.next_due(now_ms)
        if config.timer_stop_dequeue:  # it may be switched off while the broker runs
            due_ms = max(due_ms, now_ms + STEP_MS)
        times = [due_ms, again_ms, early_ms]
        return min(time for time in times if time is not None)

    @property
    def is_in_tick(self) -> bool:
        """Whether some of what the timer log says to wait was delivered, or is not in its files yet."""
        in_tick = self.dequeue.open_ms != self.dequeue.read_ms
        return in_tick or self.files.log.written < self.files.log.end

    def read_ms(self, now_ms: int) -> int:
        """Return the first tick that isn't delivered, without the empty ones that are over."""
        precision = self.files.precision_ms
        limit = now_ms // precision * precision
        return max(self.files.wheel.next_used(self.dequeue.read_ms, limit), self.dequeue.read_ms)

    def _progress(self, now_ms: int) -> Progress:
        return Progress(
            self.read_ms(now_ms), self.enqueue.committed, commit_end=self._store.max_phy_offset
        )

    def told(self, now_ms: int) -> TimerCheckpoint:
        """Return the check point as it would be written now."""
        told, progress = self.files.told, self._progress(now_ms)
        told.last_read_time_ms = progress.read_time_ms
        told.last_timer_queue_offset = progress.queue_offset
        told.master_timer_queue_offset = progress.queue_offset
        return told

    def flush_plan(self, now_ms: int) -> FlushPlan | None:
        """Plan a flush of what has changed; a time that only goes on is no change."""
        state = self._state()
        if state == self._noted and not self.files.wheel.dirty:
            return None
        progress = self._progress(now_ms)
        told = self.files.told
        told.timestamp = now_ms
        told.counter += 1
        self._metrics.persist()
        plan = self.files.flush_plan(progress, self._store.log.flushed, now_ms)
        self._noted = state
        return plan

    def _state(self) -> tuple[int, int, int]:
        """Return what must differ for a flush to be worth while."""
        return self.enqueue.committed, self.files.log.end, self.dequeue.delivered

    def stop(self, now_ms: int) -> None:
        """Write and sync everything and close the files."""
        try:
            self.enqueue.settle(self.dequeue.read_ms)
            plan = self.flush_plan(now_ms)
            if plan is not None:
                plan.run(self._store.files)
                self.files.flushed(plan)
        finally:
            self.files.close()


class _Queue:
    """The commit log and the timers' queue, as a recovery asks for them."""

    def __init__(self, store: MessageStore, delivery: TimerDelivery) -> None:
        self._delivery = delivery
        self.commit_end = store.max_phy_offset
        self.min_offset = store.min_offset(const.TIMER_TOPIC, 0)
        self.max_offset = store.max_offset(const.TIMER_TOPIC, 0)

    def queue_offset(self, offset_py: int, size: int) -> int | None:
        """Return the queue offset of the timer message that is this record; None if none is."""
        message = self._delivery.read(offset_py, size)
        return None if message is None else message.queue_offset
