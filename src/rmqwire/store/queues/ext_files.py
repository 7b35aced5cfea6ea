"""Extension units of consume queues (Java ``ConsumeQueueExt``): ``consumequeue_ext/TOPIC/ID/...``.

With ``enableConsumeQueueExt`` a unit holds the address of an extension unit where its tags code
would be; the extension unit has the code, the store time and, with ``enableCalcFilterBitMap``, the
bits of the groups whose conditions match. Without a bit map a condition looks at the message.

A file ends with a size of -1 where the next unit has no room (4 bytes stay free). Files are sparse,
as Java's are: a queue of one message has one of 48 MiB. So a write may find the disk full; the
unit keeps its tags code then, as in Java. A code that can't be found counts as wanted: the client
filters too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.consume_queue import (
    EXT_END_SIZE,
    EXT_MIN_UNIT,
    ConsumeQueueExtUnit,
    ext_address,
    ext_offset,
    unpack_ext_unit,
)
from rmqwire.errors import BadRecord
from rmqwire.store.folder.file_queue import FileQueue, may_be_segment

if TYPE_CHECKING:
    from rmqwire.disk.files import FileLayer
    from rmqwire.store.folder.file_queue import HandleCache

FOLDER = "consumequeue_ext"
_WINDOW = 64 * 1024  # bytes read at once: twice the largest unit
_LARGEST = 32 * 1024
_END = EXT_END_SIZE.to_bytes(2, "big", signed=True)
_END_ROOM = 4  # ConsumeQueueExt.END_BLANK_DATA_LENGTH, bytes
MIN_EXT_SEGMENT = EXT_MIN_UNIT + _END_ROOM  # bytes: a file of one unit


class ConsumeQueueExt:
    """The extension files of one queue.

    Args:
        folder: where they are.
        segment_size: bytes of each file; files that are there keep the size they have.
        files: the disk.
        handles: open handles, shared by all queues.
    """

    __slots__ = ("_disk", "_window", "_window_start", "files", "flushed", "written")

    def __init__(
        self, folder: str, segment_size: int, files: FileLayer, handles: HandleCache
    ) -> None:
        names = list(filter(may_be_segment, files.list(folder)))
        size = files.size(f"{folder}/{names[0]}") if names else 0
        self.files = FileQueue(folder, size or segment_size, files, handles, sparse=True)
        self.written = 0  # offset behind the last unit
        self.flushed = 0
        self._disk = files
        self._window = b""
        self._window_start = 0

    def load(self) -> None:
        """Take up the files.

        Raises:
            CorruptLog: they don't fit together.
            OSError: the disk failed.
        """
        self.files.load()
        self.flushed = self.files.start

    def unit(self, address: int) -> ConsumeQueueExtUnit | None:
        """Return the unit that a tags code is the address of, None if there is none.

        Raises:
            OSError: the disk failed.
        """
        offset = ext_offset(address)
        if offset is None:
            return None
        at = self._show(offset)
        try:
            return unpack_ext_unit(self._window, at)
        except BadRecord:
            return None

    def _show(self, offset: int) -> int:
        """Have the unit at ``offset`` in the window; give its position there."""
        at = offset - self._window_start
        if 0 <= at <= len(self._window) - _LARGEST:
            return at
        self._window, self._window_start = self.files.read(offset, _WINDOW), offset
        return 0

    def append(self, units: list[bytes]) -> list[int]:
        """Write units behind the last one; give their addresses.

        Raises:
            DiskFull: no room for a new file.
            OSError: the disk failed. No unit counts as written.
        """
        size = self.files.segment_size
        addresses: list[int] = []
        begin = end = self.written
        run = bytearray()  # what goes into one file
        for unit in units:
            left = size - end % size
            if len(unit) > left - _END_ROOM:
                self.files.write(run + _END, begin)
                run.clear()
                begin = end = end + left
            addresses.append(ext_address(end))
            run += unit
            end += len(unit)
        self.files.write(run, begin)
        self._window = b""
        self.written = end
        return addresses

    def cut_behind(self, address: int | None) -> None:
        """Forget all units behind the one at ``address``; all of them for None.

        Raises:
            OSError: the disk failed.
        """
        offset = ext_offset(address) if address is not None else None
        unit = self.unit(address) if address is not None else None
        self.written = offset + unit.size if offset is not None and unit is not None else 0
        self.flushed = min(self.flushed, self.written)
        self.files.drop_from(self.written)
        self.files.zero_tail(self.written)
        self._window = b""

    def drop_before(self, address: int) -> None:
        """Remove the files that end before the unit at ``address`` (``truncateByMinAddress``).

        Raises:
            OSError: the disk failed.
        """
        offset = ext_offset(address) or 0
        segments = self.files.segments
        while len(segments) > 1 and segments[1].start < offset:
            self.files.drop(segments[0])

    def clear(self) -> None:
        """Remove all files, those too that don't fit.

        Raises:
            OSError: the disk failed.
        """
        self.files.drop_from(0)
        for name in filter(may_be_segment, self._disk.list(self.files.folder)):
            self._disk.unlink(f"{self.files.folder}/{name}")
        self.written = self.flushed = 0
        self._window = b""
