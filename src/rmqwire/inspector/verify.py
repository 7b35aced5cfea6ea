"""Check a whole store folder, Java's or ours, reading only (``rmqwire store verify``).

The log is walked once, CRCs compared; each record is held against consume queues and index on the
way. What the next start of a broker puts right by itself (an ``abort`` file says that the store
wasn't closed) is a note, not a problem.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rmqwire.codec.timer import DEFAULT_PRECISION_MS
from rmqwire.disk.files import RealFiles
from rmqwire.errors import StoreError
from rmqwire.inspector.files import is_segment_name, segments
from rmqwire.inspector.findings import NOTE, PROBLEM, Finding, Findings
from rmqwire.inspector.folder_check import (
    check_checkpoint,
    check_offsets,
    check_tables,
    folder_state,
)
from rmqwire.inspector.index_check import IndexCheck
from rmqwire.inspector.log_walk import Damage, LogWalk
from rmqwire.inspector.pop_check import PopCheck
from rmqwire.inspector.queue_check import QueueCheck
from rmqwire.inspector.timer_check import check_timers
from rmqwire.store.config import StoreConfig
from rmqwire.store.folder.dledger import refuse_dledger
from rmqwire.store.folder.file_queue import may_be_segment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rmqwire.inspector.files import Segment

PART = "commitlog"


@dataclass(slots=True)
class StoreReport:
    """What a check found. Offsets and sizes in bytes, times in ms.

    Args:
        root: the store's folder.
        clean_shutdown: there is no ``abort`` file.
        lock: "free", "held" or "unknown".
        log_start: offset of the first byte of the log.
        log_end: offset behind the last whole record.
        records: whole records.
        damages: ranges between whole records that hold none.
        queues: consume queues.
        units: their units, expired ones left out.
        index_entries: entries of all index files.
        tables: tables of the broker.
        timers: units of the timer log.
        popping: check points and acks of pops, arrived or on their way.
        findings: everything that was found.
    """

    root: str
    clean_shutdown: bool
    lock: str
    log_start: int = 0
    log_end: int = 0
    records: int = 0
    damages: list[Damage] = field(default_factory=list)
    queues: int = 0
    units: int = 0
    index_entries: int = 0
    tables: int = 0
    timers: int = 0
    popping: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def problems(self) -> list[Finding]:
        """The findings that are faults."""
        return [finding for finding in self.findings if finding.level == PROBLEM]

    def row(self) -> dict[str, Any]:
        """Return all of it as plain values, for JSON."""
        return {
            "root": self.root,
            "clean": not self.problems,
            "cleanShutdown": self.clean_shutdown,
            "lock": self.lock,
            "logStart": self.log_start,
            "logEnd": self.log_end,
            "records": self.records,
            "queues": self.queues,
            "units": self.units,
            "indexEntries": self.index_entries,
            "tables": self.tables,
            "timers": self.timers,
            "popping": self.popping,
            "findings": [finding.row() for finding in self.findings],
        }


def log_segments(root: Path) -> list[Segment]:
    """Return the files of a store's commit log; none if nothing was ever stored.

    Raises:
        StoreError: there is no store, its log can't be listed, or its messages are in a DLedger log.
    """
    if not root.is_dir():
        raise StoreError(f"{root}: no such folder")
    refuse_dledger(str(root), str(root / "commitlog"), RealFiles())
    if not (root / "commitlog").is_dir():
        raise StoreError(f"{root}: no folder commitlog in it, so no store")
    if not any((root / "commitlog").iterdir()):
        return []
    return segments(root / "commitlog")


def verify_store(
    root: Path,
    *,
    slots: int | None = None,
    delay_levels: str | None = None,
    timer_precision_ms: int = DEFAULT_PRECISION_MS,
    check_crc: bool = True,
    progress: Callable[[int], None] | None = None,
) -> StoreReport:
    """Check a store; nothing is changed.

    Args:
        root: its folder.
        slots: maxHashSlotNum of the broker, guessed from the index files when None.
        delay_levels: messageDelayLevel of the broker, RocketMQ's default when None.
        timer_precision_ms: timerPrecisionMs of the broker.
        check_crc: compare the CRCs of bodies and records.
        progress: told the bytes of the log walked so far.

    Raises:
        StoreError: there is no store, or a file of its log can't be read.
    """
    files = log_segments(root)
    state = folder_state(root)
    findings = Findings()
    lag = PROBLEM if state.clean and state.lock != "held" else NOTE
    config = StoreConfig(store_path_root_dir=str(root))
    if delay_levels is not None:
        config.message_delay_level = delay_levels
    tables = check_tables(root, findings)
    _check_names(root, files, findings)
    queues = QueueCheck(
        root,
        findings,
        config.delay_levels(),
        batch_topics=tables.batch_topics,
        known_topics=tables.topics,
        lag=lag,
    )
    walk = LogWalk(files, check_crc=check_crc, progress=progress)
    pops = PopCheck(root, findings)
    index = IndexCheck(root, findings, slots=slots, lag=lag, log_start=walk.start)
    report = StoreReport(str(root), state.clean, state.lock, walk.start, tables=tables.files)
    newest = 0
    for found in walk:
        deletion = tables.deleted.get(found.topic)
        if deletion is None or not deletion.covers(found.physical_offset, found.store_timestamp):
            queues.take(found)
        index.take(found)
        pops.take(found, walk)
        report.records += 1
        newest = max(newest, found.store_timestamp)
    report.log_end = walk.end
    report.damages = walk.damages
    _report_walk(walk, files, findings, lag)
    queues.finish(walk.start, walk.end)
    index.finish(walk.end)
    check_checkpoint(root, findings, log_end=walk.end, newest_ms=newest)
    report.timers = check_timers(
        root, findings, log_end=walk.end, precision_ms=timer_precision_ms, lag=lag
    )
    check_offsets(tables, queues.ends(), findings)
    pops.finish(queues.ends())
    report.popping = pops.records
    _note_state(report, findings)
    report.queues, report.units, report.index_entries = len(queues), queues.units, index.entries
    report.findings = list(findings)
    return report


def _check_names(root: Path, files: list[Segment], findings: Findings) -> None:
    for entry in sorted((root / "commitlog").iterdir()):
        if not is_segment_name(entry.name):
            level = PROBLEM if may_be_segment(entry.name) else NOTE
            findings.add(level, PART, "name", entry, None, "not the name of a log file")
    for segment, behind in itertools.pairwise(files):
        if behind.start != segment.end:
            text = f"begins at {behind.start}, the file before it ends at {segment.end}"
            findings.add(PROBLEM, PART, "gap", behind.path, behind.start, text)
        if behind.size != segment.size:
            text = f"{behind.size} bytes, the file before it {segment.size}"
            findings.add(PROBLEM, PART, "size", behind.path, behind.start, text)


def _report_walk(walk: LogWalk, files: list[Segment], findings: Findings, lag: str) -> None:
    for damage in walk.damages:
        text = f"{damage.end - damage.begin} bytes hold no whole record: {damage.reason}"
        findings.add(PROBLEM, PART, "damage", damage.file, damage.begin, text)
    if walk.unused_reason or walk.unused_bytes:
        last = next((s for s in reversed(files) if s.start <= walk.end), files[0])
        reason = walk.unused_reason or "not zero"
        text = f"{walk.unused_bytes} bytes behind the last record are no record: {reason}"
        findings.add(lag, PART, "tail", last.path, walk.end, text)


def _note_state(report: StoreReport, findings: Findings) -> None:
    if report.lock == "held":
        text = "a broker has the store open: this is a look at a moving target"
        findings.add(NOTE, "folder", "lock", "lock", None, text)
    if not report.clean_shutdown:
        text = "the store wasn't closed: the next start recovers"
        findings.add(NOTE, "folder", "abort", "abort", None, text)
