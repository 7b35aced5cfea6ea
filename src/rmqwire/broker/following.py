"""What a slave runs: it follows its master's log, and takes over its tables and its timers' progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from rmqwire.broker.peers.slave_sync import SlaveSynchronize
from rmqwire.ha.slave_client import HaSlave
from rmqwire.store.replica.replica_log import ReplicaLog
from rmqwire.wakeup import Wakeup

if TYPE_CHECKING:
    from rmqwire.broker.core import BrokerCore
    from rmqwire.clock import MonoMs
    from rmqwire.codec.release import Release
    from rmqwire.ha.tls import LinkTls
    from rmqwire.remoting.client import RemotingClient

CATCH_UP_S, CATCH_UP_STEP_S = 3.0, 0.02  # for the log, before the master's offsets count
TIMER_CHECKPOINT_S = 3.0  # BrokerController.startProcessorByHa


class Following:
    """The tasks of a slave.

    Args:
        core: the broker; open.
        client: asks the master.
        mono_ms: clock of the link.
        tls: of the link.
    """

    def __init__(
        self, core: BrokerCore, client: RemotingClient, mono_ms: MonoMs, tls: LinkTls
    ) -> None:
        state = core.state
        self._state = state
        self._changed = Wakeup()
        self._link = HaSlave(ReplicaLog(state.store), state.store.config, mono_ms, tls)
        self._sync = SlaveSynchronize(client, state, self._changed, self._log_reaches)

    def start(self, nursery: trio.Nursery) -> None:
        """Begin, with the master of the file if that names one."""
        replication = self._state.replication
        replication.client = self._link
        self._link.follow(replication.fixed_master)
        nursery.start_soon(self._link.run)
        nursery.start_soon(self._sync_with_master)
        if self._sync.wants_timers:
            nursery.start_soon(self._sync_timers)

    def follow(self, ha_addr: str | None, addr: str | None) -> None:
        """Follow the master that a name server tells.

        Args:
            ha_addr: its replication address, None without a master.
            addr: its address for requests.
        """
        replication = self._state.replication
        self._sync.follow(addr)
        replication.master_is_there = addr is not None
        if replication.fixed_master is None and ha_addr is not None:
            self._link.follow(ha_addr)

    async def _log_reaches(self, end: int) -> bool:
        """Wait a while until the log has ``end`` bytes; return whether it has."""
        store = self._state.store
        with trio.move_on_after(CATCH_UP_S):
            while store.max_phy_offset < end:  # noqa: ASYNC110  the log tells nobody
                await trio.sleep(CATCH_UP_STEP_S)
        return store.max_phy_offset >= end

    async def _sync_with_master(self) -> None:
        """Take the master's tables over at once, and again each period."""
        config, release = self._state.config, self._state.release
        while True:
            good = await self._sync.sync_all()
            wait_ms = _sync_period_ms(config.slave_sync_interval, release, good=good)
            with trio.move_on_after(wait_ms / 1000):
                await self._changed.wait()

    async def _sync_timers(self) -> None:
        while True:
            await trio.sleep(TIMER_CHECKPOINT_S)
            await self._sync.sync_timer_checkpoint()


def _sync_period_ms(interval_ms: int, release: Release, *, good: bool) -> int:
    period_ms = interval_ms or release.broker.slave_sync_period_ms
    return period_ms if good else min(period_ms, release.broker.slave_sync_delay_ms)
