"""A small ext4 of its own, on a loop device: it can fill up, freeze and lose its power."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

MIB = 1 << 20
EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = (2).to_bytes(4, sys.byteorder)  # what is not on the disk yet never will be


class SmallDisk:
    """A mounted image; ``folder`` is its root.

    Args:
        place: where image and mount point are made.
        size: MiB.
    """

    def __init__(self, place, size):
        self.folder = place / "disk"
        self._image = place / "disk.img"
        self._frozen = False
        self.folder.mkdir()
        with self._image.open("wb") as file:
            file.truncate(size * MIB)
        _run("mkfs.ext4", "-q", "-m", "0", self._image)
        self.mount()

    def mount(self):
        """Mount it; after a power cut that replays the journal."""
        _run("mount", "-o", "loop", self._image, self.folder)

    def unmount(self):
        _run("umount", self.folder)

    def cut_power(self):
        """From now on every call fails, and nothing that waits in memory is written."""
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, EXT4_IOC_SHUTDOWN, NO_LOG_FLUSH)
        finally:
            os.close(handle)

    @contextmanager
    def frozen(self):
        """Writes and syncs hang inside of it."""
        _run("fsfreeze", "-f", self.folder)
        try:
            yield
        finally:
            _run("fsfreeze", "-u", self.folder)

    def used(self):
        """The used share as ``df`` counts it."""
        use = os.statvfs(self.folder)
        used = use.f_blocks - use.f_bfree
        return used / (used + use.f_bavail)

    def fill(self, name, share):
        """Make a file so large that so much of the disk is used."""
        use = os.statvfs(self.folder)
        blocks = int((share - self.used()) * (use.f_blocks - use.f_bfree + use.f_bavail))
        with (self.folder / name).open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, blocks * use.f_frsize)


def _run(*words):
    subprocess.run([str(word) for word in words], check=True, capture_output=True)


@contextmanager
def small_disk(place, size):
    """Return a disk of ``size`` MiB, or skip with the reason."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("mounting a disk needs Linux and root")
    try:
        disk = SmallDisk(place, size)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", None) or str(error).encode()
        pytest.skip(f"no ext4 on a loop device here: {reason.decode().strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk.folder)], check=True)
