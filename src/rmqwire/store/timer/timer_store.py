"""Wheel, timer log and check point of one store, as one thing (``TimerMessageStore``'s files).

``put`` hangs a message on the tick it waits for, ``chain`` gives back what hangs on one. A flush
writes in the order in which a recovery needs it: the log's units, then the slots that name them, then
how far we have come.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from rmqwire.codec.checkpoint import TimerCheckpoint
from rmqwire.codec.timer import (
    DEFAULT_SLOTS_TOTAL,
    MAGIC_DEFAULT,
    MAGIC_DELETE,
    MAGIC_ROLL,
    TimerLogUnit,
)
from rmqwire.store.folder.flush_plan import FlushPlan
from rmqwire.store.timer.checkpoint import Progress, TimerCheckpointFile
from rmqwire.store.timer.recovery import BLANK_SLOTS, RecoveredTimers, TimerQueue, recover
from rmqwire.store.timer.snapshots import Snapshots
from rmqwire.store.timer.timer_log import TimerLog
from rmqwire.store.timer.wheel import NO_UNIT, TimerWheel

if TYPE_CHECKING:
    from rmqwire.disk.files import FileLayer
    from rmqwire.store.config import StoreConfig

logger = logging.getLogger(__name__)


class Waiting(msgspec.Struct):
    """A message that waits: where its record is, and what is to be done at its tick."""

    offset_py: int  # of its record in the commit log
    size_py: int
    enqueue_ms: int  # when it was put into the wheel
    roll: bool  # put it into the queue again: its time is further away than the wheel reaches
    delete: bool  # it takes another message out


class TimerFiles:
    """The files of one store's timers.

    Args:
        config: the store's settings.
        files: the disk.
        slots_total: half the slots of the wheel.

    Attributes:
        told: Java's check point as it was written last.
    """

    def __init__(
        self, config: StoreConfig, files: FileLayer, slots_total: int = DEFAULT_SLOTS_TOTAL
    ) -> None:
        root = config.store_path_root_dir
        self._files = files
        self._config = config
        self.precision_ms = precision = config.timer_precision_ms
        window = config.timer_roll_window_slot
        widest = slots_total - BLANK_SLOTS
        self.window_ms = (window if 2 <= window <= widest else widest) * precision
        self.wheel = TimerWheel(f"{root}/timerwheel", files, precision, slots_total)
        self.log = TimerLog(f"{root}/timerlog", config.mapped_file_size_timer_log, files)
        self.check = TimerCheckpointFile(f"{root}/config/timercheck", files, precision)
        self.told = TimerCheckpoint()
        self._snapshots = Snapshots(self.wheel, files, config.timer_wheel_snapshot_interval_ms)
        self._reached: deque[Progress] = deque()  # told of, but not on the disk yet
        self._safe = Progress()
        self._broken = False

    def open(self, queue: TimerQueue, now_ms: int) -> RecoveredTimers:
        """Load everything and make it fit.

        Args:
            queue: the commit log and the timers' queue in it.
            now_ms: wall clock.

        Raises:
            OSError: the disk failed.
        """
        noted = self.check.load()
        self.told = noted.told
        snapshot = self._snapshots.newest()
        if not self._config.timer_wheel_snapshot_flush and snapshot is not None:
            # Java doesn't write the wheel's own file while it makes snapshots; we do.
            snapshot = ("", 0) if noted.safe is None else None
        found = recover(self.wheel, self.log, noted, queue, now_ms, snapshot)
        self._safe = Progress(found.read_time_ms, found.queue_offset, self.log.end)
        return found

    def first_waiting(self, from_ms: int) -> int:
        """Return the position in the timer log before which nothing waits for a tick from a time on."""
        firsts = (slot.first_pos for slot in self.wheel.slots(from_ms) if slot.first_pos >= 0)
        return min(firsts, default=self.log.end)

    # --- waiting messages --------------------------------------------------------------------

    def put(
        self,
        offset_py: int,
        size_py: int,
        due_ms: int,
        write_ms: int,
        topic_hash: int,
        *,
        delete: bool,
    ) -> None:
        """Hang a message on the tick of its time, or on an earlier one to be rolled (``doEnqueue``).

        Args:
            offset_py: where its record begins in the commit log.
            size_py: bytes of the record.
            due_ms: the tick it waits for, ``write_ms`` or later.
            write_ms: the running tick.
            topic_hash: hash of the topic it is for.
            delete: it takes another message out.

        Raises:
            DiskFull: no room for a new file of the log.
            OSError: the disk failed. In both cases nothing has changed.
        """
        magic = MAGIC_DEFAULT
        beyond = due_ms - write_ms - self.window_ms
        if beyond >= 0:
            magic |= MAGIC_ROLL
            slots = self.window_ms // self.precision_ms
            third = slots // 3 * self.precision_ms
            step = slots // 2 * self.precision_ms if beyond < third else self.window_ms
            due_ms = write_ms + step
        if delete:
            magic |= MAGIC_DELETE
        slot = self.wheel.get(due_ms)
        first, last, num, kept = (
            (slot.first_pos, slot.last_pos, slot.num, slot.magic)
            if slot is not None
            else (NO_UNIT, NO_UNIT, 0, 0)
        )
        position = self.log.append(
            TimerLogUnit(last, magic, write_ms, due_ms - write_ms, offset_py, size_py, topic_hash)
        )
        if first == NO_UNIT:
            first = position
        self.wheel.put(due_ms, first, position, num - 1 if delete else num + 1, kept)

    def chain(self, time_ms: int) -> list[Waiting]:
        """Return what hangs on a tick, the oldest first."""
        slot = self.wheel.get(time_ms)
        position = slot.last_pos if slot is not None else NO_UNIT
        tick = time_ms // self.precision_ms
        found = []
        while position != NO_UNIT:
            unit = self.log.unit(position)
            if unit is None or unit.deliver_time_ms // self.precision_ms != tick:
                logger.error("timer log has no unit of %s ms at %s", time_ms, position)
                break
            found.append(
                Waiting(
                    unit.offset_py,
                    unit.size_py,
                    unit.curr_write_time,
                    bool(unit.magic & MAGIC_ROLL),
                    bool(unit.magic & MAGIC_DELETE),
                )
            )
            if not NO_UNIT <= unit.prev_pos < position:
                logger.error("timer log goes back from %s to %s", position, unit.prev_pos)
                break
            position = unit.prev_pos
        found.reverse()
        return found

    # --- flushing ----------------------------------------------------------------------------

    def write(self) -> None:
        """Hand the units of a pass to the kernel.

        Raises:
            OSError: the disk failed; the next call tries again.
        """
        self.log.write()

    def flush_plan(self, progress: Progress, synced: int, now_ms: int) -> FlushPlan | None:
        """Plan a flush; None when nothing has changed, or the disk has failed.

        Args:
            progress: how far we have come; its position in the log is filled in here.
            synced: up to which byte the commit log is on the disk.
            now_ms: wall clock.

        Raises:
            OSError: the disk failed; the next call tries again.
        """
        if self._broken:
            return None
        self.write()
        handle = self.wheel.write()
        progress.log_position = self.log.written
        self._reached.append(progress)
        while self._reached and self._reached[0].commit_end <= synced:
            self._safe = self._reached.popleft()
        data = self._encode(progress)
        snapshot = None
        if self._config.timer_wheel_snapshot_flush:
            snapshot = self._snapshots.take(self.log.written, now_ms)
        plan = FlushPlan(self.log.written)
        self.log.plan_flush(plan)

        def after(files: FileLayer) -> None:
            if handle >= 0:
                files.datasync(handle)
            if snapshot is not None:
                self._snapshots.write(snapshot)
            self.check.write(data)

        plan.after = after
        return plan

    def _encode(self, progress: Progress) -> bytes:
        told = self.told
        told.last_read_time_ms = progress.read_time_ms
        told.last_timer_log_flush_pos = progress.log_position
        told.last_timer_queue_offset = progress.queue_offset
        told.master_timer_queue_offset = progress.queue_offset
        return self.check.encode(told, progress.commit_end, self._safe)

    def flushed(self, plan: FlushPlan) -> None:
        """Book a plan that ran well."""
        plan.release(succeeded=True)
        self.log.flushed = max(self.log.flushed, plan.end)

    def flush_failed(self, plan: FlushPlan) -> None:
        """Note nothing any more: what the disk has now is in doubt, the next start finds out."""
        plan.release(succeeded=False)
        self._broken = True

    def remove_before(self, physical_offset: int) -> None:
        """Remove files of the log that name only records which the commit log has lost.

        Raises:
            OSError: the disk failed.
        """
        self.log.remove_before(physical_offset)

    def close(self) -> None:
        """Close all files."""
        self.wheel.close()
        self.log.close()
        self.check.close()
