"""Threads that call what may block for tasks of the engine. Shell on trio.

A thread that is awake takes one call after the other, and wakes the next thread only where more are left;
what they have ended comes back to the loop together. With ``trio.to_thread`` each call wakes a thread, and
each end the loop, which costs more than most listeners do.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import trio

from rmqwire.bridge.thread_crew import ThreadCrew
from rmqwire.errors import RmqError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.consumer.working.elsewhere import Hiring

T = TypeVar("T")

IDLE_S: Final = 10.0  # after so long without a call a thread ends


class WorkerCall(Generic[T]):
    """One call of a function; it sees the context variables of the task that makes it.

    Args:
        function: may block.
        arguments: for it.
    """

    __slots__ = ("_arguments", "_function", "_task", "_variables", "error", "value")

    value: T

    def __init__(self, function: Callable[..., T], arguments: tuple[object, ...]) -> None:
        self._function = function
        self._arguments = arguments
        self._variables = copy_context()
        self._task = trio.lowlevel.current_task()
        self.error: BaseException | None = None

    def make(self) -> None:
        """Make it; in a worker thread."""
        try:
            self.value = self._variables.run(self._function, *self._arguments)
        except BaseException as error:  # noqa: BLE001  raised in the task
            self.error = error

    def resume(self) -> None:
        """Let the task go on; in its loop."""
        trio.lowlevel.reschedule(self._task)


class Workers:
    """The threads of one loop: as many as calls block at the same time.

    Args:
        post: lets the loop call something soon; it raises RmqError once the loop has ended.
        after_turn: calls something at the end of the loop's turn; None: ``post`` does.
    """

    def __init__(
        self,
        post: Callable[[Callable[[], None]], None],
        after_turn: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        self._post = post
        self._after_turn = after_turn or post
        self._work = threading.Condition()
        self._calls: deque[WorkerCall[Any] | Callable[[], None]] = deque()
        self._idle = 0  # threads that wait
        self._coming = False  # one was woken, or started, and hasn't looked yet

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """Call a function in a thread; a cancellation waits for its end.

        Raises:
            BaseException: what the function raises.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        call = WorkerCall(function, arguments)
        with self._work:
            self._calls.append(call)
            self._wake()
        await trio.lowlevel.wait_task_rescheduled(lambda _: trio.lowlevel.Abort.FAILED)
        if call.error is not None:
            raise call.error
        return call.value

    def _wake(self) -> None:
        """Have one more thread look for calls, unless one is on its way; with the lock."""
        if self._coming:
            return
        self._coming = True
        if self._idle:
            self._work.notify()
        else:
            threading.Thread(target=self._serve, name="rmqwire-worker", daemon=True).start()

    def _serve(self) -> None:
        with self._work:
            self._coming = False
        while (call := self._next()) is not None:
            if not isinstance(call, WorkerCall):
                call()
                continue
            call.make()
            with suppress(RmqError):  # the loop has ended: the task with it
                self._post(call.resume)

    def _next(self) -> WorkerCall[Any] | Callable[[], None] | None:
        """Wait for a call; None after too long without one."""
        with self._work:
            while not self._calls:
                self._idle += 1
                woken = self._work.wait(IDLE_S)
                self._idle -= 1
                self._coming = False  # a wake-up may come just when the wait has ended
                if not woken and not self._calls:
                    return None
            call = self._calls.popleft()
            if self._calls:
                self._wake()
            return call

    def start(self, function: Callable[[], None]) -> None:
        """Have a thread call a function that raises nothing; nobody waits for it."""
        with self._work:
            self._calls.append(function)
            self._wake()

    def crew(self, hiring: Hiring) -> ThreadCrew:
        """Return workers in these threads that call a consumer's listeners."""
        return ThreadCrew(self, hiring, self._post, self._after_turn)
