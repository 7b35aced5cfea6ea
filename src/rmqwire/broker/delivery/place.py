"""Where a message really goes: decided here for everything that a broker stores.

Java asks it in several hooks (``HookUtils.handleScheduleMessage``, ``handleRetryAndDLQ``, the
checks of ``SendMessageProcessor`` and ``EndTransactionProcessor``). A message that is not for its own
topic's queue waits somewhere: as a half message, at a delay level, for its time. One that was
tried too often goes to its group's dead letters.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from rmqwire.broker.delivery.properties import has_timer
from rmqwire.codec import message_const as const
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.sys_flag import (
    PERM_READ,
    PERM_WRITE,
    TRANSACTION_COMMIT_TYPE,
    TRANSACTION_NOT_TYPE,
    transaction_type,
)
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmqwire.broker.tables.topics import TopicConfigManager
    from rmqwire.codec.release import Release
    from rmqwire.store.results import MessageInner

DLQ_NUMS_PER_GROUP = 1
_NOT_PREPARED = {TRANSACTION_NOT_TYPE, TRANSACTION_COMMIT_TYPE}


class Place(Enum):
    """A kind of place."""

    PLAIN = auto()  # the queue that the message names
    HALF = auto()  # the half topic, until its transaction ends
    DELAYED = auto()  # a level of the schedule topic
    TIMED = auto()  # the timer wheel


def place(
    message: MessageInner, properties: Mapping[str, str], level: int, release: Release
) -> Place:
    """Return where a message goes.

    Args:
        message: it; its system flag and how often it was consumed count.
        properties: its properties.
        level: its delay level, 0 without one.
        release: whether there are timer messages.
    """
    is_half = properties.get(const.PROPERTY_TRANSACTION_PREPARED, "").lower() == "true"
    if is_half and not (message.reconsume_times > 0 and level > 0):  # not one that is sent back
        return Place.HALF
    if transaction_type(message.sys_flag) not in _NOT_PREPARED:
        return Place.PLAIN
    if level > 0:
        return Place.DELAYED
    if release.broker.timer_messages and has_timer(properties):
        return Place.TIMED
    return Place.PLAIN


def dead_letters(topics: TopicConfigManager, group: str) -> str:
    """Return the topic of a group's dead letters, made if need be.

    Raises:
        Reject: SYSTEM_ERROR: it can't be made.
    """
    topic = const.dlq_topic(group)
    created = topics.create_topic_in_send_message_back(
        topic, DLQ_NUMS_PER_GROUP, PERM_WRITE | PERM_READ, 0
    )
    if created is None:
        raise Reject(ResponseCode.SYSTEM_ERROR, f"topic[{topic}] not exist")
    return topic
