"""Which queues to give up and which to take over (Java ``RebalanceImpl``), as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from rmqwire.codec.bodies import MessageQueue


@dataclass(slots=True)
class Changes:
    """What one rebalance changes: queues given up and queues taken over, in order."""

    removed: list[MessageQueue] = field(default_factory=list)
    added: list[MessageQueue] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.removed or self.added)


def changes(
    topic: str, current: Iterable[MessageQueue], assigned: Iterable[MessageQueue]
) -> Changes:
    """Compare what is held of a topic with what is assigned (``updateProcessQueueTable``)."""
    held = {queue for queue in current if queue.topic == topic}
    wanted = set(assigned)
    return Changes(sorted(held - wanted), sorted(wanted - held))


def not_subscribed(
    current: Iterable[MessageQueue], subscribed: Container[str]
) -> list[MessageQueue]:
    """Return the queues of topics nobody wants any more (``truncateMessageQueueNotMyTopic``)."""
    return sorted(queue for queue in current if queue.topic not in subscribed)
