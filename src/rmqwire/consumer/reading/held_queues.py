"""The queues that a member of a group holds, each with a reader (Java's ``processQueueTable``).

Taking a queue over finds out where to start and sets a reader on it; giving it up ends the reader,
commits what is consumed and forgets the queue. No trio in here: ``Tasks`` runs the readers.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rmqwire.client.signs import Signs
from rmqwire.consumer.reading.process_queue import ProcessQueue
from rmqwire.consumer.reading.starting_offset import starting_offset
from rmqwire.errors import RmqError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    from rmqwire.codec.bodies import MessageQueue, ProcessQueueInfo
    from rmqwire.consumer.state import SubscriberState

    class Reader(Protocol):
        """What reads queues."""

        async def read(self, queue: MessageQueue, process_queue: ProcessQueue, offset: int) -> int:
            """Read a queue from ``offset`` on until it is dropped.

            Returns:
                the offset the broker wants instead, when ``offset`` is out of its range; else -1.
            """


logger = logging.getLogger(__name__)


class HeldQueues(Mapping["MessageQueue", ProcessQueue]):
    """Queues with their unfinished messages.

    Args:
        state: the consumer.
        reader: reads one queue.

    Attributes:
        to_pause: queues that aren't read yet, and not to be read when they are taken over.
    """

    def __init__(self, state: SubscriberState, reader: Reader) -> None:
        self._state = state
        self._offsets = state.offsets
        self._reader = reader
        self._queues: dict[MessageQueue, ProcessQueue] = {}
        self._closed = False
        self.to_pause: set[MessageQueue] = set()
        self.starts: Signs[MessageQueue] = Signs(
            state.instance.wall_ms
        )  # where to start, asked for

    def __getitem__(self, queue: MessageQueue) -> ProcessQueue:
        return self._queues[queue]

    def __iter__(self) -> Iterator[MessageQueue]:
        return iter(list(self._queues))

    def __len__(self) -> int:
        return len(self._queues)

    @property
    def held(self) -> list[MessageQueue]:
        """The queues that are read."""
        return [queue for queue, process_queue in self.items() if not process_queue.dropped]

    @property
    def leaving(self) -> list[MessageQueue]:
        """The queues that are read no more, but that nobody else may have yet."""
        return [queue for queue, process_queue in self.items() if process_queue.dropped]

    async def take_over(self, queue: MessageQueue) -> bool:
        """Start to read a queue; return whether it is read now."""
        self._offsets.remove(queue)
        try:
            offset = await starting_offset(queue, self._state)
        except RmqError as error:
            self.starts.bad(queue, error)
            logger.warning("where to start %s: %s", queue, error)
            return False
        self.starts.forget(queue)
        if self._closed or queue in self._queues:
            return not self._closed
        self._begin(queue, offset).paused = queue in self.to_pause
        self.to_pause.discard(queue)
        return True

    def _begin(self, queue: MessageQueue, offset: int) -> ProcessQueue:
        process_queue = self._queues[queue] = ProcessQueue(self._state.instance.wall_ms())
        process_queue.on_drop = self._state.tasks.spawn_cancellable(
            self._read, queue, process_queue, offset
        )
        return process_queue

    def move(self, queue: MessageQueue, offset: int) -> None:
        """Read a queue from another offset on and forget what is here of it; it is held."""
        old = self._queues[queue]
        old.drop()
        moved = self._begin(queue, offset)
        moved.paused = old.paused
        moved.polled_to = offset

    async def _read(self, queue: MessageQueue, process_queue: ProcessQueue, offset: int) -> None:
        offset = await self._reader.read(queue, process_queue, offset)
        if offset >= 0:
            process_queue.on_drop = None  # this task is to go on
            await self.give_up(queue, offset)
            self._state.rebalance()

    async def give_up(self, queue: MessageQueue, offset: int | None = None) -> bool:
        """Stop reading a queue and commit what is consumed, or ``offset`` instead.

        Returns:
            whether somebody else may have the queue now.
        """
        process_queue = self._queues.pop(queue, None)
        if process_queue is None:
            return True
        process_queue.drop()
        if offset is not None:
            self._offsets.update_and_freeze(queue, offset)
        await self._offsets.persist(queue)
        self._offsets.remove(queue)
        return True

    async def reset(self, queue: MessageQueue, offset: int) -> None:
        """Forget a queue's messages and commit ``offset``: it is taken over again from there."""
        self._queues[queue].clear()
        await self.give_up(queue, offset)

    def stop_reading(self) -> None:
        """End all readers; the queues stay, for their offsets are still to be committed."""
        self._closed = True
        for process_queue in self._queues.values():
            if process_queue.on_drop is not None:
                process_queue.on_drop()

    async def release(self) -> None:
        """Let others have the queues, once all is committed; nobody waits for that here."""

    def infos(self) -> dict[MessageQueue, ProcessQueueInfo]:
        """Return what is held of each queue."""
        return {queue: held.info(self._offsets.get(queue)) for queue, held in self._queues.items()}
