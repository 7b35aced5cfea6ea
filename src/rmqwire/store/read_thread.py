"""A thread that reads parts of files before somebody wants them, while the loop answers from what is there.

It opens what it reads by itself, so nobody waits for it before a file is closed, cut or removed: whose
file became another one meanwhile forgets what was begun.
"""

from __future__ import annotations

from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.disk.files import FileLayer


class _Read:
    """One read: whoever claims it makes it."""

    __slots__ = ("_found", "_unclaimed", "offset", "path", "size")

    def __init__(self, path: str, size: int, offset: int) -> None:
        self.path = path
        self.size = size
        self.offset = offset
        self._unclaimed = [True]
        self._found: SimpleQueue[bytes] = SimpleQueue()

    def claim(self) -> bool:
        """Return True to who asks first."""
        try:
            return self._unclaimed.pop()
        except IndexError:
            return False

    def make(self, files: FileLayer) -> None:
        """Read; what the disk doesn't give is left to who wants it, and hears of the fault then."""
        try:
            handle = files.open(self.path, reading=True)
            try:
                found = files.pread(handle, self.size, self.offset)
            finally:
                files.close(handle)
        except (OSError, MemoryError):
            found = b""
        self._found.put(found)

    def take(self) -> bytes:
        """Return what was read, once; nothing if the thread hasn't come to it, and it won't then."""
        return b"" if self.claim() else self._found.get()


class ReadThread:
    """The thread; it is started by the first read.

    Args:
        files: the disk.
    """

    def __init__(self, files: FileLayer) -> None:
        self._files = files
        self._reads: SimpleQueue[_Read | None] = SimpleQueue()
        self._runs = False
        self._ended = False

    def __enter__(self) -> Self:
        """Take reads."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take no more reads; the thread ends behind those that were begun."""
        self._ended = True
        if self._runs:
            self._reads.put(None)

    def begin(self, path: str, size: int, offset: int) -> Callable[[], bytes]:
        """Have ``size`` bytes at ``offset`` read.

        Returns:
            what returns them, once, and waits for the thread if it is reading them; fewer or none when they
            are not there, the disk failed, or the thread hasn't come to them: they are to be read without it.
        """
        if self._ended or not self._started():
            return bytes
        read = _Read(path, size, offset)
        self._reads.put(read)
        return read.take

    def _started(self) -> bool:
        if not self._runs:
            try:
                Thread(target=self._run, name="rmqwire-read", daemon=True).start()
            except RuntimeError:  # the process may have no more threads
                return False
            self._runs = True
        return True

    def _run(self) -> None:
        while (read := self._reads.get()) is not None:
            if read.claim():
                read.make(self._files)
