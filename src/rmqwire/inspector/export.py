"""Messages of a store as JSON lines, also those that lie behind damage."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rmqwire.codec.record import decode_message
from rmqwire.inspector.commitlog import message_row
from rmqwire.inspector.log_walk import LogWalk
from rmqwire.inspector.verify import log_segments

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TextIO


def export_messages(
    root: Path,
    out: TextIO,
    begin: int = 0,
    *,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write every whole message of a store's log, one JSON object per line; give how many.

    Args:
        root: the store's folder.
        out: where they go.
        begin: physical offset (bytes) before which messages are left out.
        progress: told the bytes of the log walked so far.

    Raises:
        StoreError: there is no store, or a file of its log can't be read.
        OSError: ``out`` can't be written.
    """
    walk = LogWalk(log_segments(root), progress=progress)
    count = 0
    for found in walk:
        if found.physical_offset < begin:
            continue
        row = {
            "offset": found.physical_offset,
            "size": found.total_size,
            **message_row(decode_message(walk.record(found))),
        }
        out.write(json.dumps(row, ensure_ascii=False) + "\n")
        count += 1
    return count
