"""The name server's shell (Java ``NamesrvController``): listen, look for dead brokers, tell others.

All knowledge is in the route tables; this file only moves time, connections and notices.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Final

import trio

from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.disk.files import FileLayer, RealFiles
from rmqwire.errors import RemotingError
from rmqwire.namesrv.kv_config import KVConfigManager, replace_file
from rmqwire.namesrv.requests import handlers_of
from rmqwire.namesrv.route_info import Notice, RouteInfoManager
from rmqwire.namesrv.state import NamesrvState
from rmqwire.remoting.channel import trio_ms
from rmqwire.remoting.client import RemotingClient
from rmqwire.remoting.connection import Connection
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.remoting.going_away import GoingAway
from rmqwire.remoting.limits import Limits
from rmqwire.remoting.listen import port_of
from rmqwire.remoting.orderly_stop import serve_until_cancelled
from rmqwire.remoting.server import RemotingServer

if TYPE_CHECKING:
    from rmqwire.namesrv.config import NamesrvConfig

logger = logging.getLogger(__name__)

NOTICE_TIMEOUT_MS: Final = 300  # Java invokeOneway(addr, request, 300)
MAX_NOTICES: Final = 1000  # that wait to be sent; further ones are dropped


class NameServer:
    """One name server.

    Args:
        config: read by ``load_namesrv_config``.
        files: where ``kvConfig.json`` and the configuration are kept.

    Raises:
        ConfigError: a certificate can't be used.
    """

    def __init__(self, config: NamesrvConfig, *, files: FileLayer | None = None) -> None:
        self.config = config
        self.files = RealFiles() if files is None else files
        release = config.release
        self.state = NamesrvState(
            config=config,
            routes=RouteInfoManager(config),
            kv=KVConfigManager(config.kv_config_path, self.files, release),
            release=release,
            mono_ms=trio_ms,
            save_config=self._save_config,
        )
        self.handlers = HandlerTable(release, handlers_of(self.state))
        limits = Limits(idle_ms=config.server_channel_max_idle_time_seconds * 1000)
        self._server = RemotingServer(
            self.handlers,
            limits=limits,
            on_close=self._closed,
            end_of_pass=self._pass_notices,
            tls=config.tls.server,
        )
        self._notices, self._waiting_notices = trio.open_memory_channel[Notice](MAX_NOTICES)

    async def serve(
        self, *, task_status: trio.TaskStatus[tuple[str, int]] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve until cancelled; with ``enableShutdownGracefully`` clients are sent elsewhere first.

        Args:
            task_status: started with the bound host and port.

        Raises:
            StoreError: ``kvConfig.json`` is there and can't be read.
            OSError: the address can't be bound.
        """
        await serve_until_cancelled(self._run, task_status)

    async def _run(self, stop: trio.Event, task_status: trio.TaskStatus[tuple[str, int]]) -> None:
        self.state.kv.load()
        self.state.started_ms = trio_ms()
        version = self.state.release.mq_version
        tls = self.config.tls.client
        async with (
            RemotingClient(version=version, tls=tls) as client,
            trio.open_nursery() as nursery,
        ):
            serve = partial(self._server.serve, self.config.bind_address, self.config.listen_port)
            with port_of("listenPort"):
                host, port = await nursery.start(serve)
            logger.info("The Name Server boot success. %s:%d", host, port)
            nursery.start_soon(self._scan)
            nursery.start_soon(self._tell, client)
            task_status.started((host, port))
            await stop.wait()
            await self._send_away()
            nursery.cancel_scope.cancel()

    async def _send_away(self) -> None:
        """Give clients time to go to other name servers, if that is wanted."""
        if self.config.enable_shutdown_gracefully:
            self.handlers.hooks.insert(0, GoingAway())
            wait_s = self.config.shutdown_wait_time_seconds
            logger.warning("going away: clients are sent elsewhere for %d s", wait_s)
            await trio.sleep(wait_s)

    async def _scan(self) -> None:
        """Close the connections of brokers that have been silent for too long."""
        while True:
            await trio.sleep(self.config.scan_not_active_broker_interval / 1000)
            for connection in self.state.routes.expire(trio_ms()):
                if isinstance(connection, Connection):
                    connection.close("the broker on it expired")
            self._pass_notices()

    def _closed(self, connection: Connection) -> None:
        self.state.routes.connection_closed(connection)
        self._pass_notices()

    def _pass_notices(self) -> None:
        """Hand what other brokers must hear of to the task that tells them."""
        routes = self.state.routes
        if not routes.notices:
            return
        notices, routes.notices = routes.notices, []
        for notice in notices:
            try:
                self._notices.send_nowait(notice)
            except trio.WouldBlock:
                logger.warning("too many notices wait; %s are not told", notice.addresses)

    async def _tell(self, client: RemotingClient) -> None:
        async with trio.open_nursery() as nursery:
            async for notice in self._waiting_notices:
                for address in notice.addresses:
                    nursery.start_soon(self._tell_one, client, address, notice)

    async def _tell_one(self, client: RemotingClient, address: str, notice: Notice) -> None:
        command = RemotingCommand.request(RequestCode.NOTIFY_MIN_BROKER_ID_CHANGE, notice.header)
        try:
            await client.invoke_oneway(address, command, NOTICE_TIMEOUT_MS)
        except RemotingError as error:
            logger.warning("%s was not told of the lowest broker id: %s", address, error)

    def _save_config(self, text: str) -> None:
        if self.config.config_store_path:
            replace_file(self.files, self.config.config_store_path, text.encode())
