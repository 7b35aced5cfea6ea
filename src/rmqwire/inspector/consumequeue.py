"""Rows of consume queues: where each message of a queue lies (``ConsumeQueue``), or each batch
(``BatchConsumeQueue``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rmqwire.codec.consume_queue import (
    BATCH_UNIT,
    PRE_BLANK,
    UNIT,
    ext_offset,
    unpack_batch_unit,
    unpack_unit,
)
from rmqwire.codec.message_const import RMQ_SYS_SCHEDULE_TOPIC
from rmqwire.errors import CorruptLog
from rmqwire.inspector.commitlog import MAX_RECORD_SIZE
from rmqwire.inspector.consumequeue_ext import ext_unit_of
from rmqwire.inspector.files import Segment, open_file, queue_folders, queue_of, segments

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Row = dict[str, Any]

BATCH_FOLDER = "batchconsumequeue"
_FOLDERS = ("consumequeue", BATCH_FOLDER)
_UNITS_AT_ONCE = 4096


def consume_queue_rows(path: Path, offset: int | None = None) -> Iterator[Row]:
    """Read the units of one queue or of many, each up to where nothing was written.

    Args:
        path: a consume queue file, a queue's folder, a topic's, ``consumequeue``,
            ``batchconsumequeue``, or the root.
        offset: queue offset (messages) to begin with, in every queue.

    Raises:
        StoreError: no such file, or no queue in it.
        CorruptLog: a unit that can't be; the rows before it have been given.
    """
    for folder in queue_folders(path, *_FOLDERS):
        for segment in segments(folder):
            if BATCH_FOLDER in segment.path.parts:
                yield from _batch_rows(segment, offset or 0)
            else:
                yield from _unit_rows(segment, offset or 0)


def _units(segment: Segment, unit: int, pos: int) -> Iterator[tuple[int, bytes]]:
    """Return (position in the queue, bytes) of the units that were written.

    Raises:
        CorruptLog: the file holds no whole units.
    """
    if segment.start % unit:
        reason = f"a file of {unit}-byte units can't begin at {segment.start}"
        raise CorruptLog(reason, str(segment.path), 0)
    with open_file(segment.path) as file:
        file.seek(pos)
        while data := file.read(unit * _UNITS_AT_ONCE):
            for at in range(0, len(data), unit):
                one = data[at : at + unit]
                if not any(one):
                    return
                place = segment.start + pos + at
                if len(one) < unit:
                    raise CorruptLog(f"a unit of {len(one)} bytes", str(segment.path), place)
                yield place, one
            pos += len(data)


def _check(segment: Segment, place: int, physical_offset: int, size: int) -> None:
    if not 0 < size <= MAX_RECORD_SIZE or physical_offset < 0:
        reason = f"a unit with size {size} at commit log offset {physical_offset}"
        raise CorruptLog(reason, str(segment.path), place)


def _unit_rows(segment: Segment, offset: int) -> Iterator[Row]:
    pos = max(offset * UNIT - segment.start, 0)
    if pos >= segment.size:
        return
    topic, queue_id = queue_of(segment.path)
    for place, data in _units(segment, UNIT, pos):
        if data == PRE_BLANK:
            continue
        unit = unpack_unit(data)
        _check(segment, place, unit.physical_offset, unit.size)
        row: Row = {
            "topic": topic,
            "queueId": queue_id,
            "queueOffset": place // UNIT,
            "physicalOffset": unit.physical_offset,
            "size": unit.size,
            "tagsCode": unit.tags_code,
        }
        ext = ext_offset(unit.tags_code)
        if ext is not None:
            row |= _extended(segment.path.parent, ext)
        if topic == RMQ_SYS_SCHEDULE_TOPIC and row["tagsCode"] is not None:
            row["deliverTimestamp"] = row["tagsCode"]
        yield row


def _extended(queue: Path, offset: int) -> Row:
    """Return what an extension unit says; a tags code of None: it isn't there."""
    unit = ext_unit_of(queue, offset)
    if unit is None:
        return {"tagsCode": None, "extOffset": offset}
    return {
        "tagsCode": unit.tags_code,
        "extOffset": offset,
        "storeTimestamp": unit.msg_store_time,
    }


def _batch_rows(segment: Segment, offset: int) -> Iterator[Row]:
    topic, queue_id = queue_of(segment.path)
    for place, data in _units(segment, BATCH_UNIT, 0):
        unit = unpack_batch_unit(data)
        _check(segment, place, unit.physical_offset, unit.size)
        if unit.msg_base_offset + unit.batch_num <= offset:
            continue
        yield {
            "topic": topic,
            "queueId": queue_id,
            "queueOffset": unit.msg_base_offset,
            "messages": unit.batch_num,
            "physicalOffset": unit.physical_offset,
            "size": unit.size,
            "tagsCode": unit.tags_code,
            "storeTimestamp": unit.store_time,
        }
