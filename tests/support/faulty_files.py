"""A ``FileLayer`` that fails on demand: at the k-th call, once, some times or for ever."""

from __future__ import annotations

import errno
import time
from dataclasses import dataclass

from tests.support.wrapped_files import WrappedFiles

FOR_EVER = 1 << 60


class ProcessKilled(BaseException):
    """The process ends here: no later call has any effect on the disk."""


@dataclass(slots=True)
class Fault:
    """What to do at which calls.

    Args:
        kind: of the call (``write``, ``datasync``, ...), "" for any.
        path: part of the path, "" for any.
        first: number of the first call that is hit, counted from 1 among those that match.
        times: calls hit from there on.
        code: errno.
        short: a write puts down its first half before it fails.
        delay_s: the call succeeds, later.
        kill: raise ``ProcessKilled`` and do nothing any more.
    """

    kind: str = ""
    path: str = ""
    first: int = 1
    times: int = 1
    code: int = errno.EIO
    short: bool = False
    delay_s: float = 0.0
    kill: bool = False
    seen: int = 0

    def hits(self, kind: str, path: str) -> bool:
        """Count a call; tell whether it is one to spoil."""
        if (self.kind and self.kind != kind) or self.path not in path:
            return False
        self.seen += 1
        return self.first <= self.seen < self.first + self.times


class FaultyFiles(WrappedFiles):
    """Spoil calls as ``faults`` say. ``calls`` counts all that went through.

    Args:
        inner: the disk.
        faults: what goes wrong.
        sleep: how a slow call waits.
    """

    def __init__(self, inner, *faults: Fault, sleep=time.sleep):
        super().__init__(inner)
        self.faults = list(faults)
        self.calls = 0
        self.dead = False
        self.spoilt: list[tuple[str, str]] = []
        self._sleep = sleep

    def around(self, kind, path, call, details):
        if self.dead:
            raise ProcessKilled
        self.calls += 1
        for fault in self.faults:
            if fault.hits(kind, path):
                self._spoil(fault, kind, path, details)
        return call()

    def _spoil(self, fault, kind, path, details):
        self.spoilt.append((kind, path))
        if fault.delay_s:
            self._sleep(fault.delay_s)
            return
        if fault.kill:
            self.dead = True
            raise ProcessKilled
        if kind == "write" and fault.short:
            handle, data, offset = details
            self.inner.pwrite(handle, bytes(data)[: len(data) // 2], offset)
        if kind == "datasync" and hasattr(self.inner, "datasync_failed"):
            self.inner.datasync_failed(path)
        raise OSError(fault.code, "injected", path)
