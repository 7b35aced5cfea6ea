"""The store's shell: timers and threads (``FlushRealTimeService``, ``GroupCommitService``,
``FlushConsumeQueueService``, ``StoreStatsService``).

A flush waits for nothing; puts in SYNC_FLUSH wait for a flush. One flush runs at a time: what is
written meanwhile is covered by the next one, so all that wait share one ``fdatasync``.
"""

from __future__ import annotations

import logging
from contextlib import nullcontext
from functools import partial
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Protocol, Self

import trio

from rmqwire.errors import StoreError
from rmqwire.store.read_thread import reader_of
from rmqwire.wakeup import next_beat

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractContextManager

    from rmqwire.store.folder.flush_plan import FlushPlan
    from rmqwire.store.message_store import MessageStore
    from rmqwire.wakeup import Wakeup

logger = logging.getLogger(__name__)
SAMPLE_S = 1.0  # StoreStatsService.FREQUENCY_OF_SAMPLING
TAILS_AT_ONCE = 32  # queues written between two turns of the loop
INDEX_S = 0.5  # how often records are looked for that are not in the index
INDEX_WRITE_S = 10.0  # how often what is new in it is written: a kill has it built again anyway
INDEX_UNWRITTEN = 16 << 20  # bytes of new entries that are written at once
INDEX_PAUSE = 9  # pause = 9 x the slice's time, divided by 1 + backlog / INDEX_BEHIND
INDEX_THREAD_PAUSE = 1  # in place of the 9 where a thread builds: the loop doesn't wait for it
INDEX_BEHIND = 64 << 20  # bytes of backlog that halve the pause
CLEAN_DELAY_S = 60.0  # from the start to the first cleaning
DISK_CHECK_S = 10.0  # diskCheckScheduledExecutorService
EXPIRE_S = 0.1  # how late a put may learn that syncFlushTimeout is over
OTHER_THREADS = 2  # for all that is not a flush of the log


class Offload(Protocol):
    """Run a blocking call elsewhere and wait for it."""

    def __call__(self, blocking: Callable[[], None], /) -> Awaitable[None]:
        """Return when ``blocking`` has; raise what it raised."""


class FlushThread:
    """A thread of its own for the flushes of the log, or what else is done one at a time.

    Giving a call to a thread that waits for it takes half the time that a pool of threads takes, and
    no other blocking call is in its way. A call that has begun is waited for, whatever is cancelled
    meanwhile.
    """

    def __init__(self, name: str = "rmqwire-flush") -> None:
        self._name = name
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    def __enter__(self) -> Self:
        """Start the thread."""
        Thread(target=self._run, name=self._name, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let the thread end behind the call that is running."""
        self._calls.put(None)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            call()

    async def offload(self, blocking: Callable[[], None], /) -> None:
        """Run a call in the thread and wait for it; raise what it raised."""
        await trio.lowlevel.checkpoint_if_cancelled()
        task, token = trio.lowlevel.current_task(), trio.lowlevel.current_trio_token()
        failed: list[BaseException] = []

        def call() -> None:
            try:
                blocking()
            except BaseException as error:  # noqa: BLE001 - raised again by the waiter
                failed.append(error)
            token.run_sync_soon(trio.lowlevel.reschedule, task)

        self._calls.put(call)
        await trio.lowlevel.wait_task_rescheduled(lambda _: trio.lowlevel.Abort.FAILED)
        if failed:
            raise failed[0]


class StoreService:
    """The loops of one open store.

    Args:
        store: it; open.
        flush: runs ``fdatasync`` of the log.
        indexing: writes the index, and builds it where that is better done in a thread.
        offload: runs all other blocking calls.
        late_answers: entered round the answers that a flush releases.
        flush_wanted: wakes the group commit; it is ``StoreEvents.flush_wanted``.
    """

    def __init__(
        self,
        store: MessageStore,
        flush: Offload,
        indexing: Offload,
        offload: Offload,
        late_answers: AbstractContextManager[None],
        flush_wanted: Wakeup,
    ) -> None:
        self._store = store
        store.index.lock = Lock()
        self._late_answers = late_answers
        self._flush = flush
        self._indexing = indexing
        self._offload = offload
        self._flush_wanted = flush_wanted
        self._mark_fault = ""
        self._index_due = 0.0

    async def run(self, task_status: trio.TaskStatus[None]) -> None:
        """Run all loops until cancelled."""
        async with trio.open_nursery() as nursery:
            if self._store.config.sync_flush:
                nursery.start_soon(self._group_commit)
                nursery.start_soon(self._expire)
            else:
                nursery.start_soon(self._flush_log)
            nursery.start_soon(self._flush_queues)
            nursery.start_soon(self._build_index)
            nursery.start_soon(self._check_disk)
            nursery.start_soon(self._clean)
            nursery.start_soon(self._sample)
            task_status.started()

    async def _flush_log(self) -> None:
        """ASYNC_FLUSH: look every 500 ms, flush 4 dirty pages at least, all every 10 s."""
        config = self._store.config
        thorough_s = config.flush_commit_log_thorough_interval / 1000
        last = trio.current_time()
        while True:
            await next_beat(config.flush_interval_commit_log / 1000)
            thorough = trio.current_time() >= last + thorough_s
            if thorough:
                last = trio.current_time()
            await self._flush_once(thorough=thorough)

    async def _group_commit(self) -> None:
        """SYNC_FLUSH: flush as soon as something waits, and whatever came while that ran."""
        while True:
            await self._flush_wanted.wait()
            await self._flush_once(thorough=True)

    async def _flush_once(self, *, thorough: bool) -> None:
        store = self._store
        plan = store.flushes.log_flush_plan(thorough=thorough)
        if plan is None:
            return
        try:
            await self._run(plan, self._flush)
        except OSError as error:
            logger.error("flush of the commit log failed, the store is read-only: %s", error)  # noqa: TRY400 - the text says all
            store.flushes.flush_failed(plan, error)
        else:
            with self._late_answers:
                store.flushes.flushed(plan)

    async def _run(self, plan: FlushPlan, offload: Offload) -> None:
        """Run a plan elsewhere; when that is cancelled the plan is given up."""
        try:
            await offload(partial(plan.run, self._store.files))
        except trio.Cancelled:
            plan.release(succeeded=False)
            raise

    async def _expire(self) -> None:
        while True:
            await trio.sleep(EXPIRE_S)
            self._store.expire_waits()

    async def _flush_queues(self) -> None:
        """Write tails of queues every second if they are few, write and sync them all every minute."""
        config = self._store.config
        thorough_s = config.flush_consume_queue_thorough_interval / 1000
        last = trio.current_time()
        while True:
            await next_beat(config.flush_interval_consume_queue / 1000)
            thorough = trio.current_time() >= last + thorough_s
            if thorough:
                last = trio.current_time()
            try:
                plan = await self._plan_queues(thorough=thorough)
            except (OSError, StoreError) as error:  # the units stay in memory: tried again
                logger.warning("consume queues can not be written: %s", error)
                continue
            await self._sync_queues(plan, thorough=thorough)

    async def _plan_queues(self, *, thorough: bool) -> FlushPlan:
        """Write what is due in slices, because a new queue's folders and file take long; plan the sync.

        What queues get between two slices is the next plan's: else all of them would be written once
        more, at once.
        """
        flushes, queues = self._store.flushes, self._store.queues
        with flushes.uncut():
            reach = flushes.reach()
            for _ in range(-(-queues.tails_due(thorough=thorough) // TAILS_AT_ONCE)):
                queues.write_tails(TAILS_AT_ONCE)
                await trio.lowlevel.checkpoint()
            return flushes.queue_flush_plan(thorough=thorough, reach=reach)

    def _tell_mark_fault(self) -> None:
        fault = self._store.mark.fault
        if fault and fault != self._mark_fault:
            logger.warning("%s", fault)  # an older mark is a safe one
        self._mark_fault = fault

    async def _sync_queues(self, plan: FlushPlan, *, thorough: bool) -> None:
        try:
            if not plan.is_empty:
                await self._run(plan, self._offload)
        except OSError as error:  # the log alone decides about writing
            self._store.flushes.queues_failed(plan)
            logger.warning(
                "consume queues can not be synced, the next start rebuilds them: %s", error
            )
            return
        try:
            self._tell_mark_fault()
            if self._store.mark.unsynced:
                await self._offload(self._store.mark.sync)
        except OSError as error:
            plan.release(succeeded=False)
            logger.warning("the mark can not be synced: %s", error)
            return
        try:
            self._store.flushes.queues_flushed(plan, thorough=thorough)
        except OSError as error:
            logger.warning("the checkpoint can not be written: %s", error)

    async def _build_index(self) -> None:
        """Follow the log in slices short enough for sends and pulls not to notice."""
        failing = False
        while True:
            await next_beat(INDEX_S)
            try:
                await self._follow_log()
            except OSError as error:  # it can be rebuilt: the log alone decides about writing
                if not failing:
                    logger.warning("the index can not be written, tried again: %s", error)
                failing = True
            else:
                failing = False

    async def _follow_log(self) -> None:
        store, more = self._store, True
        longest = INDEX_THREAD_PAUSE if store.index.in_thread else INDEX_PAUSE
        while more:
            began, before = trio.current_time(), store.index.position
            more = await self._build_some()
            if store.index.position != before:
                behind = store.max_phy_offset - store.index.position
                pause = longest / (1 + behind / INDEX_BEHIND)
                await trio.sleep((trio.current_time() - began) * pause)
            await self._write_index()
        full = store.index.full_files()
        for file in full:
            await self._offload(file.sync)
        store.index.full_files_synced(full)

    async def _build_some(self) -> bool:
        """Index some more records; tell whether more of those that were there are left."""
        store = self._store
        if not store.index.in_thread:
            return store.build_index()
        limit, window = store.puts.dispatched_to, store.take_for_index()
        if window is not None:
            await self._indexing(partial(store.index.add, window))
        return window is not None and store.index.position < limit

    async def _write_index(self) -> None:
        index, now = self._store.index, trio.current_time()
        if now >= self._index_due or index.unwritten >= INDEX_UNWRITTEN:
            await self._indexing(index.write)
            self._index_due = now + INDEX_WRITE_S

    async def _check_disk(self) -> None:
        while True:
            await next_beat(DISK_CHECK_S)
            self._store.cleaner.check_disk()

    async def _clean(self) -> None:
        """Remove what is old, every ``cleanResourceInterval``."""
        await trio.sleep(CLEAN_DELAY_S)
        while True:
            try:
                await self._clean_once()
            except OSError as error:
                logger.warning("old files can not be removed, tried again: %s", error)
            await trio.sleep(self._store.config.clean_resource_interval / 1000)

    async def _clean_once(self) -> None:
        cleaner, config = self._store.cleaner, self._store.config
        cleaner.begin()
        while (segment := cleaner.take_file()) is not None:
            try:
                await self._offload(partial(cleaner.remove, segment))
            except (OSError, trio.Cancelled):
                cleaner.keep(segment)
                raise
            _tell_removed(segment.path, forced=cleaner.forced)
            await trio.sleep(config.delete_commit_log_files_interval / 1000)
        for _ in cleaner.trim():
            await trio.sleep(config.delete_consume_queue_files_interval / 1000)

    async def _sample(self) -> None:
        while True:
            self._store.stats.sample(self._store.wall_ms())
            await next_beat(SAMPLE_S)


def _tell_removed(path: str, *, forced: bool) -> None:
    if forced:
        logger.warning("disk is nearly full: messages removed before their time, with %s", path)
    else:
        logger.info("old file of the commit log removed: %s", path)


def _thread_offload() -> Offload:
    limiter = trio.CapacityLimiter(OTHER_THREADS)

    async def offload(blocking: Callable[[], None], /) -> None:
        await trio.to_thread.run_sync(blocking, limiter=limiter)

    return offload


async def run_store(
    store: MessageStore,
    flush_wanted: Wakeup,
    late_answers: AbstractContextManager[None] | None = None,
    *,
    offload: Offload | None = None,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Flush, sample and in the end close an open store; runs until cancelled.

    Args:
        store: an open store. It is closed when this returns, whatever the cause.
        flush_wanted: what the store's ``StoreEvents.flush_wanted`` calls.
        late_answers: entered round the answers that a flush releases, to send them together.
        offload: runs blocking calls; threads of its own when not given.
        task_status: started when the timers run.

    Raises:
        OSError: the disk failed while closing; ``abort`` stays in the folder.
    """
    try:
        with (
            FlushThread() as thread,
            FlushThread("rmqwire-index") as index_thread,
            reader_of(store.files) as reader,
        ):
            if offload is None:
                store.log.window.reader = reader
            flush = offload or thread.offload
            indexing = offload or index_thread.offload
            others = offload or _thread_offload()
            await StoreService(
                store, flush, indexing, others, late_answers or nullcontext(), flush_wanted
            ).run(task_status)
    finally:
        store.close()
