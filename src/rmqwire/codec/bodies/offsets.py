"""Offsets: how far groups have consumed, as stored and as asked for."""

from typing import ClassVar

from msgspec import field

from rmqwire.codec.bodies.base import Body, ConcurrentMapOf, Int, Long
from rmqwire.codec.bodies.common import DataVersion, MessageQueue, MessageQueueForC


class OffsetSerializeWrapper(Body):
    """Offsets of a broadcasting consumer (``offsets.json`` of the client)."""

    offset_table: ConcurrentMapOf[MessageQueue, Long] = field(default_factory=dict)


class ConsumerOffsetSerializeWrapper(Body):
    """Offsets of all groups: {topic@group: {queue id: offset}}."""

    _since_5: ClassVar[tuple[str, ...]] = ("data_version",)

    offset_table: ConcurrentMapOf[str, ConcurrentMapOf[Int, Long]] = field(default_factory=dict)
    data_version: DataVersion | None = None


class ConsumerOffsetTable(ConsumerOffsetSerializeWrapper):
    """What a broker stores and a 5.x master answers: the wrapper and two tables more.

    Java's ``ConsumerOffsetManager`` writes itself; its slave fails on ``pullOffsetTable`` once
    that has entries (see the protocol notes on GET_ALL_CONSUMER_OFFSET).
    """

    _since_5: ClassVar[tuple[str, ...]] = ("data_version", "group_topic_map", "pull_offset_table")

    group_topic_map: dict[str, list[str]] = field(default_factory=dict)
    pull_offset_table: dict[str, dict[Int, Long]] = field(default_factory=dict)


class LmqConsumerOffsetTable(ConsumerOffsetTable):
    """The same of a broker with light queues, each of which has but one offset.

    Java: ``LmqConsumerOffsetManager``.
    """

    lmq_offset_table: ConcurrentMapOf[str, Long] = field(default_factory=dict)


class DelayOffsetSerializeWrapper(Body):
    """How far each delay level has been delivered (``delayOffset.json``)."""

    _since_5: ClassVar[tuple[str, ...]] = ("data_version",)

    offset_table: ConcurrentMapOf[Int, Long] = field(default_factory=dict)
    data_version: DataVersion | None = None


class RocksDBOffsetSerializeWrapper(Body):
    """Offsets of one group as 5.x keeps them in RocksDB."""

    offset_table: ConcurrentMapOf[Int, Long] = field(default_factory=dict)


class ResetOffsetBody(Body):
    """New offsets for a consumer."""

    offset_table: dict[MessageQueue, Long] = field(default_factory=dict)


class ResetOffsetBodyForC(Body):
    """New offsets for a C++ consumer."""

    offset_table: list[MessageQueueForC] = field(default_factory=list)


class GetConsumerStatusBody(Body):
    """A consumer's offsets by queue, and by client where a broker collects them."""

    message_queue_table: dict[MessageQueue, Long] = field(default_factory=dict)
    consumer_table: dict[str, dict[MessageQueue, Long]] = field(default_factory=dict)


class QueryCorrectionOffsetBody(Body):
    """The lowest offset consumed by any group, per queue."""

    correction_offsets: dict[Int, Long] = field(default_factory=dict)
