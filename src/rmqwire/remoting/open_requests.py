"""Requests of ours without an answer yet, and when each runs out of time."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, TypeAlias

from rmqwire.errors import TooManyRequests, UsageError

if TYPE_CHECKING:
    from rmqwire.codec.stored_answers import Bounds, Stored
    from rmqwire.remoting.handler import OnReply, OnStored

OpenRequest: TypeAlias = "tuple[int, OnReply, int, int, OnStored | None]"
SPARE = 256  # deadlines of requests that were answered, kept besides one for each that waits


class OpenRequests:
    """The requests that one connection has sent and waits for.

    A deadline stays in the heap when its answer comes: taking it out would cost as much as all the
    rest. It holds numbers only, and when most of them are of the past the heap is made again, because
    one long wait would keep those of all short ones behind it.

    Attributes:
        waiting: by opaque, in the order of sending: number, callback, the frames that had come before
            it, for how long nothing may come at all until its connection is closed (ms; 0: any time), and
            what takes the plain answer to a send, None for ``callback``.
        last: number of the last request.
        last_stored: number of the last send whose plain answer was taken.
    """

    __slots__ = ("_deadlines", "last", "last_stored", "waiting")

    def __init__(self) -> None:
        self.waiting: dict[int, OpenRequest] = {}
        self.last = self.last_stored = 0
        self._deadlines: list[tuple[int, int, int]] = []  # heap: when in ms, number, opaque

    def check(self, opaque: int, most: int, peer: str) -> None:
        """Refuse one more request of this opaque.

        Raises:
            TooManyRequests: ``most`` wait for answers of ``peer`` already.
            UsageError: one with this opaque does.
        """
        if len(self.waiting) >= most:
            raise TooManyRequests(
                f"send request too fast: {len(self.waiting)} requests wait for answers", peer
            )
        if opaque in self.waiting:
            raise UsageError(f"a request with opaque {opaque} is waiting for its answer")

    def add(
        self,
        opaque: int,
        on_reply: OnReply,
        deadline: int,
        frames: int = 0,
        silence_ms: int = 0,
        on_stored: OnStored | None = None,
    ) -> None:
        """Enter a request that runs out of time at ``deadline`` (ms)."""
        self.last += 1
        self.waiting[opaque] = (self.last, on_reply, frames, silence_ms, on_stored)
        heapq.heappush(self._deadlines, (deadline, self.last, opaque))
        if len(self._deadlines) > 2 * len(self.waiting) + SPARE:
            self._deadlines = [one for one in self._deadlines if self._waits(one)]
            heapq.heapify(self._deadlines)

    def take_stored(self, stored: Stored) -> OnStored | None:
        """Return who wants the plain answer to a send, and wait for it no longer; None: nobody does."""
        request = self.waiting.get(stored[2])
        if request is None or request[4] is None:
            return None
        del self.waiting[stored[2]]
        self.last_stored = request[0]
        return request[4]

    def who_want(self, found: list[Stored | Bounds]) -> list[tuple[OnStored, Stored]]:
        """Return who wants each of the plain answers to sends; nothing if other frames are among them."""
        wanted = []
        for one in found:
            request = None if len(one) == 2 else self.waiting.get(one[2])
            if len(one) == 2 or request is None or request[4] is None:
                return []
            wanted.append((request[4], one))
        return wanted

    def behind(self) -> int:
        """Return how many wait, but at most how many came after the last send that was answered.

        So pulls that wait for messages to come count no more than once; 0 before the first such answer.
        """
        return min(self.last - self.last_stored, len(self.waiting)) if self.last_stored else 0

    def next_deadline(self) -> int | None:
        """Return when the next one runs out of time (ms), None when there is none."""
        deadlines = self._deadlines
        while deadlines and not self._waits(deadlines[0]):
            heapq.heappop(deadlines)
        return deadlines[0][0] if deadlines else None

    def take_due(self, mono_ms: int) -> OpenRequest | None:
        """Return one that has run out of time by ``mono_ms``, and wait for it no longer."""
        due = self.next_deadline()
        if due is None or due > mono_ms:
            return None
        _, _, opaque = heapq.heappop(self._deadlines)
        return self.waiting.pop(opaque)

    def take_all(self) -> list[OpenRequest]:
        """Return all in the order of sending, and wait for none of them."""
        waiting, self.waiting = self.waiting, {}
        self._deadlines = []
        return list(waiting.values())

    def _waits(self, deadline: tuple[int, int, int]) -> bool:
        _, number, opaque = deadline
        waiting = self.waiting.get(opaque)
        return waiting is not None and waiting[0] == number
