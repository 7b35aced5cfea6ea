"""The bar that a terminal shows while a store recovers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rmqwire.broker.recovery_log import progress_text
from rmqwire.cli.output import note

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.store.events import RecoveryProgress

PATIENCE_MS = 1_000  # a shorter recovery shows nothing
_WIDTH = 24


def recovery_bar() -> Callable[[RecoveryProgress, int], None] | None:
    """Return what draws the bar on stderr, None when that is no terminal."""
    return draw if sys.stderr is not None and sys.stderr.isatty() else None


def draw(progress: RecoveryProgress, elapsed_ms: int) -> None:
    """Redraw the bar in its line; the last one, complete, ends it."""
    if elapsed_ms < PATIENCE_MS:
        return
    share = progress.done / progress.total if progress.total else 1.0
    full = round(share * _WIDTH)
    text = progress_text(progress, elapsed_ms)
    end = "\n" if progress.finished else ""
    bar = f"{'#' * full}{'.' * (_WIDTH - full)}"
    note(f"\rrecovering [{bar}] {text}\x1b[K{end}", whole_line=False)
