"""How an asyncio program uses a trio object: calls hop to its thread and back, many at once."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

from rmqwire.aio.listener import Loop, across, in_loop
from rmqwire.aio.returns import returns_of
from rmqwire.bridge.engine import TaskCall, shared_engine
from rmqwire.bridge.face import AnyFace, Behind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from contextvars import Context
    from types import TracebackType

    from rmqwire.bridge.engine import Call
    from rmqwire.bridge.face import MakeCall

T = TypeVar("T", bound="AbstractAsyncContextManager[object]")
P = ParamSpec("P")
R = TypeVar("R")


async def wait_for(
    function: Callable[[], Awaitable[R]],
    timeout: float | None,
    dropped: Callable[[R], None] | None = None,
    *,
    give_up: bool = True,
    variables: Context | None = None,
) -> R:
    """Call an async function in the engine and return what it returns.

    Args:
        function: called in the engine.
        timeout: seconds; None for as long as it takes.
        dropped: called with the result when the waiting task was cancelled meanwhile.
        give_up: whether that gives the call up, too.
        variables: context variables that the call sees; None: the engine's own.

    Raises:
        TimeoutError: it took longer.
    """
    call, answer = started(partial(TaskCall, function, timeout), variables, dropped)
    try:
        return await answer
    except asyncio.CancelledError:
        if give_up:
            shared_engine().post(call.cancel)
        raise


def started(
    make: MakeCall[R],
    variables: Context | None,
    dropped: Callable[[R], None] | None = None,
) -> tuple[Call[R], asyncio.Future[R]]:
    """Let a call begin in the engine; return it, and a future of what it returns.

    Args:
        make: makes the call of (what to call once it is over, context variables).
        variables: context variables that the call sees; None: the engine's own.
        dropped: called with the result when the future was cancelled meanwhile.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[R] = loop.create_future()
    put = returns_of(loop).put

    def resume(call: Call[R]) -> None:
        if answer.done():  # cancelled meanwhile
            if dropped is not None and call.error is None:
                dropped(call.value)
            return
        if call.error is not None:
            answer.set_exception(call.error)
        else:
            answer.set_result(call.value)

    def over(call: Call[R]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits there any more
            put(partial(resume, call))

    engine = shared_engine()
    call = make(partial(engine.tell, over), variables)
    engine.start(call)
    return call, answer


class Face(AnyFace[T]):
    """An object of an asyncio program, a trio one behind it; use it as ``async with``.

    Args:
        make: makes the trio object.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._loop = Loop()
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
        await wait_for(self._behind.leave, None, give_up=False)  # cancelled, it says goodbye too

    async def _wait(
        self,
        timeout: float | None,
        method: Callable[P, Awaitable[R]],
        *args: P.args,
        **named: P.kwargs,
    ) -> R:
        return await wait_for(partial(method, *args, **named), timeout, variables=copy_context())

    async def _done(self, make: MakeCall[R]) -> R:
        """Wait for a call of the engine, and return what it returns."""
        return await started(make, copy_context())[1]

    def _soon(self, make: MakeCall[R]) -> asyncio.Future[R]:
        """Let a call begin in the engine; return a future of what it returns."""
        return started(make, copy_context())[1]

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
