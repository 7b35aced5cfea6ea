"""Which broker of a cluster has a lite topic (``LiteShardingImpl``).

Producers and brokers compute it alone: the hash of the lite topic's name chooses one of the parent
topic's write queues.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.lite_topic import shard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rmqwire.codec.bodies import MessageQueue


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
        return queues[shard(lite_topic, len(queues))].broker_name == self._broker_name
