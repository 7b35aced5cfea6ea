"""A pull that is asked for before what came is taken apart.

A queue's next pull begins where the answer to the one before says. So it is asked for while that answer is
received, together with those of other queues whose answers came with it, and the broker works on it while this
side takes records apart and calls listeners.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.errors import RmqError
from rmqwire.wakeup import OneWait

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.client.api import PullAnswer
    from rmqwire.codec.bodies import SubscriptionData


class AskedPull:
    """One pull under way.

    Args:
        offset: of the first message that is asked for.
        subscription: what is wanted.
        asked_ms: when, ms since the epoch.
        heard: called with its answer, as soon as that is there.

    Attributes:
        wanted: whether somebody takes the answer, or is going to.
    """

    __slots__ = ("_heard", "_outcome", "_over", "asked_ms", "offset", "subscription", "wanted")

    def __init__(
        self,
        offset: int,
        subscription: SubscriptionData,
        asked_ms: int,
        heard: Callable[[AskedPull, PullAnswer], None],
    ) -> None:
        self.offset = offset
        self.subscription = subscription
        self.asked_ms = asked_ms
        self.wanted = True
        self._heard = heard
        self._over = OneWait()
        self._outcome: PullAnswer | RmqError | None = None

    def hear(self, outcome: PullAnswer | RmqError | None) -> None:
        """Take the answer, or what came instead of one."""
        self._outcome = outcome
        try:
            if self.wanted and outcome is not None and not isinstance(outcome, RmqError):
                self._heard(self, outcome)
        finally:
            self._over.end()

    async def answer(self) -> PullAnswer | None:
        """Wait for the answer; None: ask again.

        Raises:
            RmqError: it came instead.
        """
        await self._over.wait()
        if isinstance(self._outcome, RmqError):
            raise self._outcome
        return self._outcome
