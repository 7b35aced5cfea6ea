"""A disk in memory: the ``FileLayer`` of stores that need not outlive their process."""

from __future__ import annotations

import errno
import posixpath
from typing import TYPE_CHECKING, Self

from rmqwire.errors import StoreLocked
from rmqwire.testing.sparse_bytes import SparseBytes

if TYPE_CHECKING:
    from collections.abc import Sequence

USED = 0.25  # what used_ratio says: far from every limit


class MemoryFiles:
    """Files and folders as a dict.

    Attributes:
        data: path -> what each file holds.
        folders: paths of the folders.
        handles: open handle -> path.
        locked: handle of a lock -> path.
    """

    def __init__(self) -> None:
        self.data: dict[str, SparseBytes] = {}
        self.folders: set[str] = {"/"}
        self.handles: dict[int, str] = {}
        self.locked: dict[int, str] = {}
        self._next = 3

    def copy(self) -> Self:
        """Return the disk as a killed process leaves it: no handle, no lock."""
        other = type(self)()
        other.data = {path: data.copy() for path, data in self.data.items()}
        other.folders = set(self.folders)
        return other

    def put(self, path: str, data: bytes | bytearray = b"") -> None:
        """Let a file hold this; nobody has called for it."""
        self.data[path] = SparseBytes(data)

    def called(self, operation: str, path: str) -> None:
        """Hear of each call before it is done; subclasses may raise ``OSError``."""

    def reserve(self, path: str, more: int) -> None:
        """Hear of ``more`` bytes that a file is to get; subclasses may raise ``OSError``."""

    def open(
        self, path: str, *, create: bool = False, private: bool = False, reading: bool = False
    ) -> int:
        """Open for reading and writing."""
        self.called("open", path)
        if path not in self.data:
            if not create or posixpath.dirname(path) not in self.folders:
                raise FileNotFoundError(errno.ENOENT, "no such file", path)
            self.data[path] = SparseBytes()
        self._next += 1
        self.handles[self._next] = path
        return self._next

    def close(self, handle: int) -> None:
        """Close a handle."""
        del self.handles[handle]

    def pread(self, handle: int, size: int, offset: int) -> bytes:
        """Read ``size`` bytes at ``offset``."""
        path = self.handles[handle]
        self.called("pread", path)
        return bytes(self.data[path][offset : offset + size])

    def pwrite(self, handle: int, data: bytes | bytearray | memoryview, offset: int) -> None:
        """Write all of ``data`` at ``offset``."""
        path = self.handles[handle]
        self.called("pwrite", path)
        self.data[path].write(data, offset)

    def fallocate(self, handle: int, size: int) -> None:
        """Reserve space for bytes 0 to ``size``."""
        path = self.handles[handle]
        self.called("fallocate", path)
        file = self.data[path]
        more = max(size - len(file), 0)
        self.reserve(path, more)
        file.resize(len(file) + more)

    def read_ahead(self, handle: int, *, wanted: bool) -> None:
        """Note the call: everything is in memory already."""
        self.called("read ahead" if wanted else "no read ahead", self.handles[handle])

    def data_ranges(self, handle: int, offset: int) -> Sequence[tuple[int, int]]:
        """Return (begin, end) of all bytes from ``offset`` on that may be other than zero."""
        return self.data[self.handles[handle]].written_from(offset)

    def datasync(self, handle: int) -> None:
        """Do nothing: memory is all there is."""
        self.called("datasync", self.handles[handle])

    def truncate(self, handle: int, size: int) -> None:
        """Set the file's size in bytes."""
        path = self.handles[handle]
        self.called("truncate", path)
        self.data[path].resize(size)

    def rename(self, source: str, target: str) -> None:
        """Put ``source`` in the place of ``target``."""
        self.called("rename", source)
        self.data[target] = self.data.pop(source)

    def unlink(self, path: str) -> None:
        """Remove one file."""
        self.called("unlink", path)
        del self.data[path]

    def remove_folder(self, path: str) -> None:
        """Remove one empty folder."""
        self.called("remove_folder", path)
        if self.list(path):
            raise OSError(errno.ENOTEMPTY, "not empty", path)
        self.folders.discard(path)

    def fsync_dir(self, path: str) -> None:
        """Do nothing: memory is all there is."""
        self.called("fsync_dir", path)

    def sync_all(self, folder: str) -> bool:
        """Do nothing: memory is all there is."""
        self.called("sync_all", folder)
        return True

    def list(self, path: str) -> list[str]:
        """Return the names in a folder, sorted."""
        self.called("list", path)
        found = {name for name in [*self.data, *self.folders] if posixpath.dirname(name) == path}
        return sorted(posixpath.basename(name) for name in found if name != path)

    def makedirs(self, path: str) -> None:
        """Make a folder and those above it, if absent."""
        self.called("makedirs", path)
        while path not in {"", "/"}:
            self.folders.add(path)
            path = posixpath.dirname(path)

    def size(self, path: str) -> int:
        """Return a file's size in bytes."""
        return len(self.data[path])

    def exists(self, path: str) -> bool:
        """Return whether there is a file or folder of that name."""
        return path in self.data or path in self.folders

    def used_ratio(self, path: str) -> float:
        """Return the share of the disk in use: low, or -1.0 where there is no such folder."""
        return USED if path in self.folders else -1.0

    def lock(self, path: str) -> int:
        """Lock a file against every other store on this disk."""
        if path in self.locked.values():
            raise StoreLocked(f"Lock failed,MQ already started: {path}")
        handle = self.open(path, create=True)
        self.locked[handle] = path
        return handle

    def unlock(self, handle: int) -> None:
        """Release a lock."""
        del self.locked[handle]
        self.close(handle)
