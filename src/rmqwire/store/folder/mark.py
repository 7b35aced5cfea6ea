"""``rmqwire.mark``: up to where the log is on the disk, whatever happens (no Java counterpart).

Java's files don't say which part of the log was once durable, so Java can't tell a torn tail from
damage. This small file beside them can::

    two slots of 512 bytes, written in turn; the valid one with the larger number counts
         0 magic "RMQMARK1"      8 number          16 synced offset   24 last record's offset
        32 its size (4)         36 its CRC (4)     40 its store time  48 queues' CRC (4)
        52 closed (4)           56 CRC-32 of bytes 0 to 56

It is written after each flush, from the thread that flushed: it never runs ahead of the disk. It
is itself synced only now and then, so after a power cut it may be older, never newer, than the
truth. A failed write of it is no failure of the store: the mark is older then.
"""

from __future__ import annotations

from struct import Struct
from struct import error as struct_error
from typing import TYPE_CHECKING
from zlib import crc32

import msgspec

if TYPE_CHECKING:
    from rmqwire.disk.files import FileLayer

NAME = "rmqwire.mark"
SLOT = 512  # bytes: a sector, written as one
_MAGIC = b"RMQMARK1"
_FIELDS = Struct(">8sqqqiIqIi")
_CRC = Struct(">I")


class DurableMark(msgspec.Struct):
    """What one slot says.

    Args:
        number: counts the writes.
        synced: everything of the log below it was synced, bytes.
        record_at: offset of the last whole record below it.
        record_size: bytes of that record, 0 when there was none.
        record_crc: CRC-32 of its bytes.
        store_timestamp: its store time, ms.
        queues_crc: CRC-32 of which consume queues there were and where each ended, at a clean stop.
        closed: 1 after a clean stop.
    """

    number: int = 0
    synced: int = 0
    record_at: int = 0
    record_size: int = 0
    record_crc: int = 0
    store_timestamp: int = 0
    queues_crc: int = 0
    closed: int = 0

    @property
    def promised(self) -> int:
        """Offset below which a whole chain of records was durable."""
        return self.record_at + self.record_size if self.record_size else 0

    def encode(self) -> bytes:
        """Write a slot's 512 bytes."""
        fields = _FIELDS.pack(
            _MAGIC,
            self.number,
            self.synced,
            self.record_at,
            self.record_size,
            self.record_crc,
            self.store_timestamp,
            self.queues_crc,
            self.closed,
        )
        return (fields + _CRC.pack(crc32(fields))).ljust(SLOT, b"\0")

    @classmethod
    def decode(cls, data: bytes) -> DurableMark | None:
        """Read a slot; None when it holds no mark."""
        try:
            magic, *values = _FIELDS.unpack_from(data)
            (crc,) = _CRC.unpack_from(data, _FIELDS.size)
        except struct_error:
            return None
        if magic != _MAGIC or crc != crc32(data[: _FIELDS.size]):
            return None
        mark = cls(*values)
        sane = mark.record_at >= 0 and mark.record_size >= 0 and mark.promised <= mark.synced
        return mark if sane else None


class MarkFile:
    """Read and write the mark of one store.

    Args:
        path: the file.
        files: the disk.
    """

    def __init__(self, path: str, files: FileLayer) -> None:
        self.path = path
        self.mark = DurableMark()
        self.fault = ""  # why the last write failed, "" when it did not
        self.frozen = False  # the store serves a damaged log as it is: the mark stays
        self._files = files
        self.unsynced = False  # something was written since the last sync
        self._handle = -1

    def load(self) -> DurableMark | None:
        """Read the newest valid slot without touching the file; None if there is none.

        Raises:
            OSError: the disk failed.
        """
        files = self._files
        if not files.exists(self.path):
            return None
        handle = files.open(self.path)
        try:
            data = files.pread(handle, 2 * SLOT, 0)
        finally:
            files.close(handle)
        slots = (DurableMark.decode(data[at : at + SLOT]) for at in (0, SLOT))
        found = max((s for s in slots if s is not None), key=lambda s: s.number, default=None)
        if found is not None:
            self.mark = msgspec.structs.replace(found)
        return found

    def write(self, mark: DurableMark, *, sync: bool = False) -> None:
        """Put ``mark`` in the place of the older slot; ``fault`` says why if that failed.

        Args:
            mark: what to write; its number follows the last one's.
            sync: return when it is on the disk.
        """
        if self.frozen:
            return
        files = self._files
        mark = msgspec.structs.replace(mark, number=self.mark.number + 1)
        try:
            if self._handle < 0:
                self._handle = files.open(self.path, create=True)
            files.pwrite(self._handle, mark.encode(), mark.number % 2 * SLOT)
            self.unsynced = True
            self.mark = mark
            self.fault = ""
            if sync:
                self.sync()
        except OSError as error:
            self.fault = f"{self.path} can not be written: {error}"

    def lower(self, offset: int) -> None:
        """Promise nothing from ``offset`` on any more, durably; to be called before a cut there.

        Raises:
            OSError: the disk failed; nothing may be cut.
        """
        if self.mark.synced <= offset:
            return
        # Both slots, one after the other: whichever survives, none promises what will be cut.
        for _ in range(2):
            self.write(DurableMark(synced=offset), sync=True)
            if self.fault:
                raise OSError(self.fault)

    def sync(self) -> None:
        """Sync what was written since the last time.

        Raises:
            OSError: the disk failed; the mark on it may be an older one.
        """
        if self.unsynced:
            self.unsynced = False
            self._files.datasync(self._handle)

    def close(self) -> None:
        """Close the file."""
        if self._handle >= 0:
            self._files.close(self._handle)
            self._handle = -1
