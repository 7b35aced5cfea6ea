"""The slave's side of a replication link (``DefaultHAClient``), without its socket.

::

    start            report an offset before our end: the overlap
    receive_data     compare the overlap | append what follows | report
    tick             report every 5 s; give up after 20 s of silence

Java's slave reports its end and appends what comes. This one asks for a little of what it has,
and appends only behind bytes that are equal: a master that lost its end and wrote something else,
or another master altogether, is noticed. The wire is the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from rmqwire.codec.ha import TRANSFER_HEADER_SIZE, pack_report, unpack_transfer
from rmqwire.errors import LogDiverged, ProtocolError, ReplicationError
from rmqwire.store.replica.replica_log import OVERLAP

if TYPE_CHECKING:
    from rmqwire.clock import MonoMs
    from rmqwire.store.config import StoreConfig

SECOND_MS = 1_000
MAX_BODY = 4 * 1024 * 1024  # bytes: DefaultHAClient.READ_MAX_BUFFER_SIZE, the header within
_SILENT_BEATS = 2  # heartbeats instead of the overlap: one may come before the first bytes


class Log(Protocol):
    """What the link needs of ``store.append_raw.ReplicaLog``."""

    @property
    def end(self) -> int: ...  # noqa: D102
    @property
    def received(self) -> int: ...  # noqa: D102
    @property
    def flushed(self) -> int: ...  # noqa: D102
    def overlap_start(self, size: int) -> int: ...  # noqa: D102
    def read(self, offset: int, size: int) -> bytes: ...  # noqa: D102
    def begin(self, offset: int) -> None: ...  # noqa: D102
    def forget(self) -> None: ...  # noqa: D102
    def append(self, *pieces: bytes | memoryview) -> None: ...  # noqa: D102


class SlaveLink:
    """One connection to a master.

    Args:
        log: what is replicated.
        config: ``haSendHeartbeatInterval``, ``haHousekeepingInterval``, ``haAckAfterFlush``.
        mono_ms: monotonic clock.
        overlap: bytes before the log's end that are compared.

    Attributes:
        heard: whether the master has sent anything.
        position: offset of the next byte that the master must send.
        last_read_ms, last_write_ms: when something came, when a report left.
        transferred: bytes of the log that came.
        speed: bytes of the log that came in the last second.
    """

    def __init__(
        self, log: Log, config: StoreConfig, mono_ms: MonoMs, overlap: int = OVERLAP
    ) -> None:
        self._log = log
        self._overlap = overlap
        self._config = config
        self._mono_ms = mono_ms
        self._buffer = b""  # the beginning of a header
        self._offset = self._left = 0  # where the range goes on, and how much of it is to come
        self._outbox = bytearray()
        self._pieces: list[memoryview] = []
        self._reported = -1
        self._beats = 0
        self._began = 0  # offset from which on what came is equal to what we have
        self.heard = False
        self.position = 0
        self.last_read_ms = self.last_write_ms = mono_ms()
        self.transferred = self.speed = 0
        self._second = (mono_ms(), 0)  # when the running second began, bytes that had come by then

    @property
    def verified(self) -> bool:
        """Whether the master has what we have."""
        return self.position >= self._log.received

    def start(self) -> None:
        """Begin: the link is up. The first report tells the master where to start."""
        self._log.forget()
        self.position = self._log.overlap_start(self._overlap)
        if self._config.ha_ack_after_flush and self.position:
            self.position = max(min(self.position, self._log.flushed), 1)
        self._began = self.position
        self.last_read_ms = self._mono_ms()
        self._report(self.position)

    def data_to_send(self) -> bytes:
        """Return the reports that must go out."""
        data = bytes(self._outbox)
        self._outbox.clear()
        return data

    # --- what comes --------------------------------------------------------------------------

    def receive_data(self, data: bytes) -> None:
        """Take bytes as they came from the socket.

        Raises:
            ReplicationError: what came can't be; nothing of it is in the log.
            LogDiverged: master and slave hold different logs.
            StoreError, OSError: it can't be written.
        """
        self.last_read_ms = self._mono_ms()
        self.heard = True
        view = memoryview(self._buffer + data if self._buffer else data)
        pos, size = 0, len(view)
        try:
            while pos < size:
                if not self._left:
                    if size - pos < TRANSFER_HEADER_SIZE:
                        break
                    self._begin_range(*self._header(view, pos))
                    pos += TRANSFER_HEADER_SIZE
                    continue
                end = min(pos + self._left, size)
                self._take(view[pos:end])
                pos = end
        finally:
            self._append_pieces()
        self._buffer = bytes(view[pos:])
        self._report_progress()

    def _begin_range(self, offset: int, size: int) -> None:
        """Expect a range, or take a heartbeat."""
        if not size:
            self._take_heartbeat(offset)
            return
        self._beats = 0
        if self.position == 0:
            self._log.begin(offset)
            self.position = offset
        self._offset, self._left = offset, size

    def _header(self, view: memoryview, pos: int) -> tuple[int, int]:
        """Read a header and refuse one that can't follow, before its body is waited for."""
        try:
            offset, size = unpack_transfer(view, pos)
        except ProtocolError as error:
            raise ReplicationError(f"the master sent {error}") from error
        if size > MAX_BODY - TRANSFER_HEADER_SIZE:
            raise ReplicationError(f"the master sent a range of {size} bytes")
        if offset < 0 or offset + size > 2**63 - 1:
            raise ReplicationError(f"the master sent offset {offset}")
        if offset > self.position and self.position:
            raise ReplicationError(
                f"master pushed offset not equal the max phy offset in slave, "
                f"SLAVE: {self.position} MASTER: {offset}"
            )
        return offset, size

    def _take(self, body: memoryview) -> None:
        """Take the next bytes of the range: nothing waits until all of it is there."""
        offset = self._offset
        self._offset += len(body)
        self._left -= len(body)
        if offset == self.position and self._up_to_date():
            self._pieces.append(body)
            self.position += len(body)
            return
        self._append_pieces()
        self._compare(offset, body)

    def _up_to_date(self) -> bool:
        return bool(self._pieces) or self.position == self._log.received

    def _take_heartbeat(self, offset: int) -> None:
        if offset < self.position:
            raise ReplicationError(
                f"master pushed offset not equal the max phy offset in slave, "
                f"SLAVE: {self.position} MASTER: {offset}"
            )
        if self._up_to_date():
            return
        self._beats += 1
        if self._beats >= _SILENT_BEATS:
            raise LogDiverged(
                f"the master has nothing at offset {self.position} and we have up to "
                f"{self._log.received}: it lost its end, or removed what is older",
                self._began,
                self.position,
            )

    def _compare(self, offset: int, body: memoryview) -> None:
        """Compare what we have already, append the rest."""
        have = min(len(body), self._log.received - offset)
        own = self._log.read(offset, have)
        if len(own) != have:
            raise ReplicationError(
                f"the master sent {len(body)} bytes at offset {offset}, which we don't keep"
            )
        if own != body[:have]:
            at = offset + next(i for i in range(have) if own[i] != body[i])
            raise LogDiverged(
                f"our log and the master's are different at offset {at} "
                f"(ours ends at {self._log.end})",
                self._began,
                at,
            )
        self.position = max(self.position, offset + have)
        rest = body[have:]
        if rest:
            self._pieces.append(rest)
            self.position += len(rest)

    def _append_pieces(self) -> None:
        """Append what came in one read at once."""
        pieces, self._pieces = self._pieces, []
        if not pieces:
            return
        self._log.append(*pieces)
        self.transferred += sum(map(len, pieces))

    # --- what goes ---------------------------------------------------------------------------

    def tick(self) -> None:
        """Report if it's time; to be called now and then, about once a second.

        Raises:
            ReplicationError: the master has been silent for too long.
        """
        now = self._mono_ms()
        if now - self.last_read_ms > self._config.ha_housekeeping_interval:
            raise ReplicationError(f"the master was silent for {now - self.last_read_ms} ms")
        self._count_second(now)
        self._report_progress()
        if now - self.last_write_ms >= self._config.ha_send_heartbeat_interval:
            self._report(max(self._reported, self._reportable()))

    def _count_second(self, now: int) -> None:
        began, before = self._second
        if now - began >= SECOND_MS:
            self.speed = (self.transferred - before) * SECOND_MS // (now - began)
            self._second = now, self.transferred

    def _report_progress(self) -> None:
        """Report if the log has grown since the last report."""
        offset = self._reportable()
        if offset > self._reported:
            self._report(offset)

    def _reportable(self) -> int:
        """Return what the master may count: appended and, if wanted, on the disk."""
        if not self.verified:
            return self.position
        if self._config.ha_ack_after_flush:
            return min(self._log.end, self._log.flushed)
        return self._log.end

    def _report(self, offset: int) -> None:
        self._reported = offset
        self._outbox += pack_report(offset)
        self.last_write_ms = self._mono_ms()
