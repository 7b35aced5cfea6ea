"""The log of all records (Java ``CommitLog``): positions, the pass's buffer, reading by range.

Three offsets grow one behind the other, all in bytes from the log's beginning::

    flushed <= end <= append_end

``append`` puts a record into memory and moves ``append_end``; ``write`` hands everything to the
kernel and moves ``end``; a ``FlushPlan`` run elsewhere makes it durable and moves ``flushed``.
Readers see what lies below ``end``. A failed write moves nothing and forgets the pass.
"""

from __future__ import annotations

from operator import add
from struct import Struct
from typing import TYPE_CHECKING

from rmqwire.codec.batch import columns_of
from rmqwire.codec.record import (
    BLANK_MAGIC,
    BLANK_SIZE,
    MESSAGE_MAGIC_V1,
    MESSAGE_MAGIC_V2,
    append_record,
    check_record,
)
from rmqwire.codec.record_batch import make_records
from rmqwire.codec.record_views import PLACE, STORE_TIMESTAMP_AT, STORE_TIMESTAMP_AT_V6
from rmqwire.codec.sys_flag import BORNHOST_V6_FLAG
from rmqwire.errors import BadRecord, StoreError
from rmqwire.store.folder.file_queue import FileQueue
from rmqwire.store.folder.flush_plan import FlushPlan
from rmqwire.store.log.log_window import LogWindow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmqwire.disk.files import FileLayer
    from rmqwire.store.config import StoreConfig
    from rmqwire.store.folder.file_queue import HandleCache
    from rmqwire.store.results import MessageInner

_BLANK = Struct(">ii")
_LONG = Struct(">q")
_LOOK_AHEAD = 4096  # bytes read at once when a single record is looked up
MERGE_GAP = 4096  # bytes: ranges closer than this are fetched by one pread
_HOT = 64 << 20  # bytes
_REWRITE = 4 << 20  # bytes written again at once
_MAGICS = (MESSAGE_MAGIC_V1, MESSAGE_MAGIC_V2)


class CommitLog:
    """Append, write and read the log.

    Args:
        config: sizes and folders.
        files: the disk.
        handles: open handles of its segments.
        store_host: ip and port of this broker, packed.
    """

    __slots__ = (
        "_append_crc",
        "_buffer",
        "_buffer_start",
        "_chunks",
        "_last_size",
        "_segment_end",
        "append_end",
        "end",
        "flushed",
        "last_record",
        "last_store_timestamp",
        "opened_at",
        "queue",
        "store_host",
        "tail_unclean",
        "window",
    )

    def __init__(
        self, config: StoreConfig, files: FileLayer, handles: HandleCache, store_host: bytes
    ) -> None:
        self.queue = FileQueue(
            config.commit_log_path,
            config.mapped_file_size_commit_log,
            files,
            handles,
            ordered=True,
        )
        # what is being read again and again
        self.window = LogWindow(self.queue, lambda: self.end)
        self._append_crc = config.enabled_append_prop_crc
        self.store_host = store_host
        self.last_store_timestamp = 0
        self.last_record = (0, 0)  # offset and size of the newest whole record below ``end``
        self._last_size = 0
        self.opened_at = 0  # what lies below was there before this process
        self.tail_unclean = False  # bytes of a failed write may stand behind ``end``
        self.start_at(0)

    def start_at(self, offset: int) -> None:
        """Go on at ``offset``: all before it is there and durable, nothing is pending."""
        self.window.forget()
        self._go_on_at(offset)

    def _go_on_at(self, offset: int) -> None:
        self.end = self.append_end = self.flushed = offset
        self._segment_end = self._end_of_segment(offset)
        self._buffer = bytearray()
        self._buffer_start = offset
        self._chunks: list[tuple[int, bytearray]] = []

    def _end_of_segment(self, offset: int) -> int:
        size = self.queue.segment_size
        return offset - offset % size + size

    @property
    def min_offset(self) -> int:
        """Offset of the first byte still there."""
        return self.queue.start

    @property
    def trusted_from(self) -> int:
        """Offset from which on records are this process's own and surely in memory still."""
        return max(self.opened_at, self.end - _HOT)

    # --- appending ---------------------------------------------------------------------------

    def append(
        self,
        message: MessageInner,
        topic: bytes,
        queue_offset: int,
        store_timestamp: int,
        v2: bool,
    ) -> int:
        """Append one record to the pass; it begins at ``append_end`` minus the returned size.

        Returns:
            The record's size in bytes.

        Raises:
            BadRecord: it can't be stored; nothing was appended.
        """
        buffer = self._buffer
        offset = self.append_end
        before = len(buffer)
        size = append_record(
            buffer,
            topic=topic,
            body=message.body,
            properties=message.properties,
            queue_id=message.queue_id,
            flag=message.flag,
            queue_offset=queue_offset,
            physical_offset=offset,
            sys_flag=message.sys_flag,
            born_timestamp=message.born_timestamp,
            born_host=message.born_host,
            store_timestamp=store_timestamp,
            store_host=self.store_host,
            reconsume_times=message.reconsume_times,
            prepared_transaction_offset=message.prepared_transaction_offset,
            v2=v2,
            append_crc=self._append_crc,
        )
        if size + BLANK_SIZE > self._segment_end - offset:
            del buffer[before:]
            if size + BLANK_SIZE > self.queue.segment_size:
                raise BadRecord(f"a record of {size} bytes doesn't fit into a commit log file")
            self._roll()
            return self.append(message, topic, queue_offset, store_timestamp, v2)
        self.append_end = offset + size
        self._last_size = size
        self.last_store_timestamp = store_timestamp
        return size

    def append_batch(
        self,
        messages: Sequence[MessageInner],
        topic: bytes,
        queue_offset: int,
        store_timestamp: int,
    ) -> tuple[list[tuple[int, int]], bytes] | None:
        """Append the records of one batch of version 1, if they fit into the file.

        Returns:
            offset and size of each and the units of all; None when they must be appended one by one.

        Raises:
            BadRecord: one can't be stored; nothing was appended.
        """
        if self._append_crc:
            return None
        first = messages[0]
        records, offsets, sizes, units = make_records(
            columns_of(
                [one.flag for one in messages],
                [bytes(one.body) for one in messages],
                [one.properties for one in messages],
            ),
            [one.tags_code for one in messages],
            topic=topic,
            queue_ids=[first.queue_id],
            queue_offsets=range(queue_offset, queue_offset + len(messages)),
            physical_offset=self.append_end,
            sys_flag=first.sys_flag,
            born_timestamps=[first.born_timestamp],
            born_host=first.born_host,
            store_timestamp=store_timestamp,
            store_host=self.store_host,
            reconsume_times=first.reconsume_times,
            prepared_transaction_offset=first.prepared_transaction_offset,
        )
        if len(records) + BLANK_SIZE > self.room:
            return None
        self.append_records(records, sizes[-1], store_timestamp)
        return [*zip(offsets, sizes, strict=True)], units

    @property
    def room(self) -> int:
        """Bytes left in the file that the next record goes into, its BLANK's included."""
        return self._segment_end - self.append_end

    def append_records(self, records: bytes, last_size: int, store_timestamp: int) -> None:
        """Append records that were made for ``append_end`` and fit into ``room``.

        Args:
            records: whole records, one after the other.
            last_size: bytes of the last of them.
            store_timestamp: of all of them, ms.
        """
        self._buffer += records
        self.append_end += len(records)
        self._last_size = last_size
        self.last_store_timestamp = store_timestamp

    def _roll(self) -> None:
        """Close the segment with a BLANK of 8 bytes (the rest stays zero) and begin the next."""
        left = self._segment_end - self.append_end
        if left > 0:
            self._buffer += _BLANK.pack(left, BLANK_MAGIC)
        if self._buffer:
            self._chunks.append((self._buffer_start, self._buffer))
            self._buffer = bytearray()
        self._buffer_start = self.append_end = self._segment_end
        self._segment_end += self.queue.segment_size

    def write(self) -> None:
        """Hand all records of the pass to the kernel, one ``pwrite`` per segment.

        Raises:
            DiskFull: no room for a new segment.
            OSError: the disk failed. In both cases the pass is forgotten.
        """
        chunks = self._chunks
        if self._buffer:
            chunks.append((self._buffer_start, self._buffer))
        try:
            for offset, data in chunks:
                self.queue.write(data, offset)
        except (OSError, StoreError):
            self._forget_pass()
            raise
        self.end = self._buffer_start = self.append_end
        self.last_record = (self.end - self._last_size, self._last_size)
        self._buffer.clear()
        if len(chunks) > 1:
            self._chunks = []
        else:
            chunks.clear()

    def _forget_pass(self) -> None:
        """Take the positions back and zero what the failed write may have left on the disk."""
        chunks, flushed = self._chunks, self.flushed
        self.start_at(self.end)
        self.flushed = flushed
        try:
            for offset, data in chunks:
                if self.queue.find(offset) is not None:
                    self.queue.write(bytes(len(data)), offset)
        except OSError:
            self.tail_unclean = True  # writing on would let an unacknowledged record come back

    def write_raw(self, data: memoryview) -> None:
        """Write records that another log has at ``end``; they don't cross a segment's end.

        Raises:
            DiskFull: no room for a new segment.
            OSError: the disk failed. In both cases the log ends where it ended.
        """
        flushed = self.flushed
        self.queue.write(data, self.end)
        self._go_on_at(self.end + len(data))
        self.flushed = flushed

    # --- flushing ----------------------------------------------------------------------------

    def flush_plan(self) -> FlushPlan | None:
        """Plan the sync of what is written and not durable; None if there is nothing."""
        if self.flushed >= self.end and not self.queue.new_names:
            return None
        plan = FlushPlan(self.end, self.last_store_timestamp)
        plan.add(self.queue, self.flushed, self.end)
        return plan

    def rewrite(self, begin: int, end: int) -> None:
        """Write the bytes from ``begin`` to ``end`` once more as they are.

        After a failed sync the kernel takes pages for clean that never reached the disk; only
        pages that are written again are synced again.

        Raises:
            OSError: the disk failed.
        """
        while begin < end:
            data = self.queue.read(begin, min(_REWRITE, end - begin))
            if not data:
                return
            self.queue.write(data, begin)
            begin += len(data)

    # --- reading -----------------------------------------------------------------------------

    def read(self, offset: int, size: int) -> bytes:
        """Read ``size`` bytes; b"" unless all of them are there."""
        if offset < self.queue.start or offset + size > self.end:
            return b""
        data = self.queue.read(offset, size)
        return data if len(data) == size else b""

    def read_ranges(self, ranges: list[tuple[int, int]]) -> list[bytes]:
        """Read records at ascending offsets, given as (offset, size), with few preads.

        Those in whole blocks come from the window, where they are kept for the next reader. Of the others
        neighbours in one segment are fetched together, small gaps included. A range that is not there
        gives b"".
        """
        found, missing = self.window.cut(ranges, self.end)
        if missing:
            rest = [ranges[number] for number in missing]
            for number, data in zip(missing, self._read_apart(rest), strict=True):
                found[number] = data
        return found

    def _read_apart(self, ranges: list[tuple[int, int]]) -> list[bytes]:
        found = self._read_together(ranges)
        if found:
            return found
        segment_size = self.queue.segment_size
        groups: list[list[tuple[int, int]]] = []
        stop = limit = -1
        for one in ranges:
            offset, size = one
            if stop <= offset <= stop + MERGE_GAP and offset + size <= limit:
                groups[-1].append(one)
            else:
                groups.append([one])
                limit = offset - offset % segment_size + segment_size
            stop = offset + size
        wholes = [(group[0][0], sum(group[-1]) - group[0][0]) for group in groups]
        for group, (begin, _), data in zip(groups, wholes, self.read_each(wholes), strict=True):
            if len(group) == 1:
                found.append(data)
            else:
                found += [data[o - begin : o - begin + n] for o, n in group]
        return found

    def read_each(self, ranges: list[tuple[int, int]]) -> list[bytes]:
        """Do what ``read`` does for many ranges, given as (offset, size), at once."""
        end = self.end
        if all(offset + size <= end for offset, size in ranges):
            return self.queue.read_each(ranges)
        return [self.read(offset, size) for offset, size in ranges]

    def _read_together(self, ranges: list[tuple[int, int]]) -> list[bytes]:
        """Read ranges that lie near to each other with one pread; nothing where they don't."""
        if not ranges:
            return []
        offsets, sizes = zip(*ranges, strict=True)
        begin, stop = min(offsets), max(map(add, offsets, sizes))
        if stop - begin > sum(sizes) + MERGE_GAP * (len(ranges) - 1):
            return []
        data = self.read(begin, stop - begin)
        return [data[o - begin : o - begin + n] for o, n in ranges] if data else []

    def store_timestamp(self, offset: int, size: int) -> int:
        """Return the store time (ms) of the record at ``offset``, -1 if it isn't there."""
        inside = self.queue.start <= offset and offset + size <= self.end
        return self.written_timestamp(offset, size) if inside else -1

    def written_timestamp(self, offset: int, size: int) -> int:
        """Return the same from the files, while it isn't known yet where the log ends."""
        data = self.queue.read(offset, min(size, STORE_TIMESTAMP_AT_V6 + 8))
        if len(data) < STORE_TIMESTAMP_AT + 8:
            return -1
        sys_flag = PLACE.unpack_from(data)[3]
        at = STORE_TIMESTAMP_AT_V6 if sys_flag & BORNHOST_V6_FLAG else STORE_TIMESTAMP_AT
        return int(_LONG.unpack_from(data, at)[0]) if len(data) >= at + 8 else -1

    def record_at(self, offset: int) -> bytes | None:
        """Return the whole record that begins at ``offset``, None if none does."""
        left = self.end - offset
        if offset < self.queue.start or left < PLACE.size:
            return None
        data = self.queue.read(offset, min(left, _LOOK_AHEAD))
        if len(data) < PLACE.size:
            return None
        size, magic, physical_offset, _ = PLACE.unpack_from(data)
        if magic not in _MAGICS or physical_offset != offset or not PLACE.size < size <= left:
            return None
        record = data[:size] if size <= len(data) else self.read(offset, size)
        try:
            check_record(record)
        except BadRecord:
            return None
        return record
