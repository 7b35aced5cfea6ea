"""Held queues that are one member's alone (``RebalancePushImpl`` of an orderly consumer).

A queue is locked at its broker before it is read. It is unlocked once its listener isn't running any
more, so that the next member goes on where this one stopped.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

from rmqwire.consumer.reading.held_queues import HeldQueues

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rmqwire.codec.bodies import MessageQueue, ProcessQueueInfo
    from rmqwire.consumer.reading.queue_reader import QueueReader
    from rmqwire.consumer.state import PushState
    from rmqwire.consumer.working.queue_locks import QueueLocks

logger = logging.getLogger(__name__)

UNLOCK_WAIT_S = 0.5  # for a running listener, then the next rebalance tries again
UNLOCK_DELAY_MS = 20_000  # rocketmq.client.unlockDelayTimeMills: after that nobody waits


class LockedQueues(HeldQueues):
    """Queues locked at their brokers.

    Args:
        state: the consumer.
        reader: reads one queue.
        locks: asks the brokers.
        until_idle: waits for the listener of a queue, up to seconds; returns whether none runs.
    """

    def __init__(
        self,
        state: PushState,
        reader: QueueReader,
        locks: QueueLocks,
        until_idle: Callable[[MessageQueue, float], Awaitable[bool]],
    ) -> None:
        super().__init__(state, reader)
        self._locks = locks
        self._until_idle = until_idle
        self._unlock_tries: Counter[MessageQueue] = Counter()

    async def take_over(self, queue: MessageQueue) -> bool:
        """Lock a queue and start to read it; return whether it is read now."""
        if queue in self._queues:
            return False  # its listener still runs
        await self._locks.lock([queue])
        return self._locks.holds(queue) and await super().take_over(queue)

    async def give_up(self, queue: MessageQueue, offset: int | None = None) -> bool:
        """Stop reading a queue and commit; unlock it unless its listener runs.

        Returns:
            whether somebody else may have the queue now.
        """
        process_queue = self._queues.get(queue)
        if process_queue is None:
            return True
        process_queue.drop(release=False)
        if offset is not None:
            self._offsets.update_and_freeze(queue, offset)
        await self._offsets.persist(queue)
        age_ms = self._locks.age_ms(queue)
        overdue = age_ms is None or age_ms > UNLOCK_DELAY_MS
        if not overdue and not await self._until_idle(queue, UNLOCK_WAIT_S):
            self._unlock_tries[queue] += 1
            return False
        self._unlock_tries.pop(queue, None)
        await super().give_up(queue)
        await self._locks.unlock([queue], oneway=True)
        return True

    async def release(self) -> None:
        """Let others have the queues, once all is committed."""
        await self._locks.unlock_all()

    def infos(self) -> dict[MessageQueue, ProcessQueueInfo]:
        """Return what is held of each queue."""
        infos = super().infos()
        for queue, info in infos.items():
            info.locked = self._locks.age_ms(queue) is not None
            info.last_lock_timestamp = self._locks.locked_wall_ms(queue)
            info.try_unlock_times = self._unlock_tries[queue]
        return infos
