"""What a broker runs because of its role, all of it in one place (``changeSpecialServiceStatus``).

::

    master    lets slaves in | delivers delayed messages
    slave     follows the master's log | takes over its tables and its timers' progress

``run`` begins with ``BrokerCore.take_role``, which decides what is answered and who is waited for,
and ends when it's cancelled: a change of role is the end of one run and the beginning of another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from rmqwire.broker.peers.slave_sync import SlaveSynchronize
from rmqwire.ha.service import HaMaster, HaSlave
from rmqwire.ha.tls import LinkTls
from rmqwire.store.replica.replica_log import ReplicaLog

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rmqwire.broker.core import BrokerCore
    from rmqwire.broker.peers.outer_api import BrokerOuterAPI
    from rmqwire.clock import MonoMs
    from rmqwire.codec.release import Release
    from rmqwire.remoting.client import RemotingClient

LOOK_AT_DELAYED_S = 10.0  # how often when nothing is known to be due
TIMER_CHECKPOINT_S = 3.0  # BrokerController.startProcessorByHa

Address = tuple[str, int]


class RoleService:
    """The tasks of one role.

    Args:
        core: the broker; open.
        api: tells who the master is.
        client: asks the master.
        mono_ms: clock of the links.
        late_answers: entered round the answers that a report releases, to send them together.
        any_port: slaves are accepted at a free port.
    """

    def __init__(
        self,
        core: BrokerCore,
        api: BrokerOuterAPI,
        client: RemotingClient,
        mono_ms: MonoMs,
        late_answers: AbstractContextManager[None] | None = None,
        *,
        any_port: bool = False,
    ) -> None:
        self._core = core
        self._api = api
        self._client = client
        self._mono_ms = mono_ms
        self._late_answers = late_answers
        self._any_port = any_port
        self._wake = trio.Event()

    async def run(
        self, *, task_status: trio.TaskStatus[Address | None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Be what ``brokerRole`` says until cancelled.

        Args:
            task_status: started with the address where slaves are accepted; None as a slave.

        Raises:
            OSError: that address can't be bound.
            ConfigError: the certificates of replication can't be used.
        """
        self._tls = LinkTls(self._core.state.store.config)
        self._core.take_role()
        replication = self._core.state.replication
        try:
            async with trio.open_nursery() as nursery:
                if replication.is_slave:
                    self._start_slave(nursery)
                    task_status.started(None)
                else:
                    task_status.started(await self._start_master(nursery))
        finally:
            self._api.on_master = replication.client = None
            self._core.state.store.puts.on_written = None
            self._core.state.schedule.on_pending = None

    # ---- master

    async def _start_master(self, nursery: trio.Nursery) -> Address:
        state = self._core.state
        replication = state.replication
        master = HaMaster(replication.slaves, replication.transfer, self._tls, self._late_answers)
        state.store.puts.on_written = master.wake
        port = 0 if self._any_port else state.config.ha_port
        bound: Address = await nursery.start(master.serve, state.config.bind_address, port)
        state.config.ha_listen_port = bound[1]
        state.schedule.on_pending = self._wake_delayed
        nursery.start_soon(self._deliver_delayed)
        return bound

    def _wake_delayed(self) -> None:
        self._wake.set()

    async def _deliver_delayed(self) -> None:
        """Deliver delayed messages when they are due, or when a level has something new."""
        state = self._core.state
        while True:
            self._wake = wake = trio.Event()
            due = state.schedule.deliver_due()
            state.store.end_pass()
            wait = LOOK_AT_DELAYED_S if due is None else (due - state.wall_ms()) / 1000
            with trio.move_on_after(max(wait, 0.0)):
                await wake.wait()
            await trio.lowlevel.checkpoint()

    # ---- slave

    def _start_slave(self, nursery: trio.Nursery) -> None:
        state = self._core.state
        config = state.store.config
        slave = HaSlave(ReplicaLog(state.store), config, self._mono_ms, self._tls)
        sync = SlaveSynchronize(self._client, state)
        fixed = state.replication.fixed_master
        state.replication.client = slave
        slave.follow(fixed)

        def found(ha_addr: str | None, addr: str | None) -> None:
            sync.follow(addr)
            state.replication.master_is_there = addr is not None
            if fixed is None and ha_addr is not None:
                slave.follow(ha_addr)

        self._api.on_master = found
        nursery.start_soon(slave.run)
        nursery.start_soon(self._sync_with_master, sync)
        if sync.wants_timers:
            nursery.start_soon(self._sync_timers, sync)

    async def _sync_with_master(self, sync: SlaveSynchronize) -> None:
        """Take the master's tables over at once, and again each period."""
        config, release = self._core.state.config, self._core.state.release
        while True:
            sync.on_change = (found := trio.Event()).set
            good = await sync.sync_all()
            wait_ms = _sync_period_ms(config.slave_sync_interval, release, good=good)
            with trio.move_on_after(wait_ms / 1000):
                await found.wait()

    async def _sync_timers(self, sync: SlaveSynchronize) -> None:
        while True:
            await trio.sleep(TIMER_CHECKPOINT_S)
            await sync.sync_timer_checkpoint()


def _sync_period_ms(interval_ms: int, release: Release, *, good: bool) -> int:
    period_ms = interval_ms or release.broker.slave_sync_period_ms
    return period_ms if good else min(period_ms, release.broker.slave_sync_delay_ms)
