"""Run a command's async part: signals end it in order, errors become one line.

Exit codes: 0 done, or ended by SIGINT or SIGTERM; 1 it failed; 2 it was called or configured
wrongly; 141 the reader of our output went away (what a shell sees of SIGPIPE). Commands with more
codes say so in their help.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click
import trio

from rmqwire.errors import ConfigError, RmqError, UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

FAILED = 1
WRONG_USE = 2
OUTPUT_CLOSED = 141  # 128 + SIGPIPE


class Failure(click.ClickException):
    """What the user reads instead of a traceback."""

    exit_code = FAILED


class WrongUse(Failure):
    """The same for a wrong call or configuration."""

    exit_code = WRONG_USE


class Outcome:
    """What a command has to say when it ends, also when a signal ended it.

    Attributes:
        code: the exit code.
        interrupted: a signal came.
    """

    def __init__(self) -> None:
        self.code = 0
        self.interrupted = False


def run(job: Callable[[Outcome], Awaitable[None]]) -> int:
    """Run ``job`` under trio until it ends or a signal comes; give the exit code.

    A second signal has its usual effect, for a stop that hangs.

    Raises:
        Failure: an error that is the user's or the surroundings', in one line.
    """
    outcome = Outcome()
    _allow_many_files()
    try:
        trio.run(_run_until_signal, job, outcome)
    except Exception as error:
        if any(isinstance(leaf, BrokenPipeError) for leaf in _leaves(error)):
            return _output_closed()
        raise explained(error) from error
    return outcome.code


def _allow_many_files() -> None:
    """Let the process open as many files as the system allows it, as a JVM does by itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(OSError, ValueError):  # not allowed here: it stays as it was
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _output_closed() -> int:
    """End quietly, as programs do that SIGPIPE ends; connections raise errors of our own."""
    with Path(os.devnull).open("wb") as nowhere:  # or the last flush of stdout would complain
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    return OUTPUT_CLOSED


async def _run_until_signal(job: Callable[[Outcome], Awaitable[None]], outcome: Outcome) -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(_stop_at_signal, nursery.cancel_scope, outcome)
        await job(outcome)
        nursery.cancel_scope.cancel()


async def _stop_at_signal(
    scope: trio.CancelScope,
    outcome: Outcome,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for _ in signals:
            outcome.interrupted = True
            scope.cancel()
            return


def explained(error: Exception) -> Exception:
    """Return the one-line error for what went wrong, or the error itself when it is a bug."""
    causes = list(_leaves(error))
    for cause in causes:
        if not isinstance(cause, (RmqError, OSError, click.ClickException)):
            return error
    first = causes[0]
    if isinstance(first, click.ClickException):
        return first
    if isinstance(first, OSError):
        return Failure(_os_text(first))
    if isinstance(first, (ConfigError, UsageError)):
        return WrongUse(str(first))
    return Failure(str(first))


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _leaves(part)
    else:
        yield error


def _os_text(error: OSError) -> str:
    text = error.strerror or str(error)
    return f"{error.filename}: {text}" if error.filename else text
