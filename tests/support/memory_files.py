"""A disk in memory: ``FileLayer`` for tests that should be fast, and that can fail on demand."""

from __future__ import annotations

import errno
import posixpath

from rmqwire.errors import StoreLocked


class MemoryFiles:
    """Files and folders as a dict. ``fail(operation, ...)`` makes later calls raise."""

    def __init__(self) -> None:
        self.data: dict[str, bytearray] = {}
        self.folders: set[str] = set()
        self.handles: dict[int, str] = {}
        self.locked: dict[int, str] = {}
        self.calls: list[tuple[str, str]] = []
        self.capacity: int | None = None  # bytes; beyond it fallocate says ENOSPC
        self._faults: dict[str, list[tuple[str, int]]] = {}
        self._next = 3

    def fail(self, operation: str, part: str = "", code: int = errno.EIO, times: int = 1) -> None:
        """Let the next ``times`` calls of an operation on a path with ``part`` in it fail."""
        self._faults.setdefault(operation, []).extend([(part, code)] * times)

    def copy(self) -> MemoryFiles:
        """Return the disk as a killed process leaves it: no handle, no lock."""
        other = MemoryFiles()
        other.data = {path: bytearray(data) for path, data in self.data.items()}
        other.folders = set(self.folders)
        return other

    def _called(self, operation: str, path: str) -> None:
        self.calls.append((operation, path))
        for fault in self._faults.get(operation, []):
            if fault[0] in path:
                self._faults[operation].remove(fault)
                raise OSError(fault[1], "injected", path)

    def open(self, path, *, create=False):
        self._called("open", path)
        if path not in self.data:
            if not create or posixpath.dirname(path) not in self.folders:
                raise FileNotFoundError(errno.ENOENT, "no such file", path)
            self.data[path] = bytearray()
        self._next += 1
        self.handles[self._next] = path
        return self._next

    def close(self, handle):
        del self.handles[handle]

    def pread(self, handle, size, offset):
        path = self.handles[handle]
        self._called("pread", path)
        return bytes(self.data[path][offset : offset + size])

    def pwrite(self, handle, data, offset):
        path = self.handles[handle]
        self._called("pwrite", path)
        file = self.data[path]
        if len(file) < offset:
            file += bytes(offset - len(file))
        file[offset : offset + len(data)] = data

    def fallocate(self, handle, size):
        path = self.handles[handle]
        self._called("fallocate", path)
        file = self.data[path]
        used = sum(map(len, self.data.values()))
        if self.capacity is not None and used + size - len(file) > self.capacity:
            raise OSError(errno.ENOSPC, "No space left on device", path)
        file += bytes(max(size - len(file), 0))

    def data_ranges(self, handle, offset):
        return [(offset, len(self.data[self.handles[handle]]))]

    def datasync(self, handle):
        self._called("datasync", self.handles[handle])

    def truncate(self, handle, size):
        path = self.handles[handle]
        self._called("truncate", path)
        del self.data[path][size:]
        self.data[path] += bytes(size - len(self.data[path]))

    def rename(self, source, target):
        self._called("rename", source)
        self.data[target] = self.data.pop(source)

    def unlink(self, path):
        self._called("unlink", path)
        del self.data[path]

    def remove_folder(self, path):
        self._called("remove_folder", path)
        if self.list(path):
            raise OSError(errno.ENOTEMPTY, "not empty", path)
        self.folders.discard(path)

    def fsync_dir(self, path):
        self._called("fsync_dir", path)

    def list(self, path):
        self._called("list", path)
        found = {name for name in [*self.data, *self.folders] if posixpath.dirname(name) == path}
        return sorted(posixpath.basename(name) for name in found if name != path)

    def makedirs(self, path):
        self._called("makedirs", path)
        while path not in {"", "/"}:
            self.folders.add(path)
            path = posixpath.dirname(path)

    def size(self, path):
        return len(self.data[path])

    def exists(self, path):
        return path in self.data or path in self.folders

    def used_ratio(self, path):
        return 0.25 if path in self.folders else -1.0

    def lock(self, path):
        if path in self.locked.values():
            raise StoreLocked(f"Lock failed,MQ already started: {path}")
        handle = self.open(path, create=True)
        self.locked[handle] = path
        return handle

    def unlock(self, handle):
        del self.locked[handle]
        self.close(handle)
