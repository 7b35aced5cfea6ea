"""Log lines that a hostile peer can cause: escaped, cut, and limited in number."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire import clock

if TYPE_CHECKING:
    from rmqwire.clock import MonoMs

MAX_TEXT = 256  # characters of one value that came from a peer


def printable(value: object, limit: int = MAX_TEXT) -> str:
    """Return ``value`` as text safe for a log: control characters escaped, cut to ``limit``."""
    text = str(value)
    cut = text[:limit]
    if not cut.isprintable():
        cut = cut.encode("unicode_escape", "backslashreplace").decode("ascii")[:limit]
    return cut if len(text) <= limit else cut + "..."


class LimitedLog:
    """Write at most ``burst`` lines per kind of event, level and period; count what was left out.

    Args:
        logger: where the lines go.
        mono_ms: monotonic clock.
        burst: lines of one event per period.
        period_ms: length of a period.
    """

    def __init__(
        self,
        logger: logging.Logger,
        mono_ms: MonoMs = clock.mono_ms,
        *,
        burst: int = 20,
        period_ms: int = 10_000,
    ) -> None:
        self._logger = logger
        self._mono_ms = mono_ms
        self._burst = burst
        self._period_ms = period_ms
        # (event, level) -> (period's start, lines asked for)
        self._seen: dict[tuple[str, int], tuple[int, int]] = {}

    def warning(self, event: str, text: str, *args: object) -> None:
        """Log a warning of kind ``event`` unless too many came; ``args`` are made printable."""
        self._log(logging.WARNING, event, text, args, None)

    def info(self, event: str, text: str, *args: object) -> None:
        """Do the same at level INFO."""
        self._log(logging.INFO, event, text, args, None)

    def error(self, event: str, text: str, *args: object, exc: BaseException | None = None) -> None:
        """Do the same at level ERROR, with the traceback of ``exc``."""
        self._log(logging.ERROR, event, text, args, exc)

    def _log(
        self,
        level: int,
        event: str,
        text: str,
        args: tuple[object, ...],
        exc: BaseException | None,
    ) -> None:
        now, kind = self._mono_ms(), (event, level)
        start, count = self._seen.get(kind, (now, 0))
        if now - start >= self._period_ms:
            left_out = count - self._burst
            if left_out > 0:
                self._logger.log(level, "%d more lines of %r were left out", left_out, event)
            start, count = now, 0
        self._seen[kind] = (start, count + 1)
        if count < self._burst:
            self._logger.log(level, text, *map(printable, args), exc_info=exc)
