"""How far each group has consumed (``ConsumerOffsetManager``, ``config/consumerOffset.json``).

An offset is the next message to consume: everything below it is done. The table is written every
``flushConsumerOffsetInterval``, so a crash may take it back a little (messages are delivered
again), never forward.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from rmqwire.broker.tables.versions import advance, assign, first_version
from rmqwire.codec import bodies, java_json
from rmqwire.disk.table_file import TableWriter
from rmqwire.disk.table_text import EntryTexts, TrackedTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.clock import WallMs
    from rmqwire.codec.release import Release
    from rmqwire.disk.table_file import ConfigFile, MakeText
    from rmqwire.disk.table_text import Changes

logger = logging.getLogger(__name__)

TOPIC_GROUP_SEPARATOR: Final = "@"
UNKNOWN_OFFSET: Final = -1
LMQ_OFFSETS: Final = "lmqOffsetTable"

Queues = dict[int, int]  # queue id -> offset
Table = dict[str, Queues]  # topic@group -> the offsets


class ConsumerOffsetManager:
    """The offset table of one broker.

    Args:
        config: the broker's settings.
        release: what the JSON holds.
        file: where the table is kept.
        wall_ms: epoch milliseconds.
    """

    def __init__(
        self,
        config: BrokerConfig,
        release: Release,
        file: ConfigFile,
        wall_ms: WallMs,
    ) -> None:
        self.table: TrackedTable[Queues] = TrackedTable()
        self.reset_table: Table = {}
        self.pull_table: TrackedTable[Queues] = TrackedTable()
        self.data_version: bodies.DataVersion = first_version(wall_ms())
        self._config = config
        self._release = release
        self._file = file
        self.writer = TableWriter(file, self.snapshot)
        self._texts: EntryTexts[Queues] = EntryTexts(self._entry_text)
        self._pull_texts: EntryTexts[Queues] = EntryTexts(self._queues_text)
        self._wall_ms = wall_ms
        self._commits = 0
        self._dirty = True

    # --- one queue -----------------------------------------------------------------------------

    def query(self, group: str, topic: str, queue_id: int) -> int:
        """Return the group's offset in a queue, -1 when it has none yet.

        An offset that an administrator reset wins until the group has taken it.
        """
        key = f"{topic}@{group}"
        if self._config.use_server_side_reset_offset:
            reset = self.reset_table.get(key)
            if reset is not None and queue_id in reset:
                return reset[queue_id]
        offsets = self.table.get(key)
        return UNKNOWN_OFFSET if offsets is None else offsets.get(queue_id, UNKNOWN_OFFSET)

    def commit(self, client_host: str, group: str, topic: str, queue_id: int, offset: int) -> None:
        """Note that the group has consumed everything below ``offset``.

        Args:
            client_host: who says so, for the log.
            group: the consumer group.
            topic: the topic.
            queue_id: the queue.
            offset: next offset to consume; a lower one than before is taken too, as in Java.
        """
        key = f"{topic}@{group}"
        offsets = self.table.get(key)
        if offsets is None:
            offsets = self.table[key] = {}
        before = offsets.get(queue_id)
        offsets[queue_id] = offset
        self.table.touch(key)
        self._dirty = True
        if before is not None and offset < before:
            logger.warning(
                "update consumer offset less than store. clientHost=%s, key=%s, queueId=%s, "
                "requestOffset=%s, storeOffset=%s",
                client_host,
                key,
                queue_id,
                offset,
                before,
            )
        self._commits += 1
        if self._commits % self._config.consumer_offset_update_version_step == 0:
            advance(self.data_version, self._wall_ms())

    def commit_pull(self, group: str, topic: str, queue_id: int, offset: int) -> None:
        """Note how far the group has pulled, which may be ahead of what it has consumed."""
        self.pulled(group, topic)[queue_id] = offset

    def pulled(self, group: str, topic: str) -> dict[int, int]:
        """Return how far the group has pulled in each queue, to be changed at once."""
        key = f"{topic}@{group}"
        table = self.pull_table
        table.touch(key)
        offsets = table.get(key)
        if offsets is None:
            offsets = table[key] = {}
        return offsets

    def query_pull(self, group: str, topic: str, queue_id: int) -> int:
        """Return how far the group has pulled; what it has consumed where that isn't known."""
        offsets = self.pull_table.get(f"{topic}@{group}")
        if offsets is None or queue_id not in offsets:
            return self.query(group, topic, queue_id)
        return offsets[queue_id]

    def assign_reset(self, group: str, topic: str, queue_id: int, offset: int) -> None:
        """Set an offset that the group's next pull must take (``assignResetOffset``)."""
        if not topic or not group or queue_id < 0 or offset < 0:
            logger.warning("reset of %s@%s %s to %s ignored", topic, group, queue_id, offset)
            return
        key = f"{topic}@{group}"
        self.reset_table.setdefault(key, {})[queue_id] = offset
        self.table.setdefault(key, {})[queue_id] = offset
        self.table.touch(key)
        self._dirty = True

    def has_offset_reset(self, group: str, topic: str, queue_id: int) -> bool:
        """Return whether a reset offset still waits for the group's next pull."""
        return queue_id in self.reset_table.get(f"{topic}@{group}", {})

    def take_reset(self, group: str, topic: str, queue_id: int) -> int | None:
        """Return and forget the reset offset (``queryThenEraseResetOffset``), None without one."""
        key = f"{topic}@{group}"
        offsets = self.reset_table.get(key)
        if offsets is None:
            return None
        offset = offsets.pop(queue_id, None)
        if not offsets:
            del self.reset_table[key]
        return offset

    # --- many queues ---------------------------------------------------------------------------

    def offsets_of(self, group: str, topic: str) -> dict[int, int]:
        """Return queue id -> offset of a group in a topic; empty without any."""
        return self.table.get(f"{topic}@{group}", {})

    def which_topic_by_consumer(self, group: str) -> set[str]:
        """Return the topics that the group has offsets in."""
        return {topic for topic, owner in _pairs(self.table) if owner == group}

    def which_group_by_topic(self, topic: str) -> set[str]:
        """Return the groups that have offsets in the topic."""
        return {group for name, group in _pairs(self.table) if name == topic}

    def group_topic_map(self) -> dict[str, list[str]]:
        """Return group -> its topics, sorted (``getGroupTopicMap``)."""
        return self._topics_by_group(self.table)

    def _topics_by_group(self, keys: Iterable[str]) -> dict[str, list[str]]:
        result: dict[str, list[str]] = {}
        for topic, group in _pairs(keys):
            result.setdefault(group, []).append(topic)
        return {group: sorted(topics) for group, topics in result.items()}

    def clone(self, source: str, target: str, topic: str) -> None:
        """Return ``target`` the offsets of group ``source`` in the topic, if it has any."""
        offsets = self.table.get(f"{topic}@{source}")
        if offsets is not None:
            self.table[f"{topic}@{target}"] = dict(offsets)
            self._dirty = True

    def clean_group(self, group: str) -> None:
        """Forget every offset of the group (``removeOffset``)."""
        self._clean("@" + group, str.endswith)

    def clean_topic(self, topic: str) -> None:
        """Forget every group's offsets in the topic (``cleanOffsetByTopic``)."""
        self._clean(topic + "@", str.startswith)

    def _clean(self, part: str, matches: Callable[[str, str], bool]) -> None:
        for table in (self.table, self.reset_table, self.pull_table):
            for key in [key for key in table if matches(key, part)]:
                del table[key]
        self._dirty = True

    def take_over(self, data: bytes) -> None:
        """Take a master's offsets (``SlaveSynchronize``): its groups' win, others of ours stay.

        Args:
            data: the answer of GET_ALL_CONSUMER_OFFSET.

        Raises:
            BadBody: it isn't one; nothing has changed.
            OSError: the disk refused.
        """
        table, version = _read(data, self._release)
        self.table.update(table)
        self._dirty = True
        if version is not None:
            assign(self.data_version, version)
        self.persist()

    # --- the file ------------------------------------------------------------------------------

    def load(self) -> bool:
        """Read the file; False when there is none yet.

        Raises:
            StoreError: there is a table, but neither it nor its backup can be read.
        """
        return self._file.load(self._decode)

    def _decode(self, data: bytes) -> None:
        table, version = _read(data, self._release)
        self.table = TrackedTable(table)
        if version is not None:
            assign(self.data_version, version)

    def wrapper(self) -> dict[str, Any]:
        """Return the table as GET_ALL_CONSUMER_OFFSET holds it, for ``java_json.dumps``.

        ``pullOffsetTable`` is left out and the caller writes standard JSON: a Java slave of 5.5.0
        stops syncing when it meets that table with integer keys.
        """
        content = self._version()
        if self._release.broker.offsets_version:
            content["groupTopicMap"] = self.group_topic_map()
        content["offsetTable"] = self.table
        return content

    def _version(self) -> dict[str, Any]:
        version = self.data_version
        if not self._release.broker.offsets_version:
            return {}
        return {
            "dataVersion": {
                "counter": version.counter,
                "stateVersion": version.state_version,
                "timestamp": version.timestamp,
            }
        }

    def snapshot(self) -> MakeText:
        """Return what makes the text of the file as the table is now."""
        changes = self._texts.take(self.table, Queues.copy)
        pulled = self._pull_texts.take(self.pull_table, Queues.copy)
        return partial(self._text, changes, pulled, self._version())

    def _text(
        self, changes: Changes[Queues], pulled: Changes[Queues], content: dict[str, Any]
    ) -> bytes:
        self._texts.apply(changes)
        self._pull_texts.apply(pulled)
        if self._release.broker.offsets_version:
            content["groupTopicMap"] = self._topics_by_group(self._texts.texts)
        content |= self._sections(self._texts.texts)
        if self._release.broker.pull_offsets:
            content["pullOffsetTable"] = java_json.Written(self._pull_texts.texts)
        return java_json.dumps(content, self._release, pretty=True)

    def _sections(self, texts: dict[str, str]) -> dict[str, java_json.Written]:
        return {"offsetTable": java_json.Written(texts)}

    def _entry_text(self, key: str, queues: Queues) -> str:
        return self._queues_text(key, queues)

    def _queues_text(self, key: str, queues: Queues) -> str:
        return java_json.write_entry(key, queues, self._release, 2)

    def persist(self) -> None:
        """Write the table to its file, whole or not at all, unless nothing has changed."""
        if self._dirty:
            self.writer.write()
            self._dirty = False


def _pairs(keys: Iterable[str]) -> list[tuple[str, str]]:
    """Return topic and group of each key that has both."""
    parts = (key.split(TOPIC_GROUP_SEPARATOR) for key in keys)
    return [(part[0], part[1]) for part in parts if len(part) == 2]


def _read(data: bytes, release: Release) -> tuple[Table, bodies.DataVersion | None]:
    stored = bodies.LmqConsumerOffsetTable.decode(data, release)
    table = stored.offset_table
    for key, offset in stored.lmq_offset_table.items():  # one each: those queues have the number 0
        table[key] = {0: offset}
    return table, stored.data_version
