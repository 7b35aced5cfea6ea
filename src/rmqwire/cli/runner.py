"""The one runner of all commands: signals end them in order, whatever ends one becomes one line.

Exit codes: 0 done, or a server or client ended by SIGINT or SIGTERM; 1 it failed; 2 it was called or
configured wrongly; 130 interrupted in the midst; 141 the reader of our output went away (what a shell
sees of SIGINT and SIGPIPE). Commands with more codes say so in their help.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click
import trio

from rmqwire.cli.output import (
    OutputFailed,
    abandon_stdout,
    escape_what_stdout_has_no_code_for,
    flush_stdout,
)
from rmqwire.errors import ConfigError, RmqError, UsageError

try:
    import resource
except ModuleNotFoundError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

FAILED = 1
WRONG_USE = 2
INTERRUPTED = 130  # 128 + SIGINT
OUTPUT_CLOSED = 141  # 128 + SIGPIPE

_EXPECTED = (RmqError, OSError, click.ClickException, OutputFailed)


def write_no_core() -> None:
    """Let the system write no memory image when this process crashes: secrets are in it."""
    if resource is None:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


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


def perform(command: Callable[[], object]) -> int:
    """Carry out a command line and return its exit code; an error is one line on stderr.

    Args:
        command: raises what it will; gives an exit code, or anything else for 0.
    """
    escape_what_stdout_has_no_code_for()
    try:
        try:
            code = command()
        except SystemExit as end:
            code = end.code
        flush_stdout()
    except (Exception, BaseExceptionGroup) as error:
        if any(isinstance(cause, (click.Abort, KeyboardInterrupt)) for cause in _leaves(error)):
            return INTERRUPTED
        told = explained(error)
        if told is None:
            raise
        return _tell(told)
    return code if isinstance(code, int) else 0


def _tell(error: click.ClickException | OutputFailed) -> int:
    """Say what went wrong and return the exit code for it."""
    if isinstance(error, OutputFailed):
        abandon_stdout()
        if error.reader_left:
            return OUTPUT_CLOSED
        error = Failure(str(error))
    with suppress(OSError):  # stderr can't be written either: the code says it
        error.show()
    return error.exit_code


@contextmanager
def output_errors() -> Iterator[None]:
    """Tell click's own printing, help and version, from everything else."""
    try:
        yield
    except BrokenPipeError as error:  # stdout's alone: connections raise errors of ours
        raise OutputFailed(error) from error


def run(job: Callable[[Outcome], Awaitable[None]]) -> int:
    """Run ``job`` under trio until it ends or a signal comes; return the exit code.

    A second signal has its usual effect, for a stop that hangs.

    Raises:
        Exception: whatever the job raises.
    """
    outcome = Outcome()
    _allow_many_files()
    trio.run(_run_until_signal, job, outcome)
    return outcome.code


def _allow_many_files() -> None:
    """Let the process open as many files as the system allows it, as a JVM does by itself."""
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(OSError, ValueError):  # not allowed here: it stays as it was
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


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


def explained(error: BaseException) -> click.ClickException | OutputFailed | None:
    """Return the one line for what went wrong; None for a bug, which keeps its traceback."""
    causes = list(_leaves(error))
    if any(not isinstance(cause, _EXPECTED) for cause in causes):
        return None
    first = next((cause for cause in causes if isinstance(cause, OutputFailed)), causes[0])
    if isinstance(first, (OutputFailed, click.ClickException)):
        return first
    kind = WrongUse if isinstance(first, (ConfigError, UsageError)) else Failure
    return kind(one_line(first))


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _leaves(part)
    else:
        yield error


def one_line(error: BaseException) -> str:
    """Return what to tell of an error; of a system's error also which file or address it is about."""
    if not isinstance(error, OSError):
        return str(error)
    text = error.strerror or str(error)
    return f"{error.filename}: {text}" if error.filename else text
