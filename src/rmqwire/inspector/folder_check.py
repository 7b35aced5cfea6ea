"""The small files of a store: who has it open, the checkpoint, the broker's tables."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rmqwire.codec import java_json
from rmqwire.codec.checkpoint import StoreCheckpoint
from rmqwire.disk import file_lock
from rmqwire.errors import BadBody, BadRecord, StoreError
from rmqwire.inspector.files import read_file
from rmqwire.inspector.findings import NOTE, PROBLEM
from rmqwire.store.deleted_topics import NAME as DELETED_TOPICS
from rmqwire.store.deleted_topics import Deletion, decode_deletions

if TYPE_CHECKING:
    from pathlib import Path

    from rmqwire.inspector.findings import Findings

_OFFSETS = ("consumerOffset.json", "lmqConsumerOffset.json")
_BATCH_KIND = "BatchCQ"
_QUEUE_TYPE = ("+queue.type", "queue.type")


@dataclass(slots=True)
class FolderState:
    """How a store was left: ``lock`` is "free", "held" or "unknown"."""

    clean: bool
    lock: str


def folder_state(root: Path) -> FolderState:
    """Tell how a store was left, without changing anything."""
    return FolderState(not (root / "abort").exists(), lock_state(root / "lock"))


def lock_state(path: Path) -> str:
    """Ask whether a broker, Java's or ours, holds the lock; nothing is kept locked."""
    if not path.exists():
        return "free"
    try:
        with path.open("r+b") as file:
            try:
                file_lock.take(file.fileno())
            except OSError as error:
                return "unknown" if error.errno == errno.ENOTSUP else "held"
    except OSError:
        return "unknown"
    return "free"


@dataclass(slots=True)
class Tables:
    """What the check needs of the broker's tables."""

    topics: set[str]
    batch_topics: set[str]
    offsets: dict[str, dict[str, dict[Any, Any]]]  # file -> topic@group -> queue id -> offset
    deleted: dict[str, Deletion]
    files: int


def check_tables(root: Path, findings: Findings) -> Tables:
    """Read every table of ``config``; one that can't be read is a problem."""
    tables = Tables(set(), set(), {}, {}, 0)
    folder = root / "config"
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        table = _table(path, findings)
        tables.files += 1
        if path.name == "topics.json":
            configs = _dict(table.get("topicConfigTable"))
            tables.topics = set(configs)
            tables.batch_topics = {name for name, one in configs.items() if _is_batch(_dict(one))}
        elif path.name == DELETED_TOPICS:
            tables.deleted = _deletions(path)
        elif path.name in _OFFSETS:
            offsets = _dict(table.get("offsetTable"))
            tables.offsets[path.name] = {name: _dict(queues) for name, queues in offsets.items()}
            light = _dict(table.get("lmqOffsetTable"))
            tables.offsets[path.name] |= {name: {0: offset} for name, offset in light.items()}
    return tables


def _table(path: Path, findings: Findings) -> dict[str, Any]:
    try:
        found = java_json.loads(read_file(path))
        if isinstance(found, dict):
            return found
        text = "no JSON object"
    except (BadBody, StoreError) as error:
        text = str(error)
    if path.with_name(path.name + ".bak").exists():
        text += "; a start takes the .bak beside it"
    findings.add(PROBLEM, "config", "table", path, 0, text)
    return {}


def _deletions(path: Path) -> dict[str, Deletion]:
    try:
        return decode_deletions(read_file(path))
    except (BadBody, StoreError):
        return {}  # ``_table`` has told it, or what it holds is no deletion: then nothing was deleted


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_batch(config: dict[str, Any]) -> bool:
    attributes = _dict(config.get("attributes"))
    return any(attributes.get(name) == _BATCH_KIND for name in _QUEUE_TYPE)


def check_offsets(tables: Tables, ends: dict[tuple[str, int], int], findings: Findings) -> None:
    """Compare the groups' offsets with the queues' ends: beyond the end is noted."""
    groups = ((file, *one) for file, table in tables.offsets.items() for one in table.items())
    for file, name, queues in groups:
        topic = name.partition("@")[0]
        for queue_id, offset in queues.items():
            if not (str(queue_id).isdecimal() and isinstance(offset, int)):
                continue
            end = ends.get((topic, int(queue_id)))
            if end is not None and offset > end:
                text = f"{name} queue {queue_id} stands at {offset}, the queue ends at {end}"
                findings.add(NOTE, "config", "offset", file, offset, text)


def check_checkpoint(
    root: Path, findings: Findings, *, log_end: int, newest_ms: int
) -> StoreCheckpoint | None:
    """Compare the checkpoint with the log: it must not promise what isn't there.

    Args:
        root: the store's folder.
        findings: where findings go.
        log_end: end of the log in bytes.
        newest_ms: store time of the newest record, ms; 0 if there is none.
    """
    path = root / "checkpoint"
    if not path.exists():
        findings.add(NOTE, "checkpoint", "absent", path, None, "no checkpoint")
        return None
    try:
        found = StoreCheckpoint.decode(read_file(path))
    except (BadRecord, StoreError) as error:
        findings.add(PROBLEM, "checkpoint", "bad", path, 0, str(error))
        return None
    times = {
        "physicMsgTimestamp": found.physic_msg_timestamp,
        "logicsMsgTimestamp": found.logics_msg_timestamp,
        "indexMsgTimestamp": found.index_msg_timestamp,
    }
    for name, value in times.items():
        if value > newest_ms:
            text = f"{name} {value} is newer than the newest record ({newest_ms})"
            findings.add(PROBLEM, "checkpoint", name, path, None, text)
    places = {
        "masterFlushedOffset": found.master_flushed_offset,
        "confirmPhyOffset": found.confirm_phy_offset,
        "logicsPhysicalOffset": found.logics_physical_offset,
    }
    for name, value in places.items():
        if value > log_end:
            text = f"{name} {value} is behind the log's end {log_end}"
            findings.add(PROBLEM, "checkpoint", name, path, None, text)
    return found
