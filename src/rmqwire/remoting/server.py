"""The remoting server's shell (Java ``NettyRemotingServer``): listen, accept, serve, stop.

The sockets of a port belong to one :class:`SocketPool`, which serves many in one pass, TLS among
them; any other stream (a test's memory) has a :class:`Channel` with a task of its own.

Stopping has three steps: no new connections, no new requests, then the answers that are ready are
sent, for at most ``drain_ms``.
"""

from __future__ import annotations

import logging
import resource
from functools import partial
from typing import TYPE_CHECKING

import trio

from rmqwire.remoting.channel import LOST, Barrier, Channel, EndOfPass, trio_ms
from rmqwire.remoting.connection import Connection
from rmqwire.remoting.housekeeping import PERIOD_S, Housekeeping
from rmqwire.remoting.late_answers import LateAnswers
from rmqwire.remoting.limits import DEFAULT_LIMITS, Limits
from rmqwire.remoting.listen import listen
from rmqwire.remoting.socket_pool import SocketPool
from rmqwire.remoting.tls_mode_handler import TlsMode
from rmqwire.remoting.transport import HAS_EPOLL, SocketTransport, format_address, plain_socket
from rmqwire.wakeup import Wakeup, next_beat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rmqwire.remoting.dispatch import HandlerTable
    from rmqwire.remoting.handler import Patience
    from rmqwire.remoting.pooled_socket import PooledSocket
    from rmqwire.settings.tls import ServerTls

    Group = set[Channel | PooledSocket] | Housekeeping[Channel | PooledSocket]

logger = logging.getLogger(__name__)

BACKLOG = 1024  # serverSocketBacklog
NO_LIMIT = 1 << 30
FILES_OF_OUR_OWN = 64  # generous: what a process has open before its first connection


def _files_for_connections() -> int:
    """Return how many connections the process's limit of open files leaves room for."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if files == resource.RLIM_INFINITY:
        return NO_LIMIT
    return max(files // 2, files * 3 // 4 - FILES_OF_OUR_OWN)


class RemotingServer:
    """Serve one table of handlers on any number of addresses.

    Args:
        handlers: what answers requests.
        limits: of each connection.
        on_open: called with every new connection.
        on_close: called with every connection that ended.
        end_of_pass: called after the requests of one pass were handled, before the answers leave.
        barrier: called after the requests of one connection; their answers wait for what it gives.
        tls: plain, TLS or both, and the certificates; None: plain alone, whatever comes.
        patience: hears how long requests have waited in a socket, when the loop has been busy.

    Raises:
        ConfigError: a certificate can't be used.

    Attributes:
        late_answers: to be entered round whatever answers requests of many connections.
    """

    def __init__(
        self,
        handlers: HandlerTable,
        *,
        limits: Limits = DEFAULT_LIMITS,
        on_open: Callable[[Connection], None] | None = None,
        on_close: Callable[[Connection], None] | None = None,
        end_of_pass: EndOfPass | None = None,
        barrier: Barrier | None = None,
        tls: ServerTls | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._patience = patience
        self._handlers = handlers
        self._limits = limits
        self._on_open = on_open
        self._on_close = on_close
        self._end_of_pass = end_of_pass
        self._barrier = barrier
        self._tls = None if tls is None else TlsMode(tls)
        self._most = limits.connections or _files_for_connections()
        self._channels: set[Channel | PooledSocket] = set()
        self.late_answers = LateAnswers()

    @property
    def connections(self) -> list[Connection]:
        """The connections that are open now."""
        return [channel.connection for channel in self._channels]

    async def serve(
        self,
        host: str,
        port: int,
        *,
        task_status: trio.TaskStatus[tuple[str, int]] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Listen on an address until cancelled; may be called for several addresses.

        Args:
            host: address to bind, ``""`` or ``0.0.0.0`` for all.
            port: port to bind, 0 for a free one.
            task_status: started with the bound host and port.

        Raises:
            OSError: the address can't be bound; ``filename`` names it.
        """
        listeners = await listen(host, port, BACKLOG)
        bound = listeners[0].socket.getsockname()
        came = Wakeup()
        mine: Housekeeping[Channel | PooledSocket] = Housekeeping(self._limits.idle_ms, came)
        pool = self._new_pool()
        async with trio.open_nursery() as connections:
            if pool is not None:
                connections.start_soon(pool.run)
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._housekeeping, mine, came)
                    task_status.started((bound[0], bound[1]))
                    handle = partial(self._accepted, mine, pool)
                    await trio.serve_listeners(handle, listeners, handler_nursery=connections)
            finally:
                for channel in list(mine):
                    channel.stop()
                if pool is not None:
                    pool.close()

    def _new_pool(self) -> SocketPool | None:
        if not HAS_EPOLL:  # then each connection has a task, as those without a socket
            return None
        return SocketPool(
            self._limits,
            self.late_answers,
            self._end_of_pass,
            self._barrier,
            self._tls,
            self._patience,
        )

    async def _housekeeping(
        self, channels: Housekeeping[Channel | PooledSocket], came: Wakeup
    ) -> None:
        while True:
            while not channels:  # a port that nobody uses wakes nobody
                await came.wait()
            await next_beat(PERIOD_S)
            channels.tick(trio_ms())

    async def _accepted(
        self,
        mine: Housekeeping[Channel | PooledSocket],
        pool: SocketPool | None,
        accepted: trio.SocketStream,
    ) -> None:
        """Take one accepted connection in; the border nothing of it passes."""
        peer = "?"
        try:
            await trio.lowlevel.checkpoint_if_cancelled()
            peer = format_address(accepted.socket.getpeername())
            if len(self._channels) >= self._most:
                self._turn_away(accepted, peer)
                return
            local = format_address(accepted.socket.getsockname())
            # From here on the connection only ends by stop(), which lets it send what is ready.
            if pool is not None:
                self._pool_socket(pool, accepted, self._connection(peer, local), mine)
            else:
                with trio.CancelScope(shield=True):
                    await self.serve_stream(SocketTransport.of(accepted), peer, local, mine)
        except LOST as error:
            logger.debug("connection lost at its start: %r", error)
        except Exception:
            logger.exception("connection of %s failed", peer)

    def _turn_away(self, accepted: trio.SocketStream, peer: str) -> None:
        accepted.socket.close()
        self._handlers.notices.warning(
            "full", "%s is turned away: %s connections are open", peer, len(self._channels)
        )

    def _connection(self, peer: str, local: str) -> Connection:
        return Connection(self._handlers, peer, local=local, limits=self._limits, mono_ms=trio_ms)

    def _pool_socket(
        self,
        pool: SocketPool,
        accepted: trio.SocketStream,
        connection: Connection,
        mine: Housekeeping[Channel | PooledSocket],
    ) -> None:
        groups: tuple[Group, ...] = (self._channels, mine)
        member = pool.add(plain_socket(accepted), connection, partial(self._leave, groups))
        try:
            self._enter(groups, member)
        except Exception:
            pool.end(member)
            raise

    def _enter(self, groups: Iterable[Group], channel: Channel | PooledSocket) -> None:
        for group in groups:
            group.add(channel)
        if self._on_open is not None:
            self._on_open(channel.connection)

    def _leave(self, groups: Iterable[Group], channel: Channel | PooledSocket) -> None:
        for group in groups:
            group.discard(channel)
        if self._on_close is not None:
            self._on_close(channel.connection)

    async def serve_stream(
        self,
        stream: trio.abc.Stream,
        peer: str,
        local: str = "",
        channels: Housekeeping[Channel | PooledSocket] | None = None,
    ) -> None:
        """Serve one stream until it ends.

        Args:
            stream: what to serve.
            peer: ``ip:port`` of the other side.
            local: ``ip:port`` of this side.
            channels: whose housekeeping and stop it belongs to.
        """
        channel = Channel(
            stream,
            self._connection(peer, local),
            self._limits,
            self._end_of_pass,
            self.late_answers,
            barrier=self._barrier,
            tls=self._tls,
        )
        groups: list[Group] = [self._channels]
        if channels is not None:
            groups.append(channels)
        try:
            self._enter(groups, channel)
            await channel.run()
        finally:
            self._leave(groups, channel)
