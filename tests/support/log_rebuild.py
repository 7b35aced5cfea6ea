"""Consume queues made from the bytes of a commit log alone, without any code of the store.

The oracle of I8: offsets and names are written out here once more, by the record layout.
"""

from __future__ import annotations

from struct import Struct

from rmqwire.codec.consume_queue import EXT_MAX_ADDRESS
from rmqwire.codec.java_hash import tags_code
from rmqwire.codec.properties import decode_properties
from rmqwire.store.deleted_topics import Deletion
from rmqwire.store.queues.ext_queue import ExtConsumeQueue

_HEAD = Struct(">iiiiiqqi")  # size magic bodyCrc queueId flag queueOffset physicalOffset sysFlag
_INT = Struct(">i")
_BLANK = -875286124
_V1, _V2 = -626843481, -626843477


def log_bytes(files, config) -> tuple[int, bytes]:
    """Return (first offset, all bytes) of a log's files."""
    folder = config.commit_log_path
    names = files.list(folder)
    parts = []
    for name in names:
        handle = files.open(f"{folder}/{name}")
        parts.append(files.pread(handle, files.size(f"{folder}/{name}"), 0))
        files.close(handle)
    return int(names[0]) if names else 0, b"".join(parts)


def rebuild_queues(
    files, config, end: int, deleted: dict[str, Deletion]
) -> dict[tuple[str, int], list[tuple[int, int, int]]]:
    """Return (topic, queue id) -> units (physical offset, size, tags code) below ``end``.

    Records that a topic's deletion covers have none.
    """
    start, log = log_bytes(files, config)
    found: dict[tuple[str, int], list[tuple[int, int, int]]] = {}
    pos = 0
    while start + pos + 8 <= end:
        size, magic = _HEAD.unpack_from(log.ljust(pos + 48, b"\0"), pos)[:2]
        if magic == _BLANK and size > 0:
            pos += size
        elif magic in {_V1, _V2} and size > 0:
            place, code, stored = _record(log, pos, magic)
            gone = deleted.get(place[0]) if place is not None else None
            if place is not None and (gone is None or not gone.covers(start + pos, stored)):
                found.setdefault(place, []).append((start + pos, size, code))
            pos += size
        else:
            break
    return found


def _record(log, pos, magic):
    _, _, _, queue_id, _, _, _, sys_flag = _HEAD.unpack_from(log, pos)
    if sys_flag & 0xC in {0x4, 0xC}:
        return None, 0, 0
    at = pos + 40 + 8 + (20 if sys_flag & 0x10 else 8) + 8 + (20 if sys_flag & 0x20 else 8) + 4 + 8
    (body_size,) = _INT.unpack_from(log, at)
    stored = int.from_bytes(
        log[at - 20 - (20 if sys_flag & 0x20 else 8) : at - 12 - (20 if sys_flag & 0x20 else 8)],
        "big",
    )
    at += 4 + body_size
    if magic == _V1:
        topic_size, at = log[at], at + 1
    else:
        topic_size, at = int.from_bytes(log[at : at + 2], "big"), at + 2
    topic = log[at : at + topic_size].decode()
    at += topic_size
    properties_size = int.from_bytes(log[at : at + 2], "big")
    properties = decode_properties(log[at + 2 : at + 2 + properties_size])
    return (topic, queue_id), tags_code(properties.get("TAGS")), stored


def served_queues(store) -> dict[tuple[str, int], list[tuple[int, int, int]]]:
    """Return the units that a store serves, in the same form."""
    found = {}
    for topic in store.topics():
        for queue_id in store.queue_ids(topic):
            queue = store.queues.find(topic, queue_id)
            units = [queue.unit(at) for at in range(queue.min_offset, queue.max_offset)]
            if isinstance(queue, ExtConsumeQueue):
                units = [(*unit[:2], _tags_code(queue, unit[2])) for unit in units]
            if units:
                found[topic, queue_id] = units
    return found


def _tags_code(queue: ExtConsumeQueue, code: int) -> int | None:
    """Return the tags code of a unit: its own, or that of its extension unit if it is there."""
    if code > EXT_MAX_ADDRESS:
        return code
    unit = queue.ext.unit(code)
    return None if unit is None else unit.tags_code
