"""Records of a pull's answer, read only as far as most listeners look at them.

A head is a tuple, because each message has one and nothing in Python is made faster::

    topic, body, index in its queue, system flag, deliveries before this one, queue id,
    where in the record the properties begin, the record, the broker's name,
    index of the queue's oldest message, of its next one

The last three are the same in all of an answer. No part is an object that the garbage collector looks at.
The native lane makes the same heads of a whole answer in one call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from rmqwire.codec.message_const import PROPERTY_TAGS
from rmqwire.codec.native import is_native
from rmqwire.codec.properties import find_property
from rmqwire.codec.record import locate_fields, read_message

if TYPE_CHECKING:
    from rmqwire.codec.message import StoredMessage

RecordHead: TypeAlias = tuple[str, bytes, int, int, int, int, int, bytes, str, int, int]
Heads: TypeAlias = tuple[list[RecordHead], int, int]
"""All of an answer, the system flags of any of them, the least index in the queue."""
ReadHeads: TypeAlias = Callable[[bytes, str, int, int], Heads]

NO_INDEX: Final = (1 << 63) - 1  # the lowest index of no record
_TAGS = PROPERTY_TAGS.encode()


def head_tags(head: RecordHead) -> str | None:
    """Return TAGS, read alone."""
    value = find_property(head[7], _TAGS, head[6])
    return None if value is None else value.decode("utf-8", "replace")


def read_head(head: RecordHead) -> StoredMessage:
    """Read all of a record."""
    return read_message(head[7], 0)


def heads_in_python(data: bytes, broker_name: str, min_offset: int, max_offset: int) -> Heads:
    """Return the heads of records that follow each other.

    Args:
        data: the records.
        broker_name: for each head, as the next two are.
        min_offset: index of the queue's oldest message.
        max_offset: index of the next message that it will get.

    Raises:
        BadRecord: one that is cut off or inconsistent; ``offset`` says where it begins.
    """
    heads: list[RecordHead] = []
    pos, end, flags, lowest = 0, len(data), 0, NO_INDEX
    raw_topic, topic = b"", ""
    while pos < end:
        fields, body_at, topic_at, properties_at = locate_fields(data, pos)
        stop = pos + fields[0]
        if data[topic_at : properties_at - 2] != raw_topic:
            raw_topic = data[topic_at : properties_at - 2]
            topic = raw_topic.decode("utf-8", "replace")
        flags |= fields[7]
        lowest = min(lowest, fields[5])
        heads.append(
            (
                topic,
                data[body_at : body_at + fields[14]],
                fields[5],
                fields[7],
                fields[12],
                fields[3],
                properties_at - pos,
                data[pos:stop],
                broker_name,
                min_offset,
                max_offset,
            )
        )
        pos = stop
    return heads, flags, lowest


def heads_reader() -> ReadHeads:
    """Return what does the same as ``heads_in_python``: the native lane if there is one.

    Raises:
        ConfigError: the switch wants a lane that can't be used.
    """
    if not is_native():
        return heads_in_python
    from rmqwire_speedups import record_heads  # noqa: PLC0415  a distribution of its own

    def read(data: bytes, broker_name: str, min_offset: int, max_offset: int) -> Heads:
        found = record_heads(data, broker_name, min_offset, max_offset)
        if found is None:
            return heads_in_python(
                data, broker_name, min_offset, max_offset
            )  # it says what is wrong
        return found

    return read
