"""The socket and clock of a slave's replication (``HAClient``'s thread): one task."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import trio

from rmqwire.errors import LogDiverged, ReplicationError, StoreError
from rmqwire.ha.divergence import Divergence
from rmqwire.ha.link_end import reason
from rmqwire.ha.slave_link import SlaveLink
from rmqwire.remoting.channel import LOST
from rmqwire.remoting.client import split_address
from rmqwire.remoting.transport import SocketTransport, open_tcp_stream

if TYPE_CHECKING:
    from rmqwire.clock import MonoMs
    from rmqwire.ha.tls import LinkTls
    from rmqwire.store.config import StoreConfig
    from rmqwire.store.replica.replica_log import ReplicaLog

logger = logging.getLogger(__name__)
CHECK_S = 1.0  # how often a silent link is looked at
FLUSHED_CHECK_S = 0.01  # the same where a report waits for the disk
RECONNECT_S = 5.0  # DefaultHAClient.closeMasterAndWait
CONNECT_S = 3.0
RECEIVE_SIZE = 1 << 16  # bytes of the log taken in one pass
RECEIVE_MORE = 1 << 20  # the same behind a full one; as a buffer it costs the kernel new pages


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
            fault = reason(error)
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
            stream = await open_tcp_stream(host, port)
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


async def _cancel_when(event: trio.Event, scope: trio.CancelScope) -> None:
    await event.wait()
    scope.cancel()
