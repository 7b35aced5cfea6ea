"""A plain TCP stream with the fewest system calls and checkpoints per pass.

trio's ``SocketStream`` passes a checkpoint for every send and every receive, and tries to receive before anything is there
before it waits. Here a send that the kernel takes at once has no checkpoint, and a receive exactly
one, the wait for data, so that a busy connection lets others run.
"""

from __future__ import annotations

import operator
import select
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

RECEIVE_SIZE = 65_536
HAS_EPOLL: Final = hasattr(select, "epoll")
_LAST_DATA_RECV: Final = struct.Struct("=52xI")  # tcpi_last_data_recv in Linux' struct tcp_info


class SocketTransport(trio.abc.Stream):
    """A connected, non-blocking TCP socket as a trio stream.

    Args:
        sock: a connected stream socket; it belongs to this object now.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._receive_busy = False
        self._send_busy = False
        self._gate: select.epoll | None = None  # holds the socket: who receives waits there
        self._at_gate = False  # it does so from now on

    @classmethod
    def of(cls, stream: trio.SocketStream) -> SocketTransport:
        """Take over the socket of a trio SocketStream, which can't be used afterwards."""
        return cls(plain_socket(stream))

    def getpeername(self) -> str:
        """Return ``ip:port`` of the peer."""
        return format_address(self._sock.getpeername())

    def getsockname(self) -> str:
        """Return ``ip:port`` of this side."""
        return format_address(self._sock.getsockname())

    def send_now(self, data: bytes | memoryview) -> int:
        """Send what the kernel takes without waiting; gives the number of bytes.

        Raises:
            BrokenResourceError: the connection is broken.
            ClosedResourceError: this side was closed.
        """
        try:
            return self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            raise self._broken(error) from error

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of ``data``, waiting for the peer to read."""
        if self._send_busy:
            raise trio.BusyResourceError("another task is sending on this stream")
        self._send_busy = True
        try:
            await trio.lowlevel.checkpoint()
            with memoryview(data) as view:
                await self._send_view(view)
        finally:
            self._send_busy = False

    async def _send_view(self, view: memoryview) -> None:
        self._check_open()
        sent, size = 0, len(view)
        while sent < size:
            with view[sent:] as rest:
                count = self.send_now(rest)
            sent += count
            if not count:
                await self._wait(trio.lowlevel.wait_writable)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the kernel may take more."""
        if self._send_busy:
            raise trio.BusyResourceError("another task is sending on this stream")
        self._send_busy = True
        try:
            await trio.lowlevel.checkpoint()
            self._check_open()
            await self._wait(trio.lowlevel.wait_writable)
        finally:
            self._send_busy = False

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what has come, at least one byte; nothing at the end of the stream."""
        if self._receive_busy:
            raise trio.BusyResourceError("another task is receiving on this stream")
        if max_bytes is not None and operator.index(max_bytes) < 1:
            raise ValueError("max_bytes must be >= 1")
        self._receive_busy = True
        try:
            return await self._receive(RECEIVE_SIZE if max_bytes is None else max_bytes)
        finally:
            self._receive_busy = False

    async def _receive(self, size: int) -> bytes:
        while True:
            await self._wait_readable()
            try:
                return self._sock.recv(size)
            except (BlockingIOError, InterruptedError):
                continue
            except OSError as error:
                raise self._broken(error) from error

    async def _wait_readable(self) -> None:
        gate = self._gate
        if gate is None:
            await self._wait(trio.lowlevel.wait_readable)
        else:
            self._check_open()
            self._at_gate = True
            await trio.lowlevel.wait_readable(gate.fileno())

    def can_stop_waiting(self) -> bool:
        """Return whether ``wait_for_data`` can be called; not before something more has come."""
        if self._gate is None and HAS_EPOLL and self._sock.fileno() >= 0:
            with suppress(OSError):  # no descriptor is left
                gate = select.epoll()
                gate.register(self._sock, select.EPOLLIN)
                self._gate = gate
        return self._at_gate

    def wait_for_data(self, *, wanted: bool) -> None:
        """Let a task in ``receive_some`` be woken by data, or no more; from any thread."""
        if self._gate is not None and not self._gate.closed:
            self._gate.modify(self._sock, select.EPOLLIN if wanted else 0)

    def fileno(self) -> int:
        """Return the socket's descriptor, below 0 once it is closed."""
        return self._sock.fileno()

    def look(self) -> bytes | None:
        """Return what has come, and leave it there; None: nothing has, nothing in bytes: it is the end."""
        try:
            return self._sock.recv(RECEIVE_SIZE, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:  # told to who receives
            return b""

    def skip(self, count: int) -> None:
        """Receive so many bytes that have been looked at."""
        self._sock.recv(count)

    async def _wait(self, wait: Callable[[socket.socket], Awaitable[None]]) -> None:
        self._check_open()
        await wait(self._sock)

    def _check_open(self) -> None:
        if self._sock.fileno() < 0:
            raise trio.ClosedResourceError("this stream was closed")

    def _broken(self, error: OSError) -> trio.BrokenResourceError | trio.ClosedResourceError:
        if self._sock.fileno() < 0:
            return trio.ClosedResourceError("this stream was closed")
        return trio.BrokenResourceError(str(error))

    async def aclose(self) -> None:
        """Close the socket; tasks that wait on it get ClosedResourceError."""
        if self._sock.fileno() >= 0:
            trio.lowlevel.notify_closing(self._sock)
            if self._gate is not None:
                trio.lowlevel.notify_closing(self._gate.fileno())
                self._gate.close()
            self._sock.close()
        await trio.lowlevel.checkpoint()


def plain_socket(stream: trio.SocketStream) -> socket.socket:
    """Take the socket out of a trio SocketStream, which can't be used afterwards."""
    return socket.socket(fileno=stream.socket.detach())


def format_address(address: tuple[str, int] | tuple[str, int, int, int]) -> str:
    """Return a socket address as Java prints it, IPv6 in brackets."""
    host, port = address[0], address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def open_tcp_stream(host: str, port: int) -> trio.SocketStream:
    """Connect over TCP.

    Raises:
        OSError: no connection.
    """
    return await trio.open_tcp_stream(host_to_resolve(host), port)


def host_to_resolve(host: str) -> str | bytes:
    """Return a host as it is resolved without the codec of international names, if it is none.

    To import that takes a start some ms.
    """
    return host.encode() if host.isascii() else host


def ms_since_data(sock: socket.socket) -> int:
    """Return how long ago, in ms, the last bytes of a TCP socket came; 0 where nobody can say."""
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_DATA_RECV.size)
        return int(_LAST_DATA_RECV.unpack(info)[0])
    except (OSError, struct.error):
        return 0  # no TCP socket, or it is closed
