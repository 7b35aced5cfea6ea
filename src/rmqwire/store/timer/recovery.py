"""Make wheel, timer log and queue offset fit each other when a store opens (``TimerMessageStore.recover``).

The timer log is written and synced first, then the wheel, then the check point, and none of them is
needed: whatever a kill or a power cut leaves of each is brought back to one state here.

::

    log torn, or shorter than noted   cut behind its last whole unit; what it lacks is read again
    log names records that are gone   cut before the first of them (the commit log was cut)
    wheel older than the log          the units behind the noted position are hung on their slots
    wheel newer than the log          slots that point behind the log's end are made from the log
    wheel gone                        made from the log
    log gone                          the whole queue is read again
    this broker was a slave           likewise: its master has rolled timers at ticks of its own
    check point newer than the        the safe figures beside it are taken: deliveries may have been
      commit log                      lost with the log's end, so they are made again
    check point gone                  the whole queue is read again, but for what is in the log

What is read again and stands in the log already is not put there twice (``known``); what was
delivered by the noted time is left out (``delivered``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from rmqwire.codec.timer import MAGIC_DELETE
from rmqwire.store.timer.checkpoint import Progress
from rmqwire.store.timer.wheel import NO_UNIT

if TYPE_CHECKING:
    from rmqwire.codec.timer import TimerLogUnit
    from rmqwire.store.timer.checkpoint import TimerNotes
    from rmqwire.store.timer.timer_log import TimerLog
    from rmqwire.store.timer.wheel import TimerWheel

BLANK_SLOTS = 60  # TimerMessageStore.TIMER_BLANK_SLOTS


class TimerQueue(Protocol):
    """The commit log and the queue of timer messages, as a recovery asks for them."""

    commit_end: int
    min_offset: int
    max_offset: int

    def queue_offset(self, offset_py: int, size: int) -> int | None:
        """Return the queue offset of the timer message that is this record; None if none is."""


class RecoveredTimers(msgspec.Struct):
    """Where the timers of a store go on.

    Args:
        read_time_ms: the first tick to deliver.
        queue_offset: the first message of the queue to read.
        delivered: messages before this queue offset and of ticks before this time are delivered.
        known: places in the commit log of messages that are to be read and are in the log already.
        remade: the wheel was forgotten, and is made from the queue.
        notes: what was found and put right.
    """

    read_time_ms: int
    queue_offset: int
    delivered: Progress
    known: set[int] = msgspec.field(default_factory=set)
    remade: bool = False
    notes: list[str] = msgspec.field(default_factory=list)


def recover(
    wheel: TimerWheel,
    log: TimerLog,
    noted: TimerNotes,
    queue: TimerQueue,
    now_ms: int,
    snapshot: tuple[str, int] | None = None,
) -> RecoveredTimers:
    """Load both files and make them fit.

    Args:
        wheel: with nothing in it yet.
        log: likewise.
        noted: what the check point said.
        queue: the commit log.
        now_ms: wall clock.
        snapshot: path and position of the snapshot to load instead of the wheel's file.

    Raises:
        OSError: the disk failed.
    """
    return _Recovery(wheel, log, noted, queue).run(now_ms, snapshot)


class _Recovery:
    def __init__(
        self, wheel: TimerWheel, log: TimerLog, noted: TimerNotes, queue: TimerQueue
    ) -> None:
        self._wheel = wheel
        self._log = log
        self._noted = noted
        self._queue = queue
        self._notes: list[str] = []
        self._last_unit: TimerLogUnit | None = None

    def run(self, now_ms: int, snapshot: tuple[str, int] | None) -> RecoveredTimers:
        progress, delivered = self._figures()
        read_ms = progress.read_time_ms or self._oldest(now_ms)
        read_ms -= read_ms % self._wheel.precision_ms  # Java's may lie within a tick
        log = self._log
        for path in log.load():
            self._note(f"{path} is damaged: removed")
        low, high = self._queue.min_offset, self._queue.max_offset
        delivered = Progress(read_ms, min(delivered.queue_offset, high))
        if self._noted.told.last_timer_queue_offset < self._noted.told.master_timer_queue_offset:
            self._forget_own()
            return RecoveredTimers(read_ms, low, delivered, remade=True, notes=self._notes)
        reached = self._load_wheel(progress, snapshot)
        known = self._follow(reached, progress.log_position, read_ms)
        intact = log.end >= progress.log_position
        self._mend_slots(read_ms)
        if intact:
            offset = progress.queue_offset
        else:
            self._note(f"the timer log ends at {log.end}, {progress.log_position} was noted")
            known = {unit.offset_py for _, unit in log.scan(0)}
            offset = min(self._behind_last_unit(), progress.queue_offset)
        if offset > high:
            self._note(f"timers were read up to {offset}, their queue ends at {high}")
        return RecoveredTimers(
            read_ms, min(max(offset, low), high), delivered, known, notes=self._notes
        )

    def _figures(self) -> tuple[Progress, Progress]:
        """Return how far we had come, and what of that is surely delivered."""
        noted = self._noted
        progress = noted.newest
        delivered = Progress(progress.read_time_ms, noted.told.master_timer_queue_offset)
        if noted.safe is not None and self._queue.commit_end < progress.commit_end:
            self._note(
                f"the commit log ends at {self._queue.commit_end}, timers had come to "
                f"{progress.commit_end}: going on from what was synced"
            )
            progress = noted.safe
            delivered = Progress(progress.read_time_ms, progress.queue_offset)
        return progress, delivered

    def _forget_own(self) -> None:
        """Begin with an empty wheel: another broker was master, and rolled what it rolled."""
        self._note("another broker has delivered timers: the wheel is made from the queue")
        self._wheel.load()
        self._wheel.clear()
        self._log.cut(0)

    def _oldest(self, now_ms: int) -> int:
        """Return the time to begin with when none was noted: as far back as a wheel may go."""
        wheel = self._wheel
        tick = now_ms // wheel.precision_ms - wheel.slots_total + BLANK_SLOTS
        return max(tick, 0) * wheel.precision_ms

    def _load_wheel(self, progress: Progress, snapshot: tuple[str, int] | None) -> int:
        """Load the wheel; return up to which position of the log it has all units."""
        wheel, noted = self._wheel, self._noted
        if snapshot is not None and wheel.load(snapshot[0]):
            return min(snapshot[1], progress.log_position)
        loaded = wheel.load()
        if loaded and noted.precision_ms not in {0, wheel.precision_ms}:
            wheel.clear()
            self._note(f"timerPrecisionMs was {noted.precision_ms}: the wheel is made again")
            return 0
        if not loaded:
            if progress.log_position:
                self._note("the timer wheel is gone, or of another size: it is made again")
            wheel.clear()
            return 0
        return progress.log_position

    def _follow(self, reached: int, noted: int, read_ms: int) -> set[int]:
        """Hang the log's units on their slots and cut it behind the last good one."""
        log, commit_end = self._log, self._queue.commit_end
        end = self._known_good(reached)
        known: set[int] = set()
        for position, unit in log.scan(end):
            if unit.offset_py + unit.size_py > commit_end:
                self._note(f"timer log cut at {position}: the commit log ends before its record")
                break
            if position >= noted:
                if self._queue.queue_offset(unit.offset_py, unit.size_py) is None:
                    self._note(f"timer log cut at {position}: there is no such record")
                    break
                known.add(unit.offset_py)
            if unit.deliver_time_ms >= read_ms:
                self._hang(position, unit)
            self._last_unit = unit
            end = position + log.unit_size
        log.cut(end)
        return known

    def _known_good(self, reached: int) -> int:
        """Return from where on the log's units are looked at one by one.

        As Java's, a recovery checks the file before what the wheel has reached, but it hangs those units on their
        slots again only where the check fails: a million of them wait in 52 MB.
        """
        log = self._log
        segments = log.queue.segments
        begin = max(reached - log.queue.segment_size, 0)
        begin = min(begin, segments[-1].start) if segments else 0
        segment = log.queue.find(begin)
        begin = segment.start if segment is not None else log.start
        return reached if log.is_whole(begin, reached, self._queue.commit_end) else begin

    def _hang(self, position: int, unit: TimerLogUnit) -> None:
        wheel, time_ms = self._wheel, unit.deliver_time_ms
        slot = wheel.get(time_ms)
        step = -1 if unit.magic & MAGIC_DELETE else 1
        if slot is None or slot.last_pos == NO_UNIT:
            wheel.put(time_ms, position, position, step)
        elif slot.last_pos < position:
            wheel.put(time_ms, slot.first_pos, position, slot.num + step, slot.magic)

    def _mend_slots(self, read_ms: int) -> None:
        """Make the slots again that point behind the log's end."""
        wheel, log = self._wheel, self._log
        wrong = [slot for slot in wheel.slots(read_ms) if slot.last_pos >= log.end]
        if not wrong:
            return
        self._note(f"slots of the timer wheel that pointed behind the timer log: {len(wrong)}")
        ticks = {slot.time for slot in wrong}
        for tick in ticks:
            wheel.put(tick * wheel.precision_ms, NO_UNIT, NO_UNIT, 0)
        for position, unit in log.scan(0):
            if unit.deliver_time_ms // wheel.precision_ms in ticks:
                self._hang(position, unit)

    def _behind_last_unit(self) -> int:
        """Return the queue offset behind the last message that the log has."""
        unit = self._last_unit
        found = None
        if unit is not None:
            found = self._queue.queue_offset(unit.offset_py, unit.size_py)
        return self._queue.min_offset if found is None else found + 1

    def _note(self, text: str) -> None:
        self._notes.append(text)
