"""A message as a listener gets it (Java ``MessageExt`` of a client, ``MessageClientExt``)."""

from __future__ import annotations

import logging
from enum import Enum
from typing import TYPE_CHECKING, Self

import msgspec

from rmqwire.codec import message_const as const
from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.message import NamedProperties
from rmqwire.codec.record import read_message
from rmqwire.codec.sys_flag import COMPRESSED_FLAG
from rmqwire.errors import BadBody
from rmqwire.remoting.limited_log import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rmqwire.codec.message import StoredMessage

logger = logging.getLogger(__name__)


class BodyReading(Enum):
    """What of a body a message gets (``decodeReadBody``, ``decodeDecompressBody``)."""

    WHOLE = "decompressed"
    AS_STORED = "as it is stored"
    NONE = "nothing"


_WHOLE, _NONE = BodyReading.WHOLE, BodyReading.NONE  # to look a member of an Enum up takes long


def offset_properties(min_offset: int, max_offset: int) -> dict[str, str]:
    """Return the properties that say where the queue began and ended when a message came."""
    return {
        const.PROPERTY_MIN_OFFSET: str(min_offset),
        const.PROPERTY_MAX_OFFSET: str(max_offset),
    }


class MessageExt(NamedProperties, msgspec.Struct, eq=False):
    """A received message, its body decompressed.

    Most are made of the heads of records (``codec/record_head.py``), one call in C for all of an answer; until
    somebody asks for more of them the garbage collector has nothing to look at.
    Their properties, and all in ``stored``, are read when they are asked for.

    Args:
        topic: the topic that was sent to, for a retried message too.
        body: as ``read_body`` returns it, unless the client is set to read less of it.
        queue_offset: its index in its queue.
        sys_flag: the record's.
        reconsume_times: deliveries before this one.
        number: of its queue.
        properties_at: where in the record they begin.
        record: b"" of a message that is read already.
        broker_name: whose queue it is from.
        min_offset: index of the oldest message of the queue,
        max_offset: and of its next one, when it came; -1: nobody has said.
        consume_start_ms: when its listener was called, ms since the epoch; 0: it wasn't.
        read: the record, once it is read.
    """

    topic: str
    body: bytes
    queue_offset: int
    _sys_flag: int
    reconsume_times: int
    _queue_id: int
    _properties_at: int
    _record: bytes
    broker_name: str
    _min_offset: int
    _max_offset: int
    consume_start_ms: int = 0
    _read: StoredMessage | None = None

    @classmethod
    def of(
        cls,
        stored: StoredMessage,
        broker_name: str,
        queue_offset: int | None = None,
        reading: BodyReading = BodyReading.WHOLE,
    ) -> Self:
        """Return the message of a record that is read.

        Args:
            stored: the record.
            broker_name: whose queue it is from.
            queue_offset: its index in that queue; None: the record's.
            reading: what it gets of its body.
        """
        message = cls(
            stored.topic,
            stored.body,
            stored.queue_offset if queue_offset is None else queue_offset,
            stored.sys_flag,
            stored.reconsume_times,
            stored.queue_id,
            0,
            b"",
            broker_name,
            -1,
            -1,
            0,
            stored,
        )
        message.keep_body(reading)
        return message

    def keep_body(self, reading: BodyReading) -> None:
        """Decompress the body, or do with it what else the client is set to; not for users."""
        if reading is _NONE:
            self.body = b""
        elif self._sys_flag & COMPRESSED_FLAG and reading is _WHOLE:
            self.body = self.read_body()

    def read_body(self) -> bytes:
        """Return the body as the producer gave it; as stored if it can't be decompressed."""
        stored = self.stored
        if not stored.is_compressed:
            return stored.body
        try:
            return stored.decompressed_body()
        except BadBody as error:  # the message's fault: one line, as for every bad input
            logger.warning(
                "message %s of %s:%s at %d is delivered as it is stored: %s",
                printable(self.msg_id),
                self.topic,
                stored.queue_id,
                self.queue_offset,
                error,
            )
            return stored.body

    @property
    def stored(self) -> StoredMessage:
        """The record: times in ms, hosts, flags."""
        read = self._read
        if read is None:
            read = self._read = read_message(self._record, 0)
            if self._max_offset >= 0:
                read.properties |= offset_properties(self._min_offset, self._max_offset)
            if self.consume_start_ms:
                self.begin(self.consume_start_ms)
        return read

    # a property in place of the attribute that NamedProperties declares
    @property
    def properties(self) -> dict[str, str]:  # type: ignore[override]
        """System and user properties."""
        return self.stored.properties

    def begin(self, wall_ms: int) -> None:
        """Take note that its listener is called now; not for users."""
        self.consume_start_ms = wall_ms
        if self._read is not None:
            self._read.properties[const.PROPERTY_CONSUME_START_TIMESTAMP] = str(wall_ms)

    @property
    def msg_id(self) -> str:
        """The id the producer gave it, else the broker's."""
        return self.unique_key or self.stored.message_id

    @property
    def offset_msg_id(self) -> str:
        """The broker's id of the record."""
        return self.stored.message_id

    @property
    def queue_id(self) -> int:
        """Number of its queue."""
        return self._queue_id

    @property
    def queue(self) -> MessageQueue:
        """The queue that it is from, or was sent to first."""
        return MessageQueue(self.topic, self.broker_name, self.queue_id)

    @property
    def flag(self) -> int:
        """The application's own number."""
        return self.stored.flag

    @property
    def born_timestamp(self) -> int:
        """When it was sent, ms since the epoch by the producer's clock."""
        return self.stored.born_timestamp

    @property
    def store_timestamp(self) -> int:
        """When it was stored, ms since the epoch by the broker's clock."""
        return self.stored.store_timestamp

    @property
    def born_host(self) -> tuple[str, int]:
        """Who sent it: (ip, port)."""
        return self.stored.born_host

    @property
    def store_host(self) -> tuple[str, int]:
        """Who stored it: (ip, port)."""
        return self.stored.store_host

    def restore_topic(self, retry_topic: str) -> None:
        """Restore the real topic of a retried message (``resetRetryAndNamespace``)."""
        if self.topic == retry_topic:
            self.topic = self.properties.get(const.PROPERTY_RETRY_TOPIC, self.topic)

    def __repr__(self) -> str:
        return (
            f"MessageExt(topic={self.topic!r}, broker_name={self.broker_name!r}, "
            f"queue_id={self.queue_id}, queue_offset={self.queue_offset}, "
            f"msg_id={self.msg_id!r}, reconsume_times={self.reconsume_times}, "
            f"properties={self.properties!r}, body={len(self.body)} bytes)"
        )


def begin_all(messages: Iterable[MessageExt], wall_ms: int) -> None:
    """Take note that the listener of messages is called now."""
    for message in messages:
        if message._read is None:
            message.consume_start_ms = wall_ms
        else:
            message.begin(wall_ms)
