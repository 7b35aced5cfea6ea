"""When the store is flushed and what follows from it (Java ``FlushManager``).

A flush is planned and booked here and run elsewhere: ``service`` does that in a thread, a stop and
tests do it on the spot. A failed ``fdatasync`` of the log is never tried again: the kernel may have
dropped the pages and say yes next time. After one of queues the checkpoint stays, so that the next start
makes their units again of the log.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING
from zlib import crc32

from rmqwire.store.folder.flush_plan import FlushPlan, pages_between
from rmqwire.store.folder.mark import DurableMark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.disk.files import FileLayer
    from rmqwire.store.config import StoreConfig
    from rmqwire.store.folder.checkpoint import CheckpointFile
    from rmqwire.store.folder.mark import MarkFile
    from rmqwire.store.log.commit_log import CommitLog
    from rmqwire.store.log.put_path import PutPath
    from rmqwire.store.queues.queue_table import ConsumeQueueStore


class FlushManager:
    """Plan and book the flushes of one store.

    Args:
        config: how much has to be dirty.
        files: the disk.
        log: the commit log.
        queues: all consume queues.
        puts: puts that wait for a flush.
        checkpoint: learns what is on the disk.
        mark: moves with every flush of the log.

    Attributes:
        running: how many plans are made and not booked yet.
        queues_doubtful: a sync of queues has failed, so nobody knows what of them is on the disk.
    """

    def __init__(
        self,
        config: StoreConfig,
        files: FileLayer,
        log: CommitLog,
        queues: ConsumeQueueStore,
        puts: PutPath,
        checkpoint: CheckpointFile,
        mark: MarkFile,
    ) -> None:
        self._config = config
        self._files = files
        self._log = log
        self._queues = queues
        self._puts = puts
        self._health = puts.health
        self._checkpoint = checkpoint
        self._mark = mark
        self.running = 0
        self.queues_doubtful = False

    def _count(self, plan: FlushPlan) -> None:
        """Count a plan until it is booked or given up."""
        self.running += 1
        plan.on_released = self._released

    def _released(self) -> None:
        self.running -= 1

    # --- the log -----------------------------------------------------------------------------

    def log_flush_plan(self, *, thorough: bool) -> FlushPlan | None:
        """Plan a flush of the log if enough is dirty, or anything when ``thorough``.

        SYNC_FLUSH has no "enough": whatever is written is wanted on the disk.
        """
        if self._health.broken:
            return None
        log, size = self._log, self._config.mapped_file_size_commit_log
        enough = (
            thorough
            or self._config.sync_flush
            or log.flushed // size < log.end // size
            or pages_between(log.flushed, log.end) >= self._config.flush_commit_log_least_pages
        )
        plan = log.flush_plan() if enough else None
        if plan is not None:
            _move_mark(plan, log, self._mark)
            self._count(plan)
        return plan

    def flushed(self, plan: FlushPlan) -> None:
        """Book a flush of the log that went well: answer what it covers, make it visible."""
        plan.release(succeeded=True)
        self._log.flushed = max(self._log.flushed, plan.end)
        if plan.store_timestamp > 0:
            self._checkpoint.values.physic_msg_timestamp = plan.store_timestamp
        self._puts.flushed(self._log.flushed, plan.store_timestamp)

    def flush_failed(self, plan: FlushPlan, error: OSError) -> None:
        """Book a flush that failed: nobody gets an OK for it and nothing is written any more."""
        plan.release(succeeded=False)
        self._health.fail(f"flush of the store failed: {error}")
        self._puts.flush_waits.fail_all()

    def run_flush(self, plan: FlushPlan) -> None:
        """Run a plan of the log here and now, and book it."""
        try:
            plan.run(self._files)
        except OSError as error:
            self.flush_failed(plan, error)
        else:
            self.flushed(plan)

    # --- the queues --------------------------------------------------------------------------

    def reach(self) -> tuple[int, int]:
        """Return up to which offset of the log all records have units, and the newest one's store time (ms)."""
        return self._puts.dispatched_to, self._puts.dispatched_timestamp

    @contextmanager
    def uncut(self) -> Iterator[None]:
        """Count as a plan that runs: nothing is cut off the log meanwhile."""
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1

    def queue_flush_plan(
        self, *, thorough: bool, reach: tuple[int, int] | None = None
    ) -> FlushPlan:
        """Plan the sync of queues with enough dirty pages, or of all of them.

        Args:
            thorough: all; the checkpoint will say so.
            reach: what ``reach`` gave before all tails were written that there were, ``uncut``; None: a
                thorough plan writes them.

        Raises:
            DiskFull: no room; the units stay in memory.
            OSError: the disk failed.
        """
        if thorough and reach is None:
            self._queues.write_tails()
        plan = self._queues.flush_plan(thorough=thorough)
        self._count(plan)
        plan.end, plan.store_timestamp = reach or self.reach()
        return plan

    def queues_flushed(self, plan: FlushPlan, *, thorough: bool) -> None:
        """Book a sync of the queues; after a thorough one the checkpoint says so, if none has failed."""
        plan.release(succeeded=True)
        if not thorough or self.queues_doubtful:
            return
        values = self._checkpoint.values
        if plan.store_timestamp > 0:
            values.logics_msg_timestamp = plan.store_timestamp
        values.confirm_phy_offset = plan.end
        values.logics_physical_offset = plan.end
        self._checkpoint.write(sync=False)

    def queues_failed(self, plan: FlushPlan) -> None:
        """Book a sync of the queues that failed: they can be rebuilt, and are to be at the next start."""
        plan.release(succeeded=False)
        self.queues_doubtful = True


def _move_mark(plan: FlushPlan, log: CommitLog, file: MarkFile) -> None:
    """Let a plan of the log move the mark, in its thread, once everything is synced."""
    at, size = log.last_record
    if size and at + size <= plan.end:
        plan.after = partial(_advance, file, plan, at, size)


def _advance(file: MarkFile, plan: FlushPlan, at: int, size: int, files: FileLayer) -> None:
    try:
        data = plan.read_back(files, at, size)
    except OSError as error:
        file.fault = f"{file.path} stays as it was: {error}"
        return
    if len(data) == size:
        crc = crc32(data)
        file.write(DurableMark(0, plan.end, at, size, crc, plan.store_timestamp))
