"""The sockets and clocks of replication (``AcceptSocketService``, ``HAClient``'s thread).

A master has two tasks for each slave, one that reads reports and one that sends; a slave has one.
"""

from __future__ import annotations

import logging
from contextlib import nullcontext
from typing import TYPE_CHECKING

import trio

from rmqwire.errors import LogDiverged, ReplicationError, StoreError
from rmqwire.ha.divergence import Divergence
from rmqwire.ha.sender import SlaveSender
from rmqwire.ha.slave_link import SlaveLink
from rmqwire.remoting.channel import LOST
from rmqwire.remoting.client import split_address
from rmqwire.remoting.listen import listen
from rmqwire.remoting.transport import SocketTransport, format_address

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rmqwire.clock import MonoMs
    from rmqwire.ha.group_transfer import GroupTransfer
    from rmqwire.ha.slaves import SlaveConnection, Slaves
    from rmqwire.ha.tls import LinkTls
    from rmqwire.store.config import StoreConfig
    from rmqwire.store.replica.replica_log import ReplicaLog

logger = logging.getLogger(__name__)
EXPIRE_S = 0.1  # how late a send may learn that slaveTimeout is over
REPORTS_S = 0.01  # how late reports of a slave that is far behind may be read
CHECK_S = 1.0  # how often a silent link is looked at
FLUSHED_CHECK_S = 0.01  # the same where a report waits for the disk
RECONNECT_S = 5.0  # DefaultHAClient.closeMasterAndWait
CONNECT_S = 3.0
RECEIVE_SIZE = 1 << 16  # bytes of the log taken in one pass
RECEIVE_MORE = 1 << 20  # the same behind a full one; as a buffer it costs the kernel new pages


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
            logger.info("slave lost at its start: %s", _why(error))

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
            logger.info("slave %s lost: %s", peer, _why(group.exceptions[0]))
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


class HaSlave:
    """Follow the master of the moment, whenever there is one.

    Args:
        log: what is replicated.
        config: intervals.
        mono_ms: monotonic clock.
        tls: how the link is opened; None: plainly.

    Attributes:
        master: ``host:port`` of the master's replication port, None while nobody knows it.
        link: the running link, None without one.
        fault: why the last link ended, "" while one runs.
    """

    def __init__(
        self,
        log: ReplicaLog,
        config: StoreConfig,
        mono_ms: MonoMs,
        tls: LinkTls | None = None,
    ) -> None:
        self._log = log
        self._config = config
        self._tls = tls
        self._mono_ms = mono_ms
        self._changed = trio.Event()
        self._divergence = Divergence(log, config.ha_divergence_policy)
        self.master: str | None = None
        self.link: SlaveLink | None = None
        self.fault = ""

    def follow(self, master: str | None) -> None:
        """Follow another master from now on; the same one changes nothing."""
        if master == self.master:
            return
        logger.info("update master ha address, OLD: %s NEW: %s", self.master, master)
        self.master = master
        self._changed.set()
        self._changed = trio.Event()

    async def run(self) -> None:
        """Connect, replicate and connect again until cancelled."""
        while True:
            changed, master = self._changed, self.master
            if master is None:
                await changed.wait()
                continue
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(_cancel_when, changed, scope)
                    await self._follow(master)
                    if not self._divergence.again:
                        await trio.sleep(RECONNECT_S)
                    nursery.cancel_scope.cancel()

    async def _follow(self, master: str) -> None:
        """Replicate until the link ends; say once why."""
        self._divergence.link_begins()
        try:
            fault = await self._replicate_or_settle(await self._connect(master))
        except (ReplicationError, StoreError, ValueError, trio.TooSlowError, *LOST) as error:
            fault = _why(error)
        if fault != self.fault:
            self.fault = fault
            logger.error("replication from %s ended: %s", master, fault)

    async def _replicate_or_settle(self, stream: trio.abc.Stream) -> str:
        """Replicate until the master ends the link or the logs are found to differ; say which."""
        try:
            await self.replicate(stream)
        except LogDiverged as error:
            while self._log.flushing:  # noqa: ASYNC110  over in ms, once in a broker's life
                await trio.sleep(FLUSHED_CHECK_S)
            return self._divergence.settle(error)
        return self._divergence.silence or "the master closed the link"

    async def _connect(self, master: str) -> trio.abc.Stream:
        """Open the link, which may also be a simulated one."""
        host, port = split_address(master)
        with trio.fail_after(CONNECT_S):
            stream = await trio.open_tcp_stream(host, port)
        stream.setsockopt(trio.socket.IPPROTO_TCP, trio.socket.TCP_NODELAY, 1)
        if self._tls is None:
            return SocketTransport.of(stream)
        return await self._tls.connected(stream, master)

    async def replicate(self, stream: trio.abc.Stream) -> None:
        """Run one link until the master ends it.

        Raises:
            ReplicationError: the master sent what can't be, or nothing for too long.
            StoreError, OSError: it can't be written.
        """
        overlap = self._divergence.overlap
        link = self.link = SlaveLink(self._log, self._config, self._mono_ms, overlap)
        link.start()
        check_s = FLUSHED_CHECK_S if self._config.ha_ack_after_flush else CHECK_S
        size, reports = RECEIVE_SIZE, b""
        try:
            while True:
                if reports := _send_now(stream, reports + link.data_to_send()):
                    await stream.send_all(reports)
                    reports = b""
                with trio.move_on_after(check_s):
                    while not reports:
                        data = await stream.receive_some(size)
                        if not data:
                            return
                        size = RECEIVE_SIZE if len(data) < RECEIVE_SIZE else RECEIVE_MORE
                        link.receive_data(bytes(data))
                        if self.fault and link.verified:
                            self.fault = ""
                        reports = _send_now(stream, link.data_to_send())
                link.tick()
        finally:
            self.link = None
            self._divergence.link_ended(link)
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(stream)


def _send_now(stream: trio.abc.Stream, data: bytes) -> bytes:
    """Send what goes without waiting; give the rest."""
    if data and isinstance(stream, SocketTransport):
        return data[stream.send_now(data) :]
    return data


def _why(error: BaseException) -> str:
    """Return an error's text, or its cause's, or its name: those of trio and TLS may have none."""
    return str(error) or str(error.__cause__ or "") or type(error).__name__


async def _cancel_when(event: trio.Event, scope: trio.CancelScope) -> None:
    await event.wait()
    scope.cancel()
