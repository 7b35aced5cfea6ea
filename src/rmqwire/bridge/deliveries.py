"""Messages that a trio consumer hands to another thread, which settles them there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rmqwire.bridge.engine import shared_engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rmqwire.consumer.delivery import Delivery, DeliveryBatch, Settler


class EngineSettler:
    """Tells the engine's thread how messages went; from any thread."""

    def __init__(self, settler: Settler) -> None:
        self._settler = settler
        self._post = shared_engine().post

    def taken(self) -> None:
        """They are in somebody's hands."""
        self._post(self._settler.taken)

    def ack(self, delivery: Delivery) -> None:
        """One is done with."""
        self._post(partial(self._settler.ack, delivery))

    def later(self, delivery: Delivery, delay_level: int) -> None:
        """One is to come again."""
        self._post(partial(self._settler.later, delivery, delay_level))

    def suspend(self, delivery: Delivery, ms: int) -> None:
        """Its queue is to stand still, then it comes again."""
        self._post(partial(self._settler.suspend, delivery, ms))


async def next_batch(batches: AsyncIterator[DeliveryBatch]) -> DeliveryBatch | None:
    """Return the next messages for another thread, None at the end; in the engine."""
    try:
        batch = await anext(batches)
    except StopAsyncIteration:
        return None
    for delivery in batch:
        delivery.settled_through(EngineSettler)
    return batch


def come_again(batch: DeliveryBatch | None) -> None:
    """Have messages come again that came just when nobody waited for them any more."""
    if batch is not None:
        batch.later()
