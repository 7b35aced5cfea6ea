"""What the opening of a store says: how far it is, how fast it was, what it put right.

A long recovery would look like a broker that hangs. The commands show a bar on a terminal; the
log gets a line now and then.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.clock import MonoMs
    from rmqwire.store.events import RecoveryProgress
    from rmqwire.store.recovery.recovery import RecoveryReport

logger = logging.getLogger(__name__)

LINE_EVERY_MS = 5_000
MIB = 1 << 20


def progress_text(progress: RecoveryProgress, elapsed_ms: int) -> str:
    """Say in one line how far a recovery is, and its rate.

    Args:
        progress: how far it is.
        elapsed_ms: since it began.
    """
    seconds = max(elapsed_ms, 1) / 1000
    return (
        f"{progress.done // MIB:,} of at most {progress.total // MIB:,} MiB,"
        f" {progress.records:,} records,"
        f" {progress.done / MIB / seconds:,.0f} MB/s"
    )


class RecoveryLog:
    """Write a line of progress every 5 s, and at the end what was found.

    Args:
        mono_ms: clock.
        show: told each progress as well, with the ms since the start; a terminal's bar.
    """

    def __init__(
        self,
        mono_ms: MonoMs,
        show: Callable[[RecoveryProgress, int], None] | None = None,
    ) -> None:
        self._mono_ms = mono_ms
        self._show = show
        self._began = mono_ms()
        self._last_line = self._began
        self._last: RecoveryProgress | None = None

    def progress(self, progress: RecoveryProgress) -> None:
        """Take the progress of a running recovery."""
        now = self._mono_ms()
        self._last = progress
        if self._show is not None:
            self._show(progress, now - self._began)
        if now - self._last_line >= LINE_EVERY_MS:
            self._last_line = now
            logger.info("recovering: %s", progress_text(progress, now - self._began))

    def opened(self, report: RecoveryReport) -> None:
        """Take the report of the recovery that is over."""
        elapsed_ms = self._mono_ms() - self._began
        rate = f": {progress_text(self._last, elapsed_ms)}" if self._last is not None else ""
        logger.info("store opened in %.1f s%s", elapsed_ms / 1000, rate)
        logger.info("recovery: %s", report)
        for note in report.notes:
            logger.warning("recovery: %s", note)
        if report.read_only:
            logger.error("the store is served without writing: %s", report.read_only)
