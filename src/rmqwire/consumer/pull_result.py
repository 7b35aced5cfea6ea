"""From a pull's answer to messages for the listener (``PullAPIWrapper.processPullResult``)."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from rmqwire.client.api import PULL_NOT_FOUND, PULL_OFFSET_MOVED, PULL_RETRY_IMMEDIATELY, SUCCESS
from rmqwire.codec import message_const as const
from rmqwire.codec.record import iter_messages
from rmqwire.consumer.message_ext import MessageExt

if TYPE_CHECKING:
    from rmqwire.client.api import PullAnswer
    from rmqwire.codec.bodies import MessageQueue, SubscriptionData


class PullStatus(Enum):
    """What a pull found."""

    FOUND = "FOUND"
    NO_NEW_MSG = "NO_NEW_MSG"
    NO_MATCHED_MSG = "NO_MATCHED_MSG"
    OFFSET_ILLEGAL = "OFFSET_ILLEGAL"


STATUS_OF_CODE = {
    SUCCESS: PullStatus.FOUND,
    PULL_NOT_FOUND: PullStatus.NO_NEW_MSG,
    PULL_RETRY_IMMEDIATELY: PullStatus.NO_MATCHED_MSG,
    PULL_OFFSET_MOVED: PullStatus.OFFSET_ILLEGAL,
}


def found_messages(
    answer: PullAnswer, queue: MessageQueue, subscription: SubscriptionData
) -> list[MessageExt]:
    """Give the messages of an answer that the group wants.

    The broker filters by hash codes of tags; different tags may share one, so their texts are
    compared here.

    Raises:
        BadRecord: the answer isn't made of records.
    """
    tags = frozenset(subscription.tags_set)
    delta = answer.offset_delta
    min_offset, max_offset = str(answer.min_offset), str(answer.max_offset)
    messages = []
    for stored in iter_messages(answer.body):
        if tags and stored.tags not in tags:
            continue
        properties = stored.properties
        properties[const.PROPERTY_MIN_OFFSET] = min_offset
        properties[const.PROPERTY_MAX_OFFSET] = max_offset
        messages.append(MessageExt(stored, queue.broker_name, stored.queue_offset + delta))
    return messages
