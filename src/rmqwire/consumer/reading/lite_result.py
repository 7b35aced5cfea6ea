"""From the answer to a pop of lite topics to messages with their handles (``processPopLiteResponse``)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from rmqwire.codec import message_const as const
from rmqwire.codec.message_const import KEY_SEPARATOR
from rmqwire.codec.pop import NORMAL_TOPIC, ExtraInfo, queue_offset_key
from rmqwire.codec.record import iter_messages
from rmqwire.consumer.delivery import Delivery
from rmqwire.errors import ProtocolError

if TYPE_CHECKING:
    from rmqwire.client.lite_api import PopLiteAnswer
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.codec.message import StoredMessage
    from rmqwire.codec.namespace import Namespace

LITE_QUEUE = 0  # a lite topic has one queue


def popped_lite_messages(
    answer: PopLiteAnswer, queue: MessageQueue, namespace: Namespace
) -> list[Delivery]:
    """Return the messages of an answer, those of one lite topic in order.

    A message is known by its place in its lite topic: that is its ``queue_offset``.

    Args:
        answer: the broker's.
        queue: its name, and the parent topic's.
        namespace: taken off what came.

    Raises:
        BadRecord: the answer isn't made of records.
        ProtocolError: one is of no lite topic.
    """
    stored = list(iter_messages(answer.body))
    offsets = [_lite_offset(one) for one in stored]
    counts = _counts(answer.header.order_count_info, offsets)
    return [
        _delivery(answer, queue, one, offset, count, namespace)
        for one, offset, count in zip(stored, offsets, counts, strict=True)
    ]


def _delivery(
    answer: PopLiteAnswer,
    queue: MessageQueue,
    stored: StoredMessage,
    offset: int,
    count: int,
    space: Namespace,
) -> Delivery:
    header, properties = answer.header, stored.properties
    handle = ExtraInfo(
        ck_queue_offset=offset,
        pop_time=header.pop_time,
        invisible_time=header.invisible_time,
        revive_qid=header.revive_qid,
        topic_tag=NORMAL_TOPIC,
        broker_name=queue.broker_name,
        queue_id=LITE_QUEUE,
        msg_queue_offset=offset,
    )
    properties[const.PROPERTY_POP_CK] = handle.encode()
    properties.setdefault(const.PROPERTY_FIRST_POP_TIME, str(header.pop_time))
    stored.reconsume_times = count
    space.unwrap_message(stored)
    stored.topic = queue.topic
    return Delivery.of(stored, queue.broker_name, offset, answer.reading)


def _lite_offset(stored: StoredMessage) -> int:
    text = stored.properties.get(const.PROPERTY_INNER_MULTI_QUEUE_OFFSET, "")
    if const.PROPERTY_LITE_TOPIC not in stored.properties or not text.isdecimal():
        raise ProtocolError(f"a message of no lite topic, at {text!r}")
    return int(text)


def _counts(text: str | None, offsets: list[int]) -> list[int]:
    """Return how often each message was delivered before.

    A broker writes ``0`` for each message of a lite topic of which none was, else ``0 qo0%5 1`` for those
    that were and nothing for the others.

    Raises:
        ProtocolError: a count that is no number.
    """
    entries = deque(text.split(";") if text else ())
    counts: list[int] = []
    for offset in offsets:
        named, _, count = entries[0].rpartition(KEY_SEPARATOR) if entries else ("", "", "0")
        if named and not named.endswith(f"{KEY_SEPARATOR}{queue_offset_key(LITE_QUEUE, offset)}"):
            counts.append(0)  # the entry is of a message behind
            continue
        if not count.isdecimal():
            raise ProtocolError(f"{count!r} is no count in orderCountInfo {text!r}")
        counts.append(int(count))
        if entries:
            entries.popleft()
    return counts
