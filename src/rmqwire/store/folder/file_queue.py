"""Fixed-size files in a row, seen as one long file (Java ``MappedFileQueue`` without the map).

Each segment is named by the offset of its first byte, 20 digits. A new one gets its full size at
once: with the space, so that a full disk is an error here and never later, or sparse. Handles are
opened when needed and shared out by a ``HandleCache``; a sync in another thread pins the segment first.
"""

from __future__ import annotations

from errno import ENOSPC
from typing import TYPE_CHECKING

from rmqwire.errors import CorruptLog, DiskFull

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rmqwire.disk.files import FileLayer

NAME_DIGITS = 20
_ZERO_BLOCK = 1 << 20  # bytes looked at in one read when a tail is zeroed
_ZEROS = bytes(4096)


class Segment:
    """One file of the row: ``start`` and ``size`` in bytes; ``handle`` is -1 while it is closed."""

    __slots__ = ("handle", "path", "pins", "size", "start")

    def __init__(self, path: str, start: int, size: int) -> None:
        self.path = path
        self.start = start
        self.size = size
        self.handle = -1
        self.pins = 0


class HandleCache:
    """Open handles of segments, at most ``limit`` of them; the one opened first is closed first.

    Args:
        files: the disk.
        limit: how many.
        reads_ahead: reads bring in what follows; else only what is asked for.

    Attributes:
        reads_ahead: the same, as it is now.
    """

    def __init__(self, files: FileLayer, limit: int, *, reads_ahead: bool = True) -> None:
        self._files = files
        self._limit = limit
        self._open: dict[Segment, None] = {}
        self.reads_ahead = reads_ahead

    def read_ahead(self, *, wanted: bool) -> None:
        """Let reads bring in what follows, or not, from now on.

        Raises:
            OSError: the disk failed.
        """
        self.reads_ahead = wanted
        for segment in self._open:
            self._files.read_ahead(segment.handle, wanted=wanted)

    def get(self, segment: Segment) -> int:
        """Return the segment's handle, opened if need be."""
        handle = segment.handle
        if handle >= 0:
            return handle
        self._make_room()
        handle = self._files.open(segment.path)
        self._keep(segment, handle)
        return handle

    def take(self, segment: Segment, handle: int) -> None:
        """Take over the handle that a new segment was made with."""
        self._make_room()
        self._keep(segment, handle)

    def _keep(self, segment: Segment, handle: int) -> None:
        segment.handle = handle
        self._open[segment] = None
        if not self.reads_ahead:
            self._files.read_ahead(handle, wanted=False)

    def pin(self, segment: Segment) -> int:
        """Return the handle and keep it open until ``unpin``."""
        handle = self.get(segment)
        segment.pins += 1
        return handle

    def unpin(self, segment: Segment) -> None:
        """Let the handle go that ``pin`` kept."""
        segment.pins -= 1
        if segment.pins == 0 and segment not in self._open:
            self._shut(segment)  # it was dropped meanwhile

    def drop(self, segment: Segment) -> None:
        """Close the segment's handle, or have it closed when the last pin goes."""
        self._open.pop(segment, None)
        if segment.pins == 0:
            self._shut(segment)

    def close(self) -> None:
        """Close all handles."""
        for segment in list(self._open):
            self.drop(segment)

    def _make_room(self) -> None:
        if len(self._open) < self._limit:
            return
        victim = next((segment for segment in self._open if segment.pins == 0), None)
        if victim is not None:
            self.drop(victim)

    def _shut(self, segment: Segment) -> None:
        if segment.handle >= 0:
            self._files.close(segment.handle)
            segment.handle = -1


def may_be_segment(name: str) -> bool:
    """Return whether a file of this name in a row's folder may be a part of the row."""
    return name[:1].isdigit()


class FileQueue:
    """The segments of one folder, ascending and without gaps.

    Args:
        folder: where the files are; made when the first segment is.
        segment_size: bytes of each file.
        files: the disk.
        handles: who keeps the handles.
        ordered: files come and go durably one by one, so that a power cut leaves no gap. Without
            it that waits for the next flush.
        sparse: files get their size without the space: a write may find the disk full.
    """

    __slots__ = (
        "_files",
        "_handles",
        "_ordered",
        "_parents",
        "_sparse",
        "folder",
        "new_names",
        "segment_size",
        "segments",
    )

    def __init__(
        self,
        folder: str,
        segment_size: int,
        files: FileLayer,
        handles: HandleCache,
        *,
        ordered: bool = False,
        sparse: bool = False,
    ) -> None:
        self.folder = folder
        self.segment_size = segment_size
        self.segments: list[Segment] = []
        self.new_names = False  # a file was made or removed since the folder was synced
        self._ordered = ordered
        self._sparse = sparse
        self._parents: list[str] = []  # folders in which a folder was made, not synced since
        self._files = files
        self._handles = handles

    def load(self) -> None:
        """Take up the files that are there. An empty last file is removed, as in Java.

        What doesn't begin with a digit is no part of a log: ``lost+found``, ``.DS_Store``.

        Raises:
            CorruptLog: a name that is no offset, a size other than the configured one, a gap.
        """
        names = list(filter(may_be_segment, self._files.list(self.folder)))
        for name in names:
            path = f"{self.folder}/{name}"
            if len(name) != NAME_DIGITS or not name.isascii() or not name.isdigit():
                raise CorruptLog("not the name of a segment", path, 0)
            size = self._files.size(path)
            if size == 0 and name == names[-1]:
                self._files.unlink(path)
                self.new_names = True
                continue
            if size != self.segment_size:
                text = "length not matched message store config value, please check it manually"
                raise CorruptLog(f"{text}: {size}, not {self.segment_size}", path, min(size, 0))
            self._add_loaded(Segment(path, int(name), size))

    def _add_loaded(self, segment: Segment) -> None:
        if self.segments and segment.start != self.end_of_files:
            text = f"the file before it ends at {self.end_of_files}: a file is missing"
            raise CorruptLog(text, segment.path, segment.start)
        self.segments.append(segment)

    @property
    def start(self) -> int:
        """Offset of the first byte of the first segment, 0 without one."""
        return self.segments[0].start if self.segments else 0

    @property
    def end_of_files(self) -> int:
        """Offset behind the last byte of the last segment, 0 without one."""
        return self.segments[-1].start + self.segment_size if self.segments else 0

    def find(self, offset: int) -> Segment | None:
        """Return the segment that holds the byte at ``offset``."""
        segments = self.segments
        if not segments:
            return None
        index = (offset - segments[0].start) // self.segment_size
        return segments[index] if 0 <= index < len(segments) else None

    def create(self, start: int) -> Segment:
        """Make the segment that begins at ``start``, with all its space unless it is sparse.

        Raises:
            DiskFull: no room for it; nothing is left behind.
            OSError: the disk failed.
        """
        files = self._files
        if not self.segments:
            self._make_folder()
        path = f"{self.folder}/{start:0{NAME_DIGITS}d}"
        segment = Segment(path, start, self.segment_size)
        handle = files.open(path, create=True)
        try:
            if self._sparse:
                files.truncate(handle, self.segment_size)
            else:
                files.fallocate(handle, self.segment_size)
            if self._ordered:
                files.datasync(handle)
        except OSError as error:
            files.close(handle)
            files.unlink(path)
            if error.errno == ENOSPC:
                raise DiskFull(f"no space left for {path} of {self.segment_size} bytes") from error
            raise
        self._handles.take(segment, handle)
        self.segments.append(segment)
        self._names_changed()
        return segment

    def _make_folder(self) -> None:
        path = self.folder
        while path not in {"", "/"} and not self._files.exists(path):
            path = path.rpartition("/")[0]
            self._parents.append(path or "/")
        self._files.makedirs(self.folder)

    def _names_changed(self) -> None:
        self.new_names = True
        if self._ordered:
            self.sync_names()

    def write(self, data: bytes | bytearray | memoryview, offset: int) -> None:
        """Write ``data``, which must not cross a segment's end, at ``offset``; make it if there is none."""
        segment = self.find(offset) or self.create(offset - offset % self.segment_size)
        self._files.pwrite(self._handles.get(segment), data, offset - segment.start)

    def read(self, offset: int, size: int) -> bytes:
        """Read from one segment: ``size`` bytes or what is left of it; b"" outside the row."""
        segment = self.find(offset)
        if segment is None:
            return b""
        begin = offset - segment.start
        size = min(size, self.segment_size - begin)
        return self._files.pread(self._handles.get(segment), size, begin)

    def read_each(self, ranges: Iterable[tuple[int, int]]) -> list[bytes]:
        """Read many ranges, given as (offset, size); b"" for one that isn't whole in one segment."""
        pread, found = self._files.pread, []
        handle = begin = end = -1
        for offset, size in ranges:
            if not begin <= offset < end:
                segment = self.find(offset)
                if segment is None:
                    found.append(b"")
                    continue
                handle, begin = self._handles.get(segment), segment.start
                end = begin + self.segment_size
            data = pread(handle, size, offset - begin)
            found.append(data if len(data) == size else b"")
        return found

    @property
    def reads_ahead(self) -> bool:
        """Whether more may be read than is asked for."""
        return self._handles.reads_ahead

    def drop(self, segment: Segment) -> None:
        """Remove one file of the row (the first or the last, so that no gap comes)."""
        self.segments.remove(segment)
        self._handles.drop(segment)
        self._files.unlink(segment.path)
        self._names_changed()

    def drop_from(self, offset: int) -> list[str]:
        """Remove the segments that begin at or behind ``offset``; give their paths."""
        dropped = [segment for segment in self.segments if segment.start >= offset]
        for segment in reversed(dropped):
            self.drop(segment)
        return [segment.path for segment in dropped]

    def remove(self) -> None:
        """Remove all files, and the folder unless something else is in it."""
        for segment in list(self.segments):
            self.drop(segment)
        if self._files.exists(self.folder) and not self._files.list(self.folder):
            self._files.remove_folder(self.folder)

    def zero_tail(self, offset: int) -> int:
        """Zero what is not zero yet from ``offset`` to the end of its segment and sync it.

        Returns:
            Bytes that were rewritten, in blocks of 4096; 0 when all was zero.
        """
        segment = self.find(offset)
        if segment is None:
            return 0
        handle = self._handles.get(segment)
        rewritten = 0
        for first, stop in self._files.data_ranges(handle, offset - segment.start):
            for begin in range(first, stop, _ZERO_BLOCK):
                data = self._files.pread(handle, min(_ZERO_BLOCK, stop - begin), begin)
                if data.count(0) != len(data):
                    rewritten += self._zero_blocks(handle, data, begin)
        if rewritten:
            self._files.datasync(handle)
        return rewritten

    def _zero_blocks(self, handle: int, data: bytes, begin: int) -> int:
        rewritten = 0
        for pos in range(0, len(data), len(_ZEROS)):
            block = data[pos : pos + len(_ZEROS)]
            if block.count(0) != len(block):
                self._files.pwrite(handle, _ZEROS[: len(block)], begin + pos)
                rewritten += len(block)
        return rewritten

    def sync_names(self) -> None:
        """Sync the folder if files came or went since the last time."""
        if self.new_names:
            for folder in self.changed_folders():
                self._files.fsync_dir(folder)

    def changed_folders(self) -> list[str]:
        """Return the folders to sync for the names to be durable, and count them as synced."""
        if not self.new_names:
            return []
        folders = [self.folder, *self._parents]
        self.new_names = False
        self._parents = []
        return folders

    def folders_due(self, folders: list[str]) -> None:
        """Take back what ``changed_folders`` gave: syncing them failed."""
        self.new_names = True
        self._parents = [*folders[1:], *self._parents]

    def pinned(self, begin: int, end: int) -> list[Segment]:
        """Pin the segments that hold bytes from ``begin`` to ``end``; ``unpin`` each afterwards."""
        found = self._between(begin, end)
        for segment in found:
            self._handles.pin(segment)
        return found

    def pinned_open(self, begin: int, end: int) -> tuple[list[Segment], list[str]]:
        """Pin only those of the same that are open, and name the others' files."""
        found = self._between(begin, end)
        opened = [segment for segment in found if segment.handle >= 0]
        for segment in opened:
            self._handles.pin(segment)
        return opened, [segment.path for segment in found if segment.handle < 0]

    def _between(self, begin: int, end: int) -> list[Segment]:
        first = max(begin - self.start, 0) // self.segment_size
        behind = max(-(-(end - self.start) // self.segment_size), 0)
        return self.segments[first:behind]

    def unpin(self, segments: list[Segment]) -> None:
        """Let go what ``pinned`` gave."""
        for segment in segments:
            self._handles.unpin(segment)

    def close(self) -> None:
        """Close the handles of this row."""
        for segment in self.segments:
            self._handles.drop(segment)
