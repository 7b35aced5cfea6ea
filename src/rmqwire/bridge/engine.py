"""The event loop in a background thread that the faces of other colours share. Shell on trio.

A call costs two hops between threads, one there and one back. Calls that other threads make while the
loop is busy cross together: only the first of them wakes the loop.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from abc import ABC, abstractmethod
from collections import deque
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

import trio

from rmqwire.bridge.thread_reader import ThreadReader
from rmqwire.bridge.turns import Turns
from rmqwire.bridge.workers import Workers
from rmqwire.errors import RmqError, only_error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from rmqwire.remoting.loan import Borrower, Loan

T = TypeVar("T")
logger = logging.getLogger(__name__)
EXIT_S = 3.0  # how long the end of the process waits for open clients to say goodbye


class EngineStopped(RmqError):
    """The background thread has ended: the process is ending."""


class Call(ABC, Generic[T]):
    """One call on its way to the engine and back.

    Args:
        inherits: whether it sees the context variables of whoever starts it, or the engine's own.

    Attributes:
        value: what it returned; only when ``error`` is None.
        error: what it raised.
        tell: takes what is to be called when it is over: at the end of the loop's turn.
        told: who is to hear of it then.
        borrower: the thread that waits for it, if that can read the answer.
    """

    __slots__ = ("borrower", "error", "inherits", "tell", "told", "value")

    value: T
    tell: Callable[[Callable[[], None]], None]
    told: Callable[[Call[T]], None]

    def __init__(self, *, inherits: bool = False) -> None:
        self.inherits = inherits
        self.error: BaseException | None = None
        self.borrower: Borrower | None = None

    @abstractmethod
    def begin(self, nursery: trio.Nursery) -> None:
        """Begin it; in the engine."""

    def begin_now(self, mono_ms: int) -> bool:
        """Begin it in the caller's thread while the engine sleeps; tell whether it is begun.

        Args:
            mono_ms: the time, of trio's clock.
        """
        return False

    @abstractmethod
    def cancel(self) -> None:
        """Give it up; in the engine."""

    def over(self) -> None:
        """Tell that it is over; in the engine."""
        self.tell(partial(self.told, self))


class TaskCall(Call[T]):
    """A call of an async function, in a task of the engine's.

    Args:
        function: called in the engine.
        timeout: seconds that it may take there; None for as long as it takes.
        inherits: whether it sees the context variables of whoever starts it, or the engine's own.
    """

    __slots__ = ("_function", "_scope", "timeout")

    def __init__(
        self,
        function: Callable[[], Awaitable[T]],
        timeout: float | None,
        *,
        inherits: bool = False,
    ) -> None:
        super().__init__(inherits=inherits)
        self._function = function
        self._scope = trio.CancelScope()
        self.timeout = timeout

    def begin(self, nursery: trio.Nursery) -> None:
        """Begin it; in the engine."""
        nursery.start_soon(self.run)

    async def run(self) -> None:
        """Make the call; in a task of the engine."""
        self.error = TimeoutError(f"not done within {self.timeout} s")
        if self.timeout is not None:
            self._scope.deadline = trio.current_time() + self.timeout
        try:
            with self._scope:
                self.value = await self._function()
                self.error = None
        except trio.Cancelled:
            self.error = EngineStopped("the event loop of the clients has ended")
            raise
        except BaseException as error:  # noqa: BLE001  raised where the call was made
            self.error = error
        finally:
            self.over()

    def cancel(self) -> None:
        """Give it up; in the engine."""
        self._scope.cancel()


class Held(Generic[T]):
    """An object that is entered and left in one task of the engine, as its nurseries want it."""

    def __init__(self, opening: AbstractAsyncContextManager[T]) -> None:
        self._opening = opening
        self._stop = trio.Event()
        self._left = trio.Event()
        self._reason: Exception | None = None
        self._error: BaseException | None = None

    async def enter(self, nursery: trio.Nursery) -> T:
        """Enter it; what that raises is raised here, bare."""
        try:
            entered: T = await nursery.start(self._hold)
        except BaseExceptionGroup as group:
            raise only_error(group) from None
        return entered

    async def _hold(self, task_status: trio.TaskStatus[T]) -> None:
        started = False
        try:
            async with self._opening as entered:
                started = True
                task_status.started(entered)
                await self._stop.wait()
                self._raise_reason()
        except Exception as error:
            if not started:
                raise
            if error is not self._reason:
                self._error = error  # raised by leave()
        finally:
            self._left.set()

    def _raise_reason(self) -> None:
        if self._reason is not None:
            raise self._reason

    async def leave(self, reason: Exception | None = None) -> None:
        """Leave it, by an exception if there is a reason; raise what broke it meanwhile."""
        self._reason = reason
        self._stop.set()
        await self._left.wait()
        if self._error is not None:
            raise only_error(self._error)


class Engine:
    """A daemon thread that runs trio; started with the first call.

    Attributes:
        workers: threads that call what may block for its tasks.
    """

    def __init__(self) -> None:
        self._turns = Turns()
        self.workers = Workers(self.post, self._turns.after)
        self._lock = threading.Lock()
        self._calls: deque[Callable[[], None]] = deque()
        self._rounds = 0  # how often the loop has begun to make them
        self._woken_after = -1  # rounds: it was told that there are some
        self._token: trio.lowlevel.TrioToken | None = None
        self._nursery: trio.Nursery | None = None
        self._held: set[Held[object]] = set()
        self._thread: threading.Thread | None = None
        self._readers = threading.local()

    def post(self, call: Callable[[], None]) -> None:
        """Let the loop call something soon; from any thread.

        Raises:
            EngineStopped: the loop has ended.
        """
        token = self._started()
        self._calls.append(call)
        rounds = self._rounds
        if self._woken_after != rounds:
            try:
                token.run_sync_soon(self._call_all)
            except trio.RunFinishedError:
                raise EngineStopped("the event loop of the clients has ended") from None
            self._woken_after = rounds  # not before: a signal's handler may come here and wait

    def _call_all(self) -> None:
        self._rounds += 1  # from now on who posts wakes the loop again
        for _ in range(len(self._calls)):
            self._calls.popleft()()

    def wait(self, over: Callable[[], object]) -> None:
        """Wait for something that the loop does; in a thread of others, or in a signal's handler there.

        Args:
            over: blocks until it is done.
        """
        self._turns.wait(over)

    def start(self, call: Call[T], told: Callable[[Call[T]], None]) -> None:
        """Let a call begin in the engine, or in its place while it sleeps; from any thread.

        Calls begin in the order in which a thread starts them.

        Args:
            call: the call.
            told: called in the engine's thread with the call once it is over.

        Raises:
            EngineStopped: the loop has ended.
        """
        call.told, call.tell = told, self._turns.after
        if self._nursery is not None and not self._calls and self._turns.use(call.begin_now):
            return
        if call.inherits:
            self.post(partial(copy_context().run, self._begin, call))
        else:
            self.post(partial(self._begin, call))

    def reader(self) -> ThreadReader:
        """Return what reads for this thread."""
        reader: ThreadReader | None = getattr(self._readers, "reader", None)
        if reader is None:
            reader = self._readers.reader = ThreadReader(self.read, self.post)
        return reader

    def read(self, loan: Loan) -> bool:
        """Read what is on loan to this thread; tell whether it goes on so, else the loop reads."""
        if self._turns.use(loan.read):
            return True
        self.post(loan.take_back)
        return False

    def _begin(self, call: Call[T]) -> None:
        call.begin(self._open())

    def after_turn(self, call: Callable[[], None]) -> None:
        """Call something at the end of the loop's turn; in the engine."""
        self._turns.after(call)

    async def enter(self, held: Held[T]) -> T:
        """Enter what is held, in the engine."""
        entered = await held.enter(self._open())
        self._held.add(held)  # type: ignore[arg-type]  # only to be left
        return entered

    async def leave(self, held: Held[T], reason: Exception | None = None) -> None:
        """Leave what is held, by an exception if there is a reason; in the engine."""
        self._held.discard(held)
        await held.leave(reason)

    def _open(self) -> trio.Nursery:
        if self._nursery is None:
            raise EngineStopped("the event loop of the clients has ended")
        return self._nursery

    def _started(self) -> trio.lowlevel.TrioToken:
        if self._token is None:
            with self._lock:
                if self._token is None:
                    self._start()
        if self._token is None:
            raise EngineStopped("the event loop of the clients could not start")
        return self._token

    def _start(self) -> None:
        started: SimpleQueue[trio.lowlevel.TrioToken] = SimpleQueue()
        self._thread = threading.Thread(
            target=partial(trio.run, self._serve, started, instruments=[self._turns]),
            name="rmqwire",
            daemon=True,
        )
        self._thread.start()
        self._token = started.get()
        atexit.register(self.stop)

    async def _serve(self, started: SimpleQueue[trio.lowlevel.TrioToken]) -> None:
        self._turns.set_clock()
        try:
            async with trio.open_nursery() as self._nursery:
                started.put(trio.lowlevel.current_trio_token())
                await trio.sleep_forever()
        finally:
            self._nursery = None

    def stop(self, timeout: float = EXIT_S) -> None:
        """Close what is still open, then end the thread; wait at most so many seconds for it."""
        if self._thread is None or self._token is None:
            return
        atexit.unregister(self.stop)
        try:
            self.post(lambda: self._open().start_soon(self._end, timeout))
        except EngineStopped:
            return
        self._thread.join(timeout + 0.5)

    async def _end(self, seconds: float) -> None:
        with trio.move_on_after(seconds):
            async with trio.open_nursery() as nursery:
                for held in list(self._held):
                    nursery.start_soon(self._leave_quietly, held)
        self._open().cancel_scope.cancel()

    async def _leave_quietly(self, held: Held[object]) -> None:
        try:
            await self.leave(held)
        except Exception:  # the process ends, nobody else hears of it
            logger.exception("a client did not close well")


_shared = Engine()


def shared_engine() -> Engine:
    """Return the engine of this process."""
    return _shared


def _forget() -> None:
    """Leave the parent's engine alone: its thread isn't there in a forked child."""
    global _shared  # noqa: PLW0603  one per process, and this is a new one
    _shared = Engine()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


async def in_worker(function: Callable[..., T], *args: object) -> T:
    """Call a function that may block in a worker thread of the engine's."""
    return await _shared.workers.run(function, *args)


async def in_worker_that_is_left(function: Callable[..., T], *args: object) -> T:
    """Do the same; who is cancelled leaves the thread to itself.

    What it waits for fails as soon as the client's connections are closed.
    """
    return await trio.to_thread.run_sync(function, *args, abandon_on_cancel=True)
