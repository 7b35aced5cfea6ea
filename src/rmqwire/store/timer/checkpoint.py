"""``config/timercheck``: how far timers have been put into the wheel and delivered.

Java writes the newest figures, and believes them at the next start. They may tell of deliveries that
a power cut has taken out of the commit log again, since that is synced later. So we note beside
them, where Java neither reads nor writes, what they presuppose of the commit log, and the newest
figures that presuppose nothing but what was synced::

     0  TimerCheckpoint, 56 bytes
    64  "RMQW"  checksum 4  precisionMs 8  end of the commit log 8
        safe lastReadTimeMs 8  safe queue offset 8  safe position in the timer log 8

The checksum covers both parts: when Java has written since, the second one counts no longer.
"""

from __future__ import annotations

import zlib
from struct import Struct
from typing import TYPE_CHECKING

import msgspec

from rmqwire.codec.checkpoint import FILE_SIZE, TIMER_CHECKPOINT_SIZE, TimerCheckpoint
from rmqwire.disk.files import make_folder, read_whole

if TYPE_CHECKING:
    from rmqwire.disk.files import FileLayer

_AT = 64
_MAGIC = b"RMQW"
_HEAD = Struct(">4sI")
_OURS = Struct(">5q")


class Progress(msgspec.Struct):
    """How far the timers of a store have come at one moment.

    Args:
        read_time_ms: all ticks before it were delivered.
        queue_offset: all messages of the queue before it are in the timer log, or delivered.
        log_position: where the timer log ended.
        commit_end: what the other figures presuppose: the end of the commit log then.
    """

    read_time_ms: int = 0
    queue_offset: int = 0
    log_position: int = 0
    commit_end: int = 0


class TimerNotes(msgspec.Struct):
    """What the file said.

    Args:
        told: Java's part.
        newest: Java's part, with what it presupposes; 0 when Java has written it.
        safe: what to go on from when that is not there; None when Java has written the file.
        precision_ms: timerPrecisionMs then; 0 when Java has written the file.
    """

    told: TimerCheckpoint = msgspec.field(default_factory=TimerCheckpoint)
    newest: Progress = msgspec.field(default_factory=Progress)
    safe: Progress | None = None
    precision_ms: int = 0


class TimerCheckpointFile:
    """The file of one store.

    Args:
        path: ``config/timercheck``.
        files: the disk.
        precision_ms: timerPrecisionMs.
    """

    def __init__(self, path: str, files: FileLayer, precision_ms: int) -> None:
        self._path = path
        self._files = files
        self._precision_ms = precision_ms
        self._handle = -1

    def load(self) -> TimerNotes:
        """Read the file; zeros when there is none yet.

        Raises:
            OSError: the disk failed.
        """
        there = self._files.exists(self._path)
        page = read_whole(self._files, self._path)[:FILE_SIZE] if there else b""
        page = page.ljust(FILE_SIZE, b"\0")
        told = TimerCheckpoint.decode(page[:TIMER_CHECKPOINT_SIZE])
        newest = Progress(
            told.last_read_time_ms,
            min(told.last_timer_queue_offset, told.master_timer_queue_offset),
            told.last_timer_log_flush_pos,
        )
        notes = TimerNotes(told, newest)
        magic, checksum = _HEAD.unpack_from(page, _AT)
        ours = page[_AT + _HEAD.size : _AT + _HEAD.size + _OURS.size]
        if magic == _MAGIC and checksum == zlib.crc32(page[:TIMER_CHECKPOINT_SIZE] + ours):
            notes.precision_ms, newest.commit_end, *safe = _OURS.unpack(ours)
            notes.safe = Progress(*safe)
        return notes

    def encode(self, told: TimerCheckpoint, commit_end: int, safe: Progress) -> bytes:
        """Return the file's first bytes.

        Args:
            told: Java's part.
            commit_end: end of the commit log which that presupposes.
            safe: figures that presuppose only what is on the disk.
        """
        head = told.encode()
        ours = _OURS.pack(
            self._precision_ms, commit_end, safe.read_time_ms, safe.queue_offset, safe.log_position
        )
        checksum = zlib.crc32(head + ours)
        return head.ljust(_AT, b"\0") + _HEAD.pack(_MAGIC, checksum) + ours

    def write(self, data: bytes) -> None:
        """Write what :meth:`encode` gave and sync it; blocks.

        Raises:
            OSError: the disk failed.
        """
        if self._handle < 0:
            self._open()
        self._files.pwrite(self._handle, data, 0)
        self._files.datasync(self._handle)

    def _open(self) -> None:
        files, folder = self._files, self._path.rpartition("/")[0]
        make_folder(files, folder)
        self._handle = files.open(self._path, create=True)
        if files.size(self._path) < FILE_SIZE:  # as Java's
            files.truncate(self._handle, FILE_SIZE)
            files.fsync_dir(folder)

    def close(self) -> None:
        """Close the file."""
        if self._handle >= 0:
            self._files.close(self._handle)
            self._handle = -1
