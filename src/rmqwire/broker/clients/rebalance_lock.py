"""Which client holds which queue for orderly consumption (Java ``RebalanceLockManager``).

A lock is a lease: it lives 60 s after its last renewal, and clients renew theirs every 20 s. The
clock is monotonic, so that a set wall clock neither frees a queue too early nor holds it too long.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rmqwire.clock import MonoMs
    from rmqwire.codec.bodies import MessageQueue

logger = logging.getLogger(__name__)

LOCK_MAX_LIVE_TIME_MS: Final = 60_000  # rocketmq.broker.rebalance.lockMaxLiveTime


class RebalanceLockManager:
    """The leases of one broker.

    Args:
        mono_ms: a clock that never goes back, in ms.
    """

    def __init__(self, mono_ms: MonoMs) -> None:
        self._clock = mono_ms
        # group -> queue -> (client id, time of the last renewal)
        self._table: dict[str, dict[MessageQueue, tuple[str, int]]] = {}

    def try_lock_batch(
        self, group: str, queues: Iterable[MessageQueue], client_id: str
    ) -> list[MessageQueue]:
        """Lock or renew what the client may have; gives those queues, in the order asked."""
        leases = self._table.setdefault(group, {})
        now = self._clock()
        granted = []
        for queue in queues:
            owner, renewed = leases.get(queue, (client_id, now))
            if owner == client_id or now - renewed > LOCK_MAX_LIVE_TIME_MS:
                leases[queue] = (client_id, now)
                granted.append(queue)
            else:
                logger.debug("%s of %s is locked by %s, not %s", queue, group, owner, client_id)
        return granted

    def unlock_batch(self, group: str, queues: Iterable[MessageQueue], client_id: str) -> None:
        """Return back what the client holds; locks of others stay."""
        leases = self._table.get(group)
        if leases is None:
            return
        for queue in queues:
            lease = leases.get(queue)
            if lease is not None and lease[0] == client_id:
                del leases[queue]
        if not leases:
            del self._table[group]

    def is_locked(self, group: str, queue: MessageQueue, client_id: str) -> bool:
        """Return whether the client holds the queue now."""
        lease = self._table.get(group, {}).get(queue)
        if lease is None or lease[0] != client_id:
            return False
        return self._clock() - lease[1] <= LOCK_MAX_LIVE_TIME_MS

    def has_locks(self, group: str) -> bool:
        """Return whether any queue is locked for the group now (``isLockAllExpired``, turned round)."""
        now = self._clock()
        leases = self._table.get(group, {}).values()
        return any(now - renewed <= LOCK_MAX_LIVE_TIME_MS for _, renewed in leases)
