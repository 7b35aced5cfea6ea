"""Snapshots of the timer wheel (timerWheelSnapshotFlush): ``timerwheel.POSITION``.

``POSITION`` is where the timer log ended: all units before it are in the snapshot. Two are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from rmqwire.disk.files import FileLayer
    from rmqwire.store.timer.wheel import TimerWheel

_KEPT = 2


class Snapshot(msgspec.Struct):
    """What is to be written.

    Args:
        position: where the timer log ended.
        pages: position in the file and bytes of each page that holds something.
    """

    position: int
    pages: list[tuple[int, bytes]]


class Snapshots:
    """The snapshots of one wheel.

    Args:
        wheel: it.
        files: the disk.
        interval_ms: how often one is made (timerWheelSnapshotIntervalMs).
    """

    def __init__(self, wheel: TimerWheel, files: FileLayer, interval_ms: int) -> None:
        self._wheel = wheel
        self._files = files
        self._interval_ms = interval_ms
        self._taken_ms = 0
        self._folder, _, self._name = wheel.path.rpartition("/")

    def _positions(self) -> list[int]:
        """Return the positions of the snapshots that are there, the newest first."""
        names = [name.partition(".") for name in self._files.list(self._folder)]
        found = [
            int(position)
            for name, _, position in names
            if name == self._name and position.isascii() and position.isdigit()
        ]
        return sorted(found, reverse=True)

    def newest(self) -> tuple[str, int] | None:
        """Return path and position of the newest snapshot, None without one."""
        positions = self._positions()
        return (f"{self._wheel.path}.{positions[0]}", positions[0]) if positions else None

    def take(self, position: int, now_ms: int) -> Snapshot | None:
        """Return what a snapshot is made of, if it's time for one.

        Args:
            position: where the timer log ends.
            now_ms: wall clock.
        """
        if now_ms - self._taken_ms < self._interval_ms:
            return None
        self._taken_ms = now_ms
        return Snapshot(position, self._wheel.pages())

    def write(self, snapshot: Snapshot) -> None:
        """Write and sync a snapshot and remove those that are too old; blocks.

        Raises:
            OSError: the disk failed.
        """
        files, path = self._files, f"{self._wheel.path}.{snapshot.position}"
        handle = files.open(f"{path}.tmp", create=True)
        try:
            files.truncate(handle, 0)
            files.truncate(handle, self._wheel.size)
            for at, data in snapshot.pages:
                files.pwrite(handle, data, at)
            files.datasync(handle)
        finally:
            files.close(handle)
        files.rename(f"{path}.tmp", path)
        files.fsync_dir(self._folder)
        for position in self._positions()[_KEPT:]:
            files.unlink(f"{self._wheel.path}.{position}")
