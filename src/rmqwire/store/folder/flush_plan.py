"""What to sync, as a plan: made in the loop, run in a thread, booked in the loop again.

``FlushPlan.run`` touches nothing but the handles it was given, so that appends go on meanwhile.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rmqwire.disk.files import FileLayer
    from rmqwire.store.folder.file_queue import FileQueue, Segment

ONE_BY_ONE = 64  # files and folders; more of them are synced with all that is in their folders
PAGE = 4096  # bytes: the unit of flushCommitLogLeastPages (Java MappedFile.OS_PAGE_SIZE)


def pages_between(begin: int, end: int) -> int:
    """Count the page borders from ``begin`` to ``end``, as ``isAbleToFlush`` does."""
    return end // PAGE - begin // PAGE


class Flushed(Protocol):
    """A queue of units: positions in bytes up to which it is in the files and on the disk."""

    flushed: int
    written: int


class FlushPlan:
    """Segments and folders to sync.

    Args:
        end: what the log's ``flushed`` may become afterwards.
        store_timestamp: store time (ms) of the newest record below ``end``.
        folders: what is added is below them; () if somewhere.
    """

    __slots__ = (
        "_changed",
        "_closed",
        "_folders",
        "_handles",
        "_pinned",
        "after",
        "book",
        "end",
        "on_released",
        "store_timestamp",
    )

    def __init__(self, end: int = 0, store_timestamp: int = 0, folders: Sequence[str] = ()) -> None:
        self.end = end
        self.store_timestamp = store_timestamp
        self._folders = folders
        self.after: Callable[[FileLayer], None] | None = None  # what follows the last sync
        self.on_released: Callable[[], None] | None = None
        self.book: list[tuple[Flushed, int]] = []  # queues and their new ``flushed``
        self._pinned: list[tuple[FileQueue, list[Segment]]] = []
        self._changed: list[tuple[FileQueue, list[str]]] = []
        self._handles: list[int] = []
        self._closed: list[str] = []  # files to open, sync and close again

    def add(self, queue: FileQueue, begin: int, end: int) -> None:
        """Sync the bytes from ``begin`` to ``end`` and the folder if its names changed."""
        self._add(queue, queue.pinned(begin, end))

    def add_one_of_many(self, queue: FileQueue, begin: int, end: int) -> None:
        """Sync the same of one of many rows: files that are closed are opened one after the other.

        A process may have some thousand files open at most, and ten thousand queues.
        """
        segments, closed = queue.pinned_open(begin, end)
        self._add(queue, segments)
        self._closed += closed

    def _add(self, queue: FileQueue, segments: list[Segment]) -> None:
        self._pinned.append((queue, segments))
        self._handles.extend(segment.handle for segment in segments)
        if folders := queue.changed_folders():
            self._changed.append((queue, folders))

    @property
    def is_empty(self) -> bool:
        """Return whether ``run`` has nothing to do."""
        return not (self._handles or self._closed or self._changed or self.after)

    def run(self, files: FileLayer) -> None:
        """Sync everything. Blocks; meant for a thread.

        Raises:
            OSError: the disk failed. What was written since the last good flush is in doubt.
        """
        if not self._sync_together(files):
            self._sync_each(files)
        if self.after is not None:
            self.after(files)

    def _sync_together(self, files: FileLayer) -> bool:
        """Sync all that is below the folders, if that is less work; tell whether it was done."""
        count = len(self._handles) + len(self._closed) + len(self._changed)
        if count <= ONE_BY_ONE or not self._folders:
            return False
        return all(map(files.sync_all, self._folders))

    def _sync_each(self, files: FileLayer) -> None:
        for handle in self._handles:
            files.datasync(handle)
        for path in self._closed:
            _sync_closed(files, path)
        for folder in dict.fromkeys(chain.from_iterable(names for _, names in self._changed)):
            files.fsync_dir(folder)

    def read_back(self, files: FileLayer, offset: int, size: int) -> bytes:
        """Read bytes of a segment that is being synced; b"" outside of them."""
        for queue, segments in self._pinned:
            for segment in segments:
                begin = offset - segment.start
                if 0 <= begin <= queue.segment_size - size:
                    return files.pread(segment.handle, size, begin)
        return b""

    def release(self, *, succeeded: bool) -> None:
        """Let the segments go and book consume queues. After a failure the folders are due again."""
        if self.on_released is not None:
            self.on_released()
        for files, segments in self._pinned:
            files.unpin(segments)
        if not succeeded:
            for files, folders in self._changed:
                files.folders_due(folders)
            return
        for queue, position in self.book:
            queue.flushed = min(max(queue.flushed, position), queue.written)


def _sync_closed(files: FileLayer, path: str) -> None:
    try:
        handle = files.open(path)
    except FileNotFoundError:
        return  # its topic was deleted meanwhile
    try:
        files.datasync(handle)
    finally:
        files.close(handle)
