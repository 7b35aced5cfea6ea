"""Rows of extension files (``ConsumeQueueExt``): tags codes, store times and bits of filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rmqwire.codec.consume_queue import EXT_END_SIZE, ConsumeQueueExtUnit, unpack_ext_unit
from rmqwire.errors import BadRecord, CorruptLog, StoreError
from rmqwire.inspector.files import Segment, open_file, queue_folders, queue_of, segments

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Row = dict[str, Any]

FOLDER = "consumequeue_ext"
_LARGEST = 0x7FFF  # bytes of a unit: its size stands in two
_NOTHING = b"\0\0"
_END = EXT_END_SIZE.to_bytes(2, "big", signed=True)


def ext_rows(path: Path, offset: int | None = None) -> Iterator[Row]:
    """Read the units of one queue's files or of many.

    Args:
        path: an extension file, a queue's folder, a topic's, ``consumequeue_ext``, or the root.
        offset: of the unit (bytes) to begin with, in every queue.

    Raises:
        StoreError: no such file, or none of these in it.
        CorruptLog: a unit that can't be; the rows before it have been given.
    """
    for folder in queue_folders(path, FOLDER):
        for segment in segments(folder):
            if segment.end > (offset or 0):
                yield from _segment_rows(segment, max((offset or 0) - segment.start, 0))


def _segment_rows(segment: Segment, pos: int) -> Iterator[Row]:
    topic, queue_id = queue_of(segment.path)
    with open_file(segment.path) as file:
        file.seek(pos)
        data = file.read()
    at = 0
    while len(data) - at > 1 and data[at : at + 2] not in {_NOTHING, _END}:
        try:
            unit = unpack_ext_unit(data, at)
        except BadRecord as error:
            place = segment.start + pos + at
            raise CorruptLog(f"extension unit: {error}", str(segment.path), place) from None
        assert unit is not None
        yield {
            "topic": topic,
            "queueId": queue_id,
            "extOffset": segment.start + pos + at,
            "size": unit.size,
            "tagsCode": unit.tags_code,
            "storeTimestamp": unit.msg_store_time,
            "bitMap": unit.bit_map.hex(),
        }
        at += unit.size


def find_ext_unit(folder: Path, offset: int) -> ConsumeQueueExtUnit | None:
    """Return the unit at ``offset`` of a queue's extension files, None if none begins there.

    Raises:
        StoreError: the files can't be read.
        BadRecord: what stands there is no unit.
    """
    for segment in segments(folder):
        if segment.start <= offset < segment.end:
            with open_file(segment.path) as file:
                file.seek(offset - segment.start)
                return unpack_ext_unit(file.read(_LARGEST))
    return None


def ext_folder_of(queue: Path) -> Path:
    """Return where a queue (``consumequeue/TOPIC/ID``) has its extension files."""
    return queue.parents[2] / FOLDER / queue.parent.name / queue.name


def ext_unit_of(queue: Path, offset: int) -> ConsumeQueueExtUnit | None:
    """Return the extension unit of a queue's unit; None if it can't be had."""
    try:
        return find_ext_unit(ext_folder_of(queue), offset)
    except (StoreError, BadRecord, IndexError):
        return None
