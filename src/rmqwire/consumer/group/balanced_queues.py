"""The share of a member whose queues nobody reads by itself (``RebalancePullImpl``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rmqwire.codec.bodies import MessageQueue


class BalancedQueues:
    """Queues that are this member's: what to do with them is the caller's matter."""

    leaving: tuple[MessageQueue, ...] = ()

    def __init__(self) -> None:
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
        return True

    async def release(self) -> None:
        """Give all up."""
        self._queues.clear()
