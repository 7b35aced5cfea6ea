"""The way in on a slave: a master's bytes, as they come (Java ``appendToCommitLog``).

The bytes are cut anywhere; here they're joined to whole records before they're written, so the log
of a slave ends behind a record at every moment, whatever is killed::

    end          whole records, written and dispatched
    received     the same and the beginning of a record that is not whole yet (memory only)

A record is checked before it's written: bytes that are no record of that place never enter the
log. What comes behind a BLANK goes into the file as it came, as its master's file has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.consume_queue import UNIT, UNIT_STRUCT
from rmqwire.codec.record import BLANK_MAGIC, BLANK_SIZE, RecordPosition, check_record, peek
from rmqwire.codec.sys_flag import (
    INNER_BATCH_FLAG,
    TRANSACTION_PREPARED_TYPE,
    TRANSACTION_ROLLBACK_TYPE,
    transaction_type,
)
from rmqwire.errors import BadRecord, ReplicationError, StoreError, StoreReadOnly
from rmqwire.store.dispatch import Redispatch, record_tags_code

if TYPE_CHECKING:
    from rmqwire.store.consume_queue import ConsumeQueue
    from rmqwire.store.message_store import MessageStore

OVERLAP = 65_536  # bytes of the log's end that a slave compares when it connects again
MAX_HELD = 64 << 20  # bytes of one record that are kept in memory until it's whole
_UNSEEN = (TRANSACTION_PREPARED_TYPE, TRANSACTION_ROLLBACK_TYPE)


class ReplicaLog:
    """The log of a slave.

    Args:
        store: it; open, with no puts of its own.
    """

    def __init__(self, store: MessageStore) -> None:
        self._store = store
        self._log = store.log
        self._queues = store.queues
        self._check_crc = store.config.check_crc_on_recover
        self._delay_levels = store.config.delay_levels()
        self._redispatch = Redispatch(
            store.queues, store.log.queue, self._delay_levels, from_log_start=True
        )
        self._held = b""
        self._raw_until = store.log.end  # up to here bytes are behind a BLANK: no records
        self._units: dict[ConsumeQueue, bytearray] = {}
        self._arrived: dict[tuple[ConsumeQueue, int], None] = {}  # queues that grew, tags codes

    # --- where it ends -----------------------------------------------------------------------

    @property
    def end(self) -> int:
        """Offset behind the last whole record."""
        return self._log.end

    @property
    def received(self) -> int:
        """Offset of the next byte wanted."""
        return self._log.end + len(self._held)

    @property
    def flushed(self) -> int:
        """Offset up to which the log is on the disk."""
        return self._log.flushed

    @property
    def segment_size(self) -> int:
        """Bytes of one file."""
        return self._log.queue.segment_size

    def overlap_start(self) -> int:
        """Give where a slave that goes on begins to compare, 0 when it has nothing.

        It is in the log's last file, at most 64 KiB before the end and never 0, which would ask
        for the master's last file instead.
        """
        end = self._log.end
        if end == 0:
            return 0
        begin = (end - 1) - (end - 1) % self.segment_size
        return max(begin, end - OVERLAP, self._log.min_offset, 1)

    def read(self, offset: int, size: int) -> bytes:
        """Read what was received, across files; fewer bytes than asked where it isn't there."""
        end = self._log.end
        parts = []
        while size > 0 and self._log.min_offset <= offset < end:
            part = self._log.queue.read(offset, min(size, end - offset))
            if not part:
                break
            parts.append(part)
            offset += len(part)
            size -= len(part)
        if size > 0 and offset >= end:
            parts.append(self._held[offset - end : offset - end + size])
        return b"".join(parts)

    # --- appending ---------------------------------------------------------------------------

    def begin(self, offset: int) -> None:
        """Let the empty log begin at ``offset``, where the master's last file does.

        Raises:
            ReplicationError: it isn't empty, or no file can begin there.
        """
        if self._log.end != 0 or self._held:
            raise ReplicationError(f"the log ends at {self.received}: it can't begin at {offset}")
        if offset < 0 or offset % self.segment_size:
            raise ReplicationError(
                f"the master's file begins at {offset}, ours have {self.segment_size} bytes: "
                "mappedFileSizeCommitLog must be the master's"
            )
        if offset:
            self._log.queue.drop_from(0)
            self._log.start_at(offset)
        self._raw_until = offset

    def forget(self) -> None:
        """Forget the beginning of a record: the rest won't come, the link is lost."""
        self._held = b""

    def append(self, data: bytes | memoryview) -> None:
        """Take the bytes that follow at ``received``.

        Raises:
            ReplicationError: they hold something that is no record of this place. What came before
                it is in the log, the rest is forgotten.
            StoreReadOnly: the disk failed before.
            StoreError: no room for a new file; what is written is written.
            OSError: the disk failed.
        """
        health = self._store.health
        if health.broken:
            raise StoreReadOnly(health.reason)
        joined = self._held + bytes(data) if self._held else data
        self._held = b""
        view = memoryview(joined)
        try:
            self._take(view)
        except OSError as error:
            health.fail(f"write of the commit log failed: {error}")
            raise
        finally:
            self._publish()

    def _take(self, view: memoryview) -> None:
        """Write file by file: no record crosses a file's end."""
        size = self.segment_size
        pos = 0
        while pos < len(view):
            end = self._log.end
            stop = min(len(view), pos + size - end % size)
            piece = view[pos:stop]
            whole, records, blank, fault = self._split(piece, end, size - end % size)
            if whole:
                self._log.write_raw(piece[:whole])
                if records:
                    self._log.last_record = records[-1].physical_offset, records[-1].total_size
                if blank:
                    self._raw_until = end - end % size + size
                self._dispatch(records)
                pos += whole
            if fault is not None:
                raise ReplicationError(f"no record at {self._log.end}: {fault}") from fault
            if whole < len(piece):
                self._held = bytes(piece[whole:])
                return

    def _split(
        self, piece: memoryview, base: int, left: int
    ) -> tuple[int, list[RecordPosition], bool, BadRecord | None]:
        """Find the whole records of a piece.

        Returns:
            Their bytes, they, whether a BLANK ends them, what is wrong behind them.
        """
        records: list[RecordPosition] = []
        pos = min(max(self._raw_until - base, 0), len(piece))
        try:
            while len(piece) - pos >= BLANK_SIZE:
                size, magic = peek(piece, pos)
                if magic == BLANK_MAGIC and size == left - pos:
                    return len(piece), records, True, None
                if BLANK_SIZE < size <= min(left - pos, MAX_HELD) and pos + size > len(piece):
                    break
                found = self._check(piece, pos, base)
                records.append(found)
                pos += found.total_size
        except BadRecord as fault:
            return pos, records, False, fault
        return pos, records, False, None

    def _check(self, piece: memoryview, pos: int, base: int) -> RecordPosition:
        """Read the record at ``pos`` of a piece that begins at ``base``."""
        found = check_record(piece, pos, check_crc=self._check_crc)
        if found.is_blank:
            raise BadRecord(f"blank of {found.total_size} bytes before the file's end", pos)
        if found.physical_offset != base + pos:
            raise BadRecord(f"it says it stands at {found.physical_offset}", pos)
        return found

    # --- dispatching -------------------------------------------------------------------------

    def _dispatch(self, records: list[RecordPosition]) -> None:
        queues = self._queues
        for found in records:
            if transaction_type(found.sys_flag) in _UNSEEN:
                continue
            if found.sys_flag & INNER_BATCH_FLAG or queues.multi_dispatch:
                self._dispatch_strange(found)
                continue
            queue = queues.recovered(found.topic, found.queue_id)
            if queue is None:
                continue
            if queue.next_offset != found.queue_offset or queue.unit_size != UNIT:
                self._dispatch_strange(found)
                continue
            code = record_tags_code(found, self._delay_levels)
            units = self._units.get(queue)
            if units is None:
                units = self._units[queue] = bytearray()
            units += UNIT_STRUCT.pack(found.physical_offset, found.total_size, code)
            queue.next_offset += 1
        if records:
            self._log.last_store_timestamp = records[-1].store_timestamp

    def _dispatch_strange(self, found: RecordPosition) -> None:
        """Dispatch a record that isn't simply the next of its queue, as a recovery would."""
        queue = self._queues.find(found.topic, found.queue_id)
        if queue is not None:
            self._publish_queue(queue, self._units.pop(queue, bytearray()))
        self._redispatch.take(found)
        queue = self._queues.find(found.topic, found.queue_id)
        if queue is not None:
            queue.next_offset = queue.max_offset
            self._arrived[queue, record_tags_code(found, self._delay_levels)] = None

    def _publish(self) -> None:
        """Make the pass visible, then tell who waits for messages or for a flush."""
        units, self._units = self._units, {}
        arrived, self._arrived = self._arrived, {}
        if not units and not arrived:
            return
        puts = self._store.puts
        for queue, some in units.items():
            self._publish_queue(queue, some)
            arrived |= {(queue, code): None for _, _, code in UNIT_STRUCT.iter_unpack(some)}
        puts.dispatched_timestamp = self._log.last_store_timestamp
        if self._store.config.sync_flush and puts.on_flush_wanted is not None:
            puts.on_flush_wanted()
        notify = self._store.on_arrival
        if notify is None:
            return
        for queue, code in arrived:
            notify(queue.topic, queue.queue_id, queue.max_offset, code)

    def _publish_queue(self, queue: ConsumeQueue, units: bytearray) -> None:
        try:
            self._queues.dispatch(queue, bytes(units))
        except (OSError, StoreError) as error:
            # The units stay in memory and are written again with the next flush of the queues.
            if not isinstance(error, StoreError):
                self._store.health.fail(f"consume queue can not write: {error}")
