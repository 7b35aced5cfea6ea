"""The master's side of replication (``DefaultHAConnection``), without sockets.

::

    slave's first report     where to start; 0: the beginning of our last file
    next_data                ranges of the log with their headers, or a heartbeat
    every other report       how far the slave is

A report that can't be true closes the connection and is never counted: beyond the log's end,
beyond what this slave was sent, or going back. Java counts them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from rmqwire.codec.ha import REPORT_SIZE, TRANSFER_HEADER_SIZE, pack_transfer, unpack_report
from rmqwire.errors import ReplicationError

if TYPE_CHECKING:
    from rmqwire.clock import MonoMs
    from rmqwire.store.config import StoreConfig

SECOND_MS = 1_000
_TLS_HANDSHAKE = 0x16  # first byte of a slave that wants TLS: no log is as long
PASS_SIZE = 1 << 20  # bytes of the log handed out at once, in batches of haTransferBatchSize


class Files(Protocol):
    """The log's files, as far as a master needs them."""

    @property
    def segment_size(self) -> int: ...  # noqa: D102


class Source(Protocol):
    """What a master needs of ``store.commit_log.CommitLog``."""

    end: int

    @property
    def queue(self) -> Files: ...  # noqa: D102
    @property
    def min_offset(self) -> int: ...  # noqa: D102
    def read(self, offset: int, size: int) -> bytes: ...  # noqa: D102


class SlaveConnection:
    """One slave, as its connection shows it.

    Args:
        peer: its ``ip:port``.
        log: what it's sent.
        config: intervals, ``haTransferBatchSize``, flow control.
        mono_ms: monotonic clock.

    Attributes:
        ack: offset up to which the slave has the log, -1 before its first report.
        position: offset of the next byte that it's sent, -1 before its first report.
        opened_ms: when it connected.
        last_report_ms: when it reported last.
        speed: bytes of the log sent in the last full second.
    """

    def __init__(self, peer: str, log: Source, config: StoreConfig, mono_ms: MonoMs) -> None:
        self.peer = peer
        self.host = peer.rpartition(":")[0]
        self._log = log
        self._config = config
        self._mono_ms = mono_ms
        self._buffer = b""
        self._out = memoryview(b"")
        self.ack = -1
        self.position = -1
        now = mono_ms()
        self.opened_ms = self.last_report_ms = self._last_write_ms = self._second_ms = now
        self._sent_this_second = 0
        self.speed = 0

    # --- reports -----------------------------------------------------------------------------

    def receive_data(self, data: bytes) -> bool:
        """Take bytes of a slave; tell whether it got further.

        Raises:
            ReplicationError: a report that can't be true.
        """
        data = self._buffer + data
        whole = len(data) - len(data) % REPORT_SIZE
        self._buffer = data[whole:]
        before = self.ack
        for pos in range(0, whole, REPORT_SIZE):
            self._reported(unpack_report(data, pos))
        if whole:
            self.last_report_ms = self._mono_ms()
        return self.ack > before

    def _reported(self, offset: int) -> None:
        end = self._log.end
        if offset >> 56 == _TLS_HANDSHAKE:
            raise ReplicationError(f"slave {self.peer} speaks TLS, haTlsMode is disabled here")
        if not 0 <= offset <= end:
            raise ReplicationError(f"slave {self.peer} reports {offset}, our log ends at {end}")
        if self.position < 0:
            self.position = self._start(offset)
        elif not self.ack <= offset <= self.position:
            raise ReplicationError(
                f"slave {self.peer} reports {offset} after {self.ack}; it was sent up to "
                f"{self.position}"
            )
        self.ack = offset

    def _start(self, offset: int) -> int:
        log = self._log
        if offset == 0:
            return max(log.end - log.end % log.queue.segment_size, log.min_offset)
        if offset < log.min_offset:
            raise ReplicationError(
                f"slave {self.peer} asks for offset {offset}, our log begins at {log.min_offset}"
            )
        return offset

    # --- ranges ------------------------------------------------------------------------------

    @property
    def unsent(self) -> int:
        """Bytes of the log that the slave hasn't been sent yet."""
        return self._log.end - self.position

    @property
    def is_far(self) -> bool:
        """Whether the slave lacks so much that many reports will come, of each batch in Java."""
        return self._log.end - self.ack > PASS_SIZE

    def next_data(self) -> bytes | memoryview:
        """Return what to send now: ranges of the log, a heartbeat when it's time, or nothing.

        It is valid until the next call.

        Raises:
            ReplicationError: the log has lost what is to be sent.
        """
        now = self._mono_ms()
        if self.position < 0:
            return b""
        self._count_second(now)
        left = min(self._log.end - self.position, PASS_SIZE, self._allowance())
        if left > 0:
            data = self._batches(self._read(left))
        elif now - self._last_write_ms >= self._config.ha_send_heartbeat_interval:
            data = pack_transfer(self.position, 0)
        else:
            return b""
        self._last_write_ms = now
        return data

    def _read(self, limit: int) -> bytes:
        """Read what comes next: it doesn't cross a file's end, as a Java slave expects."""
        log = self._log
        size = log.queue.segment_size
        body = log.read(self.position, min(limit, size - self.position % size))
        if not body:
            raise ReplicationError(f"offset {self.position} is no longer there")
        return body

    def _batches(self, body: bytes) -> bytes | memoryview:
        """Cut what was read into batches, each behind its header.

        One large ``pread``, copied once into a buffer that stays, costs a fifth of a ``pread`` for
        each batch and a join, and less than a ``sendfile`` for each batch.
        """
        position, size = self.position, len(body)
        self.position += size
        self._sent_this_second += size
        batch = self._config.ha_transfer_batch_size
        if size <= batch:
            return pack_transfer(position, size) + body
        data = self._out
        room = size + -(-size // batch) * TRANSFER_HEADER_SIZE
        if len(data) < room:
            data = self._out = memoryview(bytearray(room))
        view, to = memoryview(body), 0
        for begin in range(0, size, batch):
            part = view[begin : begin + batch]
            start = to + TRANSFER_HEADER_SIZE
            data[to:start] = pack_transfer(position + begin, len(part))
            to = start + len(part)
            data[start:to] = part
        return data[:to]

    def _count_second(self, now: int) -> None:
        if now - self._second_ms >= SECOND_MS:
            recent = now - self._second_ms < 2 * SECOND_MS
            self.speed = self._sent_this_second if recent else 0
            self._second_ms = now
            self._sent_this_second = 0

    def _allowance(self) -> int:
        if not self._config.ha_flow_control_enable:
            return PASS_SIZE
        return max(self._config.max_ha_transfer_byte_in_second - self._sent_this_second, 0)

    # --- time --------------------------------------------------------------------------------

    def wait_ms(self) -> int:
        """Return after how long ``next_data`` may have something without anything happening."""
        now = self._mono_ms()
        if self.position < 0:
            return self._config.ha_housekeeping_interval
        beat = self._last_write_ms + self._config.ha_send_heartbeat_interval - now
        if self._log.end > self.position:  # held back by flow control
            beat = min(beat, self._second_ms + SECOND_MS - now)
        return max(beat, 1)

    def check(self) -> None:
        """Look whether the slave is still there.

        Raises:
            ReplicationError: it hasn't reported for ``haHousekeepingInterval``.
        """
        silent = self._mono_ms() - self.last_report_ms
        if silent > self._config.ha_housekeeping_interval:
            raise ReplicationError(f"slave {self.peer} hasn't reported for {silent} ms")


class Slaves:
    """All connected slaves of a master (``DefaultHAService``).

    A slave that connects again while its old connection still looks alive counts once: the older
    connection of the same host counts again only when something comes over it a heartbeat later.

    Args:
        log: what they're sent.
        config: ``haMaxGapNotInSync``.
        mono_ms: monotonic clock.
    """

    def __init__(self, log: Source, config: StoreConfig, mono_ms: MonoMs) -> None:
        self.log = log
        self._config = config
        self._mono_ms = mono_ms
        self.connections: list[SlaveConnection] = []
        self.pushed = 0  # largest offset that any slave has ever had (push2SlaveMaxOffset)

    def open(self, peer: str) -> SlaveConnection:
        """Take a new connection."""
        connection = SlaveConnection(peer, self.log, self._config, self._mono_ms)
        self.connections.append(connection)
        return connection

    def close(self, connection: SlaveConnection) -> None:
        """Forget one that ended."""
        self.connections.remove(connection)

    def received(self, connection: SlaveConnection, data: bytes) -> bool:
        """Take a slave's bytes; tell whether it got further.

        Raises:
            ReplicationError: a report that can't be true.
        """
        moved = connection.receive_data(data)
        self.pushed = max(self.pushed, connection.ack)
        return moved

    def counted(self) -> list[SlaveConnection]:
        """Return those that are certainly slaves of their own."""
        found = []
        grace = self._config.ha_send_heartbeat_interval
        newest: dict[str, int] = {}
        for connection in reversed(self.connections):  # the newest first
            newer = newest.get(connection.host)
            if newer is None or connection.last_report_ms >= newer + grace:
                found.append(connection)
            newest.setdefault(connection.host, connection.opened_ms)
        return found

    def acked_by(self, count: int) -> int:
        """Return the offset up to which ``count`` slaves have the log, -1 if there are fewer."""
        acks = sorted((connection.ack for connection in self.counted()), reverse=True)
        return acks[count - 1] if 0 < count <= len(acks) else -1

    def in_sync(self, connection: SlaveConnection) -> bool:
        """Return whether a slave is near the log's end."""
        gap = self.log.end - connection.ack
        return gap < self._config.ha_max_gap_not_in_sync
