"""What a file in memory holds: a ``bytearray`` in pages, of which only those take memory that were written.

Stores make their files as large as they may become: of tens of megabytes most is never written.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final, SupportsIndex, overload

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = 16_384


class SparseBytes:
    """Bytes that are read and written as those of a ``bytearray``.

    Args:
        data: what they are at first.
    """

    __slots__ = ("_pages", "_size")

    def __init__(self, data: bytes | bytearray | memoryview = b"") -> None:
        # A page that isn't there is zeros, as is what is behind the end.
        self._pages: dict[int, bytearray] = {}
        self._size = 0
        self.write(data, 0)

    def resize(self, size: int) -> None:
        """Cut off the end, or put zeros there."""
        if size < self._size:
            pages = self._pages
            last, stop = divmod(size, PAGE)
            for number in [number for number in pages if number > last]:
                del pages[number]
            if last in pages:
                pages[last][stop:] = bytes(PAGE - stop)
        self._size = size

    def write(self, data: bytes | bytearray | memoryview, offset: int) -> None:
        """Write all of ``data`` at ``offset``; zeros come between it and the end."""
        view, end = memoryview(data), offset + len(data)
        for number, begin, stop in _parts(offset, end):
            page = self._pages.get(number)
            if page is None:
                page = self._pages[number] = bytearray(PAGE)
            at = number * PAGE - offset
            page[begin:stop] = view[at + begin : at + stop]
        self._size = max(self._size, end)

    def _read(self, begin: int, end: int) -> bytearray:
        found = bytearray()
        for number, start, stop in _parts(begin, end):
            page = self._pages.get(number)
            found += bytes(stop - start) if page is None else page[start:stop]
        return found

    def written_from(self, offset: int) -> list[tuple[int, int]]:
        """Return (begin, end) of all bytes from ``offset`` on that may be other than zero."""
        found: list[tuple[int, int]] = []
        for number in sorted(self._pages):
            begin, end = number * PAGE, min(number * PAGE + PAGE, self._size)
            if end > offset:
                goes_on = found and found[-1][1] == begin
                first = found.pop()[0] if goes_on else max(begin, offset)
                found.append((first, end))
        return found

    def copy(self) -> SparseBytes:
        """Return the same bytes, to be changed apart from these."""
        other = SparseBytes()
        other._pages = {number: page.copy() for number, page in self._pages.items()}
        other._size = self._size
        return other

    def __len__(self) -> int:
        return self._size

    def __bytes__(self) -> bytes:
        return bytes(self._read(0, self._size))

    def __iter__(self) -> Iterator[int]:
        return iter(bytes(self))

    @overload
    def __getitem__(self, key: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> bytearray: ...
    def __getitem__(self, key: SupportsIndex | slice) -> int | bytearray:
        if isinstance(key, slice):
            begin, end, step = key.indices(self._size)
            return self._read(begin, end) if step == 1 else bytearray(bytes(self)[key])
        at = range(self._size)[operator.index(key)]
        return self._read(at, at + 1)[0]

    def __setitem__(self, key: Any, data: Any) -> None:  # noqa: ANN401  a bytearray's
        if not isinstance(key, slice):
            self.write(bytes([data]), range(self._size)[operator.index(key)])
            return
        begin, end, step = key.indices(self._size)
        if step == 1 and len(data) == end - begin:
            self.write(data, begin)
            return
        changed = bytearray(bytes(self))
        changed[key] = data
        self.__init__(changed)  # type: ignore[misc]

    def __delitem__(self, key: SupportsIndex | slice) -> None:
        changed = bytearray(bytes(self))
        del changed[key]
        self.__init__(changed)  # type: ignore[misc]

    def __contains__(self, part: Any) -> bool:  # noqa: ANN401  a bytearray's
        return part in bytes(self)

    def __eq__(self, other: object) -> bool:
        return bytes(self) == (bytes(other) if isinstance(other, SparseBytes) else other)

    __hash__ = None  # type: ignore[assignment]


def _parts(begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Give each page that bytes from ``begin`` to ``end`` are in, and where in it they begin and end."""
    while begin < end:
        number, start = divmod(begin, PAGE)
        stop = min(PAGE, start + end - begin)
        yield number, start, stop
        begin += stop - start
