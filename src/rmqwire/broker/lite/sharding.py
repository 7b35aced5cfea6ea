"""Which broker of a cluster has a lite topic (``LiteShardingImpl``).

Producers and brokers compute it alone: the hash of the lite topic's name chooses one of the parent
topic's write queues.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.codec.java_hash import string_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rmqwire.codec.bodies import MessageQueue

_MASK: Final = 2**64 - 1
_FACTOR: Final = 2862933555777941757


def consistent_hash(value: int, buckets: int) -> int:
    """Return the bucket of a number (Guava's ``Hashing.consistentHash``).

    Args:
        value: a Java long.
        buckets: how many there are, at least one.
    """
    state, candidate = value & _MASK, 0
    while True:
        state = (_FACTOR * state + 1) & _MASK
        chance = ((state >> 33) + 1) / 2**31
        following = int((candidate + 1) / chance)
        if following >= buckets:
            return candidate
        candidate = following


class LiteSharding:
    """Where lite topics are.

    Args:
        broker_name: of this broker, which has all of a topic whose queues nobody knows.
        write_queues: returns the queues of a topic that may be written, of all brokers; none: nobody
            knows.
    """

    def __init__(
        self, broker_name: str, write_queues: Callable[[str], Sequence[MessageQueue]]
    ) -> None:
        self._broker_name = broker_name
        self._write_queues = write_queues

    def is_here(self, parent: str, lite_topic: str) -> bool:
        """Return whether a lite topic is this broker's."""
        queues = self._write_queues(parent)
        if not queues or not lite_topic:
            return True
        bucket = consistent_hash(string_hash(lite_topic), len(queues))
        return queues[bucket].broker_name == self._broker_name
