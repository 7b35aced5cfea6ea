"""The broker's shell (``BrokerController``): sockets, clocks and the order of start and stop.

Start: tables and store are opened, the ports bound, then the name servers hear of it; one that is
down is tried again while everybody is served. Stop, when cancelled: unregister, answer the pulls
that wait, accept and read no more, send what is ready, write the tables, close the store.
"""

from __future__ import annotations

import logging
import os
import time
from functools import partial
from ipaddress import ip_address
from random import Random
from typing import TYPE_CHECKING

import msgspec
import trio

from rmqwire import clock
from rmqwire.auth.credentials import inner_credentials
from rmqwire.auth.signature import SigningHook, signing_hooks
from rmqwire.broker.core import BrokerCore
from rmqwire.broker.fast_failure import BrokerFastFailure
from rmqwire.broker.peers.outer_api import BrokerOuterAPI
from rmqwire.broker.recovery_log import RecoveryLog
from rmqwire.broker.registration import Registration
from rmqwire.broker.role import RoleService
from rmqwire.broker.route_rounds import keep_routes
from rmqwire.broker.signals import BrokerSignals
from rmqwire.broker.slow_readers import PROTECT_S, disable_slow_readers
from rmqwire.broker.stats.broker_stats import FORGET_S
from rmqwire.broker.stats.items import SAMPLE_HOURS_MS, SAMPLE_MINUTES_MS, SAMPLE_SECONDS_MS
from rmqwire.broker.stats.names import CLOSE, CONNECT, IDLE
from rmqwire.broker.table_rounds import TableRounds
from rmqwire.broker.ticks import Ticks, every
from rmqwire.codec.sys_flag import PERM_WRITE
from rmqwire.disk.files import RealFiles
from rmqwire.errors import ConfigError, UsageError
from rmqwire.remoting.client import RemotingClient
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.remoting.going_away import GoingAway
from rmqwire.remoting.limits import Limits
from rmqwire.remoting.listen import port_of
from rmqwire.remoting.orderly_stop import serve_until_cancelled
from rmqwire.remoting.patience import IDLE_REASON
from rmqwire.remoting.server import RemotingServer
from rmqwire.store.service import run_store
from rmqwire.wakeup import Waiting, Wakeup

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from rmqwire.auth.plain_acl import PlainAcl
    from rmqwire.broker.settings.values import LoadedConfig
    from rmqwire.broker.table_rounds import InThread
    from rmqwire.clock import MonoMs, WallMs
    from rmqwire.disk.files import FileLayer
    from rmqwire.remoting.connection import Connection
    from rmqwire.remoting.handler import RpcHook
    from rmqwire.store.events import RecoveryProgress

logger = logging.getLogger(__name__)

SCAN_CLIENTS_S = 10.0
HELD_PULL_CHECK_S = 5.0
FLUSH_DELAY_OFFSET_S = 10.0
WATCH_ACCOUNTS_S = 5.0
DAY_MS = 86_400_000

Address = tuple[str, int]


class BrokerAddresses(msgspec.Struct):
    """Where a started broker listens: clients' port, VIP port, replication port."""

    listen: Address
    vip: Address | None
    ha: Address | None


class Broker:
    """One broker.

    Args:
        loaded: its configuration; a ``listenPort`` of 0 binds free ports.
        files: the disk.
        wall_ms: wall clock.
        mono_ms: monotonic clock of leases, waits and the replication link.
        hooks: what looks at every request before its handler.
        show_recovery: told how far the opening of the store is, and for how many ms.
        in_thread: runs what would hold the loop up: writing tables, encoding large ones.

    Raises:
        ConfigError: a certificate can't be used.
    """

    def __init__(
        self,
        loaded: LoadedConfig,
        *,
        files: FileLayer | None = None,
        wall_ms: WallMs = clock.wall_ms,
        mono_ms: MonoMs = clock.mono_ms,
        hooks: Sequence[RpcHook] = (),
        show_recovery: Callable[[RecoveryProgress, int], None] | None = None,
        in_thread: InThread = trio.to_thread.run_sync,
    ) -> None:
        self._show_recovery = show_recovery
        self._in_thread = in_thread
        self.loaded = loaded
        self.core: BrokerCore | None = None
        self._files = files or RealFiles()
        self._wall_ms = wall_ms
        self._mono_ms = mono_ms
        self._handlers = HandlerTable(loaded.release)
        self._handlers.hooks += hooks
        self._table_rounds = TableRounds(in_thread)
        self._fast_failure = BrokerFastFailure(
            loaded.broker,
            loaded.release,
            loaded.store.os_page_cache_busy_time_out_mills,
            self._handlers.hooks,
            mono_ms,
        )
        self._server = RemotingServer(
            self._handlers,
            limits=Limits(idle_ms=loaded.broker.server_channel_max_idle_time_seconds * 1000),
            on_open=self._connection_opened,
            on_close=self._connection_closed,
            end_of_pass=self._end_of_pass,
            barrier=self._take_barrier,
            tls=loaded.tls.server,
            patience=self._fast_failure,
        )
        self._any_port = not loaded.broker.listen_port
        self._delayed = Wakeup()
        self._ops_wanted = Wakeup()
        self._timed = Wakeup()
        self._flush_wanted = Wakeup()
        self._route_wanted = Wakeup()
        self._registration = Registration()
        self._ticks = Ticks()

    @property
    def connections(self) -> list[Connection]:
        """The connections of clients and of other brokers that are open now."""
        return self._server.connections

    async def serve(
        self, *, task_status: trio.TaskStatus[BrokerAddresses] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Run the broker until cancelled, then stop it in order.

        Args:
            task_status: started with the bound addresses, once requests are served.

        Raises:
            ConfigError: ``brokerIP1`` can't be resolved.
            StoreError: a table or the store can't be used.
            OSError: a port can't be bound, or the disk failed.
        """
        await serve_until_cancelled(self._run, task_status)

    async def _run(self, stop: trio.Event, task_status: trio.TaskStatus[BrokerAddresses]) -> None:
        config = self.loaded.broker
        async with (
            RemotingClient(
                version=self.loaded.release.mq_version,
                tls=self.loaded.tls.client,
                hooks=self._signing(),
                limits=Limits(
                    idle_ms=config.client_channel_max_idle_time_seconds * 1000,
                    connect_ms=config.connect_timeout_millis,
                    async_requests=config.client_async_semaphore_value,
                    oneway_requests=config.client_oneway_semaphore_value,
                ),
                heeds_go_away=config.enable_reconnect_for_go_away,
            ) as client,
            trio.open_nursery() as keeping,  # the store's timers: they end last
        ):
            try:
                async with trio.open_nursery() as serving:
                    addresses = await self._start(serving)
                    core = self._opened()
                    late_answers = self._server.late_answers
                    await keeping.start(
                        run_store, core.state.store, self._flush_wanted, late_answers
                    )
                    keeping.start_soon(self._table_rounds.run, core.tables)
                    role = RoleService(
                        core,
                        client,
                        self._mono_ms,
                        self._delayed,
                        self._ops_wanted,
                        self._timed,
                        late_answers,
                        any_port=self._any_port,
                    )
                    api = BrokerOuterAPI(client, core.state, role.master_found, self._in_thread)
                    addresses.ha = await serving.start(role.run)
                    self._start_loops(serving, core, api)
                    serving.start_soon(keep_routes, client, core.state, self._route_wanted)
                    logger.info(
                        "broker %s serves on %s, %s lane",
                        config.broker_name,
                        config.broker_addr,
                        "native" if self._handlers.takes_lane else "python",
                    )
                    task_status.started(addresses)
                    await stop.wait()
                    await self._registration.leave(api, core.state)
                    await self._send_away(core)
                    core.state.held_pulls.wake_all()
                    core.state.pop.stop()
                    core.state.lite.stop()
                    serving.cancel_scope.cancel()
            finally:
                with trio.CancelScope(shield=True):
                    async with self._table_rounds.writing:  # no table is half written
                        if self.core is not None:
                            self.core.close()
                keeping.cancel_scope.cancel()

    async def _send_away(self, core: BrokerCore) -> None:
        """Give clients time to go to other brokers, if that is wanted (``NettyRemotingServer.shutdown``)."""
        config = core.state.config
        if config.enable_shutdown_gracefully:
            self._handlers.hooks.insert(0, GoingAway())
            core.state.held_pulls.wake_all()  # whoever pulls again hears of it
            wait_s = config.shutdown_wait_time_seconds
            logger.warning("going away: clients are sent elsewhere for %d s", wait_s)
            await trio.sleep(wait_s)

    def _signing(self) -> list[SigningHook]:
        """Return what signs this broker's own requests, if it has credentials."""
        config = self.loaded.broker
        return signing_hooks(inner_credentials(config.inner_client_authentication_credentials))

    async def _start(self, serving: trio.Nursery) -> BrokerAddresses:
        """Open the store and bind the ports."""
        config, serve = self.loaded.broker, self._server.serve
        self.loaded.host_ip = await _address_of(config.broker_ip1)
        if config.listen_port:
            self._open()
            with port_of("listenPort"):
                listen = await serving.start(serve, config.bind_address, config.listen_port)
            with port_of("listenPort - 2"):
                vip = await serving.start(serve, config.bind_address, config.vip_port)
        else:  # the port is part of every record, so it must be known before the store opens
            with port_of("listenPort"):
                vip = await serving.start(serve, config.bind_address, 0)
                listen = await serving.start(serve, config.bind_address, 0)
            config.listen_port = listen[1]
            self._open()
        return BrokerAddresses(listen, vip, None)

    def _open(self) -> None:
        recovery = RecoveryLog(self._mono_ms, self._show_recovery)
        core = BrokerCore(
            self.loaded,
            self._files,
            self._wall_ms,
            Random(),
            pid=os.getpid(),
            mono_ms=self._mono_ms,
            handlers=self._handlers,
            signals=BrokerSignals(
                register_soon=self._registration.soon,
                delayed=self._delayed,
                ops_wanted=self._ops_wanted,
                timed=self._timed,
                flush_wanted=self._flush_wanted,
                stalled=self._fast_failure.stalled,
                recovering=recovery.progress,
                route_wanted=self._route_wanted,
                broken=self._store_broke,
            ),
        )
        report = core.open()
        recovery.opened(report)
        if report.read_only:
            self.loaded.broker.broker_permission &= ~PERM_WRITE
        self.core = core

    def _opened(self) -> BrokerCore:
        if self.core is None:
            raise UsageError("the broker isn't open")
        return self.core

    # --- what connections and tables tell

    def _take_barrier(self) -> Awaitable[None] | None:
        """Return what the answers to the requests just handled wait for: tables, name servers."""
        if self._table_rounds.held_for is None and not self._registration.held_for:
            return None  # looked at after the requests of each socket, so without a call
        kept, known = self._table_rounds.take_barrier(), self._registration.take_barrier()
        if kept is None or known is None:
            return kept or known
        return Waiting(partial(_one_after_other, kept, known))

    def _end_of_pass(self) -> None:
        """Write what the pass brought."""
        if self.core is not None:
            if self._fast_failure.after_stall:
                self._fast_failure.release()
            self.core.state.store.puts.end_pass()
            if self._ticks.at_rest:
                self._ticks.soon()

    def _connection_opened(self, _: Connection) -> None:
        if self.core is not None:
            self.core.state.stats.channel(CONNECT)

    def _connection_closed(self, connection: Connection) -> None:
        if self.core is not None:
            stats = self.core.state.stats
            if connection.close_reason == IDLE_REASON:
                stats.channel(IDLE)
            stats.channel(CLOSE)
            self.core.connection_closed(connection)

    def _store_broke(self) -> None:
        """Leave the name servers: producers go elsewhere, who is connected can still pull."""
        reason = self._opened().state.store.read_only_reason
        logger.error("the store takes no more messages, leaving the name servers: %s", reason)
        self._registration.soon()

    # --- loops

    def _start_loops(self, nursery: trio.Nursery, core: BrokerCore, api: BrokerOuterAPI) -> None:
        config = self.loaded.broker
        interval = config.flush_consumer_offset_interval / 1000
        nursery.start_soon(self._registration.keep, api, core.state)
        if config.fetch_namesrv_addr_by_address_server and not config.namesrv_addresses():
            nursery.start_soon(self._registration.look_up, config)
        nursery.start_soon(self._ticks.run, core)
        nursery.start_soon(every, interval, core.persist_offsets)
        nursery.start_soon(every, FLUSH_DELAY_OFFSET_S, core.persist_delay_offsets)
        nursery.start_soon(every, SCAN_CLIENTS_S, core.scan_clients)
        nursery.start_soon(every, PROTECT_S, partial(disable_slow_readers, core.state))
        nursery.start_soon(every, HELD_PULL_CHECK_S, core.state.held_pulls.check)
        nursery.start_soon(every, HELD_PULL_CHECK_S, core.state.pop.check)
        for window, period in (
            ("minute", SAMPLE_SECONDS_MS),
            ("hour", SAMPLE_MINUTES_MS),
            ("day", SAMPLE_HOURS_MS),
        ):
            nursery.start_soon(every, period / 1000, partial(self._sample, core, window))
        nursery.start_soon(every, FORGET_S, partial(self._forget_rested, core))
        nursery.start_soon(self._record_midnights, core)
        if core.state.acl is not None:
            nursery.start_soon(_watch_accounts, core.state.acl)

    def _sample(self, core: BrokerCore, window: str) -> Iterator[None]:
        return core.state.stats.sample(self._wall_ms(), window)

    def _forget_rested(self, core: BrokerCore) -> None:
        most = core.config.max_stats_idle_time_in_minutes
        core.state.stats.forget_rested(self._wall_ms(), most)

    async def _record_midnights(self, core: BrokerCore) -> None:
        while True:
            now = self._wall_ms()
            local = time.localtime(now / 1000)
            of_day = (local.tm_hour * 60 + local.tm_min) * 60 + local.tm_sec
            await trio.sleep(DAY_MS / 1000 - of_day)
            core.state.stats.record_midnight()


async def _watch_accounts(acl: PlainAcl) -> None:
    """Look for changes of the ACL files (``AclFileWatchService``), in a thread: a disk may hang."""
    while True:
        await trio.sleep(WATCH_ACCOUNTS_S)
        try:
            acl.take(await trio.to_thread.run_sync(acl.read_files))
        except OSError as error:
            logger.error("access control stays as it was: %s", error)  # noqa: TRY400  one line says it


async def _one_after_other(*waits: Awaitable[None]) -> None:
    for wait in waits:
        await wait


async def _address_of(host: str) -> str:
    """Return the IP address that records name for ``brokerIP1``, which may be a host name as in Java.

    Raises:
        ConfigError: it is neither.
    """
    text = host.strip("[]")
    try:
        ip_address(text.partition("%")[0])
    except ValueError:
        pass
    else:
        return text
    try:
        found = await trio.socket.getaddrinfo(host, None, type=trio.socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # UnicodeError: no name at all
        raise ConfigError(f"brokerIP1={host}: no IP address and no known host: {error}") from None
    first = min(found, key=lambda entry: entry[0] != trio.socket.AF_INET)  # IPv4 if there is one
    return str(first[4][0])
