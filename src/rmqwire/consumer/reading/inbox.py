"""Messages that were pulled and wait to be asked for (Java's ``consumeRequestCache``)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from rmqwire.client.message_ext import MessageExt
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.consumer.reading.process_queue import ProcessQueue

    class Dropping(Protocol):
        """What messages are from, and whether that is given up."""

        @property
        def dropped(self) -> bool:
            """Nothing more is read of it."""

    class Pulled(Protocol):
        """Messages of one queue."""

        @property
        def process_queue(self) -> Dropping:
            """Where they are until they are finished."""

        @property
        def queue(self) -> MessageQueue:
            """Which queue."""


B = TypeVar("B", bound="Pulled")


@dataclass(slots=True)
class PulledBatch:
    """What one pull found."""

    messages: list[MessageExt]
    process_queue: ProcessQueue
    queue: MessageQueue


class Inbox(Generic[B]):
    """Batches in the order of their pulls; those of queues that are gone count no more.

    Args:
        arrived: called for each batch that comes.
    """

    def __init__(self, arrived: Callable[[], object]) -> None:
        self._arrived = arrived
        self._batches: deque[B] = deque()

    def __len__(self) -> int:
        return len(self._batches)

    def put(self, batch: B) -> None:
        """Add what a pull found."""
        self._batches.append(batch)
        self._arrived()

    def put_back(self, batch: B) -> None:
        """Add what is left of the batch that was taken last: it comes next."""
        self._batches.appendleft(batch)
        self._arrived()

    def take(self) -> B | None:
        """Return the oldest batch, None without one."""
        while self._batches:
            batch = self._batches.popleft()
            if not batch.process_queue.dropped:
                return batch
        return None

    def forget(self, queue: MessageQueue) -> None:
        """Drop what waits of a queue."""
        self._batches = deque(batch for batch in self._batches if batch.queue != queue)
