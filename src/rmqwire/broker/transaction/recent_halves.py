"""Half messages that were stored a moment ago: most ends come for one of these, and need no look into the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import crc32

from rmqwire.broker.transaction.half_message import HALF_TOPIC, QUEUE_ID
from rmqwire.codec.host import unpack_host
from rmqwire.codec.message import StoredMessage
from rmqwire.codec.properties import decode_properties
from rmqwire.codec.record import HOST_BITS

if TYPE_CHECKING:
    from rmqwire.store.results import MessageInner, PutMessageResult

KEPT: Final = 1024  # half messages ...
LONGEST: Final = 4096  # ... with bodies of so many bytes at most


class RecentHalf(NamedTuple):
    """What the log has of one half message, and the queue where it belongs."""

    real_topic: str
    real_queue_id: int
    queue_offset: int
    size: int
    flag: int
    sys_flag: int
    born_timestamp: int
    born_host: bytes
    store_timestamp: int
    reconsume_times: int
    body: bytes
    body_crc: int
    properties: bytes


class RecentHalves:
    """The newest half messages, each until its transaction ends.

    Args:
        store_host: of their records, packed; those of IPv4 are kept.
    """

    def __init__(self, store_host: bytes) -> None:
        self._is_v4 = len(store_host) == 8
        self._store_host = unpack_host(store_host)
        self._kept: dict[int, RecentHalf] = {}  # by offset in the log
        self.find = self._kept.get

    def stored(
        self, message: MessageInner, real_topic: str, real_queue_id: int, result: PutMessageResult
    ) -> None:
        """Keep a half message that is in the log as it is here."""
        if len(message.body) > LONGEST:
            return
        half = RecentHalf(
            real_topic,
            real_queue_id,
            result.queue_offset,
            result.size,
            message.flag,
            message.sys_flag & ~HOST_BITS,
            message.born_timestamp,
            message.born_host,
            result.store_timestamp,
            message.reconsume_times,
            bytes(message.body),  # not a view, which would keep all that came with it
            crc32(message.body) & 0x7FFFFFFF,
            message.properties,
        )
        self.keep(result.physical_offset, half)

    def keep(self, physical_offset: int, half: RecentHalf) -> None:
        """Keep a half message that is in the log, if it is of the usual kind."""
        if len(half.body) > LONGEST or len(half.born_host) != 8 or not self._is_v4:
            return
        kept = self._kept
        if len(kept) >= KEPT:
            del kept[next(iter(kept))]
        kept[physical_offset] = half

    def forget(self, physical_offset: int) -> None:
        """Forget a half message whose transaction ends."""
        self._kept.pop(physical_offset, None)

    def take(self, physical_offset: int) -> StoredMessage | None:
        """Return what the log has at an offset, without its bytes; None when that isn't known here."""
        half = self._kept.pop(physical_offset, None)
        if half is None:
            return None
        return StoredMessage(
            topic=HALF_TOPIC,
            body=half.body,
            properties=decode_properties(half.properties),
            queue_id=QUEUE_ID,
            flag=half.flag,
            queue_offset=half.queue_offset,
            physical_offset=physical_offset,
            sys_flag=half.sys_flag,
            born_timestamp=half.born_timestamp,
            born_host=unpack_host(half.born_host),
            store_timestamp=half.store_timestamp,
            store_host=self._store_host,
            reconsume_times=half.reconsume_times,
            body_crc=half.body_crc,
            total_size=half.size,
        )

    def clear(self) -> None:
        """Forget all of them."""
        self._kept.clear()
