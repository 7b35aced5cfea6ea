"""Messages with a priority: it is the number of their queue (``SendMessageProcessor`` of 5.5).

Any topic takes them; that its type is PRIORITY counts where it is popped, and at the proxy. A
message that waits, is of a transaction or in order has no priority: the property goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.broker.delivery.properties import write_properties
from rmqwire.codec import message_const as const
from rmqwire.errors import EvaluationError
from rmqwire.filter.java_number import parse_int

if TYPE_CHECKING:
    from rmqwire.codec.release import Release
    from rmqwire.store.results import MessageInner

_OTHER_TYPES = {
    const.PROPERTY_DELAY_TIME_LEVEL,
    *const.TIMER_TIMES,
    const.PROPERTY_SHARDING_KEY,
}


def settle_priority(
    message: MessageInner, properties: dict[str, str], queues: int, release: Release
) -> bool:
    """Put a message into the queue of its priority.

    Args:
        message: it; without a priority that counts nothing is changed.
        properties: its own, as a map; one that doesn't count is taken away.
        queues: how many its topic has for writing.
        release: whose property order is written.

    Returns:
        Whether it has another queue than it was sent for, maybe.
    """
    priority = _number(properties.get(const.PROPERTY_PRIORITY))
    if priority < 0:
        return False
    in_transaction = properties.get(const.PROPERTY_TRANSACTION_PREPARED, "").lower() == "true"
    if in_transaction or not _OTHER_TYPES.isdisjoint(properties):
        del properties[const.PROPERTY_PRIORITY]
        message.properties = write_properties(properties, release)
        return False
    message.queue_id = min(priority, queues - 1)
    return True


def _number(text: str | None) -> int:
    """Return the priority that is meant, -1 when none is (``Message.getPriority``)."""
    if text is None:
        return -1
    try:
        return parse_int(text)
    except EvaluationError:
        return -1
