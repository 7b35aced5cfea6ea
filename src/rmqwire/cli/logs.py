"""Logging of the commands; the library itself never configures any.

Log lines quote names and texts of strangers: topics, groups, remarks. Whatever is in them, a record
is one line of bounded length (a traceback of ours keeps its lines), and no peer can fill the disk
by repeating itself: of one kind of line only so many are written per period.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import click

from rmqwire import clock
from rmqwire.cli.output import warn
from rmqwire.remoting.limited_log import printable

if TYPE_CHECKING:
    from rmqwire.clock import MonoMs

FORMAT = "%(asctime)s %(levelname)s %(name)s - %(message)s"
MAX_LINE = 4096  # characters of a message
BURST = 100  # lines of one kind per period
PERIOD_MS = 10_000
ACCEPTING = "trio.serve_listeners"


class OneLineFormatter(logging.Formatter):
    """Writes a message as one printable line."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line of a record, control characters escaped."""
        record.message = printable(record.message, MAX_LINE)
        return super().formatMessage(record)


class RateLimit(logging.Filter):
    """Lets ``BURST`` records of one kind through per period, then says how many were left out.

    A kind is a logger and its text before the values are put in.

    Args:
        wall_ms: monotonic clock.
    """

    def __init__(self, mono_ms: MonoMs = clock.mono_ms) -> None:
        super().__init__()
        self._mono_ms = mono_ms
        self._seen: dict[tuple[str, str], tuple[int, int]] = {}  # kind -> period's start, records

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is to be written."""
        if record.name == ACCEPTING:
            record.exc_info = None  # "accept returned EMFILE": its text says all
        kind, now = (record.name, str(record.msg)), self._mono_ms()
        start, count = self._seen.get(kind, (now, 0))
        if now - start >= PERIOD_MS:
            if count > BURST:
                left_out = f"({count - BURST} more lines like this were left out) "
                record.msg, record.args = left_out + record.getMessage(), ()
            start, count = now, 0
        self._seen[kind] = (start, count + 1)
        return count < BURST


class LogFile(logging.FileHandler):
    """A log file; when it can't be written, stderr says so once instead of a traceback for each."""

    _told = False

    def handleError(self, record: logging.LogRecord) -> None:
        """Say it, unless that was done."""
        error = sys.exception()
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._told:
            self._told = True
            warn(f"{self.baseFilename}: log lines are lost: {error.strerror}")


def configure_logging(level: str, file: str | None) -> None:
    """Send the log of all rooms to stderr or to a file.

    Raises:
        ClickException: the file can't be written.
    """
    try:
        handler = logging.StreamHandler() if file is None else LogFile(file)
    except OSError as error:
        raise click.ClickException(f"--log-file {file}: {error.strerror}") from None
    handler.setFormatter(OneLineFormatter(FORMAT))
    handler.addFilter(RateLimit())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
