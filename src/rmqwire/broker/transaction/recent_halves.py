"""Half messages that were stored a moment ago: most ends come for one of these, and need no look into the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zlib import crc32

from rmqwire.codec.host import unpack_host
from rmqwire.codec.message import StoredMessage
from rmqwire.codec.properties import decode_properties
from rmqwire.codec.record import HOST_BITS

if TYPE_CHECKING:
    from rmqwire.store.results import MessageInner, PutMessageResult

KEPT: Final = 1024  # half messages ...
LONGEST: Final = 4096  # ... with bodies of so many bytes at most


class RecentHalves:
    """The newest half messages, each until it is asked for.

    Args:
        store_host: of their records, packed; those of IPv4 are kept.
    """

    def __init__(self, store_host: bytes) -> None:
        self._is_v4 = len(store_host) == 8
        self._store_host = unpack_host(store_host)
        self._kept: dict[int, tuple[MessageInner, PutMessageResult]] = {}  # by offset in the log

    def stored(self, message: MessageInner, result: PutMessageResult) -> None:
        """Keep a half message that is in the log as it is here."""
        if len(message.body) > LONGEST or len(message.born_host) != 8 or not self._is_v4:
            return
        kept = self._kept
        if len(kept) >= KEPT:
            del kept[next(iter(kept))]
        message.body = bytes(message.body)  # not a view, which would keep all that came with it
        kept[result.physical_offset] = message, result

    def take(self, physical_offset: int) -> StoredMessage | None:
        """Return what the log has at an offset, without its bytes; None when that isn't known here."""
        found = self._kept.pop(physical_offset, None)
        if found is None:
            return None
        message, result = found
        return StoredMessage(
            topic=message.topic,
            body=bytes(message.body),
            properties=decode_properties(message.properties),
            queue_id=message.queue_id,
            flag=message.flag,
            queue_offset=result.queue_offset,
            physical_offset=physical_offset,
            sys_flag=message.sys_flag & ~HOST_BITS,
            born_timestamp=message.born_timestamp,
            born_host=unpack_host(message.born_host),
            store_timestamp=result.store_timestamp,
            store_host=self._store_host,
            reconsume_times=message.reconsume_times,
            body_crc=crc32(message.body) & 0x7FFFFFFF,
            total_size=result.size,
        )

    def clear(self) -> None:
        """Forget all of them."""
        self._kept.clear()
