"""Deliveries that wait for ``async for``: what has no listener (``DeliveryStream``)."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmqwire.consumer.delivery import Delivery
from rmqwire.consumer.reading.inbox import Inbox
from rmqwire.wakeup import Arrivals

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rmqwire.client.message_ext import MessageExt
    from rmqwire.clock import WallMs
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.consumer.delivery import Settler
    from rmqwire.consumer.reading.inbox import Dropping


@dataclass(slots=True)
class DeliveredBatch:
    """Messages for whoever iterates, and what is told how they went."""

    messages: Iterable[MessageExt]
    process_queue: Dropping
    queue: MessageQueue
    settler: Settler


class DeliveryStream:
    """Deliveries in the order of their pulls; any number of tasks take from it.

    Args:
        wall_ms: the wall clock, ms since the epoch.

    Attributes:
        topics: whose messages come here.
        closed: whether nothing comes any more.
    """

    def __init__(self, wall_ms: WallMs) -> None:
        self.topics: set[str] = set()
        self.closed = False
        self._wall_ms = wall_ms
        self._arrivals = Arrivals()
        self._inbox = Inbox[DeliveredBatch](self._arrivals)
        self._left: deque[Delivery] = deque()  # of the batch that was begun last
        self._of: Dropping | None = None  # what they are from

    def put(self, batch: DeliveredBatch) -> None:
        """Let somebody have messages."""
        self._inbox.put(batch)

    def close(self) -> None:
        """End all iterations."""
        self.closed = True
        self._arrivals.wake_all()

    def ready(self) -> Delivery | None:
        """Return the next delivery if one is here."""
        if self._of is not None and self._of.dropped:
            self._give_back()
        if not self._left and not self.closed and (batch := self._inbox.take()) is not None:
            self._begin(batch)
        if not self._left:
            return None
        found = self._left.popleft()
        if self._left:
            self._arrivals()  # somebody else may take the next one
        return found

    def _give_back(self) -> None:
        """Settle what nobody has taken of a queue that is given up: it comes to its next reader."""
        for delivery in self._left:
            delivery.later()
        self._left.clear()
        self._of = None

    async def wait(self, seconds: float = math.inf) -> bool:
        """Wait until something may be here; return whether, within ``seconds``, and it isn't closed."""
        return not self.closed and await self._arrivals.wait(seconds) and not self.closed

    def _begin(self, batch: DeliveredBatch) -> None:
        now = self._wall_ms()
        self._of = batch.process_queue
        batch.settler.taken()
        for message in batch.messages:
            if isinstance(message, Delivery):
                message.begin(now)
                message.handed_out(batch.settler)
                self._left.append(message)
