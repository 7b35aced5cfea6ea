"""Where a queue is read from when it is taken over (``computePullFromWhere``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.message_const import RETRY_GROUP_TOPIC_PREFIX
from rmqwire.consumer.config import ConsumeFromWhere
from rmqwire.errors import RouteNotFound

if TYPE_CHECKING:
    from rmqwire.client.instance import ClientInstance
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.consumer.config import PushConsumerConfig
    from rmqwire.consumer.offset_store import RemoteBrokerOffsetStore


async def starting_offset(
    queue: MessageQueue,
    config: PushConsumerConfig,
    offsets: RemoteBrokerOffsetStore,
    instance: ClientInstance,
) -> int:
    """Return the committed offset, else what consumeFromWhere says.

    Raises:
        RmqError: a broker didn't say what is needed for that.
    """
    committed = await offsets.read_from_store(queue)
    if committed >= 0:
        return committed
    retry = queue.topic.startswith(RETRY_GROUP_TOPIC_PREFIX)
    where = config.consume_from_where
    if where == ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET:
        return 0  # a broker that has no message 0 any more says where it begins
    if where == ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET and retry:
        return 0
    addr = instance.routes.master_addr(queue.broker_name)
    if addr is None:
        raise RouteNotFound(f"The broker[{queue.broker_name}] not exist")
    if where == ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET or retry:
        return await instance.api.max_offset(addr, queue)
    timestamp = config.consume_timestamp_ms(instance.wall_ms())
    return await instance.api.search_offset(addr, queue, timestamp)
