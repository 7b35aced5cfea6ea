"""The three streams of a command: results on stdout, words for the user on stderr, bytes of stdin.

What goes wrong with stdout is an ``OutputFailed``, so that nobody takes it for an error of the files
or servers that a command is about. A stream that the caller closed (``>&-``) is one that can't be
written or read.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from typing import BinaryIO, TextIO


class OutputFailed(Exception):
    """Stdout can't be written: its reader went away, the disk is full, it is closed.

    Args:
        error: the system's reason.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(f"stdout: {error.strerror}")
        self.error = error

    @property
    def reader_left(self) -> bool:
        """Whether it was a pipe that nobody reads any more."""
        return isinstance(self.error, BrokenPipeError)


def say(line: str | bytes) -> None:
    """Write a line of the result to stdout, at once; bytes as they are.

    Raises:
        OutputFailed: it can't be written.
    """
    try:
        click.echo(line, _open(sys.stdout, "stdout"))
    except OSError as error:
        raise OutputFailed(error) from error


def announce(text: str) -> None:
    """Write a line for whoever watches a server; it serves all the same when its stdout is closed.

    Raises:
        OutputFailed: it can't be written.
    """
    if sys.stdout is not None:
        say(text)


def note(text: str, *, whole_line: bool = True) -> None:
    """Write a line to stderr, or a part of one; nothing depends on whether it can be read."""
    with suppress(OSError):
        click.echo(text, nl=whole_line, err=True)


def warn(text: str) -> None:
    """Write a warning to stderr."""
    note(f"warning: {text}")


def stdin_bytes() -> BinaryIO:
    """Return stdin.

    Raises:
        OSError: it is closed.
    """
    return _open(sys.stdin, "stdin").buffer


def escape_what_stdout_has_no_code_for() -> None:
    """Let no character of a topic or a body fail on a terminal's encoding."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def flush_stdout() -> None:
    """Write what is still held back.

    Raises:
        OutputFailed: it can't be written.
    """
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except OSError as error:
            raise OutputFailed(error) from error


def abandon_stdout() -> None:
    """Let go what could not be written, or the interpreter would complain of it when it ends."""
    if sys.stdout is not None:
        with Path(os.devnull).open("wb") as nowhere, suppress(io.UnsupportedOperation):
            os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _open(stream: TextIO | None, name: str) -> TextIO:
    if stream is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), name)
    return stream
