"""From a pull's answer to messages for the listener (``PullAPIWrapper.processPullResult``)."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from enum import Enum
from itertools import starmap
from typing import TYPE_CHECKING

from rmqwire.client.api import PULL_NOT_FOUND, PULL_OFFSET_MOVED, PULL_RETRY_IMMEDIATELY, SUCCESS
from rmqwire.client.message_ext import BodyReading, MessageExt, offset_properties
from rmqwire.codec.batch import decode_batch
from rmqwire.codec.properties import decode_properties
from rmqwire.codec.record_head import head_tags, read_head
from rmqwire.codec.sys_flag import (
    COMPRESSED_FLAG,
    COMPRESSION_TYPE_COMPARATOR,
    INNER_BATCH_FLAG,
    NEED_UNWRAP_FLAG,
)
from rmqwire.errors import BadBody
from rmqwire.remoting.limited_log import printable

if TYPE_CHECKING:
    from rmqwire.client.api import PullAnswer
    from rmqwire.codec.bodies import MessageQueue, SubscriptionData
    from rmqwire.codec.message import StoredMessage
    from rmqwire.codec.namespace import Namespace
    from rmqwire.codec.record_head import RecordHead

logger = logging.getLogger(__name__)

_WRAPPED = INNER_BATCH_FLAG | NEED_UNWRAP_FLAG
_COMPRESSED = COMPRESSED_FLAG | COMPRESSION_TYPE_COMPARATOR


class PullStatus(Enum):
    """What a pull found."""

    FOUND = "FOUND"
    NO_NEW_MSG = "NO_NEW_MSG"
    NO_MATCHED_MSG = "NO_MATCHED_MSG"
    OFFSET_ILLEGAL = "OFFSET_ILLEGAL"


@dataclass(slots=True)
class PullResult:
    """What a pull has brought.

    Args:
        pull_status: FOUND, or why there are no messages.
        next_begin_offset: where to go on.
        min_offset: index of the oldest message of the queue.
        max_offset: index of the next message that it will get.
        messages: those that are wanted.
    """

    pull_status: PullStatus
    next_begin_offset: int
    min_offset: int
    max_offset: int
    messages: list[MessageExt]


STATUS_OF_CODE = {
    SUCCESS: PullStatus.FOUND,
    PULL_NOT_FOUND: PullStatus.NO_NEW_MSG,
    PULL_RETRY_IMMEDIATELY: PullStatus.NO_MATCHED_MSG,
    PULL_OFFSET_MOVED: PullStatus.OFFSET_ILLEGAL,
}


def pull_result(
    answer: PullAnswer, queue: MessageQueue, subscription: SubscriptionData, offset: int
) -> PullResult:
    """Return what an answer says; the arguments and what is raised as for ``found_messages``."""
    status = STATUS_OF_CODE[answer.code]
    found = status is PullStatus.FOUND
    messages = found_messages(answer, queue, subscription, offset) if found else []
    return PullResult(
        status, answer.next_begin_offset, answer.min_offset, answer.max_offset, messages
    )


def found_messages(
    answer: PullAnswer,
    queue: MessageQueue,
    subscription: SubscriptionData,
    offset: int,
    make: type[MessageExt] = MessageExt,
) -> list[MessageExt]:
    """Return the messages of an answer that the group wants.

    The broker filters by hash codes of tags; different tags may share one, so their texts are
    compared here. A record that holds many messages (an inner batch) comes whole: those before
    ``offset`` are left out, for they have been consumed (Java's client delivers them again).

    Args:
        answer: the broker's.
        queue: that was asked for.
        subscription: which tags are wanted.
        offset: of the first message that was asked for.
        make: which class of messages.

    Raises:
        BadRecord: the answer isn't made of records.
    """
    body = answer.body if isinstance(answer.body, bytes) else bytes(answer.body)
    heads, flags, lowest = answer.read_heads(
        body, queue.broker_name, answer.min_offset, answer.max_offset
    )
    tags = frozenset(subscription.tags_set)
    if (
        flags & COMPRESSED_FLAG
        or flags & _WRAPPED == _WRAPPED
        or lowest < offset
        or answer.offset_delta
        or answer.namespace.name
        or answer.reading is not BodyReading.WHOLE
    ):
        return _read_each(answer, heads, tags, offset, make)
    if tags:
        heads = [head for head in heads if head_tags(head) in tags]
    return list(starmap(make, heads))


def _read_each(
    answer: PullAnswer,
    heads: list[RecordHead],
    tags: frozenset[str],
    offset: int,
    make: type[MessageExt],
) -> list[MessageExt]:
    """Return the messages of records of any kind."""
    delta, reading = answer.offset_delta, answer.reading
    messages: list[MessageExt] = []
    for head in heads:
        if answer.namespace.name or head[3] & _WRAPPED == _WRAPPED:
            for record in _read_whole(head, answer.namespace):
                index = record.queue_offset + delta
                if index >= offset and (not tags or record.tags in tags):
                    messages.append(make.of(record, head[8], index, reading))
            continue
        index = head[2] + delta
        if index >= offset and (not tags or head_tags(head) in tags):
            message = make(*head)
            message.queue_offset = index
            message.keep_body(reading)
            messages.append(message)
    return messages


def _read_whole(head: RecordHead, namespace: Namespace) -> list[StoredMessage]:
    """Return the messages of a record: more than one where it is an inner batch."""
    record = read_head(head)
    wrapped = record.sys_flag & _WRAPPED == _WRAPPED
    messages = _inner_messages(record) if wrapped else [record]
    for message in messages:
        message.properties |= offset_properties(head[9], head[10])
        namespace.unwrap_message(message)
    return messages


def _inner_messages(record: StoredMessage) -> list[StoredMessage]:
    """Take an inner batch apart (``MessageDecoder.decodeMessage``); itself if that can't be done."""
    try:
        entries = decode_batch(record.decompressed_body() if record.is_compressed else record.body)
    except BadBody as error:
        place = f"{record.topic}:{record.queue_id} at {record.queue_offset}"
        logger.warning("inner batch of %s is delivered as it is: %s", printable(place), error)
        return [record]
    return [
        replace(
            record,
            body=entry.body,
            properties=decode_properties(entry.properties),
            flag=entry.flag,
            queue_offset=record.queue_offset + index,
            sys_flag=record.sys_flag & ~_COMPRESSED,
            reconsume_times=0,
            record=b"",
        )
        for index, entry in enumerate(entries)
    ]
