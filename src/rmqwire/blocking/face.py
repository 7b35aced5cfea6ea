"""How a plain thread uses a trio object: each call waits for its answer, Ctrl-C gives it up."""

from __future__ import annotations

from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from functools import partial
from inspect import iscoroutinefunction
from threading import Thread
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, Self, TypeVar

from rmqwire.bridge.engine import in_worker, in_worker_that_is_left, shared_engine
from rmqwire.bridge.face import AnyFace, Behind, block_for, block_on
from rmqwire.bridge.listener import in_workers
from rmqwire.consumer.push import PushConsumer
from rmqwire.remoting.transport import HAS_EPOLL

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from rmqwire.bridge.engine import Call

T = TypeVar("T", bound="AbstractAsyncContextManager[object]")
P = ParamSpec("P")
R = TypeVar("R")


class Face(AnyFace[T]):
    """An object of a plain thread, a trio one behind it; use it as ``with``.

    Args:
        make: makes the trio object.
    """

    reopens: ClassVar[bool] = False  # in a forked process

    def __init__(self, make: Callable[[], T]) -> None:
        self._behind = Behind(make, type(self).__name__)

    @property
    def _inner(self) -> T:
        behind = self._behind
        if behind.is_foreign:
            if not self.reopens:
                behind.refuse()
            behind.make_again()
            block_for(behind.enter, None)
        return behind.inner

    def __enter__(self) -> Self:
        block_for(self._behind.enter, None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._behind.is_foreign:
            block_for(self._behind.leave, None)

    def _wait(
        self,
        timeout: float | None,
        method: Callable[P, Awaitable[R]],
        *args: P.args,
        **named: P.kwargs,
    ) -> R:
        return block_for(partial(method, *args, **named), timeout, inherits=True)

    def _done(self, call: Call[R]) -> R:
        """Wait for a call of the engine, and return what it returns."""
        return block_on(call, reads=HAS_EPOLL)

    def _soon(self, call: Call[R]) -> Future[R]:
        """Let a call begin in the engine; return a future of what it returns."""
        future: Future[R] = Future()

        def over(call: Call[R]) -> None:
            with suppress(InvalidStateError):  # it was cancelled meanwhile
                if call.error is not None:
                    future.set_exception(call.error)
                else:
                    future.set_result(call.value)

        shared_engine().start(call, over)
        return future

    def _fetch(self, function: Callable[[], Awaitable[R]], dropped: Callable[[R], None]) -> R:
        """Return what an async function of the engine brings; nothing comes too late."""
        return block_for(function, None)

    def _listener(self, listener: Callable[..., Any] | None) -> Any:  # noqa: ANN401  its type
        """Return what calls a listener in a worker thread, None without one."""
        inner = self._inner
        if listener is None or not (
            isinstance(inner, PushConsumer) and inner.config.consume_in_threads
        ):
            return listener
        return in_workers(listener)

    @staticmethod
    def _first_listener(listener: Callable[..., Any]) -> Any:  # noqa: ANN401  its type
        """Return the listener that an object is made with: that one has it called in threads."""
        return listener

    @staticmethod
    def _callback(function: Callable[..., object] | None) -> Any:  # noqa: ANN401  its type
        """Return what calls a function in a thread of its own, None without one."""
        if function is None:
            return None

        def call(*args: object) -> None:
            Thread(target=function, args=args, name="rmqwire-callback", daemon=True).start()

        return call

    @staticmethod
    def _function(function: Callable[..., Any]) -> Any:  # noqa: ANN401  its type
        """Return what calls a function, which may block, in a worker thread."""
        return function if iscoroutinefunction(function) else partial(in_worker, function)

    @staticmethod
    def _task(function: Callable[..., Any]) -> Any:  # noqa: ANN401  its type
        """Return the same of a function that nobody waits for at the end: a closed consumer's."""
        return partial(in_worker_that_is_left, function)
