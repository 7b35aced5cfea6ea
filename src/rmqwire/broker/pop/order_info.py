"""Orderly pops: which queues of a group are blocked, and by which messages (``QueueLevelConsumerManager``).

A group gets the next messages of a queue when those before are all acknowledged, or their time is
over; then all from the first open one on come again. Who asks again with the same attempt id gets
the same messages once more.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from rmqwire.codec import bodies
from rmqwire.codec.pop import order_count_entry
from rmqwire.disk.table_file import TableWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmqwire.broker.pop.offsets import QueueKey
    from rmqwire.broker.tables.groups import SubscriptionGroupManager
    from rmqwire.broker.tables.topics import TopicConfigManager
    from rmqwire.clock import WallMs
    from rmqwire.codec.release import Release
    from rmqwire.disk.table_file import ConfigFile, MakeText

CLEAN_AFTER_MS = 86_400_000  # CLEAN_SPAN_FROM_LAST: a block that nobody popped from for a day
NOT_FOUND = -1
OTHER_POP = -2  # the block is of another pop now
SEPARATOR = "@"


def offsets_of(info: bodies.OrderInfo) -> list[int]:
    """Return the queue offsets of a block."""
    first, *rest = info.offset_list or [0]
    return [first, *(first + diff for diff in rest)] if info.offset_list else []


def _open_until(info: bodies.OrderInfo) -> list[int]:
    """Return until when each message that isn't acknowledged is invisible; wall clock, ms."""
    default = info.pop_time + (info.invisible_time or 0)
    visible = info.offset_next_visible_time or {}
    return [
        visible.get(offset, default)
        for i, offset in enumerate(offsets_of(info))
        if not info.commit_offset_bit >> i & 1
    ]


class MemoryConsumerOrderInfoManager:
    """Blocks that are not kept on the disk.

    Args:
        wall_ms: wall clock.
    """

    def __init__(self, wall_ms: WallMs) -> None:
        self.table: dict[str, dict[int, bodies.OrderInfo]] = {}
        self._wall_ms = wall_ms
        self._changed = False
        self._free: list[tuple[int, str, int]] = []  # when a block is over by itself: time, key

    def __len__(self) -> int:
        return len(self.table)

    # --- one queue

    def find(self, key: QueueKey) -> bodies.OrderInfo | None:
        """Return the block of a queue, if there is one."""
        return self.table.get(_name(key), {}).get(key.queue_id)

    def is_blocked(self, key: QueueKey, attempt_id: str | None, invisible_ms: int) -> bool:
        """Return whether a group must wait for messages of a queue (``checkBlock``).

        Args:
            key: the queue and the group.
            attempt_id: of who asks; the block's own isn't blocked.
            invisible_ms: what a block without such a time takes.
        """
        info = self.find(key)
        if info is None or (info.attempt_id is not None and info.attempt_id == attempt_id):
            return False
        if not info.invisible_time or info.invisible_time <= 0:
            info.invisible_time = invisible_ms
        now_ms = self._wall_ms()
        return any(now_ms < until for until in _open_until(info))

    def update(
        self,
        key: QueueKey,
        attempt_id: str | None,
        pop_time: int,
        invisible_ms: int,
        offsets: Sequence[int],
    ) -> list[str]:
        """Block a queue with the messages of a pop; return the entries of orderCountInfo."""
        first = offsets[0]
        info = bodies.OrderInfo(
            pop_time=pop_time,
            invisible_time=invisible_ms,
            offset_list=[first, *(offset - first for offset in offsets[1:])],
            last_consume_timestamp=self._wall_ms(),
            attempt_id=attempt_id,
        )
        former = self.find(key)
        if former is not None:
            info.offset_consumed_count = _count_again(former, info)
        self.table.setdefault(_name(key), {})[key.queue_id] = info
        self._watch(key, info)
        counts = info.offset_consumed_count
        entries = [
            order_count_entry(key.topic, key.queue_id, count, offset)
            for offset, count in (counts or {}).items()
        ]
        least = min(counts.values()) if counts and len(counts) == len(offsets) else 0
        return [*entries, order_count_entry(key.topic, key.queue_id, least)]

    def acknowledge(self, key: QueueKey, offset: int, pop_time: int) -> int:
        """Take an ack (``commitAndNext``).

        Returns:
            The offset that the group has come to: of the first open message, or behind the block.
            NOT_FOUND when it isn't of the block, OTHER_POP when it is of an earlier pop.
        """
        info = self.find(key)
        if info is None:
            return offset + 1
        if pop_time != info.pop_time:
            return OTHER_POP
        offsets = offsets_of(info)
        if offset not in offsets:
            return NOT_FOUND
        info.commit_offset_bit |= 1 << offsets.index(offset)
        self._watch(key, info)
        for i, candidate in enumerate(offsets):
            if not info.commit_offset_bit >> i & 1:
                return candidate
        return offsets[-1] + 1

    def change_time(self, key: QueueKey, offset: int, pop_time: int, visible_ms: int) -> None:
        """Set when a message is visible again (``updateNextVisibleTime``); of the last pop only."""
        info = self.find(key)
        if info is None or pop_time != info.pop_time:
            return
        visible = info.offset_next_visible_time
        if visible is None:
            visible = info.offset_next_visible_time = {}
        visible[offset] = visible_ms
        self._watch(key, info)

    def suspend(self, key: QueueKey, pop_time: int, visible_ms: int) -> None:
        """Let a whole block be over at another time, as if it had not been popped (``suspendQueue``)."""
        info = self.find(key)
        if info is None or pop_time != info.pop_time:
            return
        counts = info.offset_consumed_count
        if counts is not None:
            info.offset_consumed_count = {one: max(count - 1, 0) for one, count in counts.items()}
        info.offset_next_visible_time = None
        info.invisible_time = visible_ms - info.pop_time
        self._watch(key, info)

    def remove(self, topic: str, group: str) -> None:
        """Let all queues of a topic go that a group has."""
        if self.table.pop(f"{topic}{SEPARATOR}{group}", None) is not None:
            self._changed = True

    def remove_topic(self, topic: str) -> None:
        """Let all queues of a topic go."""
        for name in [name for name in self.table if name.rpartition(SEPARATOR)[0] == topic]:
            self.remove(*name.rpartition(SEPARATOR)[::2])

    def clear(self, key: QueueKey) -> None:
        """Let a queue go (``clearBlock``)."""
        if self.table.get(_name(key), {}).pop(key.queue_id, None) is not None:
            self._changed = True

    # --- blocks that end by themselves

    def _watch(self, key: QueueKey, info: bodies.OrderInfo) -> None:
        """Note that a block has changed, and when it ends by itself."""
        self._changed = True
        until = max(_open_until(info), default=0)
        if until > self._wall_ms():
            heappush(self._free, (until, _name(key), key.queue_id))

    @property
    def at_rest(self) -> bool:
        """Return whether no block ends by itself."""
        return not self._free

    def take_free(self) -> list[tuple[str, str, int]]:
        """Return topic, group and queue id of blocks whose time has ended since the last call."""
        now_ms = self._wall_ms()
        free = []
        while self._free and self._free[0][0] <= now_ms:
            _, name, queue_id = heappop(self._free)
            info = self.table.get(name, {}).get(queue_id)
            topic, _, group = name.rpartition(SEPARATOR)
            if info is not None and max(_open_until(info), default=0) <= now_ms:
                free.append((topic, group, queue_id))
        return free


class ConsumerOrderInfoManager(MemoryConsumerOrderInfoManager):
    """The blocks of one broker, and their file.

    Args:
        release: whose JSON is written.
        file: ``config/consumerOrderInfo.json``.
        topics: blocks of topics and groups that are gone are forgotten,
        groups: when the file is written.
        wall_ms: wall clock.
    """

    def __init__(
        self,
        release: Release,
        file: ConfigFile,
        topics: TopicConfigManager,
        groups: SubscriptionGroupManager,
        wall_ms: WallMs,
    ) -> None:
        super().__init__(wall_ms)
        self._release = release
        self._file = file
        self._topics = topics
        self._groups = groups
        self.writer = TableWriter(file, self._snapshot)

    def load(self) -> None:
        """Read the file, if there is one.

        Raises:
            StoreError: it is there and can't be read.
        """
        self._file.load(self._decode)

    def _decode(self, data: bytes) -> None:
        self.table = bodies.ConsumerOrderInfoTable.decode(data, self._release).table
        self._free = [
            (max(_open_until(info), default=0), name, queue_id)
            for name, queues in self.table.items()
            for queue_id, info in queues.items()
        ]
        self._free.sort()

    def encode(self) -> bytes:
        """Return the text of the file, without what nobody needs any more (``autoClean``)."""
        self._clean()
        content = bodies.ConsumerOrderInfoTable(order_info_count=len(self.table), table=self.table)
        return content.encode(self._release, pretty=True)

    def persist(self) -> None:
        """Write the file if something has changed.

        Raises:
            OSError: the disk refused.
        """
        if self._changed:
            self.writer.write()
            self._changed = False

    def _snapshot(self) -> MakeText:
        """Return what gives the file's text as it is now; blocks change in place, so it's made here."""
        data = self.encode()
        return lambda: data

    def _clean(self) -> None:
        now_ms = self._wall_ms()
        for name, queues in list(self.table.items()):
            topic, _, group = name.rpartition(SEPARATOR)
            config = self._topics.select(topic)
            if config is None or not self._groups.contains(group):
                del self.table[name]
                continue
            for queue_id, info in list(queues.items()):
                unused = now_ms - info.last_consume_timestamp > CLEAN_AFTER_MS
                if queue_id >= config.read_queue_nums or unused:
                    del queues[queue_id]
            if not queues:
                del self.table[name]


def _name(key: QueueKey) -> str:
    return f"{key.topic}{SEPARATOR}{key.group}"


def _count_again(former: bodies.OrderInfo, info: bodies.OrderInfo) -> dict[int, int]:
    """Return how often messages of a block were in a block before (``mergeOffsetConsumedCount``)."""
    counts = former.offset_consumed_count or {}
    if former.attempt_id is not None and former.attempt_id == info.attempt_id:
        return counts
    before = set(offsets_of(former))
    return {offset: counts.get(offset, 0) + 1 for offset in offsets_of(info) if offset in before}
