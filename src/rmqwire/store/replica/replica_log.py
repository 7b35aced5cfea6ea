"""The put path of a slave: a master's bytes, as they come (Java ``appendToCommitLog``).

The bytes are cut anywhere; here they're joined to whole records before they're written, so the log
of a slave ends behind a record at every moment, whatever is killed::

    end          whole records, written and dispatched
    received     the same and the beginning of a record that is not whole yet (memory only)

A record is checked before it's written: bytes that are no record of that place never enter the
log. What comes behind a BLANK goes into the file as it came, as its master's file has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.record import BLANK_MAGIC, BLANK_SIZE, RecordPosition, check_record, peek
from rmqwire.codec.sys_flag import (
    is_in_no_queue,
)
from rmqwire.errors import BadRecord, ReplicationError, StoreError, StoreReadOnly
from rmqwire.store.recovery.bulk_dispatch import BulkDispatch
from rmqwire.store.recovery.redispatch import Redispatch, record_tags_code
from rmqwire.store.replica.truncate import last_boundary, truncate_dirty_files

if TYPE_CHECKING:
    from rmqwire.store.message_store import MessageStore
    from rmqwire.store.queues.consume_queue import ConsumeQueue
    from rmqwire.store.replica.truncate import DirtyTail

OVERLAP = 65_536  # bytes of the log's end that a slave compares when it connects again
MAX_HELD = 64 << 20  # bytes of one record that are kept in memory until it's whole


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
        self._units: dict[ConsumeQueue, bytearray] = {}
        self._arrived: dict[ConsumeQueue, set[int]] = {}  # queues that grew, their tags codes
        self._go_on()

    def _go_on(self) -> None:
        """Begin at the log's end."""
        store = self._store
        self._redispatch = Redispatch(
            store.queues, store.log.queue, self._delay_levels, from_log_start=True
        )
        self._held = b""
        self._raw_until = store.log.end  # up to here bytes are behind a BLANK: no records
        self._bulk = BulkDispatch(store.queues, check_crc=self._check_crc)

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

    def overlap_start(self, size: int = OVERLAP) -> int:
        """Return where a slave that goes on begins to compare, 0 when it has nothing.

        It is at most ``size`` bytes before the end and never 0, which would ask for the master's
        last file instead. 64 KiB stay in the log's last file.
        """
        end = self._log.end
        if end == 0:
            return 0
        begin = (end - 1) - (end - 1) % self.segment_size if size == OVERLAP else 0
        return max(begin, end - size, self._log.min_offset, 1)

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

    def append(self, *pieces: bytes | memoryview) -> None:
        """Take the bytes that follow at ``received``, in as many pieces as they came.

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
        data = b"".join((self._held, *pieces))
        self._held = b""
        before = self._log.end
        try:
            self._take(data)
        except OSError as error:
            health.fail(f"write of the commit log failed: {error}")
            raise
        finally:
            self._bulk.take()  # what a failed write leaves
            self._publish()
            if self._log.end > before:
                self._want_flush()

    def _take(self, data: bytes) -> None:
        """Write run by run; a run is in one file, as no record crosses a file's end."""
        view = memoryview(data)
        size, base = self.segment_size, self._log.end
        pos = 0
        while pos < len(data):
            at = base + pos
            file_end = at - at % size + size - base  # as a position in data
            stop = min(len(data), file_end)
            if at < self._raw_until:
                self._log.write_raw(view[pos:stop])
                pos = stop
                continue
            end = self._bulk.walk(data, pos, stop, base)
            if end > pos:
                self._take_run(view[pos:end])
            else:
                end = self._take_one(view, pos, stop, file_end)
            if end == pos:
                self._held = data[pos:]
                return
            pos = end

    def _take_run(self, run: memoryview) -> None:
        """Write usual records, dispatch their units."""
        self._log.write_raw(run)
        self._log.last_record = self._bulk.last_record
        self._log.last_store_timestamp = self._bulk.last_store_timestamp
        for lane in self._bulk.take():
            queue = lane.queue
            queue.next_offset = lane.next_offset
            self._arrived.setdefault(queue, set()).update(lane.codes)
            units = self._units.get(queue)
            if units is None:
                self._units[queue] = lane.units
            else:
                units += lane.units

    def _take_one(self, view: memoryview, pos: int, stop: int, file_end: int) -> int:
        """Take the record at ``pos``, of whatever kind.

        Returns:
            Position behind it; ``pos`` if it isn't whole yet.

        Raises:
            ReplicationError: it is no record of this place.
        """
        left = stop - pos
        if left < BLANK_SIZE:
            return pos
        try:
            size, magic = peek(view, pos)
            if magic == BLANK_MAGIC and size == file_end - pos:
                self._log.write_raw(view[pos:stop])
                self._raw_until = self._log.end + file_end - stop
                return stop
            if left < size <= min(file_end - pos, MAX_HELD):
                return pos
            found = self._check(view[:stop], pos)
        except BadRecord as fault:
            raise ReplicationError(f"no record at {self._log.end}: {fault}") from fault
        end = pos + found.total_size
        self._log.write_raw(view[pos:end])
        self._log.last_record = found.physical_offset, found.total_size
        self._log.last_store_timestamp = found.store_timestamp
        self._dispatch(found)
        return end

    def _check(self, view: memoryview, pos: int) -> RecordPosition:
        found = check_record(view, pos, check_crc=self._check_crc)
        if found.is_blank:
            raise BadRecord(f"blank of {found.total_size} bytes before the file's end", pos)
        if found.physical_offset != self._log.end:
            raise BadRecord(f"it says it stands at {found.physical_offset}", pos)
        return found

    # --- cutting -----------------------------------------------------------------------------

    @property
    def flushing(self) -> bool:
        """Whether a flush runs: nothing can be cut then."""
        return self._store.flushes.running > 0

    def cut_behind(self, begin: int, end: int) -> DirtyTail | None:
        """Save and cut what lies behind the last whole record between ``begin`` and ``end``.

        None: there is no whole record, nothing is cut.

        Raises:
            OSError: the disk failed.
        """
        last = last_boundary(self._store, 0 if begin == 1 else begin, end)
        if last is None:
            return None
        tail = truncate_dirty_files(self._store, last)
        self._go_on()
        return tail

    # --- dispatching -------------------------------------------------------------------------

    def _dispatch(self, found: RecordPosition) -> None:
        """Dispatch a record that isn't of the usual kind, as a recovery would."""
        if is_in_no_queue(found.sys_flag):
            return
        queue = self._queues.find(found.topic, found.queue_id)
        if queue is not None:
            self._publish_queue(queue, self._units.pop(queue, bytearray()))
        self._redispatch.take(found)
        queue = self._queues.find(found.topic, found.queue_id)
        if queue is not None:
            queue.next_offset = queue.max_offset
            codes = self._arrived.setdefault(queue, set())
            codes.add(record_tags_code(found, self._delay_levels))

    def _publish(self) -> None:
        """Make the pass visible, then tell the pulls that wait for messages."""
        units, self._units = self._units, {}
        arrived, self._arrived = self._arrived, {}
        if not arrived:
            return
        for queue, some in units.items():
            self._publish_queue(queue, some)
        self._store.puts.dispatched_timestamp = self._log.last_store_timestamp
        notify = self._store.events.arrived
        for queue, codes in arrived.items():
            for code in codes:
                notify(queue.topic, queue.queue_id, queue.max_offset, code)

    def _publish_queue(self, queue: ConsumeQueue, units: bytearray) -> None:
        try:
            self._queues.dispatch(queue, units)
        except (OSError, StoreError) as error:
            # The units stay in memory and are written again with the next flush of the queues.
            if not isinstance(error, StoreError):
                self._store.health.fail(f"consume queue can not write: {error}")

    def _want_flush(self) -> None:
        if self._store.config.sync_flush:
            self._store.events.flush_wanted()
