"""From a pop's answer to messages with their handles (``MQClientAPIImpl.processPopResponse``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec import message_const as const
from rmqwire.codec.pop import SPLIT, ExtraInfo, parse_start_offset_info, topic_tag
from rmqwire.codec.record import iter_messages
from rmqwire.consumer.delivery import Delivery
from rmqwire.errors import ProtocolError

if TYPE_CHECKING:
    from rmqwire.client.pop_api import PopAnswer
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.codec.message import StoredMessage
    from rmqwire.codec.namespace import Namespace


def popped_messages(answer: PopAnswer, queue: MessageQueue, namespace: Namespace) -> list[Delivery]:
    """Return the messages of an answer.

    Property POP_CK of each is the handle by which it is acknowledged. Messages of a retry topic come
    under the topic that was asked for, and have their handles from the broker.

    Args:
        answer: the broker's.
        queue: that was asked for.
        namespace: taken off what came.

    Raises:
        BadRecord: the answer isn't made of records.
        ProtocolError: it doesn't say where the pop of a queue began.
    """
    text = answer.header.start_offset_info
    starts = None if text is None else parse_start_offset_info(text)
    first: dict[str, int] = {}  # by brokers that don't say where: the first message that came
    messages = []
    for stored in iter_messages(answer.body):
        key = f"{topic_tag(stored.topic)}{SPLIT}{stored.queue_id}"
        first.setdefault(key, stored.queue_offset)
        properties = stored.properties
        if const.PROPERTY_POP_CK not in properties:
            start = (first if starts is None else starts).get(key)
            if start is None:
                raise ProtocolError(f"no start of {key} in startOffsetInfo {text!r}")
            properties[const.PROPERTY_POP_CK] = _handle(answer, queue, stored, start).encode()
        properties.setdefault(const.PROPERTY_FIRST_POP_TIME, str(answer.header.pop_time))
        namespace.unwrap_message(stored)
        stored.topic = queue.topic
        messages.append(Delivery.of(stored, queue.broker_name, reading=answer.reading))
    return messages


def _handle(answer: PopAnswer, queue: MessageQueue, stored: StoredMessage, start: int) -> ExtraInfo:
    header = answer.header
    return ExtraInfo(
        ck_queue_offset=start,
        pop_time=header.pop_time,
        invisible_time=header.invisible_time,
        revive_qid=header.revive_qid,
        topic_tag=topic_tag(stored.topic),
        broker_name=queue.broker_name,
        queue_id=stored.queue_id,
        msg_queue_offset=stored.queue_offset,
    )
