"""Messages that are delivered later (``ScheduleMessageService``).

A message with a delay level is stored in SCHEDULE_TOPIC_XXXX, queue = level - 1, under its time of
delivery as tags code; REAL_TOPIC and REAL_QID keep where it belongs. Within a level the times only
grow, so the service reads each level from its own offset up to the first message that isn't due,
stores those that are due in their real queues, and remembers the offset in ``delayOffset.json``.
A crash between the two delivers again, never loses.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from rmqwire.broker.delivery.properties import write_properties
from rmqwire.broker.tables.versions import advance, assign, first_version
from rmqwire.codec import bodies
from rmqwire.codec import message_const as const
from rmqwire.codec.host import pack_host
from rmqwire.codec.java_hash import tags_code
from rmqwire.codec.record import iter_messages
from rmqwire.disk.table_file import ConfigFile, TableWriter, at_once, config_path
from rmqwire.errors import BadRecord, UsageError
from rmqwire.filter.message_filter import Filter
from rmqwire.store.results import MessageInner, PutStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rmqwire.clock import WallMs
    from rmqwire.codec.message import StoredMessage
    from rmqwire.codec.release import Release
    from rmqwire.disk.files import FileLayer
    from rmqwire.store.config import StoreConfig
    from rmqwire.store.message_store import MessageStore
    from rmqwire.store.results import PutMessageResult

TOPIC = const.RMQ_SYS_SCHEDULE_TOPIC
DELAY_FOR_A_WHILE_MS = 100  # a level that couldn't deliver is tried again after this
BATCH = 32  # messages read at once from a level
UPDATE_VERSION_STEP = 200  # delayOffsetUpdateVersionStep
logger = logging.getLogger(__name__)


class _Level:
    """Where one delay level stands."""

    __slots__ = ("delay_ms", "failed", "next_look_ms", "offset", "pending")

    def __init__(self, delay_ms: int) -> None:
        self.delay_ms = delay_ms
        self.offset = 0  # queue offset of the next message to deliver
        self.pending = 0  # deliveries whose put isn't answered yet
        self.failed = False  # one of them was refused
        self.next_look_ms = 0  # nothing is due before; -1: nothing is there at all


class ScheduleMessageService:
    """Delays messages and delivers them when they are due.

    Args:
        store: where both queues are.
        config: ``messageDelayLevel`` and the store's folder.
        release: whose property order and host rule are kept.
        files: for ``config/delayOffset.json``.
        wall_ms: wall clock.
        pending: called when a level has something new to look at.
        count: called with a level's queue, the topic, messages and bytes of each that was delivered.
    """

    def __init__(
        self,
        store: MessageStore,
        config: StoreConfig,
        release: Release,
        files: FileLayer,
        wall_ms: WallMs,
        pending: Callable[[], None],
        count: Callable[[int, str, int, int], None] | None = None,
    ) -> None:
        self._store = store
        self._count = count if config.enable_schedule_message_stats else None
        self._release = release
        self._wall_ms = wall_ms
        self._tell_pending = pending
        self.levels = {level: _Level(delay) for level, delay in config.delay_levels().items()}
        self.max_level = max(self.levels, default=0)
        path = config_path(config.store_path_root_dir, "delayOffset.json")
        self._file = ConfigFile(path, files, holds="offsetTable")
        self.writer = TableWriter(self._file, at_once(self.encode))
        self.data_version = first_version(wall_ms())
        self._updates = 0

    # --- changing levels

    def check_change(self, delays: Mapping[int, int]) -> None:
        """Say whether a running broker may take other delays (level -> ms).

        Times within a level only grow, and what waits longer than its level's delay counts as due
        (the clock was set back): so no level may get shorter while messages may wait in it.

        Raises:
            UsageError: one is missing or shorter.
        """
        for number, level in self.levels.items():
            if delays.get(number, -1) < level.delay_ms:
                raise UsageError(
                    f"messageDelayLevel: level {number} can't go or get shorter while the broker "
                    "runs: messages that wait in it would be delivered early"
                )

    def change(self, delays: Mapping[int, int]) -> None:
        """Take other delays for what comes from now on; see :meth:`check_change`."""
        for number, delay_ms in delays.items():
            self.levels.setdefault(number, _Level(delay_ms)).delay_ms = delay_ms
        self.max_level = max(self.levels, default=0)

    # --- delaying

    def delay(self, message: MessageInner, properties: dict[str, str], level: int) -> None:
        """Turn a message into one that waits at a delay level.

        Args:
            message: topic, queue, properties and tags code are replaced.
            properties: its properties, in the order of Java's puts; REAL_TOPIC is added here.
            level: 1 or more; above the highest it is the highest.
        """
        level = min(level, self.max_level)
        if self._release.broker.timer_messages:
            for name in const.TIMER_TIMES:
                properties.pop(name, None)
        if properties.get(const.PROPERTY_DELAY_TIME_LEVEL) != str(level):
            properties[const.PROPERTY_DELAY_TIME_LEVEL] = str(level)
        properties[const.PROPERTY_REAL_TOPIC] = message.topic
        properties[const.PROPERTY_REAL_QUEUE_ID] = str(message.queue_id)
        message.properties = write_properties(properties, self._release)
        message.topic = TOPIC
        message.queue_id = level - 1
        message.tags_code = self.levels[level].delay_ms

    def arrived(self, queue_id: int) -> None:
        """Note that a level got a message."""
        level = self.levels.get(queue_id + 1)
        if level is not None and level.next_look_ms < 0:
            level.next_look_ms = 0
            self._tell_pending()

    # --- delivering

    def deliver_due(self) -> int | None:
        """Store the messages that are due in their real queues; the caller ends the pass.

        Returns:
            when something may be due next (wall clock ms), None when nothing waits.
        """
        now = self._wall_ms()
        for number, level in self.levels.items():
            if level.pending == 0 and 0 <= level.next_look_ms <= now:
                self._deliver_level(number, level, now)
        times = [level.next_look_ms for level in self.levels.values() if level.next_look_ms >= 0]
        return min(times, default=None)

    def _deliver_level(self, number: int, level: _Level, now: int) -> None:
        due = _Due(now, level.delay_ms)
        queue_id = number - 1
        wanted = Filter(due.matches)
        result = self._store.get_message(TOPIC, queue_id, level.offset, BATCH, wanted=wanted)
        if not result.body:
            self._look_later(level, now, due, result.next_begin_offset)
            return
        level.failed = False
        level.next_look_ms = now
        try:
            messages = list(iter_messages(result.body))
        except BadRecord:
            logger.exception("delay level %s at offset %s can't be read", number, level.offset)
            level.next_look_ms = now + DELAY_FOR_A_WHILE_MS
            return
        level.pending = len(messages)
        for message in messages:
            self._deliver(level, message)

    def _look_later(self, level: _Level, now: int, due: _Due, next_begin_offset: int) -> None:
        """Find out when a level that gave nothing is looked at again."""
        if due.first_later_ms is not None:
            level.next_look_ms = due.first_later_ms
        elif next_begin_offset != level.offset:  # removed below, or a table ahead of the queue
            logger.warning("delay offset %s corrected to %s", level.offset, next_begin_offset)
            level.offset = next_begin_offset
            level.next_look_ms = now
        else:
            level.next_look_ms = -1

    def _deliver(self, level: _Level, stored: StoredMessage) -> None:
        inner = self._time_up(stored)
        if inner is None:
            self._delivered(level, stored.queue_offset)
        else:
            done = partial(self._put, level, stored, inner.topic)
            self._store.puts.put(inner, done)

    def _put(
        self, level: _Level, stored: StoredMessage, topic: str, result: PutMessageResult
    ) -> None:
        if result.status != PutStatus.PUT_OK:
            level.failed = True
        elif self._count is not None:
            self._count(stored.queue_id, topic, result.count, result.size)
        self._delivered(level, stored.queue_offset)

    def _delivered(self, level: _Level, offset: int) -> None:
        level.pending -= 1
        if level.failed:
            level.next_look_ms = self._wall_ms() + DELAY_FOR_A_WHILE_MS
            return
        level.offset = offset + 1
        self._updates += 1
        if self._updates % UPDATE_VERSION_STEP == 0:
            advance(self.data_version, self._wall_ms())
        if level.pending == 0:
            self._tell_pending()

    def _time_up(self, stored: StoredMessage) -> MessageInner | None:
        """Make the message of the real queue (``messageTimeUp``); None when it has none."""
        properties = stored.properties
        topic = properties.get(const.PROPERTY_REAL_TOPIC)
        queue_id = properties.get(const.PROPERTY_REAL_QUEUE_ID, "")
        if topic is None or not queue_id.isascii() or not queue_id.isdigit():
            logger.error("delayed message %s has no real topic, discarded", stored.message_id)
            return None
        if topic == const.RMQ_SYS_TRANS_HALF_TOPIC:
            logger.error("delayed message %s is a half message, discarded", stored.message_id)
            return None
        return MessageInner(
            topic=topic,
            queue_id=int(queue_id),
            flag=stored.flag,
            sys_flag=stored.sys_flag,
            properties=write_properties(properties, self._release),
            body=stored.body,
            tags_code=tags_code(stored.tags),
            born_timestamp=stored.born_timestamp,
            born_host=pack_host(*stored.born_host),
            reconsume_times=stored.reconsume_times,
            wait_store_ok=False,
        )

    # --- delayOffset.json

    def load(self) -> bool:
        """Read ``delayOffset.json``; False when there is none yet.

        Raises:
            StoreError: neither the file nor its backup can be read.
        """
        return self._file.load(self.decode)

    def decode(self, data: bytes) -> None:
        """Take over a table as the file, or a master, gives it.

        Raises:
            BadBody: not such a table.
        """
        wrapper = bodies.DelayOffsetSerializeWrapper.decode(data, self._release)
        for number, offset in (wrapper.offset_table or {}).items():
            level = self.levels.get(number)
            if level is not None:
                level.offset = offset
                level.next_look_ms = 0
        if wrapper.data_version is not None:
            assign(self.data_version, wrapper.data_version)

    def encode(self) -> bytes:
        """Return the table as Java writes it."""
        wrapper = bodies.DelayOffsetSerializeWrapper(
            offset_table={
                number: level.offset for number, level in self.levels.items() if level.offset
            }
        )
        if self._release.broker.delay_offsets_version:
            wrapper.data_version = self.data_version
        return wrapper.encode(self._release, pretty=True)

    def persist(self) -> None:
        """Write ``delayOffset.json``.

        Raises:
            OSError: the disk refused.
        """
        self.writer.write()


class _Due:
    """Takes messages up to the first one that isn't due yet."""

    __slots__ = ("_latest", "_now", "first_later_ms")

    def __init__(self, wall_ms: int, delay_ms: int) -> None:
        self._now = wall_ms
        self._latest = wall_ms + delay_ms
        self.first_later_ms: int | None = None

    def matches(self, deliver_ms: int) -> bool:
        """Test one tags code; a time further away than the level's delay is due (clock set back)."""
        if self.first_later_ms is not None:
            return False
        if self._now < deliver_ms <= self._latest:
            self.first_later_ms = deliver_ms
            return False
        return True
