"""Listeners that other threads call (those of ``rmqwire.aio`` and ``rmqwire.blocking``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from contextvars import Context

    from rmqwire.clock import WallMs
    from rmqwire.consumer.listener import ConsumeConcurrentlyContext, ConsumeStatus
    from rmqwire.consumer.working.listener_call import ListenerCall
    from rmqwire.consumer.working.runs import Run, Told

Returned: TypeAlias = "tuple[Run, int, Told, ConsumeConcurrentlyContext | None, float]"
"""One call that is over: its run and where in it; what was told, None: not called there; ms."""


class Crew(Protocol):
    """Workers of one consumer in other threads; all of it but their work is called in its loop."""

    def put(self, run: Run) -> None:
        """Have a run consumed."""

    async def finish(self) -> None:
        """Begin no more calls, and wait for those that are under way."""

    async def stay(self) -> None:
        """Be there until this is cancelled: then give up what can be given up, and wait for the rest."""


@dataclass(slots=True)
class Hiring:
    """What a crew needs of its consumer.

    Args:
        listeners: listeners by topic; looked at for each call.
        most: calls at the same time.
        returned: is told of calls that are over, in the consumer's loop.
        spawn: starts a task of the consumer's.
        wall_ms: the wall clock, ms since the epoch.
    """

    listeners: Mapping[str, ListenerCall[ConsumeStatus]]
    most: int
    returned: Callable[[Sequence[Returned]], None]
    spawn: Callable[[Callable[[], Awaitable[object]]], None]
    wall_ms: WallMs


class Place(Protocol):
    """Where listeners are called: a loop, or threads."""

    def crew(self, hiring: Hiring, /) -> Crew:
        """Return workers there."""


@dataclass(slots=True)
class Elsewhere:
    """A listener that is called in another thread.

    Args:
        listener: the program's own.
        call: calls it there once, with what it takes.
        variables: context variables that it sees; each call has a copy.
        place: where that is; listeners of one place share workers.
    """

    listener: Callable[..., Any]
    call: Callable[..., Awaitable[Any]]
    variables: Context
    place: Place

    def __call__(self, *arguments: object) -> Awaitable[Any]:
        """Call it once."""
        return self.call(*arguments)
