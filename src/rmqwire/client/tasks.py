"""Tasks that run beside a client, a producer or a consumer, and end with it. Shell on trio.

What doesn't import trio itself (workers, readers) starts tasks, waits and calls blocking functions
through here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar, TypeVarTuple

import trio

from rmqwire.remoting.closing import close_scope

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

Args = TypeVarTuple("Args")
Result = TypeVar("Result")
Item = TypeVar("Item")


async def side_by_side(
    function: Callable[[Item], Awaitable[object]], items: Iterable[Item]
) -> None:
    """Call a function with each of ``items`` at the same time, and wait for all of them."""
    async with trio.open_nursery() as nursery:
        for item in items:
            nursery.start_soon(function, item)


class Tasks:
    """A nursery that is opened and closed as ``async with``, and whose tasks end on leaving.

    Attributes:
        now_s: trio's clock, s; the shortest way to it once it was opened.
    """

    def __init__(self) -> None:
        self.now_s: Callable[[], float] = trio.current_time
        self._manager: AbstractAsyncContextManager[trio.Nursery] | None = None
        self._nursery: trio.Nursery | None = None

    @property
    def running(self) -> bool:
        """Whether tasks can be started."""
        return self._nursery is not None

    async def __aenter__(self) -> Self:
        self._manager = trio.open_nursery()
        self._nursery = await self._manager.__aenter__()
        self.now_s = trio.lowlevel.current_clock().current_time
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        """Cancel all tasks and wait for their ends."""
        nursery, self._nursery = self._nursery, None
        if nursery is None or self._manager is None:
            return None
        nursery.cancel_scope.cancel()
        return await close_scope(self._manager, kind, error, traceback)

    def spawn(self, function: Callable[[*Args], Awaitable[object]], *args: *Args) -> None:
        """Start a task; nothing once all have ended."""
        if self._nursery is not None:
            self._nursery.start_soon(function, *args)

    def spawn_cancellable(
        self, function: Callable[[*Args], Awaitable[object]], *args: *Args
    ) -> Callable[[], None]:
        """Start a task; return what ends it."""
        scope = trio.CancelScope()

        async def run() -> None:
            with scope:
                await function(*args)

        self.spawn(run)
        return scope.cancel

    async def sleep(self, seconds: float) -> None:
        """Wait; 0 lets other tasks run."""
        await trio.sleep(seconds)

    async def in_thread(self, function: Callable[[*Args], Result], *args: *Args) -> Result:
        """Call a function that may block in a worker thread."""
        return await trio.to_thread.run_sync(function, *args)
