"""What the queue of timers tells of its messages, read without building them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rmqwire.broker.delivery.timer_delivery import roll_times
from rmqwire.codec import message_const as const
from rmqwire.codec.consume_queue import UNIT_STRUCT
from rmqwire.codec.properties import decode_properties
from rmqwire.codec.record import read_position
from rmqwire.errors import BadRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.store.log.commit_log import CommitLog

ROLLED = const.PROPERTY_TIMER_ROLL_TIMES.encode()


class TimerHead(NamedTuple):
    """One message of the queue.

    Args:
        offset_py: where its record begins in the commit log.
        size_py: bytes of the record.
        out_ms: the time at which its tick begins, as its property says; "" without one.
        topic: the topic it is for.
        unique: its unique key.
        deletes: what it takes out; None: nothing.
        roll_times: how often it went through the queue again.
    """

    offset_py: int
    size_py: int
    out_ms: str
    topic: str | None
    unique: str
    deletes: str | None
    roll_times: int

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells a timer from others, and stays the same when it's rolled."""
        return self.unique, self.deletes or "", self.out_ms


def read_heads(log: CommitLog, units: bytes) -> list[TimerHead | None]:
    """Read the messages of some units, ascending; None for one that can't be read.

    CRCs aren't compared: who delivers a message reads it again.

    Raises:
        OSError: the disk failed.
    """
    return [
        _head(place, size, record) if record else None for place, size, record in _read(log, units)
    ]


def rolled_heads(log: CommitLog, units: bytes) -> Iterator[TimerHead]:
    """Return those of the messages that went through the queue again.

    Raises:
        OSError: the disk failed.
    """
    for place, size, record in _read(log, units):
        head = _head(place, size, record) if ROLLED in record else None
        if head is not None and head.roll_times:
            yield head


def _read(log: CommitLog, units: bytes) -> Iterator[tuple[int, int, bytes]]:
    ranges = [(place, size) for place, size, _ in UNIT_STRUCT.iter_unpack(units)]
    for (place, size), record in zip(ranges, log.read_ranges(ranges), strict=True):
        yield place, size, record


def _head(place: int, size: int, record: bytes) -> TimerHead | None:
    try:
        found = read_position(record)
    except BadRecord:
        return None
    there = found.total_size == size and not found.is_blank
    if not there or found.physical_offset != place or found.topic != const.TIMER_TOPIC:
        return None
    properties = decode_properties(found.properties)
    return TimerHead(
        place,
        size,
        properties.get(const.PROPERTY_TIMER_OUT_MS, ""),
        properties.get(const.PROPERTY_REAL_TOPIC),
        properties.get(const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX, ""),
        properties.get(const.PROPERTY_TIMER_DEL_UNIQKEY),
        roll_times(properties),
    )
