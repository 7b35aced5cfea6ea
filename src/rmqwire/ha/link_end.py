"""Why a replication link ended, in words."""

from __future__ import annotations


def reason(error: BaseException) -> str:
    """Return an error's text, or its cause's, or its name: those of trio and TLS may have none."""
    return str(error) or str(error.__cause__ or "") or type(error).__name__
