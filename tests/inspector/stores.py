"""Recorded stores, unpacked where a test wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support import golden

if TYPE_CHECKING:
    from pathlib import Path


def unpack(folder: Path, release: str, name: str) -> Path:
    """Write a recorded store's files into ``folder`` and give its root."""
    root = folder / "store"
    archive = golden.GOLDEN / release / "store" / f"{name}.tar.gz"
    for inner, data in golden.store_files(archive).items():
        file = root / inner
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return root
