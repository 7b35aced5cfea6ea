"""A broker's folder as it was left, for another broker to go on with."""

from __future__ import annotations

import shutil
from pathlib import Path


def copy_left(store: Path, to: Path) -> Path:
    """Copy a store, and return the copy.

    A Java broker that is killed within its first write of a table leaves the file empty and without a
    backup. We refuse to start then and ask for the file to be moved away, as is done here.
    """
    shutil.copytree(store, to)
    for table in (to / "config").glob("*.json"):
        if not table.stat().st_size and not table.with_name(table.name + ".bak").exists():
            table.unlink()
    return to
