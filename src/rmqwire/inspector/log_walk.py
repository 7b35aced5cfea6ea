"""Walk a whole commit log for a check: past damage too, to the next whole record behind it.

Recovery stops at the first record that is not whole; a check wants to know what lies behind. Only
a window of the file is in memory.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmqwire.codec.record import (
    BLANK_SIZE,
    MESSAGE_MAGIC_V1,
    MESSAGE_MAGIC_V2,
    RecordPosition,
    check_record,
    peek,
)
from rmqwire.errors import BadRecord
from rmqwire.inspector.commitlog import MAX_RECORD_SIZE
from rmqwire.inspector.files import open_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from rmqwire.inspector.files import Segment

WINDOW = 4 << 20  # bytes
_STEP = 16 << 20  # bytes between two reports of progress
_MAGIC = re.compile(
    b"|".join(
        re.escape(magic.to_bytes(4, "big", signed=True))
        for magic in (MESSAGE_MAGIC_V1, MESSAGE_MAGIC_V2)
    )
)


@dataclass(slots=True)
class Damage:
    """A range of the log, ``begin`` to ``end`` in bytes, that holds no whole record."""

    file: str
    begin: int
    end: int
    reason: str


class _Window:
    """Some bytes of one file, read again when others are wanted."""

    __slots__ = ("_file", "_start", "data", "size")

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._start = 0
        self.size = size
        self.data = b""

    def show(self, pos: int, size: int) -> int:
        """Have ``size`` bytes of the file from ``pos`` on, or what there is; give their index."""
        at = pos - self._start
        if not 0 <= at <= len(self.data) - min(size, self.size - pos):
            self._file.seek(pos)
            self.data = self._file.read(max(size, WINDOW))
            self._start = pos
            at = 0
        return at


class LogWalk:
    """Every whole record of a log.

    Attributes:
        damages: what lies between whole records and is none, filled while walking.
        end: offset behind the last whole record.
        unused_bytes: bytes behind the end that are not zero.
        unused_reason: why they are no record.

    Args:
        files: the log's files in order.
        check_crc: compare CRCs.
        progress: told the bytes walked, now and then.
    """

    def __init__(
        self,
        files: list[Segment],
        *,
        check_crc: bool = True,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self._files = files
        self._check_crc = check_crc
        self._progress = progress
        self._told = self.start = self.end = files[0].start if files else 0
        self._gap: Damage | None = None
        self._window: _Window | None = None
        self._at = 0
        self.damages: list[Damage] = []
        self.unused_bytes = 0
        self.unused_reason = ""

    def record(self, found: RecordPosition) -> bytes:
        """Return the bytes of the record that was just given."""
        data = self._window.data if self._window is not None else b""
        return data[self._at : self._at + found.total_size]

    def __iter__(self) -> Iterator[RecordPosition]:
        """Return record after record; BLANKs are left out."""
        for segment in self._files:
            if segment.start > self.end and self._gap is None:
                self._open_gap(segment, self.end, "the file before it is missing or too short")
            with open_file(segment.path) as file:
                self._window = _Window(file, segment.size)
                yield from self._walk(segment, self._window)
        self._window = None
        if self._gap is not None:
            self.unused_reason = self._gap.reason

    def _walk(self, segment: Segment, window: _Window) -> Iterator[RecordPosition]:
        pos = 0
        while pos < segment.size:
            try:
                found = self._record(segment, window, pos)
            except BadRecord as error:
                self._open_gap(segment, segment.start + pos, str(error))
                behind = self._next_whole(segment, window, pos + 1)
                if behind is None:
                    return
                found, pos = behind
            self._close_gap(segment.start + pos)
            pos += found.total_size
            self.end = segment.start + pos
            self._tell(self.end)
            if not found.is_blank:
                yield found

    def _record(self, segment: Segment, window: _Window, pos: int) -> RecordPosition:
        """Read what stands at ``pos``.

        Raises:
            BadRecord: nothing whole, or a record that belongs elsewhere; "" for zeros.
        """
        left = segment.size - pos
        at = window.show(pos, BLANK_SIZE)
        size, magic = peek(window.data, at)
        if size == 0 and magic == 0:
            raise BadRecord("")
        if BLANK_SIZE < size <= min(left, MAX_RECORD_SIZE):
            at = window.show(pos, size)
        found = check_record(window.data, at, check_crc=self._check_crc)
        if found.is_blank:
            if found.total_size != left:
                raise BadRecord(f"a BLANK of {found.total_size} bytes where {left} are left")
        elif found.physical_offset != segment.start + pos:
            raise BadRecord(f"a record that says it lies at {found.physical_offset}")
        elif "\0" in found.topic or found.properties.endswith(b"\0"):
            raise BadRecord("a record that ends in zeros")
        self._at = at
        return found

    def _next_whole(
        self, segment: Segment, window: _Window, pos: int
    ) -> tuple[RecordPosition, int] | None:
        """Find the next whole record at or behind ``pos``; count what else is not zero."""
        while pos < segment.size:
            at = window.show(pos, BLANK_SIZE)
            block = window.data[at:]
            if len(block) > BLANK_SIZE and block.count(0) != len(block):
                for match in _MAGIC.finditer(block, 4):
                    place = pos + match.start() - 4
                    try:
                        return self._record(segment, window, place), place
                    except BadRecord:
                        window.show(pos, len(block))
                self.unused_bytes += len(block) - block.count(0)
            self._tell(segment.start + pos)
            pos += max(len(block) - BLANK_SIZE + 1, BLANK_SIZE)
        return None

    def _open_gap(self, segment: Segment, offset: int, reason: str) -> None:
        if self._gap is None:
            self._gap = Damage(str(segment.path), offset, offset, reason)

    def _close_gap(self, offset: int) -> None:
        if self._gap is not None:
            self._gap.end = offset
            self._gap.reason = self._gap.reason or "zeros"
            self.damages.append(self._gap)
            self._gap = None
            self.unused_bytes = 0

    def _tell(self, offset: int) -> None:
        if self._progress is not None and offset - self._told >= _STEP:
            self._told = offset
            self._progress(offset - self.start)
