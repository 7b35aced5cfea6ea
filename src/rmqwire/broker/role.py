"""What a broker runs because of its role, all of it in one place (``changeSpecialServiceStatus``).

::

    master    lets slaves in | delivers delayed messages and timers | brings back popped
              messages | checks transactions, writes their ops
    slave     follows the master's log | takes over its tables and its timers' progress

``run`` begins with ``BrokerCore.take_role``, which decides what is answered and who is waited for,
and ends when it's cancelled: a change of role is the end of one run and the beginning of another.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

import trio

from rmqwire.broker.timer_tasks import flush_timers, run_timers
from rmqwire.broker.transaction.check import TransactionCheck
from rmqwire.broker.transaction.check_listener import TransactionCheckListener
from rmqwire.ha.master_server import HaMaster
from rmqwire.ha.tls import LinkTls
from rmqwire.remoting.limited_log import LimitedLog
from rmqwire.remoting.listen import port_of
from rmqwire.wakeup import next_beat

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rmqwire.broker.core import BrokerCore
    from rmqwire.broker.following import Following
    from rmqwire.clock import MonoMs
    from rmqwire.remoting.client import RemotingClient
    from rmqwire.wakeup import Wakeup

logger = logging.getLogger(__name__)
LOOK_AT_DELAYED_S = 10.0  # how often when nothing is known to be due

Address = tuple[str, int]


class RoleService:
    """The tasks of one role.

    Args:
        core: the broker; open.
        client: asks the master.
        mono_ms: clock of the links.
        delayed: wakes the delivery of delayed messages.
        ops_wanted: wakes the writing of transactions' ops.
        timed: wakes the timers.
        late_answers: entered round the answers that a report releases, to send them together.
        any_port: slaves are accepted at a free port.
    """

    def __init__(
        self,
        core: BrokerCore,
        client: RemotingClient,
        mono_ms: MonoMs,
        delayed: Wakeup,
        ops_wanted: Wakeup,
        timed: Wakeup,
        late_answers: AbstractContextManager[None] | None = None,
        *,
        any_port: bool = False,
    ) -> None:
        self._core = core
        self._client = client
        self._mono_ms = mono_ms
        self._delayed = delayed
        self._ops_wanted = ops_wanted
        self._timed = timed
        self._late_answers = late_answers
        self._any_port = any_port
        self._following: Following | None = None

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
            replication.server = replication.client = self._following = None

    def master_found(self, ha_addr: str | None, addr: str | None) -> None:
        """Follow the master that a name server tells, if this is a slave.

        Args:
            ha_addr: its replication address, None without a master.
            addr: its address for requests.
        """
        if self._following is not None:
            self._following.follow(ha_addr, addr)

    # --- master

    async def _start_master(self, nursery: trio.Nursery) -> Address:
        state = self._core.state
        replication = state.replication
        master = HaMaster(replication.slaves, replication.transfer, self._tls, self._late_answers)
        replication.server = master
        port = 0 if self._any_port else state.config.ha_port
        with port_of("haListenPort"):
            bound: Address = await nursery.start(master.serve, state.config.bind_address, port)
        state.config.ha_listen_port = bound[1]
        nursery.start_soon(self._deliver_delayed)
        nursery.start_soon(self._write_ops)
        nursery.start_soon(self._check_transactions)
        nursery.start_soon(self._write_transaction_metrics)
        if state.timers.is_running:
            nursery.start_soon(run_timers, state, self._timed)
            nursery.start_soon(flush_timers, state)
        if state.release.broker.pops:
            nursery.start_soon(self._revive)
        return bound

    async def _revive(self) -> None:
        """Bring back popped messages that nobody acknowledged."""
        state = self._core.state
        state.pop.start_revive()
        try:
            more = False
            while True:
                await next_beat(0 if more else state.config.revive_interval / 1000)
                more = state.pop.revive()
                state.store.puts.end_pass()
        finally:
            state.pop.stop_revive()

    async def _deliver_delayed(self) -> None:
        """Deliver delayed messages when they are due, or when a level has something new."""
        state = self._core.state
        while True:
            due = state.schedule.deliver_due()
            state.store.puts.end_pass()
            wait = LOOK_AT_DELAYED_S if due is None else (due - state.wall_ms()) / 1000
            with trio.move_on_after(max(wait, 0.0)):
                await self._delayed.wait()
            await trio.lowlevel.checkpoint()

    async def _write_ops(self) -> None:
        """Write the ops of transactions when they are due (``TransactionalOpBatchService``)."""
        state = self._core.state
        transactions = state.transactions
        while True:
            transactions.write_ops()
            state.store.puts.end_pass()
            due = transactions.ops_due_ms
            await self._ops_wanted.wait(math.inf if due is None else (due - self._mono_ms()) / 1000)

    async def _check_transactions(self) -> None:
        """Look for half messages that nobody ends (``TransactionalMessageCheckService``)."""
        state = self._core.state
        listener = TransactionCheckListener(
            state.producers, state.config, state.release, LimitedLog(logger, self._mono_ms)
        )
        while True:
            await trio.sleep(state.config.transaction_check_interval / 1000)
            check = TransactionCheck(state.transactions, state.topics, listener)
            try:
                while check.step():
                    await trio.lowlevel.checkpoint()
            except OSError:  # one round is the border: the next one looks again
                logger.exception("transactions not checked")

    async def _write_transaction_metrics(self) -> None:
        while True:
            await trio.sleep(self._core.state.config.transaction_metric_flush_interval / 1000)
            self._core.persist_transaction_metrics()

    # --- slave

    def _start_slave(self, nursery: trio.Nursery) -> None:
        from rmqwire.broker.following import Following  # noqa: PLC0415  a master needs none of it

        self._following = Following(self._core, self._client, self._mono_ms, self._tls)
        self._following.start(nursery)
