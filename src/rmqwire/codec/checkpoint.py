"""The small fixed files of a store: ``checkpoint`` and ``config/timercheck``.

::

    checkpoint, 4096 bytes (StoreCheckpoint)
         0 physicMsgTimestamp   8 logicsMsgTimestamp   16 indexMsgTimestamp       8 bytes each
        24 masterFlushedOffset  32 confirmPhyOffset  40 logicsPhysicalOffset      5.x
    config/timercheck (TimerCheckpoint, 5.x), 56 of 4096 bytes; the wire has 32 or 56
        lastReadTimeMs  lastTimerLogFlushPos  lastTimerQueueOffset  masterTimerQueueOffset
        stateVersion  timestamp  counter (of the data version)                    8 bytes each
"""

from __future__ import annotations

from struct import Struct
from struct import error as struct_error

import msgspec

from rmqwire.codec.release import DEFAULT_RELEASE, Release
from rmqwire.errors import BadRecord

Data = bytes | bytearray | memoryview

FILE_SIZE = 4096  # bytes, MappedFile.OS_PAGE_SIZE
TIMER_CHECKPOINT_SIZE = 56  # bytes
_OLD_TIMER_CHECKPOINT_SIZE = 32
_FIELDS = 6
_STORE = Struct(">6q")
_TIMER = Struct(">7q")
_OLD_TIMER = Struct(">4q")


class StoreCheckpoint(msgspec.Struct):
    """Up to which times (ms) and offsets (bytes) the store is on disk; 0 where unknown."""

    physic_msg_timestamp: int = 0
    logics_msg_timestamp: int = 0
    index_msg_timestamp: int = 0
    master_flushed_offset: int = 0
    confirm_phy_offset: int = 0
    logics_physical_offset: int = 0

    def encode(self, release: Release = DEFAULT_RELEASE) -> bytes:
        """Write the 4096 bytes of the file; 4.9 knows the three times only.

        Raises:
            BadRecord: a number out of range.
        """
        known = msgspec.structs.astuple(self)[: release.store.checkpoint_fields]
        try:
            fields = _STORE.pack(*known, *(0,) * (_FIELDS - len(known)))
        except struct_error as error:
            raise BadRecord(f"checkpoint out of range: {error}") from None
        return fields.ljust(FILE_SIZE, b"\0")

    @classmethod
    def decode(cls, data: Data) -> StoreCheckpoint:
        """Read a checkpoint file of either release.

        Raises:
            BadRecord: shorter than its fields.
        """
        if len(data) < _STORE.size:
            raise BadRecord(f"checkpoint of {len(data)} bytes")
        return cls(*_STORE.unpack_from(data))


class TimerCheckpoint(msgspec.Struct):
    """How far the timer store has come: times in ms, positions in bytes, a queue offset."""

    last_read_time_ms: int = 0
    last_timer_log_flush_pos: int = 0
    last_timer_queue_offset: int = 0
    master_timer_queue_offset: int = 0
    state_version: int = 0
    timestamp: int = 0
    counter: int = 0

    def encode(self) -> bytes:
        """Write the 56 bytes, as they stand in the file and in GET_TIMER_CHECK_POINT's answer.

        Raises:
            BadRecord: a number out of range.
        """
        try:
            return _TIMER.pack(*msgspec.structs.astuple(self))
        except struct_error as error:
            raise BadRecord(f"timer checkpoint out of range: {error}") from None

    @classmethod
    def decode(cls, data: Data) -> TimerCheckpoint:
        """Read 56 bytes, or the 32 of brokers that have no data version there.

        Raises:
            BadRecord: fewer than 32 bytes.
        """
        if len(data) >= TIMER_CHECKPOINT_SIZE:
            return cls(*_TIMER.unpack_from(data))
        if len(data) < _OLD_TIMER_CHECKPOINT_SIZE:
            raise BadRecord(f"timer checkpoint of {len(data)} bytes")
        return cls(*_OLD_TIMER.unpack_from(data))
