"""The remoting server's shell (Java ``NettyRemotingServer``): listen, accept, run channels, stop.

Stopping has three steps: no new connections, no new requests, then the answers that are ready are
sent, for at most ``drain_ms``.
"""

from __future__ import annotations

import logging
import resource
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

import trio

from rmqwire.remoting.channel import LOST, Channel, EndOfPass, trio_ms
from rmqwire.remoting.connection import Connection
from rmqwire.remoting.late_answers import LateAnswers
from rmqwire.remoting.limits import DEFAULT_LIMITS, Limits
from rmqwire.remoting.listen import listen
from rmqwire.remoting.transport import SocketTransport, format_address

if TYPE_CHECKING:
    from rmqwire.remoting.dispatch import HandlerTable

logger = logging.getLogger(__name__)

HOUSEKEEPING_S = 1.0
BACKLOG = 1024  # serverSocketBacklog
NO_LIMIT = 1 << 30
FILES_OF_OUR_OWN = 64  # generous: what a process has open before its first connection

Wrap = Callable[[trio.SocketStream], Awaitable[trio.abc.Stream]]


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
        end_of_pass: called after the requests of one read were handled, before the answers leave;
            they wait for what it gives.
        wrap: turns an accepted stream into the one to use, e.g. TLS; bounded by ``handshake_ms``.

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
        wrap: Wrap | None = None,
    ) -> None:
        self._handlers = handlers
        self._limits = limits
        self._on_open = on_open
        self._on_close = on_close
        self._end_of_pass = end_of_pass
        self._wrap = wrap
        self._most = limits.connections or _files_for_connections()
        self._channels: set[Channel] = set()
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
        mine: set[Channel] = set()
        async with trio.open_nursery() as connections:
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._housekeeping, mine)
                    task_status.started((bound[0], bound[1]))
                    handle = partial(self._accepted, mine)
                    await trio.serve_listeners(handle, listeners, handler_nursery=connections)
            finally:
                for channel in mine:
                    channel.stop()

    async def _housekeeping(self, channels: set[Channel]) -> None:
        while True:
            await trio.sleep(HOUSEKEEPING_S)
            now = trio_ms()
            for channel in list(channels):
                channel.connection.expire(now)

    async def _accepted(self, mine: set[Channel], accepted: trio.SocketStream) -> None:
        """Run one accepted connection; the border nothing of it passes."""
        peer = "?"
        try:
            await trio.lowlevel.checkpoint_if_cancelled()
            peer = format_address(accepted.socket.getpeername())
            if len(self._channels) >= self._most:
                self._turn_away(accepted, peer)
                return
            local = format_address(accepted.socket.getsockname())
            stream = await self._prepare(accepted)
            # From here on the task only ends by stop(), which lets it send what is ready; a stop
            # that came before must be seen now.
            await trio.lowlevel.checkpoint_if_cancelled()
            if stream is not None:
                with trio.CancelScope(shield=True):
                    await self.serve_stream(stream, peer, local, mine)
        except LOST as error:
            logger.debug("connection lost at its start: %r", error)
        except Exception:
            logger.exception("connection of %s failed", peer)

    def _turn_away(self, accepted: trio.SocketStream, peer: str) -> None:
        accepted.socket.close()
        self._handlers.notices.warning(
            "full", "%s is turned away: %s connections are open", peer, len(self._channels)
        )

    async def _prepare(self, accepted: trio.SocketStream) -> trio.abc.Stream | None:
        if self._wrap is None:
            return SocketTransport.of(accepted)
        with trio.move_on_after(self._limits.handshake_ms / 1000):
            wrapped = await self._wrap(accepted)
            return SocketTransport.of(accepted) if wrapped is accepted else wrapped
        return None

    async def serve_stream(
        self,
        stream: trio.abc.Stream,
        peer: str,
        local: str = "",
        channels: set[Channel] | None = None,
    ) -> None:
        """Serve one stream until it ends.

        Args:
            stream: what to serve.
            peer: ``ip:port`` of the other side.
            local: ``ip:port`` of this side.
            channels: whose housekeeping and stop it belongs to.
        """
        connection = Connection(
            self._handlers, peer, local=local, limits=self._limits, mono_ms=trio_ms
        )
        channel = Channel(stream, connection, self._limits, self._end_of_pass, self.late_answers)
        groups = [self._channels] if channels is None else [self._channels, channels]
        for group in groups:
            group.add(channel)
        try:
            if self._on_open is not None:
                self._on_open(connection)
            await channel.run()
        finally:
            for group in groups:
                group.discard(channel)
            if self._on_close is not None:
                self._on_close(connection)
