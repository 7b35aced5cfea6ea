"""The small files of the store's folder that say who has it open: ``lock`` and ``abort``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.disk.files import read_whole, write_whole

if TYPE_CHECKING:
    from rmqwire.disk.files import FileLayer


class StoreFolder:
    """Lock a store's folder and mark it as open.

    Args:
        root: the folder.
        files: the disk.
        pid: process id for the ``abort`` file, None if that stays empty (4.9).
    """

    def __init__(self, root: str, files: FileLayer, pid: int | None) -> None:
        self._root = root
        self._files = files
        self._pid = pid
        self._lock = -1

    def acquire(self) -> None:
        """Make the folder if need be and lock it.

        Raises:
            StoreLocked: another store has it open.
        """
        self._files.makedirs(self._root)
        self._lock = self._files.lock(f"{self._root}/lock")
        self._files.pwrite(self._lock, b"lock", 0)

    def release(self) -> None:
        """Return the lock back."""
        if self._lock >= 0:
            self._files.unlock(self._lock)
            self._lock = -1

    def was_closed(self) -> bool:
        """Return whether the last owner of the store closed it in good order."""
        return not self._files.exists(self._abort)

    @property
    def _abort(self) -> str:
        return f"{self._root}/abort"

    def mark_open(self) -> None:
        """Leave ``abort``, durably: a start that finds it recovers without trust.

        5.x keeps the one before as ``abort.bak``, which is empty after a clean stop. What the two say is
        for people to read: a start looks only whether ``abort`` is there, so one sync is enough.
        """
        files, abort = self._files, self._abort
        if self._pid is None:
            if not files.exists(abort):
                write_whole(files, abort, b"", synced=False)
        else:
            before = read_whole(files, abort) if files.exists(abort) else b""
            write_whole(files, f"{abort}.bak", before, synced=False)
            write_whole(files, f"{abort}.tmp", str(self._pid).encode(), synced=False)
            files.rename(f"{abort}.tmp", abort)
        files.fsync_dir(self._root)

    def mark_closed(self) -> None:
        """Remove ``abort``: all is on disk and every queue is complete."""
        if self._files.exists(self._abort):
            self._files.unlink(self._abort)
            self._files.fsync_dir(self._root)
