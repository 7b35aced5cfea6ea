"""Units of one consume queue for a check: by position, a window in memory, no open handle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.inspector.files import open_file, segments

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rmqwire.inspector.files import Segment

_UNITS = 1024  # units read at once
_SIZE_AT = 8  # bytes before a unit's size field


class UnitReader:
    """Read the units of a queue.

    Attributes:
        start: position (bytes) of the first file.
        end: position behind the last unit that has a size.

    Args:
        folder: the queue's folder.
        unit: bytes of a unit.

    Raises:
        StoreError: it can't be read.
    """

    __slots__ = ("_data", "_data_start", "_files", "end", "folder", "start", "unit")

    def __init__(self, folder: Path, unit: int) -> None:
        self.folder = folder
        self.unit = unit
        self._files = segments(folder)
        self._data = b""
        self._data_start = 0
        self.start = self._files[0].start
        self.end = self._used_end()

    def gaps(self) -> list[str]:
        """Say which files don't follow the one before, or hold no whole units."""
        texts = []
        for segment, behind in zip(self._files, self._files[1:], strict=False):
            if behind.start != segment.end:
                texts.append(
                    f"{segment.path.name} ends at {segment.end}, not where the next begins"
                )
        texts += [
            f"{segment.path.name} of {segment.size} bytes holds no whole units of {self.unit}"
            for segment in self._files
            if segment.start % self.unit or segment.size % self.unit
        ]
        return texts

    def at(self, position: int) -> bytes:
        """Return the unit at ``position`` bytes; b"" outside the queue."""
        if not self.start <= position < self.end:
            return b""
        begin = position - self._data_start
        if not 0 <= begin <= len(self._data) - self.unit:
            self._data = self._read(position)
            self._data_start = position
            begin = 0
        return self._data[begin : begin + self.unit]

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """Return (position, whole units) from the first to the last."""
        position = self.start
        while position < self.end:
            data = self._read(position)[: self.end - position]
            if not data:
                return
            yield position, data
            position += len(data)

    def _read(self, position: int) -> bytes:
        for segment in self._files:
            if segment.start <= position < segment.end:
                with open_file(segment.path) as file:
                    file.seek(position - segment.start)
                    data = file.read(_UNITS * self.unit)
                return data[: len(data) - len(data) % self.unit]
        return b""

    def _used_end(self) -> int:
        for segment in reversed(self._files):
            used = self._used_in(segment)
            if used:
                return segment.start + used
        return self.start

    def _used_in(self, segment: Segment) -> int:
        """Return the bytes up to the last unit of a file that has a size."""
        last = 0
        with open_file(segment.path) as file:
            for begin in range(0, segment.size, _UNITS * self.unit):
                data = file.read(_UNITS * self.unit)
                if data.count(0) == len(data):
                    continue
                for at in range(len(data) - self.unit, -1, -self.unit):
                    if any(data[at + _SIZE_AT : at + _SIZE_AT + 4]):
                        last = begin + at + self.unit
                        break
        return last
