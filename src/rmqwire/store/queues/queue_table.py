"""All consume queues of a store (Java ``ConsumeQueueStore``), found by topic and queue id."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING
from zlib import crc32

from rmqwire.codec.message_const import (
    LMQ_PREFIX,
    RETRY_GROUP_TOPIC_PREFIX,
    RMQ_SYS_SCHEDULE_TOPIC,
)
from rmqwire.codec.record import MAX_TOPIC_V1
from rmqwire.errors import StoreError
from rmqwire.store.folder.file_queue import HandleCache, may_be_segment
from rmqwire.store.folder.flush_plan import FlushPlan, pages_between
from rmqwire.store.queues.batch_queue import BatchConsumeQueue
from rmqwire.store.queues.consume_queue import TAIL_LIMIT, ConsumeQueue
from rmqwire.store.queues.ext_files import FOLDER as EXT_FOLDER
from rmqwire.store.queues.ext_files import ConsumeQueueExt
from rmqwire.store.queues.ext_queue import ExtConsumeQueue
from rmqwire.store.queues.queue_tail import tails_lane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rmqwire.codec.release import Release
    from rmqwire.disk.files import FileLayer
    from rmqwire.store.config import StoreConfig
    from rmqwire.store.deleted_topics import DeletedTopics, Deletion
    from rmqwire.store.queues.ext_queue import MakeUnit
    from rmqwire.store.queues.queue_tail import Brought

MAX_TOPIC_LENGTH = 255  # bytes: HookUtils.MAX_TOPIC_LENGTH, also the limit of a folder's name
_OPEN_FILES = 256
_TAILS = 256  # queues whose tails are written each second; more of them wait for the minute's flush


class TopicQueues:
    """The queues of one topic.

    Args:
        topic: its name.
        name: the same as it stands in a record.
        v2: its records are of version 2.
        special: a put must look whether its units are of another kind, or more than one.
    """

    __slots__ = ("name", "queues", "special", "topic", "v2")

    def __init__(self, topic: str, name: bytes, *, v2: bool, special: bool = False) -> None:
        self.topic = topic
        self.name = name
        self.v2 = v2
        self.special = special
        self.queues: dict[int, ConsumeQueue] = {}


def is_folder_name(topic: str) -> bool:
    """Return whether a topic's name can be a folder without leading elsewhere."""
    return bool(topic) and "/" not in topic and "\0" not in topic and topic not in {".", ".."}


def _is_queue_id(name: str) -> bool:
    return name.isascii() and name.isdigit()


class ConsumeQueueStore:
    """Find, open, flush and remove consume queues.

    Args:
        config: sizes and folders.
        files: the disk.
        release: whose records may be written.
        is_batch_topic: says whether a topic's queues are of kind BatchCQ.
        deleted: which topics' records have no units any more.

    Attributes:
        topics: name -> its queues.
        removals: queues that were removed since the start.
        make_brought: makes what a lane's call brings its queues.
    """

    def __init__(
        self,
        config: StoreConfig,
        files: FileLayer,
        release: Release,
        is_batch_topic: Callable[[str], bool],
        deleted: DeletedTopics,
    ) -> None:
        self.release = release
        self.deleted = deleted
        self._files = files
        self._folder = config.consume_queue_path
        self._segment_size = config.consume_queue_segment_size
        self._least_pages = config.flush_consume_queue_least_pages
        self._message_v2 = release.store.message_v2 and config.auto_message_version_on_topic_len
        self._handles = HandleCache(files, _OPEN_FILES)
        self._make_tail, self.make_brought = tails_lane()
        # Ordered sets: who has units in memory only, and who has some in the files but not synced.
        self._unwritten: dict[ConsumeQueue, None] = {}
        self._unsynced: dict[ConsumeQueue, None] = {}
        self._batch_folder = f"{config.store_path_root_dir}/batchconsumequeue"
        self._batch_segment_size = config.batch_consume_queue_segment_size
        self._batch_topics: set[str] = set()  # those that have such queues already
        self._ext_folder = f"{config.store_path_root_dir}/{EXT_FOLDER}"
        self._ext_segment_size = config.mapped_file_size_consume_queue_ext
        self._ext_topics: set[str] = set()  # those that have extension files already
        self._make_ext: MakeUnit | None = None
        self.is_batch_topic = is_batch_topic
        self.multi_dispatch = config.enable_multi_dispatch and config.enable_lmq
        self.enable_lmq = config.enable_lmq
        self._light_limit = config.max_lmq_consume_queue_num if config.enable_lmq_quota else None
        self._lights = 0  # light queues there are
        self.removals = 0
        self.topics: dict[str, TopicQueues] = {}

    def __iter__(self) -> Iterator[ConsumeQueue]:
        """Go through all queues."""
        for entry in self.topics.values():
            yield from entry.queues.values()

    def in_use(self) -> list[str]:
        """Return the topics that have a queue."""
        return [topic for topic, entry in self.topics.items() if entry.queues]

    def ends_crc(self) -> int:
        """Return one number for which queues there are and where each ends."""
        names = sorted(f"{queue.topic}/{queue.queue_id}:{queue.end}" for queue in self if queue.end)
        return crc32("\n".join(names).encode("utf-8", "replace"))

    def find(self, topic: str, queue_id: int) -> ConsumeQueue | None:
        """Return a queue if it has ever had a message."""
        entry = self.topics.get(topic)
        return entry.queues.get(queue_id) if entry is not None else None

    def topic(self, topic: str) -> TopicQueues | None:
        """Return a topic's entry, made if need be; None for a name that can't be stored.

        A name over 127 bytes needs a record of version 2: only retry topics, only in 5.x. No record
        has a light queue's.
        """
        entry = self.topics.get(topic)
        if entry is None:
            name = topic.encode("utf-8", "replace")
            long = len(name) > MAX_TOPIC_V1
            versioned = self._message_v2 and topic.startswith(RETRY_GROUP_TOPIC_PREFIX)
            if long and not (versioned or topic.startswith(LMQ_PREFIX)):
                return None
            if len(name) > MAX_TOPIC_LENGTH or not is_folder_name(topic):
                return None
            special = self._is_special(topic) or self.is_batch(topic)
            entry = self.topics[topic] = TopicQueues(topic, name, v2=long, special=special)
        return entry

    def _is_special(self, topic: str) -> bool:
        return self.enable_lmq or topic == RMQ_SYS_SCHEDULE_TOPIC

    def queue(self, topic: str, queue_id: int) -> ConsumeQueue | None:
        """Return a queue, made if need be (in memory: its files come with its first flush)."""
        entry = self.topic(topic)
        if entry is None:
            return None
        return entry.queues.get(queue_id) or self.add(entry, queue_id)

    def add(self, entry: TopicQueues, queue_id: int) -> ConsumeQueue:
        """Make an empty queue of a topic."""
        kind, folder, size = ConsumeQueue, self._folder, self._segment_size
        if self.is_batch(entry.topic):
            kind, folder, size = BatchConsumeQueue, self._batch_folder, self._batch_segment_size
            entry.special = True
        place = f"{entry.topic}/{queue_id}"
        values = (entry.topic, queue_id, f"{folder}/{place}", size, self._files, self._handles)
        if kind is ConsumeQueue and self._has_ext(entry.topic):
            queue: ConsumeQueue = ExtConsumeQueue(*values, self._ext(place), self._make_ext)
        else:
            queue = kind(*values)
        queue.tail = self._make_tail(queue)
        entry.queues[queue_id] = queue
        self._lights += entry.topic.startswith(LMQ_PREFIX)
        return queue

    def has_room_for(self, light: str) -> bool:
        """Return whether a message may be in a light queue: a new one counts against the quota."""
        limit = self._light_limit
        return limit is None or self._lights < limit or light in self.topics

    def _has_ext(self, topic: str) -> bool:
        """Return whether a topic's queues have extension units; light queues get none, as in Java."""
        written = self._make_ext is not None and not topic.startswith(LMQ_PREFIX)
        return written or topic in self._ext_topics

    def _ext(self, place: str) -> ConsumeQueueExt:
        folder = f"{self._ext_folder}/{place}"
        return ConsumeQueueExt(folder, self._ext_segment_size, self._files, self._handles)

    def write_ext(self, make_unit: MakeUnit) -> None:
        """Let new queues have extension units (``enableConsumeQueueExt``).

        Args:
            make_unit: told the topic, offset and size of a record in the log and its tags code,
                gives its extension unit.
        """
        self._make_ext = make_unit

    def is_batch(self, topic: str) -> bool:
        """Return whether queues of a topic are of kind BatchCQ."""
        return topic in self._batch_topics or self.is_batch_topic(topic)

    def has_batches(self, topic: str) -> None:
        """Count a topic as one of kind BatchCQ: a record of it holds an inner batch."""
        self._batch_topics.add(topic)

    def load(self, *, thorough: bool = False) -> list[str]:
        """Open all queues that have a folder.

        A queue whose files don't fit together is removed: the log gives it back.

        Args:
            thorough: look at all units, not only at those of the last files.

        Returns:
            A sentence for each queue removed.
        """
        notes = []
        self._batch_topics.update(self._topic_folders(self._batch_folder))
        self._ext_topics.update(self._topic_folders(self._ext_folder))
        for folder in (self._folder, self._batch_folder):
            notes += self._load_folder(folder, thorough=thorough)
        return notes

    def _topic_folders(self, folder: str) -> list[str]:
        """Return the topics that have queues in a folder; other things that lie there are none."""
        files = self._files
        return [
            topic
            for topic in files.list(folder)
            if any(map(_is_queue_id, files.list(f"{folder}/{topic}")))
        ]

    def _load_folder(self, folder: str, *, thorough: bool) -> list[str]:
        notes = []
        for topic in self._topic_folders(folder):
            if self.is_batch(topic) != (folder == self._batch_folder):
                notes.append(f"{folder}/{topic} is left alone: the topic's queues are elsewhere")
                continue
            for name in self._files.list(f"{folder}/{topic}"):
                if not _is_queue_id(name):
                    continue
                queue = self._load_queue(topic, int(name))
                try:
                    queue.load(thorough=thorough)
                except StoreError as error:
                    notes.append(f"consume queue {topic} {name} is rebuilt: {error}")
                    self._remove_files(queue.files.folder)
                    queue.files.segments.clear()
                    queue.restart(0)
        return notes

    def recovered(self, topic: str, queue_id: int) -> ConsumeQueue | None:
        """Return the queue of a record that is in the log; None if it can't have a folder."""
        queue = self.find(topic, queue_id)
        if queue is None and is_folder_name(topic) and queue_id >= 0:
            queue = self._load_queue(topic, queue_id)
        return queue

    def _load_queue(self, topic: str, queue_id: int) -> ConsumeQueue:
        entry = self.topics.get(topic)
        if entry is None:  # no check of the name: it is a folder, and its records are in the log
            name = topic.encode("utf-8", "surrogateescape")
            special = self._is_special(topic)
            entry = TopicQueues(topic, name, v2=len(name) > MAX_TOPIC_V1, special=special)
            self.topics[topic] = entry
        return self.add(entry, queue_id)

    def _remove_files(self, folder: str) -> None:
        for name in filter(may_be_segment, self._files.list(folder)):
            self._files.unlink(f"{folder}/{name}")

    def delete_topic(self, topic: str) -> bool:
        """Remove a topic's queues and folder; tell whether there was one."""
        entry = self.topics.pop(topic, None)
        if entry is None:
            return False
        if topic.startswith(LMQ_PREFIX):
            self._lights -= len(entry.queues)
        for queue in entry.queues.values():
            self._forget(queue)
            queue.remove()
        for parent in (self._folder, self._batch_folder, self._ext_folder):
            folder = f"{parent}/{topic}"
            if self._files.exists(folder) and not self._files.list(folder):
                self._files.remove_folder(folder)
        self._batch_topics.discard(topic)
        self._ext_topics.discard(topic)
        return True

    def drop_deleted(self, store_time: Callable[[int, int], int]) -> None:
        """Remove the units of records that were deleted with their topics.

        Args:
            store_time: returns the store time (ms) of the record at (offset, size) of the log.
        """
        for topic, deletion in self.deleted.table.items():
            entry = self.topics.get(topic)
            if entry is not None:
                self._drop_deleted(entry, deletion, store_time)

    def _drop_deleted(
        self, entry: TopicQueues, deletion: Deletion, store_time: Callable[[int, int], int]
    ) -> None:
        def stays(place: int, size: int) -> bool:
            return place >= deletion.below or not deletion.covers(place, store_time(place, size))

        for queue_id, queue in list(entry.queues.items()):
            first = queue.first_unit(stays)
            if first is None:
                self.delete_queue(entry.topic, queue_id)
            else:
                queue.correct_min(first)

    def delete_queue(self, topic: str, queue_id: int) -> None:
        """Remove one queue, and its topic's entry with the last one."""
        queues = self.topics[topic].queues
        queue = queues.pop(queue_id)
        self._lights -= topic.startswith(LMQ_PREFIX)
        self._forget(queue)
        queue.remove()
        if not queues:
            self.delete_topic(topic)

    def _forget(self, queue: ConsumeQueue) -> None:
        self.removals += 1
        self._unwritten.pop(queue, None)
        queue.tail.is_unwritten = False
        self._unsynced.pop(queue, None)

    def max_physical_offset(self) -> int:
        """Return the largest log offset that any queue reaches, -1 when there is no unit."""
        return max((queue.max_physical_offset() for queue in self), default=-1)

    def dispatch(self, queue: ConsumeQueue, units: bytes | bytearray) -> None:
        """Make units of a queue visible, unless its topic was deleted meanwhile.

        Raises:
            DiskFull: no room for a new file; the units are visible and stay in memory.
            OSError: the disk failed; likewise.
        """
        if self._is_there(queue):
            self._unwritten[queue] = None
            queue.tail.is_unwritten = True
            queue.dispatch(units)

    def dispatch_all(
        self, brought: Brought, removals: int
    ) -> Sequence[tuple[ConsumeQueue, bytes | bytearray]]:
        """Make the units of plain queues visible, but for those whose topic was deleted meanwhile.

        Args:
            brought: what they got.
            removals: what the attribute was when they got it.

        Returns:
            What ``dispatch`` is yet to be called with: it may write to the disk.
        """
        if self._make_ext is not None or removals != self.removals:
            return brought.units()
        unwritten, long = brought.dispatch(TAIL_LIMIT)
        for queue in unwritten:
            self._unwritten[queue] = None
        return [(queue, b"") for queue in long]

    def _is_there(self, queue: ConsumeQueue) -> bool:
        return self.find(queue.topic, queue.queue_id) is queue

    def distrust(self) -> None:
        """Count the last file of every queue as not synced: its writer was killed."""
        for queue in self:
            last = max(queue.written - 1, 0)
            queue.flushed = min(queue.flushed, last - last % queue.files.segment_size)
            self._unsynced[queue] = None

    def tails_due(self, *, thorough: bool = False) -> int:
        """Return how many tails to write this second: those of few queues, none of many.

        A write costs the same for one unit and for a minute's, and a kill loses nothing by it.

        Args:
            thorough: all.
        """
        unwritten = len(self._unwritten)
        return unwritten if thorough or unwritten <= _TAILS else 0

    def write_tails(self, count: int | None = None) -> None:
        """Put what is only in memory into the files.

        Args:
            count: of so many queues, those that have waited longest; None: of all.

        Raises:
            DiskFull: no room for a new file.
            OSError: the disk failed. Other queues may be written or not; nothing is lost.
        """
        unwritten = self._unwritten
        for queue in list(islice(unwritten, count)):
            queue.write_tail()
            del unwritten[queue]
            queue.tail.is_unwritten = False
            self._unsynced[queue] = None

    def flush_plan(self, *, thorough: bool) -> FlushPlan:
        """Plan the sync of queues with enough dirty pages, or of all dirty ones."""
        plan = FlushPlan(folders=self._folders())
        for queue in list(self._unsynced):
            if queue.flushed >= queue.written:
                del self._unsynced[queue]
            elif thorough or self._enough(queue):
                queue.plan_flush(plan)
        return plan

    def _folders(self) -> list[str]:
        """Return the folders that hold all queues' files."""
        batch, ext = bool(self._batch_topics), bool(self._ext_topics) or self._make_ext is not None
        used = (self._folder, True), (self._batch_folder, batch), (self._ext_folder, ext)
        return [folder for folder, is_used in used if is_used]

    def _enough(self, queue: ConsumeQueue) -> bool:
        full = queue.written % queue.files.segment_size == 0
        return full or pages_between(queue.flushed, queue.written) >= self._least_pages

    def close(self) -> None:
        """Close all handles."""
        self._handles.close()
