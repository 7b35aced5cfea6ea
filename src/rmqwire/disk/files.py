"""``FileLayer``: the only door from the store to the disk.

Everything above takes a ``FileLayer`` as an argument, so that tests can record, fail or simulate
each call. ``RealFiles`` is the one that touches the disk. Handles are small ints.

A write either puts down every byte or raises ``OSError``; there are no short writes above here.
"""

from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING, ClassVar, Protocol

from rmqwire.disk import file_lock
from rmqwire.errors import StoreLocked

if TYPE_CHECKING:
    from collections.abc import Sequence


class FileLayer(Protocol):
    """What the store asks of a disk. All but ``lock`` raise ``OSError`` and nothing else."""

    def open(
        self, path: str, *, create: bool = False, private: bool = False, reading: bool = False
    ) -> int:
        """Open for reading and writing, or for ``reading`` only.

        With ``create`` an absent file is made (empty), for its owner alone if it is ``private``.
        """

    def close(self, handle: int) -> None:
        """Close a handle."""

    def pread(self, handle: int, size: int, offset: int) -> bytes:
        """Read ``size`` bytes at ``offset``; fewer only at the end of the file."""

    def pwrite(self, handle: int, data: bytes | bytearray | memoryview, offset: int) -> None:
        """Write all of ``data`` at ``offset``."""

    def fallocate(self, handle: int, size: int) -> None:
        """Reserve space for bytes 0 to ``size``; the file has that size afterwards."""

    def data_ranges(self, handle: int, offset: int) -> Sequence[tuple[int, int]]:
        """Return (begin, end) of all bytes from ``offset`` on that may be other than zero."""

    def read_ahead(self, handle: int, *, wanted: bool) -> None:
        """Let reads of a handle bring in what follows, or only what is asked for."""

    def datasync(self, handle: int) -> None:
        """Return when the data of the file is on the disk. Blocks."""

    def truncate(self, handle: int, size: int) -> None:
        """Set the file's size in bytes."""

    def rename(self, source: str, target: str) -> None:
        """Put ``source`` in the place of ``target``, atomically."""

    def unlink(self, path: str) -> None:
        """Remove one file."""

    def remove_folder(self, path: str) -> None:
        """Remove one empty folder."""

    def fsync_dir(self, path: str) -> None:
        """Return when creations and renames in the folder are on the disk. Blocks."""

    def sync_all(self, folder: str) -> bool:
        """Return when all files below a folder are on the disk, and their names; False: not done. Blocks."""

    def list(self, path: str) -> list[str]:
        """Return the names in a folder, sorted; none of what isn't there or is no folder."""

    def makedirs(self, path: str) -> None:
        """Make a folder and those above it, if absent."""

    def size(self, path: str) -> int:
        """Return a file's size in bytes."""

    def exists(self, path: str) -> bool:
        """Return whether there is a file or folder of that name."""

    def used_ratio(self, path: str) -> float:
        """Return the share of the disk under ``path`` that is in use, -1.0 if unknown.

        In hundredths, rounded up (Java ``UtilAll.getDiskPartitionSpaceUsedPercent``).
        """

    def lock(self, path: str) -> int:
        """Lock a file against every other store, in this process or another.

        Raises:
            StoreLocked: somebody has it.
        """

    def unlock(self, handle: int) -> None:
        """Release a lock."""


class RealFiles:
    """The disk itself. Locks are POSIX record locks as Java's ``FileChannel.tryLock`` takes."""

    # POSIX locks don't hold within one process, so the process keeps its own list (as the JVM does).
    _locked: ClassVar[dict[str, int]] = {}

    def open(
        self, path: str, *, create: bool = False, private: bool = False, reading: bool = False
    ) -> int:
        """Open for reading and writing, or for ``reading`` only."""
        access = os.O_RDONLY if reading else os.O_RDWR
        flags = access | os.O_CLOEXEC | (os.O_CREAT if create else 0)
        return os.open(path, flags, 0o600 if private else 0o644)

    def close(self, handle: int) -> None:
        """Close a handle."""
        os.close(handle)

    def pread(self, handle: int, size: int, offset: int) -> bytes:
        """Read ``size`` bytes at ``offset``."""
        data = os.pread(handle, size, offset)
        if len(data) == size or not data:
            return data
        parts = [data]
        missing = size - len(data)
        while missing > 0:  # the kernel gives at most 2 GiB, and signals may cut a read
            data = os.pread(handle, missing, offset + size - missing)
            if not data:
                break
            parts.append(data)
            missing -= len(data)
        return b"".join(parts)

    def pwrite(self, handle: int, data: bytes | bytearray | memoryview, offset: int) -> None:
        """Write all of ``data`` at ``offset``."""
        written = os.pwrite(handle, data, offset)
        size = len(data)
        if written == size:
            return
        with memoryview(data) as view:
            while written < size:
                written += os.pwrite(handle, view[written:], offset + written)

    def fallocate(self, handle: int, size: int) -> None:
        """Reserve space for bytes 0 to ``size``."""
        os.posix_fallocate(handle, 0, size)

    def read_ahead(self, handle: int, *, wanted: bool) -> None:
        """Let the kernel read ahead, or not."""
        advice = os.POSIX_FADV_NORMAL if wanted else os.POSIX_FADV_RANDOM
        os.posix_fadvise(handle, 0, 0, advice)

    def data_ranges(self, handle: int, offset: int) -> list[tuple[int, int]]:
        """Return (begin, end) of all bytes from ``offset`` on that may be other than zero.

        Space that was reserved and never written is skipped. All ranges are asked for before
        anything is read: what the kernel reads ahead counts as data to it.
        """
        size = os.fstat(handle).st_size
        found = []
        try:
            while offset < size:
                begin = os.lseek(handle, offset, os.SEEK_DATA)
                offset = os.lseek(handle, begin, os.SEEK_HOLE)
                found.append((begin, offset))
        except OSError as error:
            if error.errno != errno.ENXIO:
                found.append((offset, size))  # the file system doesn't know its holes
        return found

    def datasync(self, handle: int) -> None:
        """Return when the data of the file is on the disk."""
        os.fdatasync(handle)

    def truncate(self, handle: int, size: int) -> None:
        """Set the file's size in bytes."""
        os.ftruncate(handle, size)

    def rename(self, source: str, target: str) -> None:
        """Put ``source`` in the place of ``target``, atomically."""
        os.replace(source, target)

    def unlink(self, path: str) -> None:
        """Remove one file."""
        os.unlink(path)

    def remove_folder(self, path: str) -> None:
        """Remove one empty folder."""
        os.rmdir(path)

    def fsync_dir(self, path: str) -> None:
        """Return when creations and renames in the folder are on the disk."""
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def sync_all(self, folder: str) -> bool:
        """Return when all files below a folder are on the disk; False where that takes one by one."""
        from rmqwire.disk import volumes  # noqa: PLC0415  few brokers have so many queues

        return volumes.sync_all(folder)

    def list(self, path: str) -> list[str]:
        """Return the names in a folder, sorted."""
        try:
            return sorted(os.listdir(path))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def makedirs(self, path: str) -> None:
        """Make a folder and those above it, if absent."""
        os.makedirs(path, exist_ok=True)

    def size(self, path: str) -> int:
        """Return a file's size in bytes."""
        return os.stat(path).st_size

    def exists(self, path: str) -> bool:
        """Return whether there is a file or folder of that name."""
        return os.path.exists(path)

    def used_ratio(self, path: str) -> float:
        """Return the share of the disk under ``path`` that is in use, 0.0 to 1.0, -1.0 unknown."""
        try:
            usage = shutil.disk_usage(path)
        except OSError:
            return -1.0
        entire = usage.used + usage.free  # without what is reserved for root, as Java counts
        return -(-usage.used * 100 // entire) / 100 if entire else -1.0

    def lock(self, path: str) -> int:
        """Lock a file against every other store, in this process or another."""
        key = os.path.realpath(path)
        if key in self._locked:
            raise StoreLocked(f"Lock failed,MQ already started: {path} is held by this process")
        handle = self.open(path, create=True)
        try:
            file_lock.take(handle)
        except OSError as error:
            os.close(handle)
            raise StoreLocked(f"Lock failed,MQ already started: {path} is held") from error
        self._locked[key] = handle
        return handle

    def unlock(self, handle: int) -> None:
        """Release a lock."""
        for key, held in list(self._locked.items()):
            if held == handle:
                del self._locked[key]
        os.close(handle)


def make_folder(files: FileLayer, path: str) -> None:
    """Make a folder and those above it, if absent, and sync the names of those that are new.

    Raises:
        OSError: the disk failed.
    """
    new = []
    folder = path
    while folder not in {"", "/", "."} and not files.exists(folder):
        new.append(folder)
        folder = folder.rpartition("/")[0]
    files.makedirs(path)
    for folder in reversed(new):
        files.fsync_dir(folder.rpartition("/")[0] or ("/" if folder.startswith("/") else "."))


def read_whole(files: FileLayer, path: str) -> bytes:
    """Return all bytes of a small file."""
    handle = files.open(path, reading=True)
    try:
        return files.pread(handle, files.size(path), 0)
    finally:
        files.close(handle)


def read_start(files: FileLayer, path: str, size: int) -> bytes:
    """Return the first bytes of a file, ``size`` of them or all that it has."""
    handle = files.open(path, reading=True)
    try:
        return files.pread(handle, min(size, files.size(path)), 0)
    finally:
        files.close(handle)


def write_whole(
    files: FileLayer, path: str, data: bytes, *, private: bool = False, synced: bool = True
) -> None:
    """Write a small file.

    Args:
        files: the disk.
        path: the file.
        data: what it is to hold.
        private: it is made for its owner alone.
        synced: sync its data (not its name: that takes ``fsync_dir``).
    """
    handle = files.open(path, create=True, private=private)
    try:
        files.truncate(handle, 0)
        files.pwrite(handle, data, 0)
        if synced:
            files.datasync(handle)
    finally:
        files.close(handle)
