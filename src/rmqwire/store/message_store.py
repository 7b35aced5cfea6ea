"""The store as the broker sees it (Java ``DefaultMessageStore``).

Everything here is plain calls: no waiting, no thread, no clock of its own. Messages go in through
``puts``, flushes are those of ``flushes``, which ``service.run_store`` drives, and ``lookup`` finds
messages by key.

A failed write makes the store read-only, a full disk for a second at a time. A failed
``fdatasync`` is never tried again: the kernel may have dropped the pages and say yes next time.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from rmqwire.errors import DiskFull, RmqError, StoreError
from rmqwire.store.cleaning import Cleaner
from rmqwire.store.config import SLAVE
from rmqwire.store.deleted_topics import DeletedTopics
from rmqwire.store.events import StoreEvents, TopicQuestions
from rmqwire.store.folder.checkpoint import CheckpointFile
from rmqwire.store.folder.file_queue import HandleCache
from rmqwire.store.folder.folder import StoreFolder
from rmqwire.store.folder.mark import NAME as MARK_NAME
from rmqwire.store.folder.mark import MarkFile
from rmqwire.store.health import NOT_OPEN, StoreHealth
from rmqwire.store.index.index_service import IndexService
from rmqwire.store.index.query import MessageQuery
from rmqwire.store.log.commit_log import CommitLog
from rmqwire.store.log.ext_units import ExtUnits
from rmqwire.store.log.flush_manager import FlushManager
from rmqwire.store.log.put_path import PutPath
from rmqwire.store.queues.batch_queue import BatchConsumeQueue
from rmqwire.store.queues.queue_table import ConsumeQueueStore
from rmqwire.store.reading.batch_pull import get_batch_message
from rmqwire.store.reading.pull import MAX_PULL_MSG_SIZE, MIN_PULL_MSG_SIZE, Pull, get_message
from rmqwire.store.reading.pull_lane import pull_lane
from rmqwire.store.reading.time_search import LOWER, TimeSearch, unit_store_timestamp
from rmqwire.store.recovery.recovery import Recovery, RecoveryReport
from rmqwire.store.results import (
    GetMessageResult,
    GetStatus,
    MessageInner,
    PutMessageResult,
    PutStatus,
    QueryMessageResult,
)
from rmqwire.store.stats import StoreStats

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rmqwire.clock import MonoMs, WallMs
    from rmqwire.codec.release import Release
    from rmqwire.disk.files import FileLayer
    from rmqwire.filter.message_filter import Filter
    from rmqwire.store.config import StoreConfig
    from rmqwire.store.index.log_part import LogPart
    from rmqwire.store.queues.consume_queue import ConsumeQueue

__all__ = [
    "GetMessageResult",
    "GetStatus",
    "MessageInner",
    "MessageStore",
    "PutMessageResult",
    "PutStatus",
    "QueryMessageResult",
    "RecoveryReport",
]

_OPEN_LOG_FILES = 64
_CLOSE_INDEX_MS = 5_000  # longer a stop doesn't wait for the index: the next start goes on


class MessageStore:
    """Put, get and look up messages.

    Args:
        config: settings.
        release: column of the table of differences.
        files: the disk.
        wall_ms: wall clock, ms since the epoch.
        store_host: ip and port of this broker, packed (8 or 20 bytes).
        mono_ms: clock for timeouts, ``wall_ms`` when not given.
        events: told what happens, see there.
        topics: asked about topics, see there.

    Attributes:
        puts: takes messages: ``put``, ``put_batch``, ``end_pass``.
        flushes: plans flushes and books them.
        lookup: messages by key.
        memory_bytes: of the log's end that count as in memory.
    """

    def __init__(
        self,
        config: StoreConfig,
        release: Release,
        files: FileLayer,
        wall_ms: WallMs,
        store_host: bytes,
        *,
        mono_ms: MonoMs | None = None,
        events: StoreEvents | None = None,
        topics: TopicQuestions | None = None,
    ) -> None:
        root = config.store_path_root_dir
        self.config = config
        self.files = files
        self.wall_ms = wall_ms
        self.mono_ms = mono_ms = mono_ms or wall_ms
        self.events = events = events or StoreEvents()
        topics = topics or TopicQuestions()
        self._nearest_time = release.store.nearest_time_search
        self.log_handles = HandleCache(
            files, _OPEN_LOG_FILES, reads_ahead=config.data_read_ahead_enable
        )
        self.log = log = CommitLog(config, files, self.log_handles, store_host)
        self.deleted = DeletedTopics(root, files)
        self.queues = queues = ConsumeQueueStore(
            config, files, release, topics.is_batch, self.deleted
        )
        if config.enable_consume_queue_ext:
            queues.write_ext(ExtUnits(log, topics.bits_of).make)
        self.checkpoint = CheckpointFile(f"{root}/checkpoint", release, files)
        self.mark = MarkFile(f"{root}/{MARK_NAME}", files)
        self.index = IndexService(
            config, log, self.checkpoint, files, wall_ms, tags=release.store.index_tags
        )
        self.stats = StoreStats(wall_ms())
        self.health = StoreHealth(mono_ms, events)
        self.puts = puts = PutPath(
            config, log, queues, self.health, self.stats, events, wall_ms, mono_ms
        )
        self.flushes = FlushManager(config, files, log, queues, puts, self.checkpoint, self.mark)
        self.cleaner = Cleaner(
            config, files, log, self.log_handles, queues, self.index, puts, wall_ms
        )
        self.lookup = MessageQuery(self.index, log, self.build_index)
        self._folder = StoreFolder(
            root, files, os.getpid() if release.store.abort_holds_pid else None
        )
        self._pull_lane = pull_lane(config, log)
        self.memory_bytes = config.in_memory_size
        self._open = False
        self.read_only_from_start = False  # damaged, and ``corruptionPolicy`` is readonly

    # --- opening and closing -----------------------------------------------------------------

    def open(self) -> RecoveryReport:
        """Take the folder, recover and be ready to serve.

        Returns:
            What was found and put right.

        Raises:
            StoreLocked: another broker has the folder.
            CorruptLog: the log's files don't fit together, or what had been on the disk is
                damaged and ``corruptionPolicy`` is refuse.
            OSError: the disk failed.
        """
        self._folder.acquire()
        try:
            clean = self._folder.was_closed()
            note = self.checkpoint.load()
            self.files.makedirs(self.config.commit_log_path)
            recovery = Recovery(
                self.config,
                self.log,
                self.queues,
                self.checkpoint,
                self.files,
                self.mark,
                self.events.recovering,
            )
            report = recovery.run(clean=clean)
            report.notes += self.index.load(clean=clean)
            self._folder.mark_open()
        except (OSError, RmqError):
            self._let_go()
            raise
        if note:
            report.notes.append(note)
        self.log.opened_at = self.log.end
        self.puts.dispatched_timestamp = self.log.last_store_timestamp
        self._open = True
        self.health.allow()
        self.take_role()
        self.read_only_from_start = bool(report.read_only)
        if report.read_only:
            self.health.fail(f"the commit log is damaged: {report.read_only}")
        return report

    def take_role(self) -> None:
        """Take puts as a master, refuse them as a slave, whichever ``brokerRole`` says now."""
        if self.config.broker_role == SLAVE and not self.config.duplication_enable:
            self.health.become_slave()
        else:
            self.health.become_master()

    def read_ahead(self, *, wanted: bool) -> None:
        """Let reads of the log bring in what follows, or only what is asked for.

        Raises:
            OSError: the disk failed.
        """
        self.config.data_read_ahead_enable = wanted
        self.log_handles.read_ahead(wanted=wanted)

    def flush(self) -> None:
        """Have everything that is in the log on the disk, here and now."""
        plan = self.flushes.log_flush_plan(thorough=True)
        if plan is not None:
            self.flushes.run_flush(plan)

    def close(self) -> None:
        """Write and sync everything, say so by removing ``abort``, close. Idempotent.

        After a failed write or flush ``abort`` stays: the next start recovers.

        Raises:
            OSError: the disk failed; ``abort`` stays.
        """
        if not self._open:
            return
        self._open = False
        try:
            self.puts.end_pass()
            if not self.health.broken and self._sync_all():
                self._folder.mark_closed()
        finally:
            self.health.refuse(NOT_OPEN)
            self.puts.flush_waits.fail_all()
            self._let_go()

    def _sync_all(self) -> bool:
        """Sync log, queues and checkpoint; tell whether all went well."""
        self.flush()
        try:
            plan = self.flushes.queue_flush_plan(thorough=True)
        except DiskFull:
            return False
        plan.run(self.files)
        self.flushes.queues_flushed(plan, thorough=True)
        self._finish_index()
        self.checkpoint.write(sync=True)
        sound = not (self.health.broken or self.flushes.queues_doubtful)
        if sound:
            last = msgspec.structs.replace(
                self.mark.mark, closed=1, queues_crc=self.queues.ends_crc()
            )
            self.mark.write(last, sync=True)
        return sound

    def _finish_index(self) -> None:
        deadline = self.mono_ms() + _CLOSE_INDEX_MS
        while self.build_index() and self.mono_ms() < deadline:
            pass
        self.index.close()

    def _let_go(self) -> None:
        self.index.release()
        self.queues.close()
        self.log_handles.close()
        self.checkpoint.close()
        self.mark.close()
        self._folder.release()

    # --- state and hooks ---------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether ``open`` was called and ``close`` was not."""
        return self._open

    @property
    def is_writable(self) -> bool:
        """Whether a put would be taken now."""
        return not self.health.refuses()

    @property
    def read_only_reason(self) -> str:
        """Why puts are refused, "" when they are not."""
        return self.health.reason

    @property
    def is_busy(self) -> bool:
        """Whether the running pass takes too long (Java ``isOSPageCacheBusy``)."""
        return self.puts.is_busy()

    def expire_waits(self) -> None:
        """Answer the puts that waited for the disk longer than ``syncFlushTimeout``."""
        self.puts.flush_waits.expire(self.mono_ms())

    # --- getting -----------------------------------------------------------------------------

    def get_message(
        self,
        topic: str,
        queue_id: int,
        offset: int,
        max_msg_nums: int,
        *,
        max_bytes: int | None = None,
        wanted: Filter | None = None,
    ) -> GetMessageResult:
        """Return messages of a queue, as they stand in the log.

        Args:
            topic: the topic.
            queue_id: the queue.
            offset: queue offset of the first message wanted.
            max_msg_nums: messages wanted at most.
            max_bytes: bytes wanted at most; one message always comes.
            wanted: which of them; None takes all.

        Raises:
            OSError: the disk failed; other queues and the next call may do better.
        """
        began = self.wall_ms()
        queue = self.queues.find(topic, queue_id)
        if queue is None:
            corrected = 0 if self.config.corrects_offsets else offset
            result = GetMessageResult(GetStatus.NO_MATCHED_LOGIC_QUEUE, corrected)
        else:
            wish = MAX_PULL_MSG_SIZE if max_bytes is None else max_bytes
            limit = min(max(wish, MIN_PULL_MSG_SIZE), MAX_PULL_MSG_SIZE)
            result = self._get(queue, offset, max_msg_nums, limit, wanted)
        self._count(result, began)
        return result

    @property
    def memory_from(self) -> int:
        """Offset in the log from which on records count as in memory."""
        return self.log.end - self.memory_bytes

    def count_found(self, gets: int, messages: int, elapsed_ms: int) -> None:
        """Count gets that were answered elsewhere and found something.

        Args:
            gets: how many.
            messages: of all of them.
            elapsed_ms: what each of them took.
        """
        stats = self.stats
        stats.get_found += gets
        stats.get_messages += messages
        stats.get_time_max = max(stats.get_time_max, elapsed_ms)

    def _count(self, result: GetMessageResult, began: int) -> None:
        result.elapsed_ms = elapsed = self.wall_ms() - began
        found = result.status == GetStatus.FOUND
        self.count_found(int(found), result.count, elapsed)
        self.stats.get_miss += not found

    def _get(
        self,
        queue: ConsumeQueue,
        offset: int,
        max_msg_nums: int,
        max_bytes: int,
        wanted: Filter | None,
    ) -> GetMessageResult:
        if self._pull_lane is not None:
            result = self._pull_lane.get(
                queue, offset, max_msg_nums, max_bytes, wanted, self.memory_bytes
            )
            if result is not None:
                return result
        pull = Pull(
            self.config, self.log, queue, max_msg_nums, max_bytes, wanted, self.memory_bytes
        )
        if isinstance(queue, BatchConsumeQueue):
            return get_batch_message(queue, offset, self.config, pull)
        return get_message(queue, offset, self.config, pull)

    def next_wanted(self, topic: str, queue_id: int, offset: int, wanted: Filter) -> int:
        """Return how far a queue can be passed over: up to a message that is wanted, or all of it.

        As far as one pull looks. A message that can't be read counts as wanted.

        Args:
            topic: the topic.
            queue_id: the queue.
            offset: queue offset to begin at.
            wanted: which messages are.
        """
        queue = self.queues.find(topic, queue_id)
        if queue is None:
            return offset
        try:
            result = self._get(queue, offset, 1, MIN_PULL_MSG_SIZE, wanted)
        except (OSError, StoreError):
            return offset
        return result.next_begin_offset - result.count

    def max_offset(self, topic: str, queue_id: int) -> int:
        """Return the end (exclusive) of a queue as readers see it, 0 for an unknown one."""
        queue = self.queues.find(topic, queue_id)
        return queue.max_offset if queue is not None else 0

    def min_offset(self, topic: str, queue_id: int) -> int:
        """Return the first offset of a queue, 0 for an unknown one."""
        queue = self.queues.find(topic, queue_id)
        return queue.min_offset if queue is not None else 0

    def is_batch(self, topic: str) -> bool:
        """Return whether a topic's queues are of kind BatchCQ."""
        return self.queues.is_batch(topic)

    def offset_by_time(
        self, topic: str, queue_id: int, timestamp_ms: int, boundary: str = LOWER
    ) -> int:
        """Return the offset of the first message stored at or after a time (UPPER: last up to it)."""
        queue = self.queues.find(topic, queue_id)
        if isinstance(queue, BatchConsumeQueue):
            found = queue.offset_by_time(timestamp_ms, boundary)
            return min(max(found, queue.min_offset), queue.max_offset)
        return self._search_time(queue, timestamp_ms, boundary) if queue else 0

    def _search_time(self, queue: ConsumeQueue, timestamp_ms: int, boundary: str) -> int:
        search = TimeSearch(self.log, queue, timestamp_ms)
        return search.find_nearest() if self._nearest_time else search.find(boundary)

    def store_timestamp(self, topic: str, queue_id: int, offset: int) -> int:
        """Return the store time (ms) of one message, -1 if it is not there."""
        queue = self.queues.find(topic, queue_id)
        return unit_store_timestamp(self.log, queue, offset) if queue is not None else -1

    def earliest_store_timestamp(self, topic: str, queue_id: int) -> int:
        """Return the store time (ms) of a queue's first message, -1 if it has none."""
        return self.store_timestamp(topic, queue_id, self.min_offset(topic, queue_id))

    def physical_offset(self, topic: str, queue_id: int, offset: int) -> int:
        """Return where in the log one message of a queue stands, 0 if it is not there (as Java)."""
        queue = self.queues.find(topic, queue_id)
        unit = queue.unit(offset) if queue is not None else None
        return unit[0] if unit is not None else 0

    def build_index(self) -> bool:
        """Index some more records; tell whether there are yet more.

        Raises:
            OSError: the disk failed; the next call tries again.
        """
        return self.index.build(self.puts.dispatched_to)

    def take_for_index(self) -> LogPart | None:
        """Read some more records that ``index.add`` may index elsewhere; None when there are none.

        Raises:
            OSError: the disk failed; the next call tries again.
        """
        return self.index.take(self.puts.dispatched_to)

    def look_message(self, physical_offset: int) -> bytes | None:
        """Return the record that begins at an offset of the log, None if none does."""
        return self.log.record_at(physical_offset)

    @property
    def max_phy_offset(self) -> int:
        """End of the log in bytes."""
        return self.log.end

    @property
    def min_phy_offset(self) -> int:
        """Offset of the first byte of the log that is still there."""
        return self.log.min_offset

    def topics(self) -> list[str]:
        """Name the topics that have a queue."""
        return self.queues.in_use()

    def queue_ids(self, topic: str) -> list[int]:
        """Return the queues of a topic, ascending."""
        entry = self.queues.topics.get(topic)
        return sorted(entry.queues) if entry is not None else []

    def delete_topics(self, names: Iterable[str]) -> int:
        """Remove the queues of topics; give how many topics had some."""
        return self.cleaner.delete_topics(names)

    def runtime_info(self) -> dict[str, str]:
        """Return the store's part of ``brokerStatus``: keys and texts of ``getRuntimeInfo``."""
        info = self.stats.runtime_info(self.wall_ms())
        log_path = self.config.commit_log_path
        ratio = str(self.files.used_ratio(log_path))
        info[f"commitLogDiskRatio_{log_path}"] = ratio
        info["commitLogDiskRatio"] = ratio
        queue_ratio = self.files.used_ratio(self.config.consume_queue_path)
        info["consumeQueueDiskRatio"] = str(queue_ratio)
        info["commitLogMinOffset"] = str(self.min_phy_offset)
        info["commitLogMaxOffset"] = str(self.max_phy_offset)
        return info
