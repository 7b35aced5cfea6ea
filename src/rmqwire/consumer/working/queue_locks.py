"""Queues that a broker keeps for one member of a group (the locks of Java's ``RebalanceImpl``).

A broker keeps a queue for 60 s after it was asked for. Here a lock is renewed every 20 s and counts
for 30 s, so that it has ended here before another member can get it there.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmqwire.errors import RmqError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rmqwire.clock import MonoMs
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.consumer.state import PushState

logger = logging.getLogger(__name__)

LOCK_MAX_LIVE_MS = 30_000  # rocketmq.client.rebalance.lockMaxLiveTime


@dataclass(slots=True)
class Lock:
    """When a broker gave a queue last: by the monotonic clock, and as time of day."""

    at_mono: int
    at_wall: int


class QueueLocks:
    """The locks of one member.

    Args:
        state: its consumer.
        mono_ms: monotonic clock in ms.
    """

    def __init__(self, state: PushState, mono_ms: MonoMs) -> None:
        self._state = state
        self._instance = state.instance
        self._mono_ms = mono_ms
        self._locks: dict[MessageQueue, Lock] = {}

    def holds(self, queue: MessageQueue) -> bool:
        """Return whether a queue is this member's alone now."""
        age_ms = self.age_ms(queue)
        return age_ms is not None and age_ms <= LOCK_MAX_LIVE_MS

    def age_ms(self, queue: MessageQueue) -> int | None:
        """Return how long ago the broker gave a queue, None when it isn't this member's."""
        lock = self._locks.get(queue)
        return None if lock is None else self._mono_ms() - lock.at_mono

    def locked_wall_ms(self, queue: MessageQueue) -> int:
        """Return when the broker gave a queue, ms since the epoch; 0 when it isn't this member's."""
        lock = self._locks.get(queue)
        return 0 if lock is None else lock.at_wall

    async def lock(self, queues: Iterable[MessageQueue]) -> None:
        """Ask the brokers for queues; a broker that doesn't answer changes nothing."""
        for addr, some in self._by_master(queues).items():
            asked = self._mono_ms()  # the broker's time begins later, never earlier
            try:
                given = await self._instance.api.lock_batch(
                    addr, self._instance.client_id, self._state.group, some
                )
            except RmqError as error:
                logger.warning("lock of %s, group %s: %s", some, self._state.group, error)
                continue
            for queue in some:
                if queue in given:
                    self._locks[queue] = Lock(asked, self._instance.wall_ms())
                else:
                    self._locks.pop(queue, None)
                    logger.info("%s of group %s is another member's", queue, self._state.group)

    async def unlock_all(self) -> None:
        """Give all queues back, and wait for the brokers' answers."""
        await self.unlock(list(self._locks), oneway=False)

    async def unlock(self, queues: list[MessageQueue], *, oneway: bool) -> None:
        """Give queues back; what the broker doesn't hear ends after 60 s."""
        for queue in queues:
            self._locks.pop(queue, None)
        for addr, some in self._by_master(queues).items():
            try:
                await self._instance.api.unlock_batch(
                    addr, self._instance.client_id, self._state.group, some, oneway=oneway
                )
            except RmqError as error:
                logger.warning("unlock of %s, group %s: %s", some, self._state.group, error)

    def _by_master(self, queues: Iterable[MessageQueue]) -> dict[str, list[MessageQueue]]:
        found: defaultdict[str, list[MessageQueue]] = defaultdict(list)
        for queue in queues:
            addr = self._instance.routes.master_addr(queue.broker_name)
            if addr is None:
                logger.warning("%s: its broker has no master to lock it", queue)
            else:
                found[addr].append(queue)
        return found
