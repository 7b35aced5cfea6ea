"""Handing messages back to their brokers, to come again later (``sendMessageBack``)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.codec.headers import ConsumerSendMsgBackRequestHeader
from rmqwire.consumer.working.resend import Resend
from rmqwire.errors import RmqError

if TYPE_CHECKING:
    from rmqwire.client.message_ext import MessageExt
    from rmqwire.consumer.state import ReturningState

logger = logging.getLogger(__name__)


class SendBack:
    """Hands back what one consumer could not consume.

    Args:
        state: the consumer.
    """

    def __init__(self, state: ReturningState) -> None:
        self._state = state
        self._resend = Resend(state)

    async def __call__(self, message: MessageExt, delay_level: int = 0) -> bool:
        """Hand a message back as ``give`` does; return whether a broker has it."""
        try:
            await self.give(message, delay_level)
        except RmqError as error:
            group = self._state.group
            logger.warning("%s is not sent to the retries of %s: %s", message, group, error)
            return False
        return True

    async def give(
        self, message: MessageExt, delay_level: int = 0, broker_name: str | None = None
    ) -> None:
        """Hand a message back, or send it as a new one to the group's retries.

        A time-out may mean both: then it comes twice.

        Args:
            message: what could not be consumed.
            delay_level: when it comes again; 0 leaves that to the broker (3 + deliveries), -1 is
                the dead letters at once. A message that is sent as a new one comes as for 0.
            broker_name: which broker; None for the one that it is from.

        Raises:
            RmqError: no broker took it.
        """
        try:
            await self.to_broker(message, delay_level, broker_name)
        except RmqError as error:
            logger.warning("send back of %s, group %s: %s", message, self._state.group, error)
            await self._resend.send(message)

    async def to_broker(
        self, message: MessageExt, delay_level: int, broker_name: str | None = None
    ) -> None:
        """Hand a message back to a broker, and to nobody else if that doesn't take it.

        Raises:
            RmqError: it didn't.
        """
        state = self._state
        broker_name = broker_name or message.broker_name
        header = ConsumerSendMsgBackRequestHeader(
            offset=message.stored.physical_offset,
            group=state.group,
            delay_level=delay_level,
            origin_msg_id=message.msg_id,
            origin_topic=message.topic,
            unit_mode=False,
            max_reconsume_times=state.config.reconsume_limit(),
            bname=broker_name,
        )
        await state.instance.send_back(broker_name, header)
