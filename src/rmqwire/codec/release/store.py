"""Where releases differ in the files of a store."""

from __future__ import annotations

import msgspec


class StoreRelease(msgspec.Struct, frozen=True):
    """The column of the store.

    Args:
        message_v2: topics over 127 bytes are stored as V2 records (5.x) or refused (4.9).
        index_tags: the index finds messages by tag too.
        abort_holds_pid: the ``abort`` file holds the process id (5.x) or is empty (4.9).
        checkpoint_fields: numbers that the store's ``checkpoint`` file holds.
        nearest_time_search: a search by time finds the message nearest to it (4.9), not the first
            at or after it (5.x).
    """

    message_v2: bool
    index_tags: bool
    abort_holds_pid: bool
    checkpoint_fields: int
    nearest_time_search: bool


STORE_4_9 = StoreRelease(
    message_v2=False,
    index_tags=False,
    abort_holds_pid=False,
    checkpoint_fields=3,
    nearest_time_search=True,
)
STORE_5 = StoreRelease(
    message_v2=True,
    index_tags=True,
    abort_holds_pid=True,
    checkpoint_fields=6,
    nearest_time_search=False,
)
