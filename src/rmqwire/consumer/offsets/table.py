"""Offsets of queues in memory (the table of Java's ``OffsetStore``s), and what a store adds to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

    from rmqwire.codec.bodies import MessageQueue


class OffsetTable:
    """Offsets by queue; a frozen one ignores updates until it is removed."""

    def __init__(self) -> None:
        self._offsets: dict[MessageQueue, int] = {}
        self._frozen: set[MessageQueue] = set()

    def update(self, queue: MessageQueue, offset: int, *, increase_only: bool = False) -> None:
        """Set a queue's offset, unless it is frozen, or would shrink though it may only grow."""
        if queue in self._frozen:
            return
        if increase_only and offset <= self._offsets.get(queue, -1):
            return
        self._offsets[queue] = offset

    def update_and_freeze(self, queue: MessageQueue, offset: int) -> None:
        """Set a queue's offset for good: listeners that finish late don't move it."""
        self._offsets[queue] = offset
        self._frozen.add(queue)

    def get(self, queue: MessageQueue) -> int:
        """Return a queue's offset, -1 without one."""
        return self._offsets.get(queue, -1)

    def remove(self, queue: MessageQueue) -> None:
        """Forget a queue."""
        self._offsets.pop(queue, None)
        self._frozen.discard(queue)

    def of_topic(self, topic: str = "") -> dict[MessageQueue, int]:
        """Return the offsets of a topic, of all topics for ""."""
        return {queue: at for queue, at in self._offsets.items() if topic in {"", queue.topic}}


class OffsetStore(OffsetTable, ABC):
    """The same, with a place that outlives the consumer (``OffsetStore``).

    A program that keeps offsets in a place of its own, beside what it makes of the messages, derives from
    this and passes an object as ``offset_store=``. Its methods are called in trio's loop; those of
    ``rmqwire.aio`` and ``rmqwire.blocking``'s consumers in the loop of the background thread.
    """

    @abstractmethod
    async def load(self) -> None:
        """Read what can be read once for all queues, when the consumer starts.

        Raises:
            StoreError: what is stored can't be read.
        """

    @abstractmethod
    async def read_from_store(self, queue: MessageQueue) -> int:
        """Return the offset that is stored, and remember it.

        Returns:
            the offset of the first message not consumed, -1 without one.

        Raises:
            RmqError: the store didn't say.
        """

    @abstractmethod
    async def persist(self, queue: MessageQueue) -> None:
        """Store one queue's offset; failures are logged, the next time repairs them."""

    @abstractmethod
    async def store(self, queue: MessageQueue, offset: int) -> None:
        """Store a queue's offset and return when it is stored.

        Raises:
            RmqError: it isn't.
        """

    @abstractmethod
    async def persist_all(self, queues: Container[MessageQueue]) -> None:
        """Store the offsets of ``queues``; failures are logged."""
