"""Where a queue is read from when it is taken over (``computePullFromWhere``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.client.queue_admin import QueueAdmin
from rmqwire.codec.message_const import RETRY_GROUP_TOPIC_PREFIX
from rmqwire.consumer.config import ConsumeFromWhere

if TYPE_CHECKING:
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.consumer.state import SubscriberState


async def starting_offset(queue: MessageQueue, state: SubscriberState) -> int:
    """Return the stored offset, else what consumeFromWhere says.

    Raises:
        RmqError: a broker didn't say what is needed for that.
    """
    stored = await state.offsets.read_from_store(queue)
    if stored >= 0:
        return stored
    retry = queue.topic.startswith(RETRY_GROUP_TOPIC_PREFIX)
    where = state.config.consume_from_where
    if where == ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET:
        return 0  # a broker that has no message 0 any more says where it begins
    if where == ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET and retry:
        return 0
    admin = QueueAdmin(state.instance)
    if where == ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET or retry:
        return await _end(queue, state, admin)
    timestamp = state.config.consume_timestamp_ms(state.instance.wall_ms())
    return await admin.search_offset(queue, timestamp)


async def _end(queue: MessageQueue, state: SubscriberState, admin: QueueAdmin) -> int:
    """Return the queue's end, or where the broker says now that a new group begins.

    It says 0 of a queue whose first message is in memory. When that came between the first question and
    the one for the end, Java's client goes on behind it, and the group never gets it.
    """
    end = await admin.max_offset(queue)
    stored = await state.offsets.read_from_store(queue) if end > 0 else end
    return stored if stored >= 0 else end
