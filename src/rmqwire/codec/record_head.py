"""Records of a pull's answer, read only as far as most listeners look at them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.compression import decompress
from rmqwire.codec.message_const import PROPERTY_TAGS
from rmqwire.codec.properties import find_property
from rmqwire.codec.record import locate_fields, read_message
from rmqwire.codec.sys_flag import COMPRESSED_FLAG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.codec.message import StoredMessage
    from rmqwire.codec.record import Data

_TAGS = PROPERTY_TAGS.encode()


class RecordHead:
    """What most listeners look at of a record; the rest is read when it is asked for: ``read``.

    Attributes:
        topic: as stored.
        body: as stored.
        queue_id: number of its queue.
        queue_offset: its index there.
        sys_flag: how the body is stored, among others.
        reconsume_times: deliveries before this one.
        record: all of its bytes.
        more: properties that it gets when it is read.
    """

    __slots__ = (
        "_properties_at",
        "body",
        "more",
        "queue_id",
        "queue_offset",
        "reconsume_times",
        "record",
        "sys_flag",
        "topic",
    )

    def __init__(self, data: bytes, pos: int) -> None:
        fields, body_at, topic_at, properties_at = locate_fields(data, pos)
        self.topic = data[topic_at : properties_at - 2].decode("utf-8", "replace")
        self.body = data[body_at : body_at + fields[14]]
        self.queue_id = fields[3]
        self.queue_offset = fields[5]
        self.sys_flag = fields[7]
        self.reconsume_times = fields[12]
        self.record = data[pos : pos + fields[0]]
        self.more: dict[str, str] = {}
        self._properties_at = properties_at - pos

    @property
    def is_compressed(self) -> bool:
        """Whether ``body`` is compressed."""
        return bool(self.sys_flag & COMPRESSED_FLAG)

    @property
    def tags(self) -> str | None:
        """TAGS, read alone."""
        value = find_property(self.record, _TAGS, self._properties_at)
        return None if value is None else value.decode("utf-8", "replace")

    def decompressed_body(self) -> bytes:
        """Return the body as the producer made it.

        Raises:
            BadBody: as ``StoredMessage.decompressed_body``.
        """
        return decompress(self.body, self.sys_flag)

    def read(self) -> StoredMessage:
        """Read all of it."""
        message = read_message(self.record, 0)
        message.properties.update(self.more)
        return message


def iter_heads(body: Data) -> Iterator[RecordHead]:
    """Look at every record of a pull answer.

    Raises:
        BadRecord: a record that is cut off or inconsistent; ``offset`` says where it begins.
    """
    data = body if isinstance(body, bytes) else bytes(body)
    pos, end = 0, len(data)
    while pos < end:
        head = RecordHead(data, pos)
        yield head
        pos += len(head.record)
