"""Waiting for one answer, and what its absence says of the connection. Shell on trio."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import trio

from rmqwire.codec.command import RemotingCommand
from rmqwire.errors import RemotingError, RemotingTimeout

if TYPE_CHECKING:
    from rmqwire.remoting.connection import Connection
    from rmqwire.remoting.handler import OnReply

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


def unless_silent(connection: Connection, on_reply: OnReply, timeout_ms: int) -> OnReply:
    """Return the same callback; but when nothing came meanwhile, not even its answer, the connection ends."""
    if timeout_ms <= SILENCE_MS:
        return on_reply
    return partial(_heard, connection, connection.frames_received, on_reply, timeout_ms)


def _heard(
    connection: Connection,
    before: int,
    on_reply: OnReply,
    timeout_ms: int,
    outcome: RemotingCommand | RemotingError,
) -> None:
    on_reply(outcome)
    if isinstance(outcome, RemotingTimeout) and connection.frames_received == before:
        connection.close(f"nothing came for {timeout_ms} ms")
