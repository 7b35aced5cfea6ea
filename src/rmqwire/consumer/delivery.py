"""A message that its receiver settles itself: done, or to come again later."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Self

from rmqwire.client.message_ext import MessageExt
from rmqwire.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Protocol

    class Settler(Protocol):
        """What is told how the messages of one batch went."""

        def taken(self) -> None:
            """They are in somebody's hands."""

        def ack(self, delivery: Delivery) -> None:
            """One is done with."""

        def later(self, delivery: Delivery, delay_level: int) -> None:
            """One is to come again."""

        def suspend(self, delivery: Delivery, ms: int) -> None:
            """Its queue is to stand still, then it comes again."""


logger = logging.getLogger(__name__)


class Delivery(MessageExt):
    """A message of ``async for delivery in consumer``.

    ::

        async with delivery:  # acknowledged on leaving
            ...

    (``with`` does the same: nothing is waited for.) An exception that leaves the block is logged and the message comes again later, as with a listener
    that raises; the loop goes on. A cancelled block settles nothing: the message isn't committed.
    """

    _settler: Settler | None = None  # most are never handed out

    def handed_out(self, settler: Settler) -> None:
        """Let ``settler`` know how it goes; not for users."""
        self._settler = settler

    @property
    def settled(self) -> bool:
        """Whether it was said how it went."""
        return self._settler is None

    def ack(self) -> None:
        """It is done with.

        Raises:
            UsageError: it was settled before.
        """
        self._once().ack(self)

    def later(self, delay_level: int = 0) -> None:
        """Have it come again, to whatever member of the group.

        Args:
            delay_level: when; 0 leaves that to the broker (3 + deliveries), -1 is the dead letters
                at once. Of an orderly consumer its queue stands still instead, as after ``suspend``.

        Raises:
            UsageError: it was settled before.
        """
        self._once().later(self, delay_level)

    def suspend(self, ms: int = -1) -> None:
        """Have its queue stand still, then it comes again; of orderly consumers only.

        Args:
            ms: for how long, 10 to 30,000; -1 for suspendCurrentQueueTimeMillis.

        Raises:
            UsageError: it was settled before, or the consumer isn't orderly.
        """
        self._once().suspend(self, ms)

    def _once(self) -> Settler:
        settler, self._settler = self._settler, None
        if settler is None:
            raise UsageError(f"{self.msg_id} is settled, or the matter of a listener")
        return settler

    def settled_through(self, wrap: Callable[[Settler], Settler]) -> None:
        """Let another thread settle it; not for users.

        Args:
            wrap: makes a settler that may be told there of the one that may not.
        """
        settler = self._settler
        if settler is not None:
            self._settler = wrap(settler)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        return _leave([self], error)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        return _leave([self], error)


class DeliveryBatch(list[Delivery]):
    """Messages of ``consumer.batches()``, at least one; ``async with batch`` settles all of them."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        return _leave(self, error)

    def ack(self) -> None:
        """All that aren't settled are done with."""
        for delivery in self:
            if not delivery.settled:
                delivery.ack()

    def later(self, delay_level: int = 0) -> None:
        """Have all that aren't settled come again."""
        for delivery in self:
            if not delivery.settled:
                delivery.later(delay_level)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        return _leave(self, error)


def _leave(deliveries: Iterable[Delivery], error: BaseException | None) -> bool:
    """Settle what isn't settled; return whether that is all there is to do about ``error``."""
    open_ones = DeliveryBatch(delivery for delivery in deliveries if not delivery.settled)
    if error is None:
        open_ones.ack()
        return False
    if not isinstance(error, Exception):
        return False
    if open_ones:
        logger.error("%s come again later", [one.msg_id for one in open_ones], exc_info=error)
        open_ones.later()
    return True
