"""Names of lite topics (``LiteUtil``, RocketMQ 5.5).

The messages of lite topic ``a`` under topic ``orders`` are in the light queue ``%LMQ%$orders$a``. A
topic's name has no ``$``, so the first one behind the prefix ends it, whatever the lite topic is
called. Java finds neither name in a queue whose lite topic holds a ``$``.
"""

from __future__ import annotations

from typing import Final

from rmqwire.codec.java_hash import string_hash
from rmqwire.codec.message_const import LMQ_PREFIX

SEPARATOR: Final = "$"
LITE_PREFIX: Final = f"{LMQ_PREFIX}{SEPARATOR}"
NAME_BYTES: Final = 255  # of a light queue: its name is a folder's
_MASK: Final = 2**64 - 1
_FACTOR: Final = 2862933555777941757


def lmq_name(parent: str, lite_topic: str) -> str:
    """Return the name of a lite topic's light queue (``toLmqName``)."""
    return f"{LITE_PREFIX}{parent}{SEPARATOR}{lite_topic}"


def queue_named(topic: str, lite_topic: str | None) -> str:
    """Return the topic whose queue a request is about that may name a lite topic: a light queue then."""
    return lmq_name(topic, lite_topic) if lite_topic and lite_topic.strip() else topic


def is_lite(lmq: str) -> bool:
    """Return whether a light queue is a lite topic's (``isLiteTopicQueue``)."""
    return lmq.startswith(LITE_PREFIX)


def split_lmq(lmq: str) -> tuple[str, str] | None:
    """Return the parent topic and the lite topic of a light queue; None if it is no lite topic's."""
    parent, _, lite_topic = lmq[len(LITE_PREFIX) :].partition(SEPARATOR)
    return (parent, lite_topic) if is_lite(lmq) and parent and lite_topic else None


def parent_of(lmq: str) -> str | None:
    """Return the parent topic of a light queue; None if it is no lite topic's."""
    names = split_lmq(lmq)
    return None if names is None else names[0]


def belongs_to(lmq: str, parent: str) -> bool:
    """Return whether a light queue is that of a lite topic under this parent (``belongsTo``)."""
    return lmq.startswith(f"{LITE_PREFIX}{parent}{SEPARATOR}")


def name_fault(parent: str, lite_topic: str) -> str | None:
    """Say why nobody could read a message of a lite topic with such a name; None if it's good.

    Java takes them all: a queue of another name would get the message, or none.
    """
    if any(sign in lite_topic for sign in ",/\0"):
        return f"lite topic [{lite_topic[:64]}] holds a comma, a slash or a NUL"
    size = len(lmq_name(parent, lite_topic).encode("utf-8", "replace"))
    if size > NAME_BYTES:
        return f"lite topic [{lite_topic[:64]}...] makes a queue's name of {size} bytes"
    return None


def shard(lite_topic: str, queues: int) -> int:
    """Return which of its parent's queues that may be written a lite topic is at (``LiteShardingImpl``).

    The broker of that queue alone lets it be subscribed.
    """
    return consistent_hash(string_hash(lite_topic), queues)


def consistent_hash(value: int, buckets: int) -> int:
    """Return the bucket of a number (Guava's ``Hashing.consistentHash``).

    Args:
        value: a Java long.
        buckets: how many there are, at least one.
    """
    state, candidate = value & _MASK, 0
    while True:
        state = (_FACTOR * state + 1) & _MASK
        chance = ((state >> 33) + 1) / 2**31
        following = int((candidate + 1) / chance)
        if following >= buckets:
            return candidate
        candidate = following
