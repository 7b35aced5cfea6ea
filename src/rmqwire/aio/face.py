"""How an asyncio program uses a trio object: calls hop to its thread and back, many at once."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

from rmqwire.aio.listener import Loop, across, in_loop
from rmqwire.aio.reading import LoopReader
from rmqwire.aio.returns import returns_of
from rmqwire.bridge.engine import TaskCall, shared_engine
from rmqwire.bridge.face import AnyFace, Behind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from rmqwire.aio.returns import Returns
    from rmqwire.bridge.engine import Call

T = TypeVar("T", bound="AbstractAsyncContextManager[object]")
P = ParamSpec("P")
R = TypeVar("R")


async def wait_for(
    function: Callable[[], Awaitable[R]],
    timeout: float | None,
    dropped: Callable[[R], None] | None = None,
    *,
    give_up: bool = True,
    inherits: bool = False,
) -> R:
    """Call an async function in the engine and return what it returns.

    Args:
        function: called in the engine.
        timeout: seconds; None for as long as it takes.
        dropped: called with the result when the waiting task was cancelled meanwhile.
        give_up: whether that gives the call up, too.
        inherits: whether it sees the context variables of here, or the engine's own.

    Raises:
        TimeoutError: it took longer.
    """
    call = TaskCall(function, timeout, inherits=inherits)
    try:
        return await started(call, returns_of(asyncio.get_running_loop()), dropped)
    except asyncio.CancelledError:
        if give_up:
            shared_engine().post(call.cancel)
        raise


def started(
    call: Call[R], returns: Returns, dropped: Callable[[R], None] | None = None
) -> asyncio.Future[R]:
    """Let a call begin in the engine; return a future of what it returns.

    Args:
        call: the call.
        returns: the way back to this loop.
        dropped: called with the result when the future was cancelled meanwhile.
    """
    answer: asyncio.Future[R] = returns.loop.create_future()

    def told(call: Call[R]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits there any more
            returns.put(partial(_resume, answer, dropped, call))

    shared_engine().start(call, told)
    return answer


def _resume(answer: asyncio.Future[R], dropped: Callable[[R], None] | None, call: Call[R]) -> None:
    if answer.done():  # cancelled meanwhile
        if dropped is not None and call.error is None:
            dropped(call.value)
    elif call.error is not None:
        answer.set_exception(call.error)
    else:
        answer.set_result(call.value)


class Face(AnyFace[T]):
    """An object of an asyncio program, a trio one behind it; use it as ``async with``.

    Args:
        make: makes the trio object.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._loop = Loop()
        self._returns: Returns | None = None
        self._reader: LoopReader | None = None
        self._behind = Behind(make, type(self).__name__)

    @property
    def _inner(self) -> T:
        if self._behind.is_foreign:
            self._behind.refuse()
        return self._behind.inner

    async def __aenter__(self) -> Self:
        self._loop.found = asyncio.get_running_loop()
        await wait_for(self._behind.enter, None)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await wait_for(self._behind.leave, None, give_up=False)  # cancelled: goodbye, too
        finally:
            if self._reader is not None:
                self._reader.close()
                self._reader = None

    async def _wait(
        self,
        timeout: float | None,
        method: Callable[P, Awaitable[R]],
        *args: P.args,
        **named: P.kwargs,
    ) -> R:
        return await wait_for(partial(method, *args, **named), timeout, inherits=True)

    async def _done(self, call: Call[R]) -> R:
        """Wait for a call of the engine, and return what it returns."""
        returns, reader = self._to_here(), self._reader
        if reader is None or reader.returns is not returns:
            reader = self._reader = LoopReader(returns)
        call.borrower = reader
        return await started(call, returns)

    def _soon(self, call: Call[R]) -> asyncio.Future[R]:
        """Let a call begin in the engine; return a future of what it returns."""
        return started(call, self._to_here())

    def _to_here(self) -> Returns:
        loop, returns = asyncio.get_running_loop(), self._returns
        if returns is None or returns.loop is not loop:
            returns = self._returns = returns_of(loop)
        return returns

    async def _fetch(self, function: Callable[[], Awaitable[R]], dropped: Callable[[R], None]) -> R:
        """Return what an async function of the engine brings; ``dropped`` has what comes too late."""
        return await wait_for(function, None, dropped)

    def _listener(self, listener: Callable[..., Any] | None) -> Any:  # noqa: ANN401  its type
        """Return what calls a listener in the program's loop, None without one."""
        return None if listener is None else in_loop(listener, self._loop)

    def _first_listener(self, listener: Callable[..., Any]) -> Any:  # noqa: ANN401  its type
        """Return what calls the listener that an object is made with in the program's loop."""
        return in_loop(listener, self._loop)

    def _callback(self, function: Callable[..., object] | None) -> Any:  # noqa: ANN401  its type
        """Return what calls a function in the program's loop soon, None without one."""
        if function is None:
            return None

        def call(*args: object) -> None:
            self._loop.get().call_soon_threadsafe(function, *args)

        return call

    def _function(self, function: Callable[..., Any]) -> Any:  # noqa: ANN401  its type
        """Return what calls a function, plain or async, in the program's loop."""
        return across(function, self._loop)

    _task = _function
