"""A part of the log, read at once to be indexed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rmqwire.codec.record import BLANK_SIZE, peek

if TYPE_CHECKING:
    from rmqwire.store.log.commit_log import CommitLog


class LogPart(msgspec.Struct):
    """Records of one file of the log.

    Args:
        start: where the first begins, offset in the log.
        stop: where the readable part of that file ends.
        data: what was read from ``start`` on; its last record may be cut off, the first one isn't.
    """

    start: int
    stop: int
    data: bytes


def read_part(log: CommitLog, start: int, limit: int, size: int) -> LogPart:
    """Read about ``size`` bytes below ``limit``, more if the first record is longer.

    Raises:
        OSError: the disk failed.
    """
    segment_size = log.queue.segment_size
    stop = min(limit, start - start % segment_size + segment_size)
    data = log.read(start, min(size, stop - start))
    first = peek(data)[0] if len(data) >= BLANK_SIZE else 0
    if len(data) < first <= stop - start:
        data = log.read(start, first)
    return LogPart(start, stop, data)
