"""What a member pops from, each with a reader (Java's ``popProcessQueueTable``).

A broker keeps who has which message, so there is nothing to find out before, and nothing to commit
behind. No trio in here: ``Tasks`` runs the readers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmqwire.codec.bodies import PopProcessQueueInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Protocol

    from rmqwire.client.signs import Sign
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.consumer.state import AnyState

    class PopReading(Protocol):
        """What reads by popping."""

        async def read(self, queue: MessageQueue, popped: PopProcessQueue) -> None:
            """Pop from a queue until it is dropped."""


@dataclass(slots=True)
class PopProcessQueue:
    """One queue, or all of a broker for queue -1 (``PopProcessQueue``).

    Args:
        last_pop_ms: when it was popped from last, or taken over, ms since the epoch.
        waiting: messages that are neither acknowledged nor put off.
        dropped: popped from no more.
        last_answer: to the last pop that was answered or failed.
        stop: ends the reader at once.
    """

    last_pop_ms: int
    waiting: int = 0
    dropped: bool = False
    last_answer: Sign | None = None
    stop: Callable[[], None] | None = None

    def info(self) -> PopProcessQueueInfo:
        """Return what GET_CONSUMER_RUNNING_INFO tells of it."""
        return PopProcessQueueInfo(
            wait_ack_count=self.waiting,
            droped=self.dropped,
            last_pop_timestamp=self.last_pop_ms,
        )


class PoppedQueues(Mapping["MessageQueue", PopProcessQueue]):
    """The queues that one member pops from.

    Args:
        state: the consumer.
        reader: pops from one queue.
    """

    leaving: tuple[MessageQueue, ...] = ()

    def __init__(self, state: AnyState, reader: PopReading) -> None:
        self._state = state
        self._reader = reader
        self._queues: dict[MessageQueue, PopProcessQueue] = {}
        self._closed = False

    def __getitem__(self, queue: MessageQueue) -> PopProcessQueue:
        return self._queues[queue]

    def __iter__(self) -> Iterator[MessageQueue]:
        return iter(list(self._queues))

    def __len__(self) -> int:
        return len(self._queues)

    @property
    def held(self) -> list[MessageQueue]:
        """The queues that are popped from."""
        return list(self._queues)

    async def take_over(self, queue: MessageQueue) -> bool:
        """Start to pop from a queue; return whether that is so now."""
        if self._closed or queue in self._queues:
            return not self._closed
        popped = self._queues[queue] = PopProcessQueue(self._state.instance.wall_ms())
        popped.stop = self._state.tasks.spawn_cancellable(self._reader.read, queue, popped)
        return True

    async def give_up(self, queue: MessageQueue) -> bool:
        """Pop from a queue no more; return True: others may at any time.

        A pop that waits at the broker is still answered, and what it brings is consumed: Java's client
        leaves that to be given out again when its time is over.
        """
        popped = self._queues.pop(queue, None)
        if popped is not None:
            popped.dropped = True
        return True

    def stop_reading(self) -> None:
        """End all readers."""
        self._closed = True
        for popped in self._queues.values():
            if popped.stop is not None:
                popped.stop()

    async def release(self) -> None:
        """Let others have the queues: they have them already."""

    def infos(self) -> dict[MessageQueue, PopProcessQueueInfo]:
        """Return what is known of each queue."""
        return {queue: popped.info() for queue, popped in self._queues.items()}
