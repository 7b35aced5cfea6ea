"""A thread that reads parts of files before somebody wants them, while the loop answers from what is there.

It opens what it reads by itself, so nobody waits for it before a file is closed, cut or removed: whose
file became another one meanwhile forgets what was begun, and has the thread ``forget`` its file. The native
module's thread does the same, without the interpreter.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Final, Self

from rmqwire.codec.native import is_native
from rmqwire.disk.files import RealFiles

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from rmqwire.disk.files import FileLayer
    from rmqwire.store.log.log_window import Reader

KEPT_S: Final = 0.5  # a file stays open so long behind its last read


def reader_of(files: FileLayer) -> AbstractContextManager[Reader]:
    """Return what reads ahead of a disk: the native thread, which never waits for the interpreter, or this one.

    Raises:
        ConfigError: the native lane is wanted and can't be used.
    """
    if type(files) is RealFiles and is_native():
        from rmqwire_speedups import ReadAhead  # noqa: PLC0415  a distribution of its own

        return ReadAhead()
    return ReadThread(files)


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

    def make(self, file: _File) -> None:
        """Read, unless somebody has claimed it."""
        if self.claim():
            self._found.put(file.read(self.path, self.size, self.offset))

    def take(self, files: FileLayer) -> bytes:
        """Return what was read, once; who wants what the thread hasn't come to reads it himself."""
        if not self.claim():
            return self._found.get()
        file = _File(files)
        found = file.read(self.path, self.size, self.offset)
        file.close()
        return found


class _File:
    """The file of the last read, open for the next: after each call to the disk the thread waits for the interpreter."""

    __slots__ = ("_files", "_handle", "_path")

    def __init__(self, files: FileLayer) -> None:
        self._files = files
        self._path = ""
        self._handle = -1

    def read(self, path: str, size: int, offset: int) -> bytes:
        """Read; what the disk doesn't give is left to who wants it, and hears of the fault then."""
        try:
            if path != self._path:
                self.close()
                self._handle = self._files.open(path, reading=True)
                self._path = path
            return self._files.pread(self._handle, size, offset)
        except (OSError, MemoryError):
            return b""

    @property
    def is_open(self) -> bool:
        """Whether there is something to close."""
        return bool(self._path)

    def close(self) -> None:
        """Close it; a handle that was only read from has nothing to lose."""
        if self._path:
            self._path = ""
            with suppress(OSError):
                self._files.close(self._handle)


class ReadThread:
    """The thread; it is started by the first read.

    Args:
        files: the disk.
    """

    def __init__(self, files: FileLayer) -> None:
        self._files = files
        self._calls: SimpleQueue[Callable[[_File], None]] = SimpleQueue()
        self._thread: Thread | None = None
        self._ended = False

    def __enter__(self) -> Self:
        """Take reads."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take no more reads; the thread ends behind the one that it is making."""
        self._ended = True
        if self._thread is not None:
            self._calls.put(_File.close)
            self._thread.join()

    def begin(self, path: str, size: int, offset: int, /) -> Callable[[], bytes]:
        """Have ``size`` bytes at ``offset`` read.

        Returns:
            what returns them, once: it waits for the thread if that is reading them, and reads them itself if it
            hasn't come to them. Fewer or none when they are not there, or the disk failed.
        """
        read = _Read(path, size, offset)
        if not self._ended and self._started():
            self._calls.put(read.make)
        return partial(read.take, self._files)

    def forget(self) -> None:
        """Open files anew for what is begun from now on: they may be others."""
        if self._thread is not None:
            self._calls.put(_File.close)

    def _started(self) -> bool:
        if self._thread is None:
            thread = Thread(target=self._run, name="rmqwire-read", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the process may have no more threads
                return False
            self._thread = thread
        return True

    def _run(self) -> None:
        file = _File(self._files)
        while not self._ended:
            try:
                call = self._calls.get(timeout=KEPT_S if file.is_open else None)
            except Empty:
                file.close()
            else:
                call(file)
        file.close()
