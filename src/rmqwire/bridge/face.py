"""What the faces of all colours share: the trio object behind a face, and where it lives.

An open object belongs to the process that opened it. A fork leaves it without its event loop: a face
that ``reopens`` makes another one then, all others raise ``ForkedError``.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar

from rmqwire.bridge.engine import Held, TaskCall, shared_engine
from rmqwire.errors import ForkedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from rmqwire.bridge.engine import Call

T = TypeVar("T", bound="AbstractAsyncContextManager[object]")
P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound="AbstractAsyncContextManager[object]")


def block_for(
    function: Callable[[], Awaitable[R]], timeout: float | None, *, inherits: bool = False
) -> R:
    """Call an async function in the engine, wait, and return what it returns.

    Args:
        function: called in the engine.
        timeout: seconds; None for as long as it takes.
        inherits: whether it sees the context variables of here, or the engine's own.

    Raises:
        TimeoutError: it took longer.
    """
    return block_on(TaskCall(function, timeout, inherits=inherits))


def block_on(call: Call[R], *, reads: bool = False) -> R:
    """Wait for a call of the engine, and return what it returns.

    Args:
        call: the call.
        reads: this thread reads the answer itself, where it can.

    Raises:
        TimeoutError: it took longer than it may.
    """
    over: SimpleQueue[Call[R]] = SimpleQueue()
    engine = shared_engine()
    reader = engine.reader() if reads else None
    if reader is None or reader.waits:  # a signal's handler has interrupted that
        told, get = over.put, over.get
    else:
        told, get = partial(reader.put, over), partial(reader.get, over)
        call.borrower = reader
    engine.start(call, told)
    try:
        engine.wait(get)
    except BaseException:  # Ctrl-C, or what else a signal handler raises
        engine.post(call.cancel)
        raise
    if call.error is not None:
        raise call.error
    return call.value


class Behind(Generic[T]):
    """The trio object behind a face.

    Args:
        make: makes one; called at once, and again in a forked process.
        what: its name, for errors.

    Attributes:
        inner: the object; once it is open it is touched in the engine only.
    """

    def __init__(self, make: Callable[[], T], what: str) -> None:
        self._make = make
        self._what = what
        self.inner = make()
        self._held: Held[object] | None = None
        self._pid = os.getpid()

    @property
    def is_open(self) -> bool:
        """Whether it was entered and not left."""
        return self._held is not None

    @property
    def is_foreign(self) -> bool:
        """Whether another process opened it."""
        return self._held is not None and os.getpid() != self._pid

    def make_again(self) -> None:
        """Forget the object that another process opened, and make a new one."""
        self._held = None
        self.inner = self._make()

    def refuse(self) -> None:
        """Refuse to be used in a forked process.

        Raises:
            ForkedError: always.
        """
        raise ForkedError(
            f"this {self._what} was opened by process {self._pid}; make one in this process"
        )

    async def enter(self) -> None:
        """Enter it; in the engine."""
        held: Held[object] = Held(self.inner)
        await shared_engine().enter(held)
        self._held, self._pid = held, os.getpid()

    async def leave(self) -> None:
        """Leave it; in the engine."""
        held, self._held = self._held, None
        if held is not None:
            await shared_engine().leave(held)


class AnyFace(ABC, Generic[T]):
    """What the faces of all colours do alike."""

    _behind: Behind[T]

    @property
    @abstractmethod
    def _inner(self) -> T:
        """The trio object, if this process may use it."""

    def _now(self, method: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
        """Call what doesn't wait: in the engine once the object is open there.

        Whoever calls waits for it meanwhile, an asyncio loop too: some tens of microseconds.
        """
        if not self._behind.is_open:
            return method(*args, **named)

        async def call() -> R:
            return method(*args, **named)

        return block_for(call, None)

    @staticmethod
    def _shared(client: AnyFace[S] | None) -> S | None:
        """Return the trio client behind a face of one."""
        return None if client is None else client._inner
