"""The append of messages whose units are not as they come: half, delayed, batches, light queues.

Everything here stays off the path of plain messages, which ``put`` takes itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.consume_queue import UNIT_STRUCT, BatchConsumeQueueUnit, pack_batch_unit
from rmqwire.codec.message_const import PROPERTY_INNER_BASE, RMQ_SYS_SCHEDULE_TOPIC
from rmqwire.codec.sys_flag import INNER_BATCH_FLAG, is_in_no_queue
from rmqwire.errors import BadRecord
from rmqwire.store.queues.batch_queue import BatchConsumeQueue, messages_in
from rmqwire.store.queues.light_queues import (
    LMQ_QUEUE_ID,
    TooManyLightQueues,
    is_light,
    light_queues,
    with_offsets,
    with_property,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.store.log.commit_log import CommitLog
    from rmqwire.store.queues.consume_queue import ConsumeQueue
    from rmqwire.store.queues.queue_table import ConsumeQueueStore, TopicQueues
    from rmqwire.store.results import MessageInner

    Place = tuple[int, int, int]  # physical offset, size, queue offset


class SpecialPuts:
    """Append to the log and note the units.

    Args:
        log: where records go.
        queues: where their units go.
        touch: told a queue before its first unit of the pass.
    """

    def __init__(
        self, log: CommitLog, queues: ConsumeQueueStore, touch: Callable[[ConsumeQueue], None]
    ) -> None:
        self._log = log
        self._queues = queues
        self._touch = touch

    def append(self, entry: TopicQueues, message: MessageInner, now: int, *, alone: bool) -> Place:
        """Append one message.

        Args:
            entry: its topic.
            message: it; properties that only the store knows are added.
            now: store time, ms.
            alone: it is no message of a batch: it may be in light queues, too.

        Raises:
            TooManyLightQueues: the quota has no room for those that it names.
            BadRecord: it can't be stored; nothing was appended.
        """
        if is_in_no_queue(message.sys_flag):
            size = self._log.append(message, entry.name, 0, now, entry.v2)
            return self._log.append_end - size, size, 0
        queue = entry.queues.get(message.queue_id) or self._queues.add(entry, message.queue_id)
        if isinstance(queue, BatchConsumeQueue):
            return self._append_batch(queue, entry, message, now)
        if message.sys_flag & INNER_BATCH_FLAG:
            raise BadRecord(f"an inner batch, but the queues of {message.topic} are not BatchCQ")
        lights = self._lights(message) if alone else []
        return self._append_multi(queue, lights, entry, message, now)

    def _append_batch(
        self, queue: BatchConsumeQueue, entry: TopicQueues, message: MessageInner, now: int
    ) -> Place:
        base, number = queue.next_offset, messages_in(message.properties)
        if number < 1:
            raise BadRecord("an inner batch of no messages")
        if number > 1 and not message.sys_flag & INNER_BATCH_FLAG:
            raise BadRecord(f"{number} messages (INNER_NUM), but it is no inner batch")
        if message.sys_flag & INNER_BATCH_FLAG:
            message.properties = with_property(
                message.properties, PROPERTY_INNER_BASE, str(base), self._queues.release
            )
        size = self._log.append(message, entry.name, base, now, entry.v2)
        offset = self._log.append_end - size
        queue.next_offset = base + number
        unit = BatchConsumeQueueUnit(offset, size, message.tags_code, now, base, number)
        self._add(queue, pack_batch_unit(unit))
        return offset, size, base

    def _append_multi(
        self,
        queue: ConsumeQueue,
        lights: list[ConsumeQueue],
        entry: TopicQueues,
        message: MessageInner,
        now: int,
    ) -> Place:
        queue_offset = queue.next_offset
        size = self._log.append(message, entry.name, queue_offset, now, entry.v2)
        offset = self._log.append_end - size
        since = now if entry.topic == RMQ_SYS_SCHEDULE_TOPIC else 0
        unit = UNIT_STRUCT.pack(offset, size, since + message.tags_code)
        for one in (queue, *lights):
            one.next_offset += 1
            if one is queue or self._queues.multi_dispatch:
                self._add(one, unit)
        return offset, size, queue_offset

    def _lights(self, message: MessageInner) -> list[ConsumeQueue]:
        """Return the light queues of a message, and write its offsets in them to its properties."""
        names = light_queues(message.topic, message.properties) if self._queues.enable_lmq else []
        if not names:
            return []
        for name in names:
            if is_light(name) and not self._queues.has_room_for(name):
                raise TooManyLightQueues(f"no room for the light queue {name}")
        found: dict[str, ConsumeQueue] = {}
        for name in names:
            queue = self._queues.queue(name, LMQ_QUEUE_ID) if is_light(name) else None
            if queue is not None:
                found[name] = queue
        offsets = [found[name].next_offset if name in found else None for name in names]
        message.properties = with_offsets(message.properties, offsets, self._queues.release)
        return list(found.values())

    def _add(self, queue: ConsumeQueue, unit: bytes) -> None:
        if not queue.pending:
            self._touch(queue)
        queue.pending += unit
