"""Handing messages back to their brokers, to come again later (``sendMessageBack``)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.codec.headers import ConsumerSendMsgBackRequestHeader
from rmqwire.errors import RmqError

if TYPE_CHECKING:
    from rmqwire.consumer.message_ext import MessageExt
    from rmqwire.consumer.state import ConsumerState

logger = logging.getLogger(__name__)


async def send_back(state: ConsumerState, message: MessageExt, delay_level: int = 0) -> bool:
    """Hand a message back to its broker; return whether it took it.

    Args:
        state: the consumer.
        message: what could not be consumed.
        delay_level: when it comes again; 0 leaves that to the broker (3 + deliveries), -1 is the
            dead letters at once.
    """
    header = ConsumerSendMsgBackRequestHeader(
        offset=message.stored.physical_offset,
        group=state.group,
        delay_level=delay_level,
        origin_msg_id=message.msg_id,
        origin_topic=message.topic,
        unit_mode=False,
        max_reconsume_times=state.config.reconsume_limit(),
        bname=message.broker_name,
    )
    try:
        await state.instance.send_back(message.broker_name, header)
    except RmqError as error:
        logger.warning("send back of %s, group %s: %s", message, state.group, error)
        return False
    return True
