"""Cut a damaged log, or have a store's derived files rebuilt (``rmqwire store repair``).

Whatever is changed or taken away lies in a backup folder first, and the store's lock is held
meanwhile. Afterwards the store looks like one that wasn't closed and has no checkpoint: the next
start, Java's or ours, reads the whole log and builds consume queues and index from it.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmqwire.codec.record import check_record
from rmqwire.errors import BadRecord, StoreError
from rmqwire.inspector.commitlog import MAX_RECORD_SIZE
from rmqwire.inspector.export import export_messages
from rmqwire.inspector.files import open_file
from rmqwire.inspector.verify import StoreReport, log_segments

if TYPE_CHECKING:
    from rmqwire.disk.files import FileLayer
    from rmqwire.inspector.files import Segment

DERIVED = (
    "consumequeue",
    "batchconsumequeue",
    "consumequeue_ext",
    "index",
    "checkpoint",
    "rmqwire.mark",
)
LOST_MESSAGES = "lost-messages.jsonl"
_BLOCK = 1 << 20  # bytes


@dataclass(slots=True)
class RepairPlan:
    """What a repair would do to a store.

    Args:
        root: the store's folder.
        cut_at: offset (bytes) behind which the log is emptied, None to leave the log alone.
        zeroed: the log's file that is emptied from there on.
        moved: files and folders that go to the backup.
    """

    root: Path
    cut_at: int | None = None
    zeroed: Segment | None = None
    moved: list[Path] = field(default_factory=list)

    def steps(self) -> list[str]:
        """Say what would be done, a line each."""
        lines = []
        if self.zeroed is not None:
            lines.append(f"copy {self.zeroed.path} to the backup, zero it from {self.cut_at} on")
        lines += [f"move {path} to the backup" for path in self.moved]
        if lines:
            if self.cut_at is not None:
                lines.append(f"write the messages behind the cut to {LOST_MESSAGES} in the backup")
            lines.append("leave an abort file: the next start reads the whole log")
        return lines


def default_cut(report: StoreReport) -> int | None:
    """Return where a damaged log is to be cut: at its first damage; None if it has none."""
    if report.damages:
        return report.damages[0].begin
    torn = any(f.part == "commitlog" and f.offset == report.log_end for f in report.findings)
    return report.log_end if torn else None


def plan_repair(root: Path, *, cut_at: int | None, rebuild: bool) -> RepairPlan:
    """Plan a repair.

    Args:
        root: the store's folder.
        cut_at: offset (bytes) of a record, or the log's end; None for no cut.
        rebuild: have the derived files rebuilt; a cut has that done anyway.

    Raises:
        StoreError: no store, or no record begins at ``cut_at``.
    """
    files = log_segments(root)
    plan = RepairPlan(root, cut_at)
    if cut_at is not None:
        plan.zeroed = _segment_of(files, cut_at)
        # The first file stays, emptied: its name says where the log goes on.
        plan.moved = [segment.path for segment in files[1:] if segment.start >= cut_at]
        if plan.zeroed is not None and plan.zeroed.path in plan.moved:
            plan.zeroed = None
    if cut_at is not None or rebuild:
        plan.moved += [root / name for name in DERIVED if (root / name).exists()]
    return plan


def _segment_of(files: list[Segment], offset: int) -> Segment | None:
    for segment in files:
        if segment.start <= offset < segment.end:
            return segment
    if files and offset == files[-1].end:
        return None
    raise StoreError(f"offset {offset} is not in this commit log")


def check_cut(root: Path, report: StoreReport, offset: int) -> None:
    """See that a cut leaves whole records only.

    Raises:
        StoreError: neither a record, nor damage, nor the end begins there.
    """
    if offset == report.log_end or any(d.begin == offset for d in report.damages):
        return
    segment = _segment_of(log_segments(root), offset)
    if segment is not None:
        with open_file(segment.path) as file:
            file.seek(offset - segment.start)
            try:
                found = check_record(file.read(min(segment.size, MAX_RECORD_SIZE)))
                if found.is_blank or found.physical_offset == offset:
                    return
            except BadRecord:
                pass  # told below
    raise StoreError(f"no record begins at {offset}: a cut there would leave half of one")


def apply_repair(plan: RepairPlan, backup: Path, files: FileLayer) -> dict[str, Any]:
    """Do what a plan says, the backup first.

    Args:
        plan: what to do.
        backup: a folder that doesn't exist yet.
        files: the disk.

    Returns:
        What was done, as it also stands in ``repair.json`` in the backup.

    Raises:
        StoreLocked: a broker has the store open; nothing was changed.
        StoreError: the backup folder is there already.
        OSError: the disk failed; what was moved is in the backup.
    """
    lock = files.lock(str(plan.root / "lock"))
    try:
        try:
            backup.mkdir(parents=True)
        except FileExistsError:
            raise StoreError(f"{backup} is there already: name another backup folder") from None
        lost = _save_lost(plan, backup)
        if plan.zeroed is not None:
            _back_up(plan, backup, plan.zeroed.path, shutil.copy2)
        done = {"root": str(plan.root), "cutAt": plan.cut_at, "lost": lost, "steps": plan.steps()}
        (backup / "repair.json").write_text(json.dumps(done, indent=2) + "\n")
        _sync_tree(backup, files)
        (plan.root / "abort").touch()
        if plan.zeroed is not None and plan.cut_at is not None:
            _zero_from(plan.zeroed, plan.cut_at, files)
        for path in reversed(plan.moved):  # the log's last file first: it never has a gap
            _back_up(plan, backup, path, shutil.move)
        files.fsync_dir(str(plan.root))
    finally:
        files.unlock(lock)
    return done


def _save_lost(plan: RepairPlan, backup: Path) -> int:
    """Write the messages that the cut takes away to the backup; give how many."""
    if plan.cut_at is None:
        return 0
    with (backup / LOST_MESSAGES).open("w", encoding="utf-8") as out:
        return export_messages(plan.root, out, plan.cut_at)


def _back_up(plan: RepairPlan, backup: Path, path: Path, how: Any) -> None:  # noqa: ANN401  shutil's own
    target = backup / path.relative_to(plan.root)
    target.parent.mkdir(parents=True, exist_ok=True)
    how(str(path), str(target))


def _sync_tree(folder: Path, files: FileLayer) -> None:
    for here, _, names in os.walk(folder):
        for name in names:
            handle = files.open(str(Path(here) / name))
            try:
                files.datasync(handle)
            finally:
                files.close(handle)
        files.fsync_dir(here)


def _zero_from(segment: Segment, offset: int, files: FileLayer) -> None:
    handle = files.open(str(segment.path))
    try:
        for begin in range(offset - segment.start, segment.size, _BLOCK):
            size = min(_BLOCK, segment.size - begin)
            if files.pread(handle, size, begin).count(0) != size:
                files.pwrite(handle, bytes(size), begin)
        files.datasync(handle)
    finally:
        files.close(handle)
