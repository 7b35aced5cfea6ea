"""Remove what is old (``CleanCommitLogService``, ``CleanConsumeQueueService``).

Files of the log go one by one, the oldest first, when their time (``fileReservedTime``) is over and
it is the hour for it (``deleteWhen``) or the disk fills up (``diskMaxUsedSpaceRatio``). Above
``diskSpaceCleanForciblyRatio`` they go before their time, above ``diskSpaceWarningLevelRatio`` the
store takes no writes. Queues and index follow: what points before the log's beginning goes.

Never removed: the file being written, one that is not wholly on the disk and dispatched. A file
is as old as the first record of the file behind it: so it never goes too early.

A reader holds a file for one call only, a flush in a thread pins it, and the kernel keeps an
unlinked file for every holder of a handle. So nothing is to be waited for before a file goes
(Java's ``destroyMapedFileIntervalForcibly`` and ``redeleteHangedFileInterval``).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from rmqwire.clock import is_hour_of
from rmqwire.codec.consume_queue import UNIT, UNIT_STRUCT
from rmqwire.codec.message_const import LMQ_PREFIX
from rmqwire.codec.record import MIN_RECORD_SIZE
from rmqwire.store.deleted_topics import Deletion

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from rmqwire.clock import WallMs
    from rmqwire.disk.files import FileLayer
    from rmqwire.store.config import StoreConfig
    from rmqwire.store.folder.file_queue import HandleCache, Segment
    from rmqwire.store.index.index_service import IndexService
    from rmqwire.store.log.commit_log import CommitLog
    from rmqwire.store.log.put_path import PutPath
    from rmqwire.store.queues.consume_queue import ConsumeQueue
    from rmqwire.store.queues.queue_table import ConsumeQueueStore

logger = logging.getLogger(__name__)
MANUAL_TIMES = 20  # runs that one DELETE_EXPIRED_COMMITLOG is good for
_HOUR_MS = 3_600_000


class DiskUse(msgspec.Struct):
    """Used shares of the disks (0.0 to 1.0, -1.0 unknown)."""

    log: float
    queues: float
    index: float

    def __str__(self) -> str:
        """Write it as Java's ``diskUtil`` does."""
        return f"CL: {self.log:5.2f} CQ: {self.queues:5.2f} INDEX: {self.index:5.2f}"


class Cleaner:
    """Decides what may go and lets go of it; the service takes the time and unlinks.

    Args:
        config: what may go, and when.
        files: the disk.
        log: the commit log.
        log_handles: open files of the log.
        queues: all consume queues.
        index: all index files.
        puts: says what is dispatched; its health refuses writes while a disk is too full.
        wall_ms: wall clock; ``deleteWhen`` is in local time.

    Attributes:
        forced: files go before their time in this run, since the disk is nearly full.
    """

    def __init__(
        self,
        config: StoreConfig,
        files: FileLayer,
        log: CommitLog,
        log_handles: HandleCache,
        queues: ConsumeQueueStore,
        index: IndexService,
        puts: PutPath,
        wall_ms: WallMs,
    ) -> None:
        self._config = config
        self._files = files
        self._log = log
        self._log_handles = log_handles
        self._queues = queues
        self._index = index
        self._puts = puts
        self._wall_ms = wall_ms
        self._manual = 0
        self._full_reason = ""  # the reason given to the store's health, "" while the disk is fine
        self.forced = False
        self._may_delete = 0
        self._trimmed_to = 0

    # --- the disk ------------------------------------------------------------------------------

    def disk_use(self) -> DiskUse:
        """Look how full the disks are."""
        config, ratio = self._config, self._files.used_ratio
        index = f"{config.store_path_root_dir}/index"
        return DiskUse(
            ratio(config.commit_log_path), ratio(config.consume_queue_path), ratio(index)
        )

    @property
    def _warning_ratio(self) -> float:
        return self._config.disk_space_warning_level_ratio / 100

    @property
    def _forcibly_ratio(self) -> float:
        return self._config.disk_space_clean_forcibly_ratio / 100

    def check_disk(self) -> None:
        """Refuse writes while a disk is too full, take them again when it is not."""
        use, health = self.disk_use(), self._puts.health
        if max(use.log, use.queues) > self._warning_ratio:
            if not health.reason:
                logger.error("disk maybe full soon, no writes: %s", use)
            if not health.reason or health.reason == self._full_reason:
                self._full_reason = str(use)
                health.refuse(self._full_reason)
        elif self._full_reason:
            if health.reason == self._full_reason:
                logger.info("disk space is enough again: %s", use)
                health.allow()
            self._full_reason = ""

    # --- the commit log ------------------------------------------------------------------------

    def delete_manually(self) -> None:
        """Let the next runs remove what is old at any hour (``executeDeleteFilesManually``)."""
        self._manual = MANUAL_TIMES

    def begin(self) -> None:
        """Begin a run: decide whether files may go, and how many at most."""
        self.check_disk()
        space = self._is_space_needed()
        wanted = self._is_time() or space or self._manual > 0
        if wanted and self._manual > 0:
            self._manual -= 1
        self._may_delete = self._config.delete_file_batch_max if wanted else 0
        if self.forced and self._first_expired() is None:
            logger.warning("disk space will be full soon, but no file can be deleted")

    def _is_time(self) -> bool:
        """Return whether this is one of the hours of ``deleteWhen`` (``04`` or ``04;16``)."""
        return is_hour_of(self._config.delete_when, self._wall_ms())

    def _is_space_needed(self) -> bool:
        use = self.disk_use()
        self.forced = False
        if max(use.log, use.queues) > self._forcibly_ratio:
            self.forced = self._config.clean_file_forcibly_enable
            return True
        limit = self._config.disk_max_used_space_ratio / 100
        return not 0 <= use.log <= limit or not 0 <= use.queues <= limit

    def _first_expired(self) -> Segment | None:
        """Return the log's first file if it may go."""
        segments = self._log.queue.segments
        if len(segments) < 2:
            return None
        second = segments[1].start
        if second > min(self._log.flushed, self._puts.dispatched_to):
            return None
        if self.forced:
            return segments[0]
        newest = self._log.store_timestamp(second, MIN_RECORD_SIZE)
        reserved = self._config.file_reserved_time * _HOUR_MS
        expired = 0 < newest <= self._wall_ms() - reserved
        return segments[0] if expired else None

    def take_file(self) -> Segment | None:
        """Let go of the log's first file, if this run may remove one more; None at its end.

        Nobody reads it any more; ``remove`` it, or give it back with ``keep``.
        """
        segment = self._first_expired() if self._may_delete > 0 else None
        if segment is None:
            return None
        self._may_delete -= 1
        self._log.queue.segments.remove(segment)
        self._log_handles.drop(segment)
        return segment

    def remove(self, segment: Segment) -> None:
        """Delete a file of the log, durably; blocks, meant for a thread.

        Raises:
            OSError: the disk failed.
        """
        self._files.unlink(segment.path)
        self._files.fsync_dir(self._config.commit_log_path)

    def keep(self, segment: Segment) -> None:
        """Take a file back that could not be deleted, if it is still there."""
        if self._files.exists(segment.path):
            self._log.queue.segments.insert(0, segment)
        self._may_delete = 0

    # --- queues and index ----------------------------------------------------------------------

    def trim(self) -> Iterator[int]:
        """Remove files of queues and index that point before the log's beginning.

        Yields:
            After each queue that lost files how many those were; one may wait there.

        Raises:
            OSError: the disk failed; the next run goes on.
        """
        log_start = self._log.min_offset
        if log_start <= self._trimmed_to:
            return
        for queue in list(self._queues):
            if self._queues.find(queue.topic, queue.queue_id) is queue:
                count = self._trim_queue(queue, log_start)
                if count:
                    yield count
        self._index.delete_expired(log_start)
        self._trimmed_to = log_start

    def _trim_queue(self, queue: ConsumeQueue, log_start: int) -> int:
        queue.correct_min(log_start)
        segments = queue.files.segments
        count = 0
        while len(segments) > 1 and segments[1].start <= min(queue.min, queue.written):
            queue.files.drop(segments[0])
            count += 1
        return count

    def clean_expired_queues(self, keep: Callable[[str], bool]) -> int:
        """Remove queues without a message in the log (``cleanExpiredConsumerQueue``).

        Args:
            keep: says which topics are left alone.

        Returns:
            How many queues were removed.

        Raises:
            OSError: the disk failed.
        """
        self._puts.end_pass()
        count = 0
        for topic, entry in list(self._queues.topics.items()):
            if keep(topic):
                continue
            for queue_id, queue in list(entry.queues.items()):
                if _last_offset(queue) < self._log.min_offset and _is_idle(queue):
                    self._queues.delete_queue(topic, queue_id)
                    count += 1
        return count

    def clean_unused_topics(self, topics: Collection[str], keep: Callable[[str], bool]) -> int:
        """Remove the queues of topics that are not configured any more (``cleanUnusedTopic``).

        Args:
            topics: those in use.
            keep: says which others are left alone.

        Returns:
            How many topics were removed.

        Raises:
            OSError: the disk failed.
        """
        names = [
            topic
            for topic in self._queues.in_use()
            if topic not in topics and not keep(topic) and not topic.startswith(LMQ_PREFIX)
        ]
        return self.delete_topics(names)

    def take_deletions(self, deletions: Mapping[str, Deletion]) -> None:
        """Delete on a slave what its master deleted, as far as the slave has it.

        Raises:
            OSError: the disk failed.
        """
        end = self._log.end
        known = {
            topic: Deletion(min(one.below, end), one.time_ms) for topic, one in deletions.items()
        }
        self._queues.deleted.add(known)
        self._queues.drop_deleted(self._log.store_timestamp)

    def delete_topics(self, names: Iterable[str]) -> int:
        """Remove the queues of topics, and note that the log's records of them are deleted.

        Returns:
            How many topics had some.

        Raises:
            OSError: the disk failed.
        """
        self._puts.end_pass()
        known = [name for name in names if name in self._queues.topics]
        now = Deletion(self._log.end, self._wall_ms())
        self._queues.deleted.add(dict.fromkeys(known, now))
        return sum(self._queues.delete_topic(name) for name in known)


def _is_idle(queue: ConsumeQueue) -> bool:
    """Return whether no message is on its way into the queue."""
    return not queue.pending and queue.next_offset == queue.max_offset


def _last_offset(queue: ConsumeQueue) -> int:
    """Return the log offset of a queue's last unit; one that has none yet counts as at the end."""
    data = queue.read(queue.max_offset - 1, 1) if queue.max_offset else b""
    return UNIT_STRUCT.unpack(data)[0] if len(data) == UNIT else 1 << 62
