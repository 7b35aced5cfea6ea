"""The statistics of a broker: RocketMQ's names for them, and what their keys are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

QUEUE_PUT_NUMS: Final = "QUEUE_PUT_NUMS"
QUEUE_PUT_SIZE: Final = "QUEUE_PUT_SIZE"
QUEUE_GET_NUMS: Final = "QUEUE_GET_NUMS"
QUEUE_GET_SIZE: Final = "QUEUE_GET_SIZE"
TOPIC_PUT_NUMS: Final = "TOPIC_PUT_NUMS"
TOPIC_PUT_SIZE: Final = "TOPIC_PUT_SIZE"
TOPIC_PUT_LATENCY: Final = "TOPIC_PUT_LATENCY"
GROUP_GET_NUMS: Final = "GROUP_GET_NUMS"
GROUP_GET_SIZE: Final = "GROUP_GET_SIZE"
GROUP_GET_LATENCY: Final = "GROUP_GET_LATENCY"
GROUP_CK_NUMS: Final = "GROUP_CK_NUMS"
GROUP_ACK_NUMS: Final = "GROUP_ACK_NUMS"
SNDBCK_PUT_NUMS: Final = "SNDBCK_PUT_NUMS"
SNDBCK2DLQ_TIMES: Final = "SNDBCK2DLQ_TIMES"
BROKER_PUT_NUMS: Final = "BROKER_PUT_NUMS"
BROKER_GET_NUMS: Final = "BROKER_GET_NUMS"
BROKER_PUT_NUMS_OF_USERS: Final = "BROKER_PUT_NUMS_WITHOUT_SYSTEM_TOPIC"
BROKER_GET_NUMS_OF_USERS: Final = "BROKER_GET_NUMS_WITHOUT_SYSTEM_TOPIC"
BROKER_CK_NUMS: Final = "BROKER_CK_NUMS"
BROKER_ACK_NUMS: Final = "BROKER_ACK_NUMS"
CONSUMER_REGISTER_TIME: Final = "CONSUMER_REGISTER_TIME"
PRODUCER_REGISTER_TIME: Final = "PRODUCER_REGISTER_TIME"
CHANNEL_ACTIVITY: Final = "CHANNEL_ACTIVITY"
CONNECT: Final = "CONNECT"  # keys of CHANNEL_ACTIVITY
IDLE: Final = "IDLE"
CLOSE: Final = "CLOSE"

# What a key of each statistic is made of, with "@" between.
_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    QUEUE_PUT_NUMS: ("topic", "queue"),
    QUEUE_PUT_SIZE: ("topic", "queue"),
    QUEUE_GET_NUMS: ("topic", "queue", "group"),
    QUEUE_GET_SIZE: ("topic", "queue", "group"),
    TOPIC_PUT_NUMS: ("topic",),
    TOPIC_PUT_SIZE: ("topic",),
    GROUP_GET_NUMS: ("topic", "group"),
    GROUP_GET_SIZE: ("topic", "group"),
    GROUP_GET_LATENCY: ("queue", "topic", "group"),
    SNDBCK_PUT_NUMS: ("topic", "group"),
    BROKER_PUT_NUMS: ("cluster",),
    BROKER_GET_NUMS: ("cluster",),
}
_KEYS_SINCE_5: Final[Mapping[str, tuple[str, ...]]] = {
    TOPIC_PUT_LATENCY: ("queue", "topic"),
    GROUP_CK_NUMS: ("topic", "group"),
    GROUP_ACK_NUMS: ("topic", "group"),
    SNDBCK2DLQ_TIMES: ("owner", "topic", "group", "type"),
    BROKER_CK_NUMS: ("cluster",),
    BROKER_ACK_NUMS: ("cluster",),
    BROKER_PUT_NUMS_OF_USERS: ("cluster",),
    BROKER_GET_NUMS_OF_USERS: ("cluster",),
    CONSUMER_REGISTER_TIME: ("cluster",),
    PRODUCER_REGISTER_TIME: ("cluster",),
    CHANNEL_ACTIVITY: ("event",),
}
# Of these an item is forgotten when it has been at rest for long enough (NEED_CLEAN_STATS_SET).
FORGOTTEN: Final = (
    TOPIC_PUT_NUMS,
    TOPIC_PUT_SIZE,
    GROUP_GET_NUMS,
    GROUP_GET_SIZE,
    SNDBCK_PUT_NUMS,
    GROUP_GET_LATENCY,
)
_OF_QUEUES: Final = (QUEUE_PUT_NUMS, QUEUE_PUT_SIZE, QUEUE_GET_NUMS, QUEUE_GET_SIZE)


def keys_of(*, of_5: bool, by_queue: bool) -> dict[str, tuple[str, ...]]:
    """Return the statistics that a broker keeps, and what the keys of each are made of.

    Args:
        of_5: with the statistics that 5.x has more.
        by_queue: with those of single queues (``enableDetailStat``).
    """
    keys = {**_KEYS, **(_KEYS_SINCE_5 if of_5 else {})}
    if not by_queue:
        for name in _OF_QUEUES:
            del keys[name]
        keys[GROUP_GET_LATENCY] = ("topic", "group")
    return keys
