"""Iterating over a push consumer's messages in plain threads.

Written by ``tools/make_faces.py`` from the module for asyncio.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from rmqwire.blocking.face import Face
from rmqwire.bridge.deliveries import come_again, next_batch
from rmqwire.consumer.push import PushConsumer
from rmqwire.filter.subscription import SUB_ALL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rmqwire.consumer.delivery import Delivery, DeliveryBatch
    from rmqwire.consumer.listener import Listener
    from rmqwire.consumer.selector import MessageSelector

L = TypeVar("L", bound="Listener")
HOP = 32  # messages of one hop


class Consuming(Face[PushConsumer]):
    """Decorators, and iterating over messages.

    Args:
        make: makes the trio consumer.
    """

    def on(self, topic: str, selector: str | MessageSelector = SUB_ALL) -> Callable[[L], L]:
        """Return a decorator that makes a function the topic's listener, as ``subscribe`` does."""

        def decorate(listener: L) -> L:
            self._now(self._inner.subscribe, topic, selector, self._listener(listener))
            return listener

        return decorate

    def _at_once(self) -> int:
        """Return how many messages a hop may bring: in order, one after the other."""
        return 1 if self._inner.config.consume_orderly else HOP

    def __iter__(self) -> Iterator[Delivery]:
        """Iterate over the messages of topics without a listener, until the consumer is closed.

        ::

            for delivery in consumer:
                with delivery:
                    ...

        Any number of threads may do so; each message comes to one of them. A message that nobody
        settles isn't committed.
        """
        for batch in self.batches(self._at_once(), 0):
            yield from batch

    def batches(self, max_messages: int = 32, max_wait_ms: int = 1_000) -> Iterator[DeliveryBatch]:
        """Iterate over the same messages together.

        Args:
            max_messages: of a batch.
            max_wait_ms: ms that a batch with at least one message waits for more.

        Raises:
            UsageError: less than one message.
        """
        behind = self._inner.batches(max_messages, max_wait_ms)

        def iterate() -> Iterator[DeliveryBatch]:
            while batch := self._fetch(partial(next_batch, behind), come_again):
                yield batch

        return iterate()
