"""Rows of consume queues (``ConsumeQueue``): where each message of a queue lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rmqwire.codec.consume_queue import PRE_BLANK, UNIT, ext_offset, unpack_unit
from rmqwire.codec.message_const import RMQ_SYS_SCHEDULE_TOPIC
from rmqwire.errors import CorruptLog, StoreError
from rmqwire.inspector.commitlog import MAX_RECORD_SIZE
from rmqwire.inspector.files import Segment, is_segment_name, open_file, segments

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Row = dict[str, Any]

_UNITS_AT_ONCE = 4096
_NOTHING = bytes(UNIT)


def consume_queue_rows(path: Path, offset: int | None = None) -> Iterator[Row]:
    """Read the units of one queue or of many, each up to where nothing was written.

    Args:
        path: a consume queue file, a queue's folder, a topic's, ``consumequeue``, or the root.
        offset: queue offset (messages) to begin with, in every queue.

    Raises:
        StoreError: no such file, or no queue in it.
        CorruptLog: a unit that can't be; the rows before it have been given.
    """
    for folder in queue_folders(path):
        for segment in segments(folder):
            yield from _segment_rows(segment, offset)


def queue_folders(path: Path) -> list[Path]:
    """Give the folders of all queues under ``path``, or the file itself.

    Raises:
        StoreError: nothing there, or no queue in it.
    """
    if not path.exists():
        raise StoreError(f"{path}: no such file or folder")
    if path.is_file():
        return [path]
    if (path / "consumequeue").is_dir():
        path = path / "consumequeue"
    found = {entry.parent for entry in path.rglob("*") if is_segment_name(entry.name)}
    if not found:
        raise StoreError(f"{path}: no consume queue files in this folder")
    return sorted(found, key=_queue_order)


def _queue_order(folder: Path) -> tuple[str, int]:
    return folder.parent.name, int(folder.name) if folder.name.isdecimal() else 0


def _segment_rows(segment: Segment, offset: int | None) -> Iterator[Row]:
    if segment.start % UNIT:
        reason = f"a file of {UNIT}-byte units can't begin at {segment.start}"
        raise CorruptLog(reason, str(segment.path), 0)
    topic, queue_id = segment.path.parts[-3:-1] if len(segment.path.parts) > 2 else ("", "")
    pos = max((offset or 0) * UNIT - segment.start, 0)
    if pos >= segment.size:
        return
    with open_file(segment.path) as file:
        file.seek(pos)
        while data := file.read(UNIT * _UNITS_AT_ONCE):
            for at in range(0, len(data), UNIT):
                unit = data[at : at + UNIT]
                if unit == _NOTHING:
                    return
                if unit != PRE_BLANK:
                    yield _row(segment, pos + at, unit, topic, queue_id)
            pos += len(data)


def _row(segment: Segment, pos: int, data: bytes, topic: str, queue_id: str) -> Row:
    place = str(segment.path), segment.start + pos
    if len(data) < UNIT:
        raise CorruptLog(f"a unit of {len(data)} bytes", *place)
    unit = unpack_unit(data)
    if not 0 < unit.size <= MAX_RECORD_SIZE or unit.physical_offset < 0:
        reason = f"a unit with size {unit.size} at commit log offset {unit.physical_offset}"
        raise CorruptLog(reason, *place)
    row: Row = {
        "topic": topic,
        "queueId": int(queue_id) if queue_id.isdecimal() else queue_id,
        "queueOffset": (segment.start + pos) // UNIT,
        "physicalOffset": unit.physical_offset,
        "size": unit.size,
        "tagsCode": unit.tags_code,
    }
    ext = ext_offset(unit.tags_code)
    if topic == RMQ_SYS_SCHEDULE_TOPIC:
        row["deliverTimestamp"] = unit.tags_code
    elif ext is not None:
        row["extOffset"] = ext
    return row
