"""Cut the end off an open log, in a way that nothing of it is lost or comes back.

Java's ``truncateDirtyFiles`` forgets what it cuts. Here it is saved first, durably::

    ROOT/diverged/yyyyMMddHHmmssSSS/<offset of the first byte, 20 digits>

one file for each segment, named as the log's own, so that ``rmqwire inspect commitlog`` reads
them. Then what is on the disk is made smaller in an order that a power cut can't spoil: the mark
promises less, queues and index forget, and behind the cut everything is zeroed and synced before
anything is appended.
"""

from __future__ import annotations

from time import localtime, strftime
from typing import TYPE_CHECKING

import msgspec

from rmqwire.codec.consume_queue import UNIT
from rmqwire.store.recovery.log_scan import LogScan

if TYPE_CHECKING:
    from rmqwire.codec.record import RecordPosition
    from rmqwire.store.log.commit_log import CommitLog
    from rmqwire.store.message_store import MessageStore

FOLDER = "diverged"  # under storePathRootDir
_COPY = 4 << 20  # bytes copied at once


class DirtyTail(msgspec.Struct):
    """What was cut: the bytes from ``begin`` to ``end``, ``messages`` of them, saved in ``files``."""

    begin: int
    end: int
    messages: int = 0
    files: list[str] = msgspec.field(default_factory=list)


def last_boundary(store: MessageStore, begin: int, end: int) -> RecordPosition | None:
    """Find the last record that lies wholly from ``begin`` to ``end``, offsets of the log."""
    last = None
    for start in (_record_below(store, begin), _segment_start(store.log, begin)):
        for found in LogScan(store.log.queue, start, check_crc=False):
            if found.physical_offset + found.total_size > end:
                break
            if found.physical_offset >= begin:
                last = found
        if last is not None:
            break
    return last


def _segment_start(log: CommitLog, offset: int) -> int:
    return max(offset - offset % log.queue.segment_size, log.min_offset)


def _record_below(store: MessageStore, offset: int) -> int:
    """Return where a record near ``offset`` begins, as the queues know it: a scan is short then."""
    nearest = _segment_start(store.log, offset)
    for queue in store.queues:
        if queue.unit_size != UNIT:
            continue
        low, high = queue.min_offset, queue.max_offset
        index = queue.first_index(low, high, lambda at, _: at > offset)
        unit = queue.unit(index - 1) if index > low else None
        if unit is not None and unit[0] <= offset:
            nearest = max(nearest, unit[0])
    return nearest


def truncate_dirty_files(store: MessageStore, last: RecordPosition) -> DirtyTail:
    """Save what lies behind the record ``last`` and let the log end there.

    No flush may be running (``MessageStore.flushing``): it would book what is cut.

    Raises:
        OSError: the disk failed. If it failed while saving, nothing is cut; later, the store must
            be opened again, which finishes the cut.
    """
    log = store.log
    tail = DirtyTail(last.physical_offset + last.total_size, log.end)
    _save(store, tail)
    try:
        _cut(store, tail.begin, last)
    except OSError as error:
        store.health.fail(f"cut of the commit log failed: {error}")
        raise
    return tail


# --- saving ----------------------------------------------------------------------------------


def _save(store: MessageStore, tail: DirtyTail) -> None:
    now = store.wall_ms()
    root = f"{store.config.store_path_root_dir}/{FOLDER}"
    folder = f"{root}/{strftime('%Y%m%d%H%M%S', localtime(now // 1000))}{now % 1000:03d}"
    store.files.makedirs(folder)
    try:
        begin = tail.begin
        while begin < tail.end:
            stop = min(tail.end, _segment_start(store.log, begin) + store.log.queue.segment_size)
            path = f"{folder}/{begin:020d}"
            tail.files.append(path)
            _copy(store, begin, stop, path)
            begin = stop
        for path in (folder, root, store.config.store_path_root_dir):
            store.files.fsync_dir(path)
    except OSError:
        for path in tail.files:  # a copy that is not whole is none
            if store.files.exists(path):
                store.files.unlink(path)
        store.files.remove_folder(folder)
        raise
    scan = LogScan(store.log.queue, tail.begin, check_crc=False)
    tail.messages = sum(1 for found in scan if found.physical_offset < tail.end)


def _copy(store: MessageStore, begin: int, stop: int, path: str) -> None:
    files = store.files
    handle = files.open(path, create=True)
    try:
        for at in range(begin, stop, _COPY):
            data = store.log.queue.read(at, min(_COPY, stop - at))
            files.pwrite(handle, data, at - begin)
        files.datasync(handle)
    finally:
        files.close(handle)


# --- cutting ---------------------------------------------------------------------------------


def _cut(store: MessageStore, end: int, last: RecordPosition) -> None:
    log = store.log
    store.mark.lower(end)
    store.deleted.cut(end)
    for queue in store.queues:
        queue.cut_log_end(end)
    store.index.cut(end)
    _lower_checkpoint(store, end, last.store_timestamp)
    flushed = min(log.flushed, end)
    log.queue.zero_tail(end)
    log.queue.drop_from(end + 1)
    log.start_at(end)
    log.flushed = flushed
    log.opened_at = min(log.opened_at, end)
    log.last_record = last.physical_offset, last.total_size
    log.last_store_timestamp = store.puts.dispatched_timestamp = last.store_timestamp


def _lower_checkpoint(store: MessageStore, end: int, store_timestamp: int) -> None:
    values = store.checkpoint.values
    values.physic_msg_timestamp = min(values.physic_msg_timestamp, store_timestamp)
    values.logics_msg_timestamp = min(values.logics_msg_timestamp, store_timestamp)
    values.index_msg_timestamp = min(values.index_msg_timestamp, store_timestamp)
    values.confirm_phy_offset = min(values.confirm_phy_offset, end)
    values.logics_physical_offset = min(values.logics_physical_offset, end)
    store.checkpoint.write(sync=True)
