"""What a pop has found, queue by queue, until its answer can be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rmqwire.broker.delivery.properties import java_map_order
from rmqwire.codec.message_const import PROPERTY_POP_CK
from rmqwire.codec.pop import ExtraInfo, join_info, msg_offset_entry, start_offset_entry, topic_tag
from rmqwire.codec.record import encode_message, iter_messages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmqwire.codec.release import Release
    from rmqwire.store.results import PutMessageResult


class FoundQueue(msgspec.Struct):
    """The messages of one queue.

    Args:
        topic: where they are, a retry topic maybe.
        queue_id: the queue.
        start: queue offset where the pop began.
        offsets: of the messages.
        body: the records.
        count: messages in them, more than records when some are batches.
        lost: its check point was refused: nothing of it is handed out.
    """

    topic: str
    queue_id: int
    start: int
    offsets: Sequence[int]
    body: bytes
    count: int
    lost: bool = False


class Found(msgspec.Struct):
    """All that one pop has found.

    Attributes:
        queues: in the order of the answer.
        rest: how many messages are left in the queues that were looked at.
        moved: the pop got on somewhere, so looking again may find more.
        orders: entries of orderCountInfo.
        putting: check points that are being stored.
        refused: what the store said to one that it refused.
    """

    queues: list[FoundQueue] = msgspec.field(default_factory=list)
    rest: int = 0
    moved: bool = False
    orders: list[str] = msgspec.field(default_factory=list)
    putting: int = 0
    refused: PutMessageResult | None = None

    def records(self) -> int:
        """Return how many records were found."""
        return sum(len(queue.offsets) for queue in self.queues)

    def drop_lost(self) -> None:
        """Let go what mustn't be handed out; it is left in its queue."""
        self.rest += sum(queue.count for queue in self.queues if queue.lost)
        self.queues = [queue for queue in self.queues if not queue.lost]

    def start_offset_info(self) -> str:
        """Return where the pop began in each queue."""
        return join_info(start_offset_entry(q.topic, q.queue_id, q.start) for q in self.queues)

    def msg_offset_info(self) -> str:
        """Return the offsets of the messages of each queue."""
        return join_info(msg_offset_entry(q.topic, q.queue_id, q.offsets) for q in self.queues)


def as_of_topic(body: bytes, topic: str, handle: ExtraInfo, release: Release) -> bytes:
    """Return records of a retry topic as those of the topic that they were sent to.

    Args:
        body: the records.
        topic: what stands in their place.
        handle: what the consumer gives back with its ack, property POP_CK.
        release: whose property order is written.
    """
    records = []
    for message in iter_messages(body):
        handle.topic_tag = topic_tag(message.topic)
        handle.queue_id = message.queue_id
        handle.msg_queue_offset = message.queue_offset
        properties = {PROPERTY_POP_CK: handle.encode()} | message.properties
        names = [*message.properties]
        if PROPERTY_POP_CK not in message.properties:
            names.append(PROPERTY_POP_CK)
        order = java_map_order(names, release.wire.property_map_capacity)
        message.properties = {name: properties[name] for name in order}
        message.topic = topic
        records.append(encode_message(message, release))
    return b"".join(records)
