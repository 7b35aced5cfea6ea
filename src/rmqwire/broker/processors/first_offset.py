"""Where consumers without an offset begin: in memory, or behind what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.store.results import GetStatus

if TYPE_CHECKING:
    from rmqwire.store.message_store import MessageStore


def first_is_in_memory(store: MessageStore, topic: str, queue_id: int) -> bool:
    """Return whether a queue's very first message is there and in memory (``checkInMemByConsumeOffset``)."""
    first = store.get_message(topic, queue_id, 0, 1)
    return first.status == GetStatus.FOUND and not first.suggest_pulling_from_slave


def first_offset(store: MessageStore, topic: str, queue_id: int) -> int:
    """Return 0 for a queue that is in memory as a whole, the end of any other."""
    return 0 if first_is_in_memory(store, topic, queue_id) else store.max_offset(topic, queue_id)
