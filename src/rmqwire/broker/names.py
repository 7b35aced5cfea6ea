"""Which topic and group names are legal (RocketMQ's ``TopicValidator``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec import message_const as const
from rmqwire.codec.names import GROUP_MAX_LENGTH, NAME_PATTERN, has_legal_characters

if TYPE_CHECKING:
    from rmqwire.codec.release import Release

# Java has no bound; its broker then loops over two thousand million queues at the first question.
MAX_QUEUE_NUMS = 65_536


def topic_fault(topic: str, release: Release) -> str | None:
    """Return the release's own remark about an illegal topic name, or None when it is legal."""
    if not topic.strip():
        return "The specified topic is blank."
    named = release.broker.names_topic_in_remark
    if not has_legal_characters(topic):
        subject = f"The specified topic: {topic}," if named else "The specified topic"
        return f"{subject} contains illegal characters, allowing only {NAME_PATTERN}"
    wire = release.wire
    if const.is_retry_or_dlq(topic) and wire.retry_topic_max_length > wire.topic_max_length:
        limit = wire.retry_topic_max_length
        subject = f"The specified topic is DLQ or Retry topic: {topic}, and it's"
    else:
        limit = wire.topic_max_length
        subject = f"The specified topic: {topic}, is" if named else "The specified topic is"
    if len(topic) <= limit:
        return None
    return (
        f"{subject} longer than topic max length: {limit}"
        if named
        else f"{subject} longer than topic max length."
    )


def group_fault(group: str) -> str | None:
    """Return Java's remark about an illegal group name, or None when it is legal."""
    if not group.strip():
        return "The specified group is blank."
    if not has_legal_characters(group):
        return (
            f"The specified group: {group}, contains illegal characters, "
            f"allowing only {NAME_PATTERN}"
        )
    if len(group) > GROUP_MAX_LENGTH:
        return f"The specified group: {group}, is longer than group max length: {GROUP_MAX_LENGTH}"
    return None


def queue_nums_fault(field: str, number: int) -> str | None:
    """Return the remark about a number of queues that no topic can have, or None when it can.

    Args:
        field: Java's name of the field, for the remark.
        number: queues asked for.
    """
    if 0 <= number <= MAX_QUEUE_NUMS:
        return None
    return f"{field}[{number}] is illegal, allowing only 0 to {MAX_QUEUE_NUMS}"
