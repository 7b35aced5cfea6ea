"""What a store tells its owner, and in which order; what it asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    BitsOf = Callable[[str], Callable[[Mapping[str, str]], bytes] | None]
    Arrived = Callable[[str, int, int, int], None]


class RecoveryProgress(msgspec.Struct):
    """How far a scan of the log is.

    Args:
        done: bytes scanned.
        total: bytes there are to scan at most.
        records: found in them.
        finished: the scan is over.
    """

    done: int
    total: int
    records: int
    finished: bool = False


def nothing(*_: object) -> None:
    """Do nothing: nobody wants to know."""


class StoreEvents(msgspec.Struct):
    """The callbacks of one store; all run in the event loop and must not raise.

    In the order of one pass::

        written       the log has grown: slaves want its bytes
        flush_wanted  (SYNC_FLUSH) puts wait for the disk
        arrived       messages are visible to readers

    With SYNC_FLUSH, ``arrived`` follows the flush. Outside of a pass::

        stalled       a pass of puts took long
        recovering    how far the opening is
        broken        a write or flush failed for good: only a restart helps; called once

    Args:
        written: no arguments.
        flush_wanted: no arguments.
        arrived: (topic, queue id, end of the queue, tags code), once for each queue that grew and
            each tags code among its new messages.
        awaited: whether anybody wants to know of a plain message's arrival now.
        stalled: what it took, ms; before its answers.
        recovering: a ``RecoveryProgress``.
        broken: no arguments; the reason is ``MessageStore.read_only_reason``.
    """

    written: Callable[[], None] = nothing
    flush_wanted: Callable[[], None] = nothing
    arrived: Arrived = nothing
    awaited: Callable[[], bool] = lambda: True
    stalled: Callable[[int], None] = nothing
    recovering: Callable[[RecoveryProgress], None] = nothing
    broken: Callable[[], None] = nothing


class TopicQuestions(msgspec.Struct):
    """What a store asks its owner about a topic.

    Args:
        is_batch: whether its queues are of kind BatchCQ.
        bits_of: what makes the bit maps of its messages' extension units, from their properties;
            None when they have none.
    """

    is_batch: Callable[[str], bool] = lambda _: False
    bits_of: BitsOf = lambda _: None
