"""The sockets and clocks of a master's replication (``AcceptSocketService``).

There are two tasks for each slave, one that reads reports and one that sends.
"""

from __future__ import annotations

import logging
from contextlib import nullcontext
from typing import TYPE_CHECKING

import trio

from rmqwire.errors import ReplicationError
from rmqwire.ha.link_end import reason
from rmqwire.ha.sender import SlaveSender
from rmqwire.remoting.channel import LOST
from rmqwire.remoting.listen import listen
from rmqwire.remoting.transport import SocketTransport, format_address

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rmqwire.ha.group_transfer import GroupTransfer
    from rmqwire.ha.slaves import SlaveConnection, Slaves
    from rmqwire.ha.tls import LinkTls

logger = logging.getLogger(__name__)
EXPIRE_S = 0.1  # how late a send may learn that slaveTimeout is over
REPORTS_S = 0.01  # how late reports of a slave that is far behind may be read
CHECK_S = 1.0  # how often a silent link is looked at


class HaMaster:
    """Serve the slaves of a master.

    Args:
        slaves: their connections.
        transfer: the sends that wait for them; None: no send does.
        tls: which links are taken; None: plain ones.
        late_answers: entered round the answers that a report releases, to send them together.
    """

    def __init__(
        self,
        slaves: Slaves,
        transfer: GroupTransfer | None,
        tls: LinkTls | None = None,
        late_answers: AbstractContextManager[None] | None = None,
    ) -> None:
        self._slaves = slaves
        self._late_answers = late_answers or nullcontext()
        self._tls = tls
        self._transfer = transfer
        self._senders: list[SlaveSender] = []

    def wake(self) -> None:
        """Look for something to send: the log has grown."""
        for sender in self._senders:
            sender.grown()

    async def serve(
        self,
        host: str,
        port: int,
        *,
        task_status: trio.TaskStatus[tuple[str, int]] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Listen until cancelled.

        Args:
            host: address to bind, ``""`` for all.
            port: port to bind, 0 for a free one.
            task_status: started with the bound host and port.

        Raises:
            OSError: the address can't be bound; ``filename`` names it.
        """
        listeners = await listen(host, port)
        bound = listeners[0].socket.getsockname()
        async with trio.open_nursery() as nursery:
            if self._transfer is not None:
                nursery.start_soon(self._expire, self._transfer)
            task_status.started((bound[0], bound[1]))
            await trio.serve_listeners(self._accepted, listeners)

    async def _expire(self, transfer: GroupTransfer) -> None:
        while True:
            await trio.sleep(EXPIRE_S)
            transfer.expire()

    async def _accepted(self, accepted: trio.SocketStream) -> None:
        """Serve one slave; the border that nothing of it passes."""
        try:
            peer = format_address(accepted.socket.getpeername())
            accepted.setsockopt(trio.socket.IPPROTO_TCP, trio.socket.TCP_NODELAY, 1)
            if self._tls is None:
                stream: trio.abc.Stream = SocketTransport.of(accepted)
            else:
                stream = await self._tls.accepted(accepted, peer)
            await self.serve_stream(stream, peer)
        except ReplicationError as error:
            logger.error("no replication: %s", error)  # noqa: TRY400 - the text says all
        except LOST as error:
            logger.info("slave lost at its start: %s", reason(error))

    async def serve_stream(self, stream: trio.abc.Stream, peer: str) -> None:
        """Serve one slave until it or we end it.

        Args:
            stream: the link.
            peer: ``ip:port`` of the slave.
        """
        connection = self._slaves.open(peer)
        sender = SlaveSender(stream, connection)
        self._senders.append(sender)
        logger.info("slave %s connected", peer)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(sender.run)
                await self._receive(stream, connection, sender)
                nursery.cancel_scope.cancel()
        except* ReplicationError as group:
            logger.error("replication to %s ends: %s", peer, group.exceptions[0])  # noqa: TRY400 - the text says all
        except* LOST as group:
            logger.info("slave %s lost: %s", peer, reason(group.exceptions[0]))
        finally:
            self._senders.remove(sender)
            self._slaves.close(connection)
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(stream)
            logger.info("slave %s is gone, it has up to %s", peer, connection.ack)

    async def _receive(
        self, stream: trio.abc.Stream, connection: SlaveConnection, sender: SlaveSender
    ) -> None:
        while True:
            with trio.move_on_after(CHECK_S):
                while data := await stream.receive_some():
                    self._received(connection, bytes(data), sender)
                    if connection.is_far and not self._transfer:
                        await trio.sleep(REPORTS_S)  # nobody waits for what it will report
                return
            connection.check()

    def _received(self, connection: SlaveConnection, data: bytes, sender: SlaveSender) -> None:
        first = connection.position < 0
        moved = self._slaves.received(connection, data)
        if moved and self._transfer is not None:
            with self._late_answers:
                self._transfer.acked()
        if first and connection.position >= 0:
            logger.info("slave %s asks for offset %s", connection.peer, connection.ack)
            sender.grown()
