"""Choosing the queue of a message by an argument (Java ``MessageQueueSelector``).

A selector is any function of (queues, message, argument). Messages that must stay in order go to
the queue of their order number or customer: ``select_by_hash``.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any, Final

from rmqwire.codec import message_const as const
from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.java_hash import string_hash
from rmqwire.codec.lite_topic import shard
from rmqwire.codec.message import Message
from rmqwire.errors import UsageError

if TYPE_CHECKING:
    from rmqwire.producer.outgoing import Messages

MessageQueueSelector = Callable[[list[MessageQueue], Message, Any], MessageQueue]

LITE_TOPIC: Final = const.PROPERTY_LITE_TOPIC
_rng = Random()


def select_by_hash(queues: list[MessageQueue], message: Message, arg: object) -> MessageQueue:
    """Return the same queue for the same argument (``SelectMessageQueueByHash``).

    A text chooses the queue that Java's hashCode would, and so does an int: up to 32 bits as an
    Integer, above as a Long.
    """
    value = _int_hash(arg) if isinstance(arg, int) else string_hash(str(arg))
    # Java: hashCode() % size keeps the sign, then the absolute value is taken.
    return queues[abs(value) % len(queues)]


def _int_hash(value: int) -> int:
    if -0x80000000 <= value <= 0x7FFFFFFF:
        return value
    folded = (value ^ value >> 32) & 0xFFFFFFFF  # Long.hashCode
    return folded - (1 << 32) if folded & 0x80000000 else folded


def select_by_lite_topic(queues: list[MessageQueue], message: Message, arg: object) -> MessageQueue:
    """Return the queue of the broker where the message's lite topic is subscribed (RocketMQ 5.5)."""
    return queues[shard(message.lite_topic or "", len(queues))]


def selector_of(
    message: Messages, key: object, selector: MessageQueueSelector | None, arg: object
) -> tuple[MessageQueueSelector | None, object]:
    """Return the selector of a send and its argument: ``select_by_hash`` for a key.

    A message of a lite topic goes to the broker that has it.

    Raises:
        UsageError: a key and a selector.
    """
    if key is None:
        if selector is None and isinstance(message, Message) and message.properties.get(LITE_TOPIC):
            return select_by_lite_topic, None
        return selector, arg
    if selector is not None:
        raise UsageError("a key and a selector: which of them is to choose the queue?")
    return select_by_hash, key


def select_by_machine_room(*rooms: str) -> MessageQueueSelector:
    """Return a selector of a random queue at brokers named ``room@name`` in one of ``rooms``.

    Java's ``SelectMessageQueueByMachineRoom`` has the name and never returns a queue.
    """

    def select(queues: list[MessageQueue], message: Message, arg: object) -> MessageQueue:
        near = [queue for queue in queues if queue.broker_name.partition("@")[0] in rooms]
        if not near:
            raise UsageError(f"no queue of {message.topic} is in {' or '.join(rooms)}")
        return _rng.choice(near)

    return select


def select_by_random(queues: list[MessageQueue], message: Message, arg: object) -> MessageQueue:
    """Return a random queue (``SelectMessageQueueByRandom``)."""
    return _rng.choice(queues)


def apply_selector(
    selector: MessageQueueSelector, queues: list[MessageQueue], message: Message, arg: object
) -> MessageQueue:
    """Ask a selector, in Java's words when it gives nothing.

    Raises:
        UsageError: it gave no queue.
    """
    queue = selector(list(queues), message, arg)
    if not isinstance(queue, MessageQueue):
        raise UsageError("select message queue return null.")
    return queue
