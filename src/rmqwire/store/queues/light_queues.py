"""Messages in more than one queue (``MultiDispatchUtils``, ``LmqDispatch``; RIP-28 light queues).

A message that names queues in INNER_MULTI_DISPATCH (``%LMQ%a,%LMQ%b``) lies in the log once and in
each of them too. With ``enableLmq`` its offsets there are stored in INNER_MULTI_QUEUE_OFFSET; with
``enableMultiDispatch`` too each queue gets a unit. A light queue has the number 0 and no topic
configuration; its folder is like any other queue's. ``enableLmqQuota`` limits how many there are.

The messages of a batch send are in their own queue only, as in Java.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.java_map import hash_map_order
from rmqwire.codec.message_const import (
    DLQ_GROUP_TOPIC_PREFIX,
    LMQ_PREFIX,
    PROPERTY_INNER_MULTI_DISPATCH,
    PROPERTY_INNER_MULTI_QUEUE_OFFSET,
    RETRY_GROUP_TOPIC_PREFIX,
    SYSTEM_TOPIC_PREFIX,
)
from rmqwire.codec.properties import decode_properties, find_property
from rmqwire.errors import BadRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.codec.record import RecordPosition
    from rmqwire.codec.release import Release

LMQ_QUEUE_ID = 0
SEPARATOR = ","
_NAMES = PROPERTY_INNER_MULTI_DISPATCH.encode()
_OFFSETS = PROPERTY_INNER_MULTI_QUEUE_OFFSET.encode()
_NO_LMQ = (RETRY_GROUP_TOPIC_PREFIX, DLQ_GROUP_TOPIC_PREFIX, SYSTEM_TOPIC_PREFIX)
_SCHEDULE_TOPIC = "SCHEDULE_TOPIC_XXXX"


class TooManyLightQueues(BadRecord):
    """A message names a new light queue where ``maxLmqConsumeQueueNum`` are."""


def allows_lmq(topic: str) -> bool:
    """Return whether messages of a topic may be in light queues too (``MixAll.topicAllowsLMQ``)."""
    return not topic.startswith(_NO_LMQ) and topic != _SCHEDULE_TOPIC


def light_queues(topic: str, properties: bytes) -> list[str]:
    """Name what a message asks to be in, light queues and others; empty if nothing."""
    names = find_property(properties, _NAMES)
    if not names or not names.strip() or not allows_lmq(topic):
        return []
    return names.decode("utf-8", "replace").split(SEPARATOR)


def is_light(name: str) -> bool:
    """Return whether a name is a light queue's and can be a folder."""
    return name.startswith(LMQ_PREFIX) and "/" not in name and "\0" not in name


def with_offsets(properties: bytes, offsets: list[int | None], release: Release) -> bytes:
    """Return the property string with the message's offsets in the queues that it names.

    Args:
        properties: as they would be stored.
        offsets: one per name, None (written as nothing) for those that are no light queues.
        release: who orders the properties and ends them.
    """
    found = decode_properties(properties)
    text = SEPARATOR.join("" if offset is None else str(offset) for offset in offsets)
    return _joined(found | {PROPERTY_INNER_MULTI_QUEUE_OFFSET: text}, release)


def with_property(properties: bytes, name: str, value: str, release: Release) -> bytes:
    """Return the property string with one more property, where Java's map would write it."""
    return _joined(decode_properties(properties) | {name: value}, release)


def _joined(properties: dict[str, str], release: Release) -> bytes:
    names = hash_map_order(properties, release.wire.property_map_capacity)
    text = "\x02".join(f"{name}\x01{properties[name]}" for name in names)
    return (text + "\x02" if release.wire.trailing_property_separator else text).encode(
        "utf-8", "replace"
    )


def recorded_queues(found: RecordPosition) -> Iterator[tuple[str, int]]:
    """Return (light queue, offset in it) for each that a record in the log says it is in."""
    offsets = find_property(found.properties, _OFFSETS)
    names = light_queues(found.topic, found.properties) if offsets else []
    if offsets is None or len(names) != len(texts := offsets.split(b",")):
        return
    for name, text in zip(names, texts, strict=True):
        if is_light(name) and text.isdigit():
            yield name, int(text)
