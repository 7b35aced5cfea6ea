"""Open a store: find the log's end, cut what is torn, complete the queues (``recover``).

Java's rules, ``CommitLog.recoverNormally`` and ``recoverAbnormally``, decide where the scan begins:

- closed cleanly (no ``abort`` file): at the file that holds the queues' largest log offset;
- not closed: at the newest file whose first record is older than the checkpoint by 3 s.

Ours go further where Java is known to be weak:

- time alone is not trusted: the scan never begins behind the offset up to which the queues are
  known to be on disk, nor behind the largest offset they hold;
- a queue found to lack units from before the scan's start makes it begin at the log's start;
- a record must say the offset at which it stands;
- behind the cut everything is zeroed and synced before anything is served;
- what ``rmqwire.mark`` promised is never cut unless ``corruptionPolicy`` says so (``damage``);
- after a kill the bytes beyond the mark are written again and synced: a sync may have failed.

A cut is a torn tail: bytes that were never promised, or promised by ASYNC_FLUSH only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

import msgspec

from rmqwire.codec.record import check_record
from rmqwire.errors import BadRecord, CorruptLog
from rmqwire.store.events import RecoveryProgress
from rmqwire.store.folder.mark import DurableMark
from rmqwire.store.recovery.bulk_dispatch import BulkDispatch
from rmqwire.store.recovery.damage import JAVA, READ_ONLY, DamageCheck
from rmqwire.store.recovery.log_scan import LogScan
from rmqwire.store.recovery.redispatch import Redispatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.disk.files import FileLayer
    from rmqwire.store.config import StoreConfig
    from rmqwire.store.folder.checkpoint import CheckpointFile
    from rmqwire.store.folder.file_queue import Segment
    from rmqwire.store.folder.mark import MarkFile
    from rmqwire.store.log.commit_log import CommitLog
    from rmqwire.store.queues.queue_table import ConsumeQueueStore

PROGRESS_BYTES = 16 << 20  # of the log between two calls of ``on_progress``


class RecoveryReport(msgspec.Struct):
    """What opening a store found and did. Offsets and sizes in bytes.

    Args:
        clean: it had been closed cleanly.
        scanned_from: offset of the first record looked at.
        log_end: where the log goes on.
        records: records looked at.
        units_added: consume queue units that were missing.
        units_cut: units whose record is not in the log.
        bytes_zeroed: bytes rewritten behind the log's end, 0 if all were zero.
        files_dropped: commit log files behind the end.
        cut_reason: what stood at the log's end if not zeros.
        read_only: the damage, if the store is served as it is and nothing may be written.
        notes: everything else that was put right, one sentence each.
    """

    clean: bool
    scanned_from: int = 0
    log_end: int = 0
    records: int = 0
    units_added: int = 0
    units_cut: int = 0
    bytes_zeroed: int = 0
    files_dropped: list[str] = msgspec.field(default_factory=list)
    cut_reason: str = ""
    read_only: str = ""
    notes: list[str] = msgspec.field(default_factory=list)


class Recovery:
    """One recovery of one store; ``run`` does it all."""

    def __init__(
        self,
        config: StoreConfig,
        log: CommitLog,
        queues: ConsumeQueueStore,
        checkpoint: CheckpointFile,
        files: FileLayer,
        mark: MarkFile,
        recovering: Callable[[RecoveryProgress], None],
    ) -> None:
        self._recovering = recovering
        self._mark = mark
        self._config = config
        self._log = log
        self._queues = queues
        self._checkpoint = checkpoint
        self._files = files

    def run(self, *, clean: bool) -> RecoveryReport:
        """Load all files and make them agree.

        Raises:
            CorruptLog: the files of the log don't fit together, or it is damaged where it had
                been on the disk and ``corruptionPolicy`` is refuse.
            OSError: the disk failed.
        """
        report = RecoveryReport(clean)
        mark = self._mark.load()
        self._log.queue.load()
        check = DamageCheck(self._log.queue, mark)
        self._queues.deleted.load(self._log.min_offset)
        report.notes += self._queues.load(thorough=not clean)
        self._queues.drop_deleted(self._log.written_timestamp)
        if self._log.queue.segments:
            start = self._first_segment(clean=clean).start
            before = self._queues.ends_crc()
            doubtful = check.doubtful(self._queues) if clean else []
            start = self._log.min_offset if doubtful else start
            self._scan(start, report)
            if wrong := check.wrong(doubtful, self._queues, report.log_end):
                for queue in wrong:
                    report.notes.append(f"{queue.topic} {queue.queue_id} is wrong: it is rebuilt")
                    queue.restart(0)
                self._scan(start, report)
            if clean and start > self._log.min_offset and self._lacks_queues(before, report):
                self._scan(self._log.min_offset, report)
        self._judge(check, report)
        if not self._log.queue.segments:
            self._forget_queues(report)
        if report.read_only:
            self._serve_as_it_is(report)
            return report
        self._cut_log(report)
        self._cut_queues(report)
        self._make_durable(report, stale=check.stale)
        return report

    def _lacks_queues(self, found: int, report: RecoveryReport) -> bool:
        """Return whether the queues are others than those of our own clean stop."""
        mark = self._mark.mark
        if not mark.closed or mark.synced != report.log_end or mark.queues_crc == found:
            return False
        report.notes.append("the queues are not those of the last stop: all is scanned")
        return True

    # --- torn or damaged ---------------------------------------------------------------------

    def _judge(self, check: DamageCheck, report: RecoveryReport) -> None:
        """Refuse a damaged log, or do what ``corruptionPolicy`` says in its place."""
        last = self._log.last_store_timestamp
        fault = check.fault(report.log_end, last, report.cut_reason)
        if fault is None and report.clean:
            fault = check.beyond(report.log_end, self._queues)
        if check.stale:
            report.notes.append(f"{self._mark.path} is not used: another broker has written since")
        if fault is None:
            return
        policy = self._config.corruption_policy
        if policy == READ_ONLY:
            report.read_only = str(fault)
        elif policy == JAVA:
            report.notes.append(f"the log is cut where it is damaged, as Java does: {fault}")
            if fault.offset < report.log_end:
                return  # the record is not the one it was, but it is whole
        else:
            raise CorruptLog(
                f"{_reason(fault)}; repair it, or set corruptionPolicy=readonly (serve it without"
                " writing) or java (cut it here and lose what follows)",
                fault.file,
                fault.offset,
            )

    def _serve_as_it_is(self, report: RecoveryReport) -> None:
        """Change nothing on the disk: whole records behind the damage are still found by queues."""
        reached = max(self._queues.max_physical_offset(), self._mark.mark.promised)
        self._mark.frozen = True
        self._log.start_at(min(max(report.log_end, reached), self._log.queue.end_of_files))
        for queue in self._queues:
            queue.next_offset = queue.max_offset

    def _forget_queues(self, report: RecoveryReport) -> None:
        """Remove all queues: without a log they point nowhere (Java does the same)."""
        for topic in list(self._queues.topics):
            self._queues.delete_topic(topic)
            report.notes.append(f"consume queues of {topic} are removed: there is no commit log")

    # --- where to begin ----------------------------------------------------------------------

    def _first_segment(self, *, clean: bool) -> Segment:
        segments = self._log.queue.segments
        reached = self._queues.max_physical_offset()
        known = self._checkpoint.values.logics_physical_offset
        if not clean and 0 < known < reached:
            reached = known
        index = len(segments) - 1
        while index > 0 and segments[index].start > reached:
            index -= 1
        if not clean:
            limit = self._checkpoint.min_timestamp(with_index=self._index_counts())
            while index > 0 and not self._begins_before(segments[index], limit):
                index -= 1
        return segments[index]

    def _index_counts(self) -> bool:
        return self._config.message_index_enable and self._config.message_index_safe

    def _begins_before(self, segment: Segment, limit_ms: int) -> bool:
        """Return whether the segment's first record is whole and stored at or before a time."""
        try:
            data = self._log.queue.read(segment.start, self._config.max_record_size)
            first = check_record(data, check_crc=self._config.check_crc_on_recover)
        except BadRecord:
            return False
        return not first.is_blank and 0 < first.store_timestamp <= limit_ms

    # --- the scan ----------------------------------------------------------------------------

    def _scan(self, start: int, report: RecoveryReport) -> None:
        begin = self._log.min_offset
        scan = self._scan_once(start, report, from_log_start=start == begin)
        if scan is None:
            report.notes.append("queues lack units from before the scan's start: all is scanned")
            scan = self._scan_once(begin, report, from_log_start=True)
        if scan is not None:
            report.log_end = scan.end
            report.cut_reason = scan.stopped

    def _scan_once(
        self, start: int, report: RecoveryReport, *, from_log_start: bool
    ) -> LogScan | None:
        """Scan and dispatch; None if the scan has to begin earlier."""
        redispatch = Redispatch(
            self._queues,
            self._log.queue,
            self._config.delay_levels(),
            from_log_start=from_log_start,
        )
        check_crc = self._config.check_crc_on_recover
        bulk = BulkDispatch(self._queues, check_crc=check_crc, reach=redispatch.reach)
        scan = LogScan(self._log.queue, start, check_crc=check_crc, bulk=bulk)
        report.scanned_from = start
        self._tell(scan, report)
        told = start
        for found in scan:
            redispatch.take_lanes(bulk.take())
            redispatch.take(found)
            if redispatch.missing:
                break
            if scan.end - told >= PROGRESS_BYTES:
                told = scan.end
                self._tell(scan, report)
        redispatch.take_lanes(bulk.take())
        self._tell(scan, report, finished=True)
        if scan.records:
            self._log.last_store_timestamp = scan.last_store_timestamp
            self._log.last_record = scan.last_record
        report.units_added += redispatch.added
        report.notes += redispatch.notes
        return None if redispatch.missing else scan

    def _tell(self, scan: LogScan, report: RecoveryReport, *, finished: bool = False) -> None:
        report.records = scan.records
        start = report.scanned_from
        total = self._log.queue.end_of_files - start
        self._recovering(RecoveryProgress(scan.end - start, total, report.records, finished))

    # --- the cut -----------------------------------------------------------------------------

    def _cut_log(self, report: RecoveryReport) -> None:
        end = report.log_end
        queue = self._log.queue
        self._mark.lower(end)
        report.bytes_zeroed = queue.zero_tail(end)
        report.files_dropped = queue.drop_from(end + 1)
        self._log.start_at(end)
        self._queues.deleted.cut(end)

    def _cut_queues(self, report: RecoveryReport) -> None:
        for queue in self._queues:
            report.units_cut += queue.cut_log_end(report.log_end)
            queue.correct_min(self._log.min_offset)
            if not report.clean and queue.files.find(queue.written) is not None:
                queue.files.zero_tail(queue.written)
            queue.next_offset = queue.max_offset
        self._queues.write_tails()

    def _make_durable(self, report: RecoveryReport, *, stale: bool) -> None:
        """Sync the log that is served from now on: a killed process leaves pages not on the disk.

        The queues are synced by the service like all that is new in them, before the checkpoint
        says so: one ``fdatasync`` for each of a thousand queues would hold up the start for seconds,
        and what a power cut takes of them until then the log gives back.
        """
        if report.clean:
            self._log.queue.sync_names()
            self._promise(report)
            return
        begin, mark = report.scanned_from, self._mark.mark
        if mark.number:
            # What lies below the mark was synced, unless Java has written there since.
            begin = min(begin, mark.synced) if stale else mark.synced
            self._log.rewrite(max(mark.synced, self._log.min_offset), report.log_end)
        self._log.flushed = max(begin, self._log.min_offset)
        self._queues.distrust()
        plan = self._log.flush_plan()
        if plan is not None:
            plan.run(self._files)
            plan.release(succeeded=True)
        self._log.flushed = report.log_end
        self._promise(report)

    def _promise(self, report: RecoveryReport) -> None:
        """Move the mark to the log's end, all of which is on the disk."""
        at, size = self._log.last_record
        if not report.records or at + size > report.log_end:
            at = size = 0
        old = self._mark.mark
        if size == 0 and 0 < old.promised <= report.log_end:
            return  # the scan saw no record, the mark knows one
        crc = crc32(self._log.queue.read(at, size)) if size else 0
        last = self._log.last_store_timestamp
        self._mark.write(DurableMark(0, report.log_end, at, size, crc, last), sync=True)
        if self._mark.fault:
            report.notes.append(self._mark.fault)


def _reason(fault: CorruptLog) -> str:
    return str(fault).partition(f"{fault.file} at {fault.offset}: ")[2]
