"""The ``checkpoint`` file: up to where the files of the store are on disk (``StoreCheckpoint``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.checkpoint import StoreCheckpoint
from rmqwire.errors import BadRecord

if TYPE_CHECKING:
    from rmqwire.codec.release import Release
    from rmqwire.disk.files import FileLayer

CLOCK_SLACK_MS = 3_000  # getMinTimestamp: log and queues are not written at the same instant


class CheckpointFile:
    """Read and write the checkpoint.

    Args:
        path: the file.
        release: which fields it has.
        files: the disk.
    """

    def __init__(self, path: str, release: Release, files: FileLayer) -> None:
        self.values = StoreCheckpoint()
        self._path = path
        self._release = release
        self._files = files
        self._handle = -1

    def load(self) -> str:
        """Read the file, made if absent; give a note if it could not be read, else "".

        An unreadable checkpoint counts as one that knows nothing: all is recovered then.
        """
        note = ""
        size = self._files.size(self._path) if self._files.exists(self._path) else 0
        self._handle = self._files.open(self._path, create=True)
        if size == 0:
            self.write(sync=False)
            return note
        try:
            self.values = StoreCheckpoint.decode(self._files.pread(self._handle, size, 0))
        except BadRecord as error:
            note = f"{self._path} is not used: {error}"
        return note

    def min_timestamp(self, *, with_index: bool) -> int:
        """Return a store time (ms) up to which log, queues and, if asked, index are on disk."""
        values = self.values
        times = [values.physic_msg_timestamp, values.logics_msg_timestamp]
        found = max(min(times) - CLOCK_SLACK_MS, 0)
        return min(found, max(values.index_msg_timestamp, 0)) if with_index else found

    def write(self, *, sync: bool) -> None:
        """Write the values. Unsynced is enough while open: what they say is true by then.

        Raises:
            OSError: the disk failed.
        """
        self._files.pwrite(self._handle, self.values.encode(self._release), 0)
        if sync:
            self._files.datasync(self._handle)

    def close(self) -> None:
        """Close the file."""
        if self._handle >= 0:
            self._files.close(self._handle)
            self._handle = -1
