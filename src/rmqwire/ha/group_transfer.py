"""Sends that wait for slaves (``GroupTransferService``, SYNC_MASTER).

What is written waits until enough slaves have it or ``slaveTimeout`` is over. 4.9 needs one slave
and refuses to wait when none is near; 5.x needs ``inSyncReplicas`` copies, its own included, and
fails when they aren't there. A waiting send costs one entry of a deque, not a task.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rmqwire.store.log.offset_waits import OffsetWaits
from rmqwire.store.results import PutStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.clock import MonoMs
    from rmqwire.codec.release import Release
    from rmqwire.ha.slaves import Slaves
    from rmqwire.store.config import StoreConfig
    from rmqwire.store.results import PutMessageResult

    Done = Callable[[PutMessageResult], None]


class GroupTransfer:
    """The second half of a put on a SYNC_MASTER; see ``store.group_commit.Replication``.

    Args:
        slaves: who must have it.
        config: ``slaveTimeout``, ``inSyncReplicas``, ``haSlaveFallbehindMax``.
        release: whose rules count.
        mono_ms: monotonic clock.
    """

    def __init__(
        self, slaves: Slaves, config: StoreConfig, release: Release, mono_ms: MonoMs
    ) -> None:
        self._slaves = slaves
        self._config = config
        self._needs_a_slave = release.ha.sync_master_needs_a_slave
        self._mono_ms = mono_ms
        self._waits = OffsetWaits(PutStatus.FLUSH_SLAVE_TIMEOUT)

    def __len__(self) -> int:
        """Count the sends that wait."""
        return len(self._waits)

    def wait(self, end: int, result: PutMessageResult, done: Done) -> None:
        """Answer a put that ends at ``end`` once enough slaves have it."""
        self._wait(end, self._mono_ms() + self._config.slave_timeout, done, result)

    def after_flush(self, end: int, done: Done) -> Done:
        """Return what the flush shall answer instead: the time to wait runs from now on."""
        return partial(self._wait, end, self._mono_ms() + self._config.slave_timeout, done)

    def _wait(self, end: int, deadline_ms: int, done: Done, result: PutMessageResult) -> None:
        if self._needs_a_slave:
            if not self._slave_is_near(end):
                result.status = PutStatus.SLAVE_NOT_AVAILABLE
                done(result)
                return
        elif self._config.in_sync_replicas <= 1:
            done(result)
            return
        if self._slaves.pushed >= end and self._acked() >= end:  # the first is cheap, and mostly no
            done(result)
        else:
            self._waits.add(end, deadline_ms, result, done)

    def _slave_is_near(self, end: int) -> bool:
        """Return whether waiting makes sense (``isSlaveOK`` of 4.9)."""
        slaves = self._slaves
        gap = end - slaves.pushed
        return bool(slaves.connections) and gap < self._config.ha_slave_fallbehind_max

    def _acked(self) -> int:
        """Return the offset up to which a send need not wait."""
        if self._needs_a_slave:
            return self._slaves.pushed
        return self._slaves.acked_by(self._config.in_sync_replicas - 1)

    def acked(self) -> None:
        """Answer what is covered now: a slave has reported."""
        if len(self._waits):
            self._waits.release(self._acked())

    def expire(self) -> None:
        """Answer those that waited too long: they're stored, but perhaps only here."""
        self._waits.expire(self._mono_ms())

    def fail_all(self) -> None:
        """Answer all as if their time were over: the broker stops."""
        self._waits.fail_all()
