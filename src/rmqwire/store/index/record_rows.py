"""Records of the log in a row that are alike in all that leads to their keys, read with one call.

A producer's records often have one size, topic and lengths; those of a batch nearly always.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.columns import MOST, unpack_columns
from rmqwire.codec.record import MESSAGE_MAGIC_V1
from rmqwire.codec.record_views import KEYS_VIEW

if TYPE_CHECKING:
    from collections.abc import Sequence

    Rows = tuple[int, Sequence[bytes], Sequence[bytes], Sequence[int]]

FEWEST = 8  # records that are worth a call
_SIZE = 4  # bytes of TOTALSIZE, with which a record begins
_ROW = "4xi28xi16xq20xi"  # MAGICCODE, SYSFLAG, STORETIMESTAMP, body's length


def read_alike(
    data: bytes, pos: int, size: int, body: int, sys_flag: int, head: int, most: int
) -> Rows:
    """Read records that follow one of the usual kind and have its size, if they are like it.

    Args:
        data: a part of the log.
        pos: where they begin, right behind that one.
        size: of that one; ``body`` is its body's, ``sys_flag`` is its, too.
        head: bytes between its body and its property string: the topic, and both lengths.
        most: records wanted at most.

    Returns:
        how many have its size, and, if all of these are alike, their heads, property strings and store times (ms).
    """
    count, probe = min(most, MOST, (len(data) - pos) // size), pos + (FEWEST - 1) * size
    known = data[pos - size : pos - size + _SIZE]
    if count < FEWEST or data[probe : probe + _SIZE] != known:
        return 0, (), (), ()
    for at in range(_SIZE):
        column = data[pos + at : pos + count * size : size]
        count -= len(column.lstrip(known[at : at + 1]))
    if not count:
        return 0, (), (), ()
    row = f"{_ROW}{body}x{head}s{size - KEYS_VIEW.size - body - head}s"
    magics, flags, times, bodies, heads, texts = unpack_columns(row, 6, count, data, pos)
    lengths = {(one[0], one[-2:]) for one in heads}
    alike = (
        magics.count(MESSAGE_MAGIC_V1) == flags.count(sys_flag) == bodies.count(body) == count
        and len(lengths) == 1
        and heads[0][0] == head - 3
    )
    return (count, heads, texts, times) if alike else (count, (), (), ())
