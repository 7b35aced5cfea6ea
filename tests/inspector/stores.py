"""Recorded stores, unpacked where a test wants them."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support import golden

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HOLD = "import fcntl,sys; f=open(sys.argv[1],'r+b'); fcntl.lockf(f,fcntl.LOCK_EX); print(flush=True); input()"


def unpack(folder: Path, release: str, name: str) -> Path:
    """Write a recorded store's files into ``folder`` and give its root."""
    return unpack_archive(folder, golden.GOLDEN / release / "store" / f"{name}.tar.gz")


def unpack_archive(folder: Path, archive: Path) -> Path:
    """Write the files of an archive into ``folder`` and give the store's root."""
    root = folder / "store"
    for inner, data in golden.store_files(archive).items():
        file = root / inner
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return root


@contextmanager
def held(root: Path) -> Iterator[None]:
    """Hold a store's lock, as a broker in another process does."""
    (root / "lock").touch()
    command = [sys.executable, "-c", _HOLD, str(root / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        yield
        holder.communicate(b"\n")
