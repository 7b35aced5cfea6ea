"""The disk in memory, for tests: it remembers each call, and fails and fills up on demand."""

from __future__ import annotations

import errno

from rmqwire.testing import memory_files


class MemoryFiles(memory_files.MemoryFiles):
    """``fail(operation, ...)`` makes later calls raise; ``calls`` holds all there were."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, str]] = []
        self.capacity: int | None = None  # bytes; beyond it fallocate says ENOSPC
        self._faults: dict[str, list[tuple[str, int]]] = {}

    def fail(self, operation: str, part: str = "", code: int = errno.EIO, times: int = 1) -> None:
        """Let the next ``times`` calls of an operation on a path with ``part`` in it fail."""
        self._faults.setdefault(operation, []).extend([(part, code)] * times)

    def called(self, operation, path):
        self.calls.append((operation, path))
        for fault in self._faults.get(operation, []):
            if fault[0] in path:
                self._faults[operation].remove(fault)
                raise OSError(fault[1], "injected", path)

    def reserve(self, path, more):
        used = sum(map(len, self.data.values()))
        if self.capacity is not None and used + more > self.capacity:
            raise OSError(errno.ENOSPC, "No space left on device", path)
