"""What becomes of popped messages of lite topics, told to their brokers."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.consumer.working.acks import DEAD_LETTERS, Acks, delay_s
from rmqwire.errors import RmqError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmqwire.client.message_ext import MessageExt
    from rmqwire.codec.headers import AckMessageRequestHeader, ChangeInvisibleTimeRequestHeader
    from rmqwire.consumer.state import LitePushState

logger = logging.getLogger(__name__)


class LiteAcks(Acks):
    """Tells brokers for one consumer of lite topics.

    Args:
        state: the consumer.
    """

    def __init__(self, state: LitePushState) -> None:
        super().__init__(state)
        self._suspend_ms = state.config.suspend_lite_topic_time_millis

    def stand_still(self, messages: Sequence[MessageExt], delay_level: int) -> None:
        """Let a lite topic stand still; then its messages come again.

        Java's field ``suspend`` would do it in one request, but the broker doesn't count it as a delivery.

        Args:
            messages: all that are open of the lite topic.
            delay_level: 1 to 15 for 30 s to 2 h; 0 is suspendLiteTopicTimeMillis.
        """
        delay_ms = delay_s(delay_level) * 1000 if delay_level else self._suspend_ms
        self._spawn(self._change_all, messages, delay_ms)

    def bury(self, message: MessageExt) -> None:
        """Move a message to the dead letters."""
        self._spawn(self._bury, message)

    async def _change_all(self, messages: Sequence[MessageExt], delay_ms: int) -> None:
        for message in messages:
            await self._change(message, delay_ms)

    async def _bury(self, message: MessageExt) -> None:
        """Have a broker move it to the dead letters, and only then acknowledge it.

        If none does, it comes again: nobody reads a retry topic of the group.
        """
        try:
            await self._send_back.to_broker(message, DEAD_LETTERS)
        except RmqError as error:
            logger.warning("send back of %s, group %s: %s", message, self._state.group, error)
        else:
            await self._ack_all([message])

    async def _ack_together(self, messages: Sequence[MessageExt]) -> None:
        """Acknowledge one by one: an ack of several messages names no lite topic."""
        for message in messages:
            await self._ack(message)

    def _ack_header(self, message: MessageExt) -> AckMessageRequestHeader:
        header = super()._ack_header(message)
        header.lite_topic = message.lite_topic
        return header

    def _change_header(
        self, message: MessageExt, delay_ms: int
    ) -> ChangeInvisibleTimeRequestHeader:
        header = super()._change_header(message, delay_ms)
        header.lite_topic = message.lite_topic
        return header
