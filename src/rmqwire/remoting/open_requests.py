"""Requests of ours without an answer yet, and when each runs out of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from rmqwire.errors import TooManyRequests, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.codec.stored_answers import Bounds, Stored
    from rmqwire.remoting.handler import OnReply, OnStored

PER_MS = 500  # requests that wait for each ms between two looks at them: 3 % of the loop


class OpenRequest(Protocol):
    """A request that waits for its answer.

    Attributes:
        deadline_ms: when it runs out of time, by the clock of its connection.
        silence_ms: for how long nothing may come at all until its connection is closed; 0: any time.
        number: which of its connection's requests it is; set when it is entered.
        frames: that had come before it; set when it is entered.
        on_reply: called once with its answer, or with what came instead of one.
        on_stored: called in its place with the plain answer to a send; None: ``on_reply`` gets that, too.
    """

    deadline_ms: int
    silence_ms: int
    number: int
    frames: int

    @property
    def on_reply(self) -> OnReply: ...  # noqa: D102  an attribute
    @property
    def on_stored(self) -> OnStored | None: ...  # noqa: D102  an attribute


class Asked(msgspec.Struct, eq=False):
    """An ``OpenRequest`` whose answer goes to a function."""

    on_reply: OnReply
    deadline_ms: int
    silence_ms: int = 0
    on_stored: OnStored | None = None
    number: int = 0
    frames: int = 0


class OpenRequests:
    """The requests that one connection has sent and waits for.

    Each is entered and answered, few run out of time: so nothing is kept in the order of their deadlines,
    and whoever looks for one that is due, about once a second, looks at all.

    Attributes:
        waiting: by opaque, in the order of sending.
        last: number of the last request.
    """

    __slots__ = ("last", "waiting")

    def __init__(self) -> None:
        self.waiting: dict[int, OpenRequest] = {}
        self.last = 0

    def check(self, opaque: int, most: int, peer: str) -> None:
        """Refuse one more request of this opaque.

        Raises:
            TooManyRequests: ``most`` wait for answers of ``peer`` already.
            UsageError: one with this opaque does.
        """
        if self.accepts(opaque, most):
            return
        if len(self.waiting) >= most:
            raise TooManyRequests(
                f"send request too fast: {len(self.waiting)} requests wait for answers", peer
            )
        raise UsageError(f"a request with opaque {opaque} is waiting for its answer")

    def accepts(self, opaque: int, most: int) -> bool:
        """Return whether fewer than ``most`` wait, and none of this opaque."""
        return len(self.waiting) < most and opaque not in self.waiting

    def add(self, opaque: int, request: OpenRequest, frames: int, most: int) -> bool:
        """Enter a request if it is accepted; tell whether it is. So many ``frames`` have come before it."""
        waiting = self.waiting
        if len(waiting) >= most or opaque in waiting:  # as ``accepts``, for each send
            return False
        self.last = request.number = self.last + 1
        request.frames = frames
        waiting[opaque] = request
        return True

    def who_want(self, found: list[Stored | Bounds]) -> list[tuple[OnStored, Stored]]:
        """Return who wants each of the plain answers to sends; nothing if other frames are among them."""
        wanted = []
        for one in found:
            request = None if len(one) == 2 else self.waiting.get(one[2])
            if len(one) == 2 or request is None or (on_stored := request.on_stored) is None:
                return []
            wanted.append((on_stored, one))
        return wanted

    def next_look(self, mono_ms: int) -> int | None:
        """Return when to look for those that are due again (ms), None when there are none.

        That is when the next one runs out of time, or a little later where many wait: each look is at all.
        """
        if not self.waiting:
            return None
        due = min([request.deadline_ms for request in self.waiting.values()])
        return max(due, mono_ms + len(self.waiting) // PER_MS)

    def take_due(self, mono_ms: int) -> Iterator[OpenRequest]:
        """Give those that have run out of time by ``mono_ms``, each waited for no longer once it is given."""
        late = [
            (one.deadline_ms, one.number, opaque)
            for opaque, one in self.waiting.items()
            if one.deadline_ms <= mono_ms
        ]
        for _, _, opaque in sorted(late):
            if (request := self.waiting.pop(opaque, None)) is not None:  # else it ended meanwhile
                yield request

    def take_all(self) -> list[OpenRequest]:
        """Return all in the order of sending, and wait for none of them."""
        waiting, self.waiting = self.waiting, {}
        return list(waiting.values())
