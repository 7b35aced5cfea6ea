"""Rows of fields, read and written column by column: one call in C for many rows.

A loop in Python over rows costs more than all that is done with their fields, so what many records have
to say (``codec.record_batch``, ``store.index``) is kept as one list for each field. What is written may have
the same value in all rows of a column: one stands for all then.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from struct import Struct
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

A = TypeVar("A")
B = TypeVar("B")

MOST = 256  # rows of one call: a layout takes 32 bytes for each field of each row


@lru_cache(maxsize=64)
def rows_struct(row: str, count: int) -> Struct:
    """Return the layout of so many rows, ``MOST`` at most, each with the fields ``row`` names, big-endian."""
    return Struct(f">{row * count}")


def _rows_of(columns: Sequence[Sequence[Any]]) -> int:
    """Return how many rows columns have: none where one is empty, else as many as the longest."""
    return max(map(len, columns)) if columns and all(columns) else 0


def interleave(columns: Sequence[Sequence[Any]]) -> list[Any]:
    """Return what columns have in their first row, in the second, and so on."""
    count, width = _rows_of(columns), len(columns)
    if not count:
        return []
    rows = [column[0] for column in columns] * count
    for number, column in enumerate(columns):
        if len(column) > 1:
            rows[number::width] = column
    return rows


def map_column(column: Sequence[A], function: Callable[[A], B]) -> list[B]:
    """Return what a function gives for each value, a column of one value where all are the same.

    It is asked once for those that are.
    """
    if column and column.count(column[0]) == len(column):
        return [function(column[0])]
    known = {value: function(value) for value in {*column}}
    return [*map(known.__getitem__, column)]


def pack_columns(row: str, *columns: Sequence[Any]) -> bytes:
    """Write rows.

    Args:
        row: the fields of one, as in ``struct``.
        columns: the values of each field in all rows, or the only one that it has.

    Raises:
        struct.error: a value doesn't fit its field.
    """
    count = _rows_of(columns)
    if len(columns) == 1 and count <= MOST:
        return rows_struct(row, count).pack(*columns[0])
    if count <= MOST:
        return rows_struct(row, count).pack(*interleave(columns))
    pieces = [
        [one[at : at + MOST] if len(one) > 1 else one for one in columns]
        for at in range(0, count, MOST)
    ]
    return b"".join([pack_columns(row, *piece) for piece in pieces])


def write_field(rows: bytearray, width: int, at: int, packed: bytes) -> None:
    """Write one field of all rows, byte by byte of it.

    Args:
        rows: of ``width`` bytes each.
        width: as said.
        at: where in a row the field stands.
        packed: those of all rows, one behind the other.
    """
    size = len(packed) * width // len(rows)
    for byte in range(size):
        rows[at + byte :: width] = packed[byte::size]


def unpack_columns(
    row: str, width: int, count: int, data: bytes, position: int = 0
) -> list[Sequence[Any]]:
    """Read rows; return the values of each field in all of them.

    Args:
        row: the fields of one, as in ``struct``.
        width: how many values these are.
        count: of the rows.
        data: where they stand,
        position: from here on.
    """
    if count <= MOST:
        values = rows_struct(row, count).unpack_from(data, position)
    else:
        one = rows_struct(row, 1)
        rows = memoryview(data)[position : position + count * one.size]
        values = tuple(chain.from_iterable(one.iter_unpack(rows)))
    return [values[number::width] for number in range(width)]


class Grid:
    """Rows of bytes that have one width and stand one behind the other.

    A column is what all have at one place: one slice, which costs hardly more for hundreds of rows than for one.

    Args:
        data: in which they stand,
        width: so many bytes each.
        count: of the rows.
        begin: where the first begins.
    """

    __slots__ = ("_begin", "_data", "_end", "count", "width")

    def __init__(self, data: bytes, width: int, count: int, begin: int = 0) -> None:
        self._data = data
        self._begin = begin
        self._end = begin + width * count
        self.width = width
        self.count = count

    def column(self, at: int) -> bytes:
        """Return the byte that each row has at a place."""
        return self._data[self._begin + at : self._end : self.width]

    def is_same(self, first: int, stop: int) -> bool:
        """Return whether all rows have the same from one place on up to before another."""
        data, begin, end, width, count = self._data, self._begin, self._end, self.width, self.count
        for at in range(begin + first, begin + stop):
            column = data[at:end:width]
            if column != column[:1] * count:
                return False
        return True

    def pieces(self, first: int, stop: int) -> Sequence[bytes]:
        """Return what each row has from one place on up to before another; all must be whole."""
        row = f"{first}x{stop - first}s{self.width - stop}x"
        return unpack_columns(row, 1, self.count, self._data, self._begin)[0]

    def first(self, first: int, stop: int) -> bytes:
        """Return what the first row has there."""
        return self._data[self._begin + first : self._begin + stop]
