"""The check points of one queue of the revive log, and what was acknowledged of them.

Records come in the log's order: a check point, later its acks. What is due and not acknowledged comes
again; the group's offset in the revive log passes a check point only when nothing of it can be lost.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from rmqwire.codec import bodies

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# How long after the last moment that the timers have delivered all of: ackTimeInterval and a second
SAFETY_MS = 2_000


class PointKey(NamedTuple):
    """What an ack and its check point have in common (Java's merge key)."""

    topic: str
    group: str
    queue_id: int
    start_offset: int
    pop_time: int
    broker_name: str


class PendingPoint:
    """A check point that was read.

    Args:
        point: it.
        revive_offset: its queue offset in the revive log.

    Attributes:
        open: offsets of its messages that are neither acknowledged nor back in their queue.
        end: where in the log the last copy of its messages ends, in bytes.
        busy: copies that are being stored.
        retry_ms: not looked at before; wall clock.
    """

    __slots__ = ("busy", "end", "open", "point", "retry_ms", "revive_offset")

    def __init__(self, point: bodies.PopCheckPoint, revive_offset: int) -> None:
        self.point = point
        self.revive_offset = revive_offset
        self.open = set(message_offsets(point))
        self.end = 0
        self.busy = 0
        self.retry_ms = 0


class CheckPoints:
    """All that are read and not passed yet."""

    def __init__(self) -> None:
        self._by_key: dict[PointKey, list[PendingPoint]] = {}
        self._in_order: deque[PendingPoint] = deque()

    def __len__(self) -> int:
        return len(self._in_order)

    def add(self, point: bodies.PopCheckPoint, revive_offset: int) -> None:
        """Take a check point; one with the key of another stands beside it, not in its place."""
        pending = PendingPoint(point, revive_offset)
        self._in_order.append(pending)
        self._by_key.setdefault(point_key(point), []).append(pending)

    def acknowledge(self, ack: bodies.AckMsg, revive_ms: int | None, broker_name: str) -> bool:
        """Take an ack; False when its check point isn't here: it has come again already.

        A message whose time is changed in the millisecond of its pop has two check points of one
        key. Java's ack of the first takes the second away, and the message is lost; here the time
        tells them apart.

        Args:
            ack: of one message or of several.
            revive_ms: the ``revive_time`` of its check point; None when it isn't known.
            broker_name: ours, for an ack that doesn't say whose it is.
        """
        key = PointKey(
            ack.topic,
            ack.consumer_group,
            ack.queue_id,
            ack.start_offset,
            ack.pop_time,
            ack.broker_name or broker_name,
        )
        meant = [
            pending
            for pending in self._by_key.get(key, ())
            if revive_ms is None or pending.point.revive_time == revive_ms
        ]
        offsets: Sequence[int] = (
            ack.ack_offset_list if isinstance(ack, bodies.BatchAckMsg) else (ack.ack_offset,)
        )
        for pending in meant:  # more than one: the timers delivered a check point twice
            pending.open.difference_update(offsets)
        return bool(meant)

    def due(self, read_to_ms: int, now_ms: int) -> Iterator[PendingPoint]:
        """Return the check points of which all acks in time have been read, in order.

        Args:
            read_to_ms: everything that was to be delivered until then has been read.
            now_ms: wall clock, for those that are tried again.
        """
        for pending in list(self._in_order):
            if read_to_ms - pending.point.revive_time <= SAFETY_MS:
                return
            if pending.open and not pending.busy and pending.retry_ms <= now_ms:
                yield pending

    def pass_settled(self, read_to_ms: int, flushed: int) -> int:
        """Forget the check points at the front that nothing is to be done about any more.

        Args:
            read_to_ms: see ``due``.
            flushed: up to where the log is on the disk, in bytes.

        Returns:
            The revive offset of the last one, -1 when there was none.
        """
        passed = -1
        while self._in_order:
            first = self._in_order[0]
            if read_to_ms - first.point.revive_time <= SAFETY_MS:
                break
            if first.open or first.busy or first.end > flushed:
                break
            self._in_order.popleft()
            key = point_key(first.point)
            beside = self._by_key[key]
            beside.remove(first)
            if not beside:
                del self._by_key[key]
            passed = first.revive_offset
        return passed


def point_key(point: bodies.PopCheckPoint) -> PointKey:
    """Return the key of a check point's acks."""
    return PointKey(
        point.topic,
        point.cid or "",
        point.queue_id,
        point.start_offset,
        point.pop_time,
        point.broker_name,
    )


def message_offsets(point: bodies.PopCheckPoint) -> list[int]:
    """Return the queue offsets of a check point's messages that its bit map leaves open."""
    diffs = point.queue_offset_diff
    offsets = (
        range(point.start_offset, point.start_offset + point.num)  # of brokers before 5.0
        if not diffs
        else [point.start_offset + diff for diff in diffs[: point.num]]
    )
    return [offset for i, offset in enumerate(offsets) if not point.bit_map >> i & 1]
