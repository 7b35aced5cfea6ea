"""Units of the consume queue files (``ConsumeQueue``, ``BatchConsumeQueue``, ``ConsumeQueueExt``).

::

    ConsumeQueue, 20 bytes        phyOffset 8  size 4  tagsCode 8
    BatchConsumeQueue, 46 bytes   phyOffset 8  size 4  tagsCode 8  storeTime 8  msgBaseOffset 8
                                  batchNum 2  compactedOffset 4 (-1)  reserved 4 (0)
    ConsumeQueueExt unit          size 2  tagsCode 8  msgStoreTime 8  bitMap length 2  bitMap

A file whose queue doesn't begin at its first unit is filled with pre-blank units up to there. The
address of an extension unit stands in tagsCode as offset + Long.MIN_VALUE.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

import msgspec

from rmqwire.errors import BadRecord

UNIT = 20  # ConsumeQueue.CQ_STORE_UNIT_SIZE, bytes
BATCH_UNIT = 46  # BatchConsumeQueue.CQ_STORE_UNIT_SIZE, bytes
EXT_MIN_UNIT = 20  # ConsumeQueueExt.MIN_EXT_UNIT_SIZE, bytes
EXT_END_SIZE = -1  # stands in a unit's size where the rest of a file is unused
EXT_MAX_ADDRESS = -(1 << 31) - 1  # ConsumeQueueExt.MAX_ADDR: greater values are tag hashes
_LONG_MIN = -(1 << 63)

UNIT_FIELDS = "qiq"  # as ``struct`` names them
UNIT_STRUCT = Struct(f">{UNIT_FIELDS}")
_BATCH = Struct(">qiqqqhii")
_EXT = Struct(">hqqh")
PRE_BLANK = UNIT_STRUCT.pack(0, 0x7FFFFFFF, 0)


class ConsumeQueueUnit(NamedTuple):
    """Where one message of a queue lies in the commit log."""

    physical_offset: int
    size: int
    tags_code: int


class BatchConsumeQueueUnit(NamedTuple):
    """Where one batch of a batch queue lies, and which queue offsets it holds."""

    physical_offset: int
    size: int
    tags_code: int
    store_time: int
    msg_base_offset: int
    batch_num: int
    compacted_offset: int = -1
    reserved: int = 0


class ConsumeQueueExtUnit(msgspec.Struct):
    """What a consume queue unit has no room for: tags code, store time and the filter bit map."""

    tags_code: int
    msg_store_time: int
    bit_map: bytes = b""

    @property
    def size(self) -> int:
        """Length of the unit in bytes."""
        return EXT_MIN_UNIT + len(self.bit_map)


def pack_unit(physical_offset: int, size: int, tags_code: int) -> bytes:
    """Write one 20-byte unit."""
    return UNIT_STRUCT.pack(physical_offset, size, tags_code)


def unpack_unit(data: bytes | bytearray | memoryview, pos: int = 0) -> ConsumeQueueUnit:
    """Read the unit at byte ``pos``.

    Raises:
        BadRecord: fewer than 20 bytes left.
    """
    _need(data, pos, UNIT)
    return ConsumeQueueUnit._make(UNIT_STRUCT.unpack_from(data, pos))


def iter_units(data: bytes | bytearray | memoryview) -> list[ConsumeQueueUnit]:
    """Read every unit of a range.

    Raises:
        BadRecord: the length is no multiple of 20.
    """
    if len(data) % UNIT:
        raise BadRecord(
            f"{len(data)} bytes are no whole consume queue units", len(data) // UNIT * UNIT
        )
    return list(map(ConsumeQueueUnit._make, UNIT_STRUCT.iter_unpack(data)))


def pack_batch_unit(unit: BatchConsumeQueueUnit) -> bytes:
    """Write one 46-byte unit of a batch queue."""
    return _BATCH.pack(*unit)


def unpack_batch_unit(data: bytes | bytearray | memoryview, pos: int = 0) -> BatchConsumeQueueUnit:
    """Read the batch unit at byte ``pos``.

    Raises:
        BadRecord: fewer than 46 bytes left.
    """
    _need(data, pos, BATCH_UNIT)
    return BatchConsumeQueueUnit._make(_BATCH.unpack_from(data, pos))


def pack_ext_unit(unit: ConsumeQueueExtUnit) -> bytes:
    """Write an extension unit.

    Raises:
        BadRecord: the bit map doesn't fit the unit's two-byte length.
    """
    if unit.size > 0x7FFF:
        raise BadRecord(f"a bit map of {len(unit.bit_map)} bytes is too long for an extension unit")
    return (
        _EXT.pack(unit.size, unit.tags_code, unit.msg_store_time, len(unit.bit_map)) + unit.bit_map
    )


def unpack_ext_unit(
    data: bytes | bytearray | memoryview, pos: int = 0
) -> ConsumeQueueExtUnit | None:
    """Read the extension unit at byte ``pos``; None at the marker that ends a file.

    Raises:
        BadRecord: cut off, or its two lengths don't agree.
    """
    _need(data, pos, 2)
    if int.from_bytes(data[pos : pos + 2], "big", signed=True) == EXT_END_SIZE:
        return None
    _need(data, pos, EXT_MIN_UNIT)
    size, tags_code, store_time, bits = _EXT.unpack_from(data, pos)
    if bits < 0 or size != EXT_MIN_UNIT + bits:
        raise BadRecord(f"extension unit of {size} bytes with a bit map of {bits}", pos)
    _need(data, pos, size)
    start = pos + EXT_MIN_UNIT
    return ConsumeQueueExtUnit(tags_code, store_time, bytes(data[start : start + bits]))


def ext_address(offset: int) -> int:
    """Turn an extension unit's offset into what tagsCode holds (``ConsumeQueueExt.decorate``)."""
    return offset + _LONG_MIN


def ext_offset(tags_code: int) -> int | None:
    """Return the extension unit's offset when tagsCode is an address, else None."""
    return tags_code - _LONG_MIN if tags_code <= EXT_MAX_ADDRESS else None


def _need(data: bytes | bytearray | memoryview, pos: int, size: int) -> None:
    if pos < 0 or len(data) - pos < size:
        raise BadRecord(f"{max(len(data) - pos, 0)} bytes left, {size} needed", pos)
