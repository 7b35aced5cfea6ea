"""A message handed to one consumer by an administrator (``-g`` and ``-d`` of ``queryMsgById``)."""

from __future__ import annotations

from rmqwire.admin.message_query import MessageQueryVerbs
from rmqwire.codec.bodies import ConsumeMessageDirectlyResult
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers import ConsumeMessageDirectlyResultRequestHeader
from rmqwire.codec.host import host_text
from rmqwire.errors import UsageError

PUSH_TIMEOUT_MS = 15_000  # the broker waits 10 s for its client


class MessagePushVerbs(MessageQueryVerbs):
    """What lets a consumer consume a message now."""

    async def consume_message_directly(
        self, group: str, client_id: str, topic: str, msg_id: str
    ) -> ConsumeMessageDirectlyResult:
        """Let a push consumer consume a message, and return what came of it.

        The group's offsets don't move. A consumer that isn't a push consumer refuses.

        Args:
            group: the consumer group.
            client_id: which of its clients.
            topic: where the message is.
            msg_id: the broker's id of it, or the producer's.

        Raises:
            UsageError: there is no such message.
        """
        message = await self.query_msg_by_id(topic, msg_id)
        if message is None:
            raise UsageError(f"no message {msg_id} in {topic}")
        header = ConsumeMessageDirectlyResultRequestHeader(
            consumer_group=group,
            client_id=client_id,
            msg_id=message.offset_msg_id,
            topic=topic,
        )
        answer = await self._ask(
            host_text(message.store_host),
            RequestCode.CONSUME_MESSAGE_DIRECTLY,
            header,
            timeout_ms=PUSH_TIMEOUT_MS,
        )
        return ConsumeMessageDirectlyResult.decode(answer.body, self._release)
