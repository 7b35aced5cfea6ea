"""Rows of the revive log (5.x ``PopReviveService``): what pops handed out, and what was acknowledged of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rmqwire.broker.pop.check_points import message_offsets
from rmqwire.codec import message_const as const
from rmqwire.codec.bodies import AckMsg, BatchAckMsg, PopCheckPoint
from rmqwire.codec.pop import ACK_TAG, BATCH_ACK_TAG, CK_TAG
from rmqwire.errors import BadBody, CorruptLog
from rmqwire.inspector.commitlog import commit_log_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Row = dict[str, Any]

WAITS, ARRIVED = "waits", "arrived"


def revive_log_rows(path: Path, offset: int | None = None) -> Iterator[Row]:
    """Read check points and acks in the order of the commit log.

    A record is there twice: as the timer that lets it wait, and when it has arrived. What timers
    have rolled is there once more.

    Args:
        path: a commit log file, the folder ``commitlog``, or the store's root.
        offset: physical offset (bytes) of the record of the log to begin with.

    Raises:
        StoreError: no such file, or the offset isn't in it.
        CorruptLog: a damaged record; the rows before it have been given.
    """
    for row in commit_log_rows(path, offset):
        if row["kind"] == "message" and is_revive_record(row["topic"], row["properties"]):
            body = row.get("body", "").encode()
            try:
                named = named_by(row["properties"].get(const.PROPERTY_TAGS, ""), body)
            except BadBody as error:
                raise CorruptLog(str(error), row["file"], row["offset"]) from None
            yield {**_place(row), **named}


def is_revive_record(topic: str, properties: Mapping[str, str]) -> bool:
    """Return whether a message is a check point or an ack, arrived or on its way."""
    if topic == const.TIMER_TOPIC:
        topic = properties.get(const.PROPERTY_REAL_TOPIC, "")
    return topic.startswith(const.REVIVE_TOPIC_PREFIX)


def _place(row: Row) -> Row:
    waits = row["topic"] == const.TIMER_TOPIC
    properties = row["properties"]
    queue_id = properties.get(const.PROPERTY_REAL_QUEUE_ID, "0") if waits else row["queueId"]
    return {
        "file": row["file"],
        "offset": row["offset"],
        "state": WAITS if waits else ARRIVED,
        "reviveQueueId": int(queue_id),
        "reviveOffset": None if waits else row["queueOffset"],
        "storeTimestamp": row["storeTimestamp"],
    }


def named_by(tag: str, body: bytes) -> Row:
    """Return what a record of this tag names: a queue, a pop of it, and its messages.

    Raises:
        BadBody: it is none.
    """
    if tag == CK_TAG:
        point = PopCheckPoint.decode(body)
        pop = (point.topic, point.queue_id, point.cid or "", point.start_offset, point.pop_time)
        return _named(tag, pop, message_offsets(point)) | {"visibleTime": point.revive_time}
    if tag not in {ACK_TAG, BATCH_ACK_TAG}:
        raise BadBody(f"a record of the revive log with the tag {tag!r}")
    ack = AckMsg.decode(body) if tag == ACK_TAG else BatchAckMsg.decode(body)
    offsets = ack.ack_offset_list if isinstance(ack, BatchAckMsg) else [ack.ack_offset]
    pop = (ack.topic, ack.queue_id, ack.consumer_group, ack.start_offset, ack.pop_time)
    return _named(tag, pop, offsets)


def _named(tag: str, pop: tuple[str, int, str, int, int], offsets: list[int]) -> Row:
    topic, queue_id, group, start_offset, pop_time = pop
    return {
        "kind": tag,
        "topic": topic,
        "queueId": queue_id,
        "group": group,
        "startOffset": start_offset,
        "popTime": pop_time,
        "offsets": offsets,
    }
