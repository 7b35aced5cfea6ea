"""Choosing the queue of a message by an argument (Java ``MessageQueueSelector``).

A selector is any function of (queues, message, argument). Messages that must stay in order go to
the queue of their order number or customer: ``select_by_hash``.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.java_hash import string_hash
from rmqwire.codec.message import Message
from rmqwire.errors import UsageError

MessageQueueSelector = Callable[[list[MessageQueue], Message, Any], MessageQueue]

_rng = Random()


def select_by_hash(queues: list[MessageQueue], message: Message, arg: object) -> MessageQueue:
    """Return the same queue for the same argument (``SelectMessageQueueByHash``).

    A text or an int up to 32 bits chooses the queue that Java's hashCode would.
    """
    value = arg if isinstance(arg, int) else string_hash(str(arg))
    # Java: hashCode() % size keeps the sign, then the absolute value is taken.
    return queues[abs(value) % len(queues)]


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
