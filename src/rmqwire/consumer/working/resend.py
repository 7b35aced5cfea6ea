"""Sending a message to its group's retry topic as a new one (``sendMessageBackAsNormalMessage``).

From there the broker delivers it again, or moves it to the dead letters when it has come often
enough. Java's client has a hidden producer for that, CLIENT_INNER_PRODUCER.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.client.config import make_config
from rmqwire.client.message_ext import BodyReading
from rmqwire.codec import message_const as const
from rmqwire.codec.message import Message
from rmqwire.errors import RmqError
from rmqwire.producer.config import ProducerConfig
from rmqwire.producer.sender import Sender

if TYPE_CHECKING:
    from rmqwire.client.message_ext import MessageExt
    from rmqwire.consumer.state import ReturningState

logger = logging.getLogger(__name__)

FIRST_RETRY_LEVEL = 3  # 10 s


class Resend:
    """Sends for one consumer.

    Args:
        state: the consumer; its client's settings hold for the sends.
    """

    def __init__(self, state: ReturningState) -> None:
        config = make_config(ProducerConfig, {}, state.config)
        self._sender = Sender(const.CLIENT_INNER_PRODUCER_GROUP, config, state.instance)
        self._state = state

    async def __call__(self, message: MessageExt) -> bool:
        """Send it; return whether a broker has it."""
        try:
            await self.send(message)
        except RmqError as error:
            group = self._state.group
            logger.warning("%s is not sent to the retries of %s: %s", message, group, error)
            return False
        return True

    async def send(self, message: MessageExt) -> None:
        """Send it.

        Raises:
            RmqError: no broker took it.
        """
        await self._sender.send(retry_message(message, self._state))


def retry_message(message: MessageExt, state: ReturningState) -> Message:
    """Return the message as it goes to the retry topic: its body and properties, and how often it came."""
    times = message.reconsume_times
    properties = dict(message.properties)
    properties.pop(const.PROPERTY_TRANSACTION_PREPARED, None)
    properties.setdefault(const.PROPERTY_ORIGIN_MESSAGE_ID, message.msg_id)
    properties[const.PROPERTY_RETRY_TOPIC] = state.instance.namespace.wrap(message.topic)
    properties[const.PROPERTY_RECONSUME_TIME] = str(times + 1)
    properties[const.PROPERTY_MAX_RECONSUME_TIMES] = str(state.config.reconsume_limit())
    properties[const.PROPERTY_DELAY_TIME_LEVEL] = str(FIRST_RETRY_LEVEL + times)
    whole = state.config.body_reading is BodyReading.WHOLE
    body = message.body if whole else message.read_body()
    again = Message(const.retry_topic(state.group), body, flag=message.flag)
    again.properties = properties
    return again
