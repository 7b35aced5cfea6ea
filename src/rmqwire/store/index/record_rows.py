"""Records of the log in a row that are alike in all that leads to their keys, looked at column by column.

A producer's records often have one size, topic and lengths; those of a batch nearly always.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.columns import Grid, unpack_columns
from rmqwire.codec.record_views import BODY_AT, STORE_TIMESTAMP_AT

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST = 8  # records that are worth it
_SIZE = 4  # bytes of TOTALSIZE, with which a record begins
_ALIKE = ((4, 8), (36, 40), (84, BODY_AT))  # MAGICCODE, SYSFLAG, the body's length


class Rows:
    """Records of one size in a row, the first of which is of the usual kind.

    Args:
        data: a part of the log,
        pos: where they begin in it.
        size: of each.
        count: how many.
        topic_at: where the topic's length stands in the first, and
        text_at: where its property string begins.

    Attributes:
        text_length: of that, bytes.
    """

    __slots__ = ("_data", "_grid", "_pos", "_text_at", "_topic_at", "count", "text_length")

    def __init__(
        self, data: bytes, pos: int, size: int, count: int, topic_at: int, text_at: int
    ) -> None:
        self._data = data
        self._pos = pos
        self._grid = Grid(data, size, count, pos)
        self._topic_at = topic_at
        self._text_at = text_at
        self.count = count
        self.text_length = size - text_at

    def are_alike(self) -> bool:
        """Return whether all are of the first one's kind, with its lengths."""
        topic_at, text_at = self._topic_at, self._text_at
        places = (*_ALIKE, (topic_at, topic_at + 1), (text_at - 2, text_at))
        return all(self._grid.is_same(*place) for place in places)

    def heads(self) -> Sequence[bytes]:
        """Return what stands between body and property string of each: the topic, and both lengths."""
        return self._grid.pieces(self._topic_at, self._text_at)

    def have_one_topic(self) -> bool:
        """Return whether that is the same in all."""
        return self._grid.is_same(self._topic_at, self._text_at)

    def times(self) -> Sequence[int]:
        """Return their store times, ms."""
        row = f"{STORE_TIMESTAMP_AT}xq{self._grid.width - STORE_TIMESTAMP_AT - 8}x"
        return unpack_columns(row, 1, self.count, self._data, self._pos)[0]

    def texts(self) -> Sequence[bytes]:
        """Return their property strings."""
        return self._grid.pieces(self._text_at, self._grid.width)

    def grid_of_texts(self) -> Grid:
        """Return rows that begin with their property strings."""
        return Grid(self._data, self._grid.width, self.count, self._pos + self._text_at)


def count_alike(data: bytes, pos: int, size: int, most: int) -> int:
    """Return how many records of one size there are from ``pos`` on, 0 if they aren't worth a look.

    Args:
        data: a part of the log.
        pos: where the first begins.
        size: its size.
        most: records wanted at most.
    """
    count, probe = min(most, (len(data) - pos) // size), pos + (FEWEST - 1) * size
    known = data[pos : pos + _SIZE]
    if count < FEWEST or data[probe : probe + _SIZE] != known:
        return 0
    for at in range(_SIZE):
        column = data[pos + at : pos + count * size : size]
        count -= len(column.lstrip(known[at : at + 1]))
    return count if count >= FEWEST else 0
