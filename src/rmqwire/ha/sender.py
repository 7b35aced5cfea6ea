"""What a master sends one slave, as its log grows (``DefaultHAConnection.WriteSocketService``)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import trio

from rmqwire.errors import ReplicationError
from rmqwire.remoting.channel import LOST
from rmqwire.remoting.transport import SocketTransport

if TYPE_CHECKING:
    from rmqwire.ha.slaves import SlaveConnection

MUCH = 4096  # bytes of the log that are worth a send of their own


class SlaveSender:
    """Send ranges of the log and heartbeats.

    A slave that has confirmed everything gets new bytes within the pass that wrote them, without a
    task's turn. While it's busy with earlier ones, little that is written collects until the task's
    turn comes, so that the passes of many producers share one send.

    Args:
        stream: the link; a SocketTransport also sends without a checkpoint.
        connection: what is to be sent.
    """

    def __init__(self, stream: trio.abc.Stream, connection: SlaveConnection) -> None:
        self._stream = stream
        self._connection = connection
        self._send_now = stream.send_now if isinstance(stream, SocketTransport) else None
        self._rest: bytes | memoryview = b""
        self._idle = False
        self._wake = trio.Event()

    def grown(self) -> None:
        """Look for something to send: the log has grown, or the slave has said where it is."""
        if not self._idle:
            return
        connection = self._connection
        at_once = connection.ack == connection.position or connection.unsent >= MUCH
        if self._send_now is not None and at_once:
            with suppress(ReplicationError, *LOST):  # the task meets it again and ends the link
                data = connection.next_data()
                self._rest = data[self._send_now(data) :]
                if not self._rest and not connection.unsent:
                    return
        self._idle = False
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled.

        Raises:
            ReplicationError: the log has lost what is to be sent.
            BrokenResourceError, ClosedResourceError, OSError: the link or the log's disk failed.
        """
        connection = self._connection
        while True:
            data = self._rest or connection.next_data()
            self._rest = b""
            if data:
                await self._send(data)
                continue
            self._wake = trio.Event()
            self._idle = True
            with trio.move_on_after(connection.wait_ms() / 1000):
                await self._wake.wait()
            self._idle = False

    async def _send(self, data: bytes | memoryview) -> None:
        """Send all of it; with more to come, others get their turn first."""
        if self._send_now is not None:
            data = data[self._send_now(data) :]
        if data:
            await self._stream.send_all(data)
        elif self._connection.unsent:
            await trio.lowlevel.checkpoint()
