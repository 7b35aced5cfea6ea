"""Find the first whole record at or behind any offset of the log.

A Java slave says how far it is in bytes, and that may be the middle of a record.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rmqwire.codec.record import MESSAGE_MAGIC_V1, MESSAGE_MAGIC_V2

if TYPE_CHECKING:
    from rmqwire.store.log.commit_log import CommitLog

_LOOK = 4 << 20  # bytes looked at: a record of the usual largest size
_MAGIC_AT = 4  # bytes before it in a record
_MAGIC = re.compile(
    b"|".join(
        re.escape(magic.to_bytes(4, "big", signed=True))
        for magic in (MESSAGE_MAGIC_V1, MESSAGE_MAGIC_V2)
    )
)


def first_store_timestamp(log: CommitLog, offset: int) -> int:
    """Return the store time (ms) of the first record at or behind ``offset``, -1 if none is near.

    Raises:
        OSError: the disk failed.
    """
    size = log.queue.segment_size
    for begin in (offset, offset - offset % size + size):
        at, record = _first_record(log, begin)
        if record is not None:
            return log.store_timestamp(at, len(record))
    return -1


def _first_record(log: CommitLog, begin: int) -> tuple[int, bytes | None]:
    """Return where the first record behind ``begin`` in its file stands, and the record."""
    record = log.record_at(begin)
    if record is not None:
        return begin, record
    data = log.queue.read(begin, min(_LOOK, max(log.end - begin, 0)))
    for found in _MAGIC.finditer(data):
        at = begin + found.start() - _MAGIC_AT
        if at >= begin and (record := log.record_at(at)) is not None:
            return at, record
    return begin, None
