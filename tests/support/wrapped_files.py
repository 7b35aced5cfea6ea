"""A ``FileLayer`` around another one: what recording and failing layers have in common."""

from __future__ import annotations

READS = frozenset({"open", "pread", "list", "size", "exists", "used_ratio", "lock", "unlock"})


class WrappedFiles:
    """Pass every call on to ``inner``, through ``around``.

    Args:
        inner: any ``FileLayer``: the real disk, or one in memory.
    """

    def __init__(self, inner):
        self.inner = inner
        self.paths = {}  # handle -> path

    def around(self, kind, path, call, details):
        """Do one call; ``details`` are its other arguments. Subclasses look or interfere here."""
        return call()

    def open(self, path, *, create=False, private=False, reading=False):
        kind = "create" if create and not self.inner.exists(path) else "open"
        call = lambda: self.inner.open(  # noqa: E731
            path, create=create, private=private, reading=reading
        )
        handle = self.around(kind, path, call, ())
        self.paths[handle] = path
        return handle

    def close(self, handle):
        self.paths.pop(handle, None)
        self.inner.close(handle)

    def pread(self, handle, size, offset):
        call = lambda: self.inner.pread(handle, size, offset)  # noqa: E731
        return self.around("pread", self.paths[handle], call, (size, offset))

    def pwrite(self, handle, data, offset):
        call = lambda: self.inner.pwrite(handle, data, offset)  # noqa: E731
        return self.around("write", self.paths[handle], call, (handle, data, offset))

    def fallocate(self, handle, size):
        call = lambda: self.inner.fallocate(handle, size)  # noqa: E731
        return self.around("fallocate", self.paths[handle], call, (size,))

    def read_ahead(self, handle, *, wanted):
        self.inner.read_ahead(handle, wanted=wanted)

    def data_ranges(self, handle, offset):
        return self.inner.data_ranges(handle, offset)

    def datasync(self, handle):
        call = lambda: self.inner.datasync(handle)  # noqa: E731
        return self.around("datasync", self.paths[handle], call, (handle,))

    def truncate(self, handle, size):
        call = lambda: self.inner.truncate(handle, size)  # noqa: E731
        return self.around("truncate", self.paths[handle], call, (size,))

    def rename(self, source, target):
        self.around("rename", source, lambda: self.inner.rename(source, target), (target,))

    def unlink(self, path):
        self.around("unlink", path, lambda: self.inner.unlink(path), ())

    def remove_folder(self, path):
        self.around("remove_folder", path, lambda: self.inner.remove_folder(path), ())

    def fsync_dir(self, path):
        self.around("fsync_dir", path, lambda: self.inner.fsync_dir(path), ())

    def sync_all(self, folder):
        return self.around("sync_all", folder, lambda: self.inner.sync_all(folder), ())

    def list(self, path):
        return self.around("list", path, lambda: self.inner.list(path), ())

    def makedirs(self, path):
        self.around("makedirs", path, lambda: self.inner.makedirs(path), ())

    def size(self, path):
        return self.around("size", path, lambda: self.inner.size(path), ())

    def exists(self, path):
        return self.inner.exists(path)

    def used_ratio(self, path):
        return self.inner.used_ratio(path)

    def lock(self, path):
        kind = "open" if self.inner.exists(path) else "create"
        handle = self.around(kind, path, lambda: self.inner.lock(path), ())
        self.paths[handle] = path
        return handle

    def unlock(self, handle):
        self.paths.pop(handle, None)
        self.inner.unlock(handle)
