"""Rows of ``config/consumerOrderInfo.json`` (5.x): queues that ordered pops have blocked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rmqwire.broker.pop.order_info import SEPARATOR, offsets_of
from rmqwire.codec.bodies import ConsumerOrderInfoTable
from rmqwire.errors import BadBody, CorruptLog
from rmqwire.inspector.files import read_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Row = dict[str, Any]

NAME = "consumerOrderInfo.json"


def order_info_rows(path: Path) -> Iterator[Row]:
    """Read the blocks of all groups, one row for each queue.

    Args:
        path: the file, the folder ``config``, or the store's root.

    Raises:
        StoreError: no such file.
        CorruptLog: it is no such table.
    """
    file = path
    if path.is_dir():
        file = (path / "config" if (path / "config").is_dir() else path) / NAME
    try:
        table = ConsumerOrderInfoTable.decode(read_file(file)).table
    except BadBody as error:
        raise CorruptLog(str(error), str(file), error.offset or 0) from None
    for name, queues in table.items():
        topic, _, group = name.rpartition(SEPARATOR)
        for queue_id, info in queues.items():
            offsets = offsets_of(info)
            acknowledged = [
                offset
                for index, offset in enumerate(offsets)
                if info.commit_offset_bit >> index & 1
            ]
            yield {
                "file": str(file),
                "topic": topic,
                "group": group,
                "queueId": queue_id,
                "offsets": offsets,
                "acknowledged": acknowledged,
                "attemptId": info.attempt_id,
                "popTime": info.pop_time,
                "visibleTime": info.pop_time + (info.invisible_time or 0),
                "changedTimes": info.offset_next_visible_time or {},
                "consumedCounts": info.offset_consumed_count or {},
            }
