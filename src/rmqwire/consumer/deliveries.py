"""What ``async for`` iterates over: single deliveries, or batches of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rmqwire.consumer.delivery import DeliveryBatch

if TYPE_CHECKING:
    from rmqwire.clock import MonoMs
    from rmqwire.consumer.delivery import Delivery
    from rmqwire.consumer.working.stream import DeliveryStream


class Deliveries:
    """Deliveries one by one; it waits only when none is here.

    Args:
        stream: where they come from.
    """

    def __init__(self, stream: DeliveryStream) -> None:
        self._stream = stream

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Delivery:
        """Return the next one; the iteration ends with the consumer."""
        while (found := self._stream.ready()) is None:
            if not await self._stream.wait():
                raise StopAsyncIteration
        return found


class Batches:
    """Deliveries together.

    Args:
        stream: where they come from.
        max_messages: of a batch.
        max_wait_ms: how long a batch that has begun waits for more.
        mono_ms: monotonic clock in ms.
    """

    def __init__(
        self, stream: DeliveryStream, max_messages: int, max_wait_ms: int, mono_ms: MonoMs
    ) -> None:
        self._stream = stream
        self._max_messages = max_messages
        self._max_wait_ms = max_wait_ms
        self._mono_ms = mono_ms

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> DeliveryBatch:
        """Return the next ones, at least one; the iteration ends with the consumer."""
        first = await Deliveries(self._stream).__anext__()
        batch = DeliveryBatch([first])
        deadline = self._mono_ms() + self._max_wait_ms
        try:
            while len(batch) < self._max_messages:
                found = self._stream.ready()
                if found is not None:
                    batch.append(found)
                elif not await self._stream.wait((deadline - self._mono_ms()) / 1000):
                    break
        except BaseException:  # cancelled: nobody has them, and somebody must
            batch.later()
            raise
        return batch
