"""Headers of the replication stream with controllers (``AutoSwitchHAConnection``).

::

    slave handshake   16   state 4  syncFromLastFile 2  asyncLearner 2  brokerId 8
    master handshake  20   state 4  body size 4  max offset 8  last epoch 4
                             + epoch entries of 12: epoch 4  startOffset 8
    slave report      12   state 4  max offset 8
    master transfer   36   state 4  body size 4  offset 8  epoch 4
                             epochStartOffset 8  confirmOffset 8  + body
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from rmqwire.codec.ha import Data, need
from rmqwire.errors import ProtocolError

SLAVE_HANDSHAKE_SIZE = 16  # AutoSwitchHAClient.HANDSHAKE_HEADER_SIZE, bytes
MASTER_HANDSHAKE_SIZE = 20  # AutoSwitchHAConnection.HANDSHAKE_HEADER_SIZE, bytes
EPOCH_ENTRY_SIZE = 12  # AutoSwitchHAConnection.EPOCH_ENTRY_SIZE, bytes
SLAVE_REPORT_SIZE = 12  # AutoSwitchHAClient.TRANSFER_HEADER_SIZE, bytes
MASTER_TRANSFER_SIZE = 36  # AutoSwitchHAConnection.TRANSFER_HEADER_SIZE, bytes

_SLAVE_HANDSHAKE = Struct(">ihhq")
_MASTER_HANDSHAKE = Struct(">iiqi")
_EPOCH = Struct(">iq")
_SLAVE_REPORT = Struct(">iq")
_MASTER_TRANSFER = Struct(">iiqiqq")


class HaState(IntEnum):
    """States of a replication connection (``HAConnectionState``)."""

    READY = 0
    HANDSHAKE = 1
    TRANSFER = 2
    SUSPEND = 3
    SHUTDOWN = 4


class SlaveHandshake(NamedTuple):
    """First words of an auto-switch slave; flags as numbers, as they came."""

    state: int
    sync_from_last_file: int
    async_learner: int
    broker_id: int


class EpochEntry(NamedTuple):
    """A master's term and where in the log (bytes) it begins."""

    epoch: int
    start_offset: int


class MasterHandshake(NamedTuple):
    """An auto-switch master's answer: its end of log and every epoch it knows."""

    state: int
    max_offset: int
    last_epoch: int
    epochs: tuple[EpochEntry, ...]


class SlaveReport(NamedTuple):
    """An auto-switch slave's end of log (bytes)."""

    state: int
    max_offset: int


class MasterTransfer(NamedTuple):
    """What stands before each range of the log in auto-switch mode."""

    state: int
    body_size: int
    offset: int
    epoch: int
    epoch_start_offset: int
    confirm_offset: int


def pack_slave_handshake(handshake: SlaveHandshake) -> bytes:
    """Write an auto-switch slave's handshake."""
    return _SLAVE_HANDSHAKE.pack(*handshake)


def unpack_slave_handshake(data: Data, pos: int = 0) -> SlaveHandshake:
    """Read an auto-switch slave's handshake.

    Raises:
        ProtocolError: fewer than 16 bytes left.
    """
    need(data, pos, SLAVE_HANDSHAKE_SIZE)
    return SlaveHandshake._make(_SLAVE_HANDSHAKE.unpack_from(data, pos))


def pack_master_handshake(handshake: MasterHandshake) -> bytes:
    """Write an auto-switch master's handshake with its epochs."""
    size = len(handshake.epochs) * EPOCH_ENTRY_SIZE
    head = _MASTER_HANDSHAKE.pack(handshake.state, size, handshake.max_offset, handshake.last_epoch)
    return head + b"".join([_EPOCH.pack(*entry) for entry in handshake.epochs])


def unpack_master_handshake(data: Data, pos: int = 0) -> MasterHandshake:
    """Read an auto-switch master's handshake with its epochs.

    Raises:
        ProtocolError: cut off, or a size that holds no whole epochs.
    """
    need(data, pos, MASTER_HANDSHAKE_SIZE)
    state, size, max_offset, last_epoch = _MASTER_HANDSHAKE.unpack_from(data, pos)
    start = pos + MASTER_HANDSHAKE_SIZE
    if size < 0 or size % EPOCH_ENTRY_SIZE:
        raise ProtocolError(f"{size} bytes of epoch entries", pos)
    need(data, start, size)
    entries = _EPOCH.iter_unpack(data[start : start + size])
    return MasterHandshake(state, max_offset, last_epoch, tuple(map(EpochEntry._make, entries)))


def pack_slave_report(report: SlaveReport) -> bytes:
    """Write an auto-switch slave's report."""
    return _SLAVE_REPORT.pack(*report)


def unpack_slave_report(data: Data, pos: int = 0) -> SlaveReport:
    """Read an auto-switch slave's report.

    Raises:
        ProtocolError: fewer than 12 bytes left.
    """
    need(data, pos, SLAVE_REPORT_SIZE)
    return SlaveReport._make(_SLAVE_REPORT.unpack_from(data, pos))


def pack_master_transfer(header: MasterTransfer) -> bytes:
    """Write the auto-switch header of a range of the log."""
    return _MASTER_TRANSFER.pack(*header)


def unpack_master_transfer(data: Data, pos: int = 0) -> MasterTransfer:
    """Read the auto-switch header of a range of the log.

    Raises:
        ProtocolError: fewer than 36 bytes left, or a negative size.
    """
    need(data, pos, MASTER_TRANSFER_SIZE)
    header = MasterTransfer._make(_MASTER_TRANSFER.unpack_from(data, pos))
    if header.body_size < 0:
        raise ProtocolError(f"replicated range of {header.body_size} bytes", pos)
    return header
