"""Which names topics and groups can have (Java ``TopicValidator``).

A topic's name ends up as a folder of a broker, so every door asks here: name server, broker, client.
"""

from __future__ import annotations

import re

from rmqwire.codec import message_const as const

NAME_PATTERN = "^[%|a-zA-Z0-9_-]+$"  # as TopicValidator spells it in its remarks
GROUP_MAX_LENGTH = 120  # characters; leaves room for %RETRY%group_topic

# TopicValidator.NOT_ALLOWED_SEND_TOPIC_SET
NOT_ALLOWED_SEND_TOPICS = frozenset(
    {
        const.RMQ_SYS_SCHEDULE_TOPIC,
        const.RMQ_SYS_TRANS_HALF_TOPIC,
        const.RMQ_SYS_TRANS_OP_HALF_TOPIC,
        const.RMQ_SYS_TRANS_CHECK_MAX_TIME_TOPIC,
        const.RMQ_SYS_SELF_TEST_TOPIC,
        const.RMQ_SYS_OFFSET_MOVED_EVENT,
    }
)

SYSTEM_TOPICS = frozenset(
    {
        const.AUTO_CREATE_TOPIC_KEY_TOPIC,
        const.RMQ_SYS_SCHEDULE_TOPIC,
        const.RMQ_SYS_BENCHMARK_TOPIC,
        const.RMQ_SYS_TRANS_HALF_TOPIC,
        const.RMQ_SYS_TRACE_TOPIC,
        const.RMQ_SYS_TRANS_OP_HALF_TOPIC,
        const.RMQ_SYS_TRANS_CHECK_MAX_TIME_TOPIC,
        const.RMQ_SYS_SELF_TEST_TOPIC,
        const.RMQ_SYS_OFFSET_MOVED_EVENT,
    }
)

_LEGAL = re.compile(r"[%|a-zA-Z0-9_-]+")


def has_legal_characters(name: str) -> bool:
    """Return whether a topic's or group's name is one or more of ``%|a-zA-Z0-9_-``, nothing else."""
    return _LEGAL.fullmatch(name) is not None


def is_system_topic(topic: str) -> bool:
    """Return whether the topic belongs to the broker itself."""
    return topic in SYSTEM_TOPICS or topic.startswith(const.SYSTEM_TOPIC_PREFIX)
