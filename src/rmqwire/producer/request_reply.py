"""Asking another client and waiting for its answer (``DefaultMQProducer.request``, ``MessageUtil``).

The request is a message like any other; it says who asks (REPLY_TO_CLIENT) and which question this is
(CORRELATION_ID). Who consumes it sends ``reply_to(request, body)`` through a producer, and a broker
pushes that to the one who asked.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from rmqwire.codec import message_const as const
from rmqwire.codec.message import Message
from rmqwire.errors import RequestTimeout, RmqError, UsageError
from rmqwire.producer.how import How
from rmqwire.remoting.channel import trio_ms

if TYPE_CHECKING:
    from rmqwire.client.instance import ClientInstance
    from rmqwire.client.message_ext import MessageExt
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.producer.selector import MessageQueueSelector
    from rmqwire.producer.sender import Sender


class RequestReply:
    """Requests of one producer.

    Args:
        sender: sends them.
        instance: takes their answers.
    """

    def __init__(self, sender: Sender, instance: ClientInstance) -> None:
        self._sender = sender
        self._instance = instance

    async def request(
        self,
        message: Message,
        *,
        queue: MessageQueue | None,
        selector: MessageQueueSelector | None,
        arg: object,
        timeout_ms: int,
    ) -> MessageExt:
        """Send a request and return its answer; see ``Producer.request``."""
        began = trio_ms()
        instance = self._instance
        correlation_id = str(uuid.uuid4())
        message.properties |= {
            const.PROPERTY_CORRELATION_ID: correlation_id,
            const.PROPERTY_MESSAGE_REPLY_TO_CLIENT: instance.client_id,
            const.PROPERTY_MESSAGE_TTL: str(timeout_ms),
        }
        if message.topic not in instance.routes.publish:
            await self._sender.publish_info(message.topic, timeout_ms)
            await instance.heartbeat()  # brokers find who asks by its heartbeat
        pending = instance.replies.begin(correlation_id)
        try:
            await self._send(message, queue, selector, arg, timeout_ms - (trio_ms() - began))
            if pending.message is None:
                await pending.arrived.wait((timeout_ms - (trio_ms() - began)) / 1000)
        except RmqError:
            if pending.message is None:
                raise
        finally:
            instance.replies.end(correlation_id)
        if pending.message is None:
            raise RequestTimeout(
                f"send request message to <{message.topic}> OK, but wait reply message timeout, "
                f"{timeout_ms} ms."
            )
        return pending.message

    async def _send(
        self,
        message: Message,
        queue: MessageQueue | None,
        selector: MessageQueueSelector | None,
        arg: object,
        timeout_ms: int,
    ) -> None:
        await self._sender.send(message, How(queue, selector, arg, timeout_ms))


def reply_to(request: MessageExt, body: bytes) -> Message:
    """Return the answer to a request, to be sent by any producer (``createReplyMessage``).

    Args:
        request: what was consumed.
        body: of the answer.

    Raises:
        UsageError: it is no request, or from a broker that doesn't say its cluster.
    """
    properties = request.properties
    cluster = properties.get(const.PROPERTY_CLUSTER)
    if cluster is None:
        raise UsageError(
            "create reply message fail, requestMessage error, "
            f"property[{const.PROPERTY_CLUSTER}] is null."
        )
    reply = Message(const.reply_topic(cluster), body)
    reply.properties = {const.PROPERTY_MESSAGE_TYPE: const.REPLY_MESSAGE_FLAG}
    for name in (
        const.PROPERTY_CORRELATION_ID,
        const.PROPERTY_MESSAGE_REPLY_TO_CLIENT,
        const.PROPERTY_MESSAGE_TTL,
    ):
        if name not in properties:
            raise UsageError(f"{request.msg_id} is no request: it has no {name}")
        reply.properties[name] = properties[name]
    return reply
