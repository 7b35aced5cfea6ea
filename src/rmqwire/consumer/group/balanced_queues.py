"""The share of a member whose queues nobody reads by itself (``RebalancePullImpl``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.consumer.offsets.table import OffsetTable


class BalancedQueues:
    """Queues that are this member's: what to do with them is the caller's matter.

    Args:
        offsets: forgets those of a queue that another member goes on with.
    """

    leaving: tuple[MessageQueue, ...] = ()

    def __init__(self, offsets: OffsetTable) -> None:
        self._offsets = offsets
        self._queues: set[MessageQueue] = set()

    def __contains__(self, queue: object) -> bool:
        return queue in self._queues

    @property
    def held(self) -> list[MessageQueue]:
        """The queues of this member."""
        return sorted(self._queues)

    async def take_over(self, queue: MessageQueue) -> bool:
        """Have a queue; return True."""
        self._queues.add(queue)
        return True

    async def give_up(self, queue: MessageQueue) -> bool:
        """Have a queue no longer; return True: nothing is under way."""
        self._queues.discard(queue)
        self._offsets.remove(queue)
        return True

    async def release(self) -> None:
        """Give all up."""
        self._queues.clear()
