"""Strings of POP consumption, 5.x (``ExtraInfoUtil``, ``KeyBuilder``, ``PopMessageProcessor``).

::

    POP_CK extraInfo   ckQueueOffset popTime invisibleTime reviveQid topicTag brokerName queueId
                       [msgQueueOffset], separated by blanks; topicTag 0 normal, 1 retry V1, 2 V2
    startOffsetInfo    topicTag queueId startOffset                entries joined by ';'
    msgOffsetInfo      topicTag queueId offset,offset,...
    orderCountInfo     topicTag queueId count, or topicTag qoQUEUEID%OFFSET count
    UNIQ_KEY           of check points and acks, fields joined by '@'

The bodies of check points and acks are JSON: see ``rmqwire.codec.bodies``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from rmqwire.codec.message_const import (
    KEY_SEPARATOR,
    RETRY_GROUP_TOPIC_PREFIX,
    REVIVE_TOPIC_PREFIX,
)
from rmqwire.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

NORMAL_TOPIC = "0"
RETRY_TOPIC = "1"
RETRY_TOPIC_V2 = "2"
POP_ORDER_REVIVE_QUEUE = 999  # ordered pops have no check point
CK_TAG = "ck"
ACK_TAG = "ack"
BATCH_ACK_TAG = "bAck"
SPLIT = "@"
QUEUE_OFFSET_PREFIX = "qo"


def pop_retry_topic(topic: str, group: str, *, v2: bool = False) -> str:
    """Return where a failed pop of ``group`` from ``topic`` goes (``buildPopRetryTopic``)."""
    return f"{RETRY_GROUP_TOPIC_PREFIX}{group}{'+' if v2 else '_'}{topic}"


def is_pop_retry_topic_v2(topic: str) -> bool:
    """Return whether the topic is a retry topic of the form ``%RETRY%group+topic``."""
    return topic.startswith(RETRY_GROUP_TOPIC_PREFIX) and "+" in topic


def normal_topic(topic: str, group: str) -> str:
    """Return the topic that a pop retry topic of ``group`` stands for (``parseNormalTopic``)."""
    for v2 in (True, False):
        prefix = pop_retry_topic("", group, v2=v2)
        if topic.startswith(prefix):
            return topic[len(prefix) :]
    return topic


def revive_topic(cluster: str) -> str:
    """Return the topic of a cluster's check points and acks (``buildClusterReviveTopic``)."""
    return REVIVE_TOPIC_PREFIX + cluster


def topic_tag(topic: str) -> str:
    """Return how extraInfo and the info strings mark a topic: ``0``, ``1`` or ``2``."""
    if is_pop_retry_topic_v2(topic):
        return RETRY_TOPIC_V2
    return RETRY_TOPIC if topic.startswith(RETRY_GROUP_TOPIC_PREFIX) else NORMAL_TOPIC


class ExtraInfo(msgspec.Struct):
    """The receipt handle of a popped message, property POP_CK; times in ms."""

    ck_queue_offset: int
    pop_time: int
    invisible_time: int
    revive_qid: int
    topic_tag: str
    broker_name: str
    queue_id: int
    msg_queue_offset: int | None = None

    @property
    def is_order(self) -> bool:
        """Whether the message was popped in order, without a check point."""
        return self.revive_qid == POP_ORDER_REVIVE_QUEUE

    def encode(self) -> str:
        """Write the string."""
        text = (
            f"{self.ck_queue_offset} {self.pop_time} {self.invisible_time} {self.revive_qid} "
            f"{self.topic_tag} {self.broker_name} {self.queue_id}"
        )
        return text if self.msg_queue_offset is None else f"{text} {self.msg_queue_offset}"

    def real_topic(self, topic: str, group: str) -> str:
        """Return the topic the message was popped from (``getRealTopic``)."""
        if self.topic_tag == NORMAL_TOPIC:
            return topic
        return pop_retry_topic(topic, group, v2=self.topic_tag == RETRY_TOPIC_V2)

    @classmethod
    def decode(cls, text: str) -> ExtraInfo:
        """Read the string.

        Apache's proxy appends the message's place in the log (``ReceiptHandle``); like Java's brokers we
        read over what comes behind the eight fields.

        Raises:
            ProtocolError: fewer than seven fields, or one that is no number.
        """
        fields = text.split(KEY_SEPARATOR)
        if len(fields) < 7:
            raise ProtocolError(f"extraInfo with {len(fields)} fields: {text!r}")
        tag = fields[4]
        if tag not in (NORMAL_TOPIC, RETRY_TOPIC, RETRY_TOPIC_V2):
            raise ProtocolError(f"extraInfo with topic tag {tag!r}: {text!r}")
        offset, pop_time, invisible, qid = [_number(field, text) for field in fields[:4]]
        last = _number(fields[7], text) if len(fields) > 7 else None
        queue_id = _number(fields[6], text)
        return cls(offset, pop_time, invisible, qid, tag, fields[5], queue_id, last)


def _number(field: str, text: str) -> int:
    digits = field[1:] if field.startswith(("-", "+")) else field
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 19:
        raise ProtocolError(f"{field!r} is no number in {text!r}")
    return int(field)


def start_offset_entry(topic: str, queue_id: int, start_offset: int) -> str:
    """Return one entry of startOffsetInfo."""
    return f"{topic_tag(topic)} {queue_id} {start_offset}"


def msg_offset_entry(topic: str, queue_id: int, offsets: Iterable[int]) -> str:
    """Return one entry of msgOffsetInfo."""
    return f"{topic_tag(topic)} {queue_id} {','.join(map(str, offsets))}"


def order_count_entry(
    topic: str, queue_id: int, count: int, queue_offset: int | None = None
) -> str:
    """Return one entry of orderCountInfo, of a queue or of one message of it."""
    where = str(queue_id) if queue_offset is None else queue_offset_key(queue_id, queue_offset)
    return f"{topic_tag(topic)} {where} {count}"


def queue_offset_key(queue_id: int, queue_offset: int) -> str:
    """Return how orderCountInfo names one message: ``qo2%105``."""
    return f"{QUEUE_OFFSET_PREFIX}{queue_id}%{queue_offset}"


def join_info(entries: Iterable[str]) -> str:
    """Join entries to an info string."""
    return ";".join(entries)


def parse_start_offset_info(text: str | None) -> dict[str, int]:
    """Read startOffsetInfo into ``topicTag@queueId`` -> offset.

    Raises:
        ProtocolError: not of that form, or a queue twice.
    """
    return _parse(text, _number)


def parse_msg_offset_info(text: str | None) -> dict[str, list[int]]:
    """Read msgOffsetInfo into ``topicTag@queueId`` -> queue offsets.

    Raises:
        ProtocolError: not of that form, or a queue twice.
    """
    return _parse(text, lambda field, whole: [_number(n, whole) for n in field.split(",")])


def parse_order_count_info(text: str | None) -> dict[str, int]:
    """Read orderCountInfo into ``topicTag@queueId`` or ``topicTag@qo...`` -> times consumed.

    Raises:
        ProtocolError: not of that form, or a key twice.
    """
    return _parse(text, _number)


def _parse(text: str | None, value: Callable[[str, str], T]) -> dict[str, T]:
    found: dict[str, T] = {}
    for entry in (text or "").split(";"):
        if not entry:
            continue
        fields = entry.split(KEY_SEPARATOR)
        key = SPLIT.join(fields[:2])
        if len(fields) != 3 or key in found:
            raise ProtocolError(f"bad entry {entry!r} in {text!r}")
        found[key] = value(fields[2], entry)
    return found


def _unique(fields: Iterable[object]) -> str:
    return SPLIT.join(map(str, fields))


def check_point_key(
    topic: str, queue_id: int, start_offset: int, group: str, pop_time: int, broker_name: str
) -> str:
    """Return the UNIQ_KEY of a check point message (``genCkUniqueId``)."""
    return _unique((topic, queue_id, start_offset, group, pop_time, broker_name, CK_TAG))


def ack_key(
    topic: str, queue_id: int, ack_offset: int, group: str, pop_time: int, broker_name: str
) -> str:
    """Return the UNIQ_KEY of an ack message (``genAckUniqueId``)."""
    return _unique((topic, queue_id, ack_offset, group, pop_time, broker_name, ACK_TAG))


def batch_ack_key(topic: str, queue_id: int, offsets: list[int], group: str, pop_time: int) -> str:
    """Return the key of a batch ack (``genBatchAckUniqueId``); the list as Java prints it."""
    return _unique((topic, queue_id, offsets, group, pop_time, BATCH_ACK_TAG))
