"""The requests of sends: plain ones are written in one step, all others by way of ``Outbound``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from rmqwire.client.requests import OutgoingMessage
from rmqwire.client.validators import check_sent_topic
from rmqwire.codec import message_const as const
from rmqwire.codec.command import decode_command, next_opaque
from rmqwire.codec.message import Message
from rmqwire.producer.outgoing import Messages, Prepared

if TYPE_CHECKING:
    from rmqwire.client.instance import ClientInstance
    from rmqwire.client.requests import SendShape
    from rmqwire.client.send_forms import SendForm
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.producer.config import ProducerConfig
    from rmqwire.producer.outgoing import Outbound

Written: TypeAlias = "tuple[SendShape, str, int, bytes]"
"""What it has in common with others, the message's id, the opaque and the whole frame of a send."""

MOST_FORMS: Final = 512  # kept of one producer; then all are made again


class SendWriter:
    """Writes the requests of one producer's sends.

    Args:
        outbound: prepares what isn't plain.
        config: limits.
        instance: its ids, and how requests are made.
    """

    def __init__(
        self, outbound: Outbound, config: ProducerConfig, instance: ClientInstance
    ) -> None:
        self._outbound = outbound
        self._instance = instance
        self._ids = instance.unique_ids
        self._most_body = min(config.max_message_size, config.compress_msg_body_over_howmuch - 1)
        self._takes_plain = not config.namespace and self._most_body > 0
        self._forms: dict[tuple[str, int, str], tuple[SendShape, SendForm | None]] = {}

    def write(self, message: Messages, queue: MessageQueue) -> Written:
        """Write the request that sends a message, or a batch, to a queue.

        Raises:
            UsageError: no broker takes it.
            BadProperties: a property that can't be written.
            FrameTooLarge: more properties than a header can hold.
        """
        if isinstance(message, Message):
            key = message.topic, message.flag, queue.broker_name
            shape, form = self._forms.get(key) or self._make(key, queue)
            if form is not None:
                now, head, count = self._ids.next_parts()
                opaque = next_opaque()
                properties, body = message.properties, message.body
                written = form.write(properties, body, queue.queue_id, now, opaque, head, count)
                if written is not None:
                    return shape, written[0], opaque, written[1]
                self._ids.count = count  # it wasn't taken
            prepared = self._outbound.single(message)
        else:
            prepared = self._outbound.batch(message)
        outgoing, instance = prepared.outgoing, self._instance
        opaque, frame = instance.api.frames.frame(outgoing, queue, instance.wall_ms())
        return outgoing.shape, prepared.msg_id, opaque, frame

    def _make(
        self, key: tuple[str, int, str], queue: MessageQueue
    ) -> tuple[SendShape, SendForm | None]:
        topic, flag, _ = key
        check_sent_topic(topic)
        shape = self._outbound.shape((topic, flag, 0, False, False, 0, None))
        form: SendForm | None = None
        if self._takes_plain and not topic.startswith(const.RETRY_GROUP_TOPIC_PREFIX):
            form = self._instance.api.frames.form(shape, queue, self._most_body)
        if len(self._forms) >= MOST_FORMS:
            self._forms.clear()
        self._forms[key] = shape, form
        return shape, form


def read_again(message: Messages, shape: SendShape, msg_id: str, frame: bytes) -> Prepared:
    """Return what was sent, for another attempt: the message may be another by now."""
    command = decode_command(frame)
    properties = (command.ext_fields or {}).get("i") or ""
    return Prepared(message, OutgoingMessage(shape, bytes(command.body), properties), msg_id)
