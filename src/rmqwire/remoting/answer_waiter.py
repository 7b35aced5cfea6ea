"""Waiting for one answer, and what its absence says of the connection. Shell on trio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from rmqwire.codec.command import RemotingCommand

if TYPE_CHECKING:
    from rmqwire.errors import RemotingError
    from rmqwire.remoting.connection import Connection

SILENCE_MS: Final = 100  # MIN_CLOSE_TIMEOUT_MILLIS: a wait from which on silence means something


class AnswerWaiter:
    """One task that waits for one answer."""

    __slots__ = ("_forget", "_opaque", "_outcome", "_task")

    def __init__(self, connection: Connection, opaque: int) -> None:
        self._forget = connection.forget
        self._opaque = opaque
        self._task: trio.lowlevel.Task | None = None
        self._outcome: RemotingCommand | RemotingError | None = None

    def set(self, outcome: RemotingCommand | RemotingError) -> None:
        """Take the answer, or what came instead of one."""
        self._outcome = outcome
        if self._task is not None:
            trio.lowlevel.reschedule(self._task)
            self._task = None

    def _abort(self, _: object) -> trio.lowlevel.Abort:
        self._forget(self._opaque)
        self._task = None
        return trio.lowlevel.Abort.SUCCEEDED

    async def wait(self) -> RemotingCommand:
        """Wait for it.

        Raises:
            RemotingError: it came instead.
        """
        if self._outcome is None:
            self._task = trio.lowlevel.current_task()
            await trio.lowlevel.wait_task_rescheduled(self._abort)
        if isinstance(self._outcome, RemotingCommand):
            return self._outcome
        if self._outcome is None:
            raise AssertionError("rescheduled without an outcome")
        raise self._outcome


def silence_after(timeout_ms: int) -> int:
    """Return for how long nothing may come while an answer is waited for, in ms; 0: that says nothing."""
    return timeout_ms if timeout_ms > SILENCE_MS else 0
