"""Messages that were pulled and wait to be asked for (Java's ``consumeRequestCache``)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.consumer.message_ext import MessageExt
    from rmqwire.consumer.reading.process_queue import ProcessQueue


@dataclass(slots=True)
class PulledBatch:
    """What one pull found."""

    messages: list[MessageExt]
    process_queue: ProcessQueue
    queue: MessageQueue


class Inbox:
    """Batches in the order of their pulls; those of queues that are gone count no more.

    Args:
        arrived: called for each batch that comes.
    """

    def __init__(self, arrived: Callable[[], object]) -> None:
        self._arrived = arrived
        self._batches: deque[PulledBatch] = deque()

    def __len__(self) -> int:
        return len(self._batches)

    def put(
        self, messages: list[MessageExt], process_queue: ProcessQueue, queue: MessageQueue
    ) -> None:
        """Add what a pull found."""
        self._batches.append(PulledBatch(messages, process_queue, queue))
        self._arrived()

    def take(self) -> PulledBatch | None:
        """Return the oldest batch, None without one."""
        while self._batches:
            batch = self._batches.popleft()
            if not batch.process_queue.dropped:
                return batch
        return None

    def forget(self, queue: MessageQueue) -> None:
        """Drop what waits of a queue."""
        self._batches = deque(batch for batch in self._batches if batch.queue != queue)
