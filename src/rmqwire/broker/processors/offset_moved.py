"""What a broker of 4.x tells of a pull outside of its queue: an event, stored as a message.

``mqadmin startMonitoring`` and other monitors consume them (``generateOffsetMovedEvent``).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.broker.delivery.properties import write_properties
from rmqwire.codec import bodies
from rmqwire.codec import message_const as const
from rmqwire.codec.java_hash import tags_code
from rmqwire.store.results import MessageInner, PutMessageResult, PutStatus

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.headers import PullMessageRequestHeader

logger = logging.getLogger(__name__)


def tell_of_moved_offset(
    state: BrokerState, header: PullMessageRequestHeader, new_offset: int
) -> None:
    """Store the event; nothing waits for it, and one that can't be stored is only logged."""

    def stored(result: PutMessageResult) -> None:
        if result.status != PutStatus.PUT_OK:
            logger.warning("offset of %s moved: no event, %s", header.topic, result.status)

    state.store.puts.put(_event(state, header, new_offset), stored)


def _event(state: BrokerState, header: PullMessageRequestHeader, new_offset: int) -> MessageInner:
    event = bodies.OffsetMovedEvent(
        header.consumer_group,
        bodies.MessageQueue(header.topic, state.config.broker_name, header.queue_id),
        header.queue_offset,
        new_offset,
    )
    properties = {
        const.PROPERTY_TAGS: header.consumer_group,
        const.PROPERTY_DELAY_TIME_LEVEL: "0",
        const.PROPERTY_KEYS: header.consumer_group,
    }
    return MessageInner(
        topic=const.RMQ_SYS_OFFSET_MOVED_EVENT,
        queue_id=0,
        flag=0,
        sys_flag=0,
        properties=write_properties(properties, state.release),
        body=event.encode(state.release),
        tags_code=tags_code(header.consumer_group),
        born_timestamp=state.wall_ms(),
        born_host=state.store.log.store_host,
    )
