"""One plain socket of a pool: its connection, what is between the two, and what it waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from rmqwire.remoting.transport import RECEIVE_SIZE

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from rmqwire.remoting.connection import Connection
    from rmqwire.remoting.late_answers import LateAnswers
    from rmqwire.remoting.tls_mode_handler import TlsModeHandler

NOTHING, READ, WRITE = 0, 0x1, 0x4  # EPOLLIN, EPOLLOUT
HANDSHAKE_COST = 1 << 14  # bytes that a TLS handshake counts for: it takes as long as they do

Offered = tuple["PooledSocket", bytes]


class Pool(Protocol):
    """Where a socket belongs."""

    def settle(self, member: PooledSocket) -> None:
        """Send what is ready, then say what the socket waits for. Never raises."""

    def wake(self, member: PooledSocket) -> None:
        """Settle a socket soon: it has something to send outside of a pass, or was closed."""


class PooledSocket:
    """One accepted socket and its connection.

    Args:
        sock: a connected stream socket; it belongs to this object now.
        connection: its core.
        handler: what stands between the two: TLS or nothing.
        pool: where it belongs.
        late_answers: sends what it has outside of a pass, with those of others.
        ended: called once, when it is closed.

    Attributes:
        fd: of the socket, -1 once it is closed.
        watched: the epoll events it waits for.
        held: its answers wait for a barrier.
        at_end: nothing more is read from it.
        draining: it is ended when ``drain_ms`` are over.
    """

    __slots__ = (
        "_late_answers", "_pool", "_rest", "at_end", "connection", "draining", "ended", "fd", "handler",
        "held", "sock", "watched",
    )  # fmt: skip

    def __init__(
        self,
        sock: socket.socket,
        connection: Connection,
        handler: TlsModeHandler,
        pool: Pool,
        late_answers: LateAnswers,
        ended: Callable[[PooledSocket], None],
    ) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.fd = sock.fileno()
        self.connection = connection
        self.ended = ended
        self.watched = NOTHING
        self.held = False
        self.at_end = False
        self.draining = False
        self.handler = handler
        self._pool = pool
        self._late_answers = late_answers
        self._rest: bytes | memoryview = b""  # of what the outbox gave, what the kernel didn't take
        connection.on_wake = self._on_wake

    def _on_wake(self) -> None:
        if self.connection.closed or not self._late_answers.takes(self):
            self._pool.wake(self)

    def stop(self) -> None:
        """Read no more; send what is ready, at most for ``drain_ms``, then end."""
        self.at_end = True
        self._pool.settle(self)

    def send_ready(self) -> None:
        """Send what goes without waiting; never raises."""
        self._pool.settle(self)

    def receive(self, offered: list[Offered] | None) -> int:
        """Read once and handle what came; returns the number of bytes, more for a handshake's.

        Args:
            offered: gets what a lane is to see first with that of others; None: this goes alone.

        Raises:
            OSError: the connection is broken.
        """
        try:
            data = self.sock.recv(RECEIVE_SIZE)
        except (BlockingIOError, InterruptedError):
            return 0
        if not data:
            self.at_end = True
            return 0
        connection, handler = self.connection, self.handler
        connection.corked = True
        if offered is not None and handler.plain:
            if rest := connection.offer(data):
                offered.append((self, rest))
            return len(data)
        ahead = handler.receive_data(data)
        if ahead:
            self._rest = b"".join((self._rest, ahead))
            return HANDSHAKE_COST
        return len(data)

    @property
    def unsent(self) -> bool:
        """Whether there is something that the kernel has not taken yet."""
        return bool(self._rest or self.connection.outbox_size)

    def send(self) -> bool:
        """Send what the kernel takes at once; tell whether that was all.

        Raises:
            OSError: the connection is broken.
        """
        connection, data_to_send = self.connection, self.handler.data_to_send
        while self._rest or connection.outbox_size:
            data = self._rest or data_to_send()
            try:
                sent = self.sock.send(data)
            except (BlockingIOError, InterruptedError):
                sent = 0
            if sent < len(data):
                self._rest = memoryview(data)[sent:]
                return False
            self._rest = b""
        return True
