"""Statistics of topics, groups and brokers."""

from datetime import UTC, datetime
from typing import ClassVar

from msgspec import field

from rmqwire.codec.bodies.base import Body, Int, Long
from rmqwire.codec.bodies.common import MessageQueue
from rmqwire.codec.bodies.heartbeat import SubscriptionData


def time_text(timestamp_ms: int) -> str:
    """Return a time of day in local time as Java's ``UtilAll.timeMillisToHumanString2`` does."""
    second, milli = divmod(timestamp_ms, 1000)
    try:
        moment = datetime.fromtimestamp(second, tz=UTC).astimezone()
    except (OverflowError, OSError, ValueError):
        return str(timestamp_ms)  # beyond the calendar
    return f"{moment:%Y-%m-%d#%H:%M:%S}:{milli:03d}"


class TopicOffset(Body):
    """The ends of one queue."""

    min_offset: Long = 0
    max_offset: Long = 0
    last_update_timestamp: Long = 0


class TopicStatsTable(Body):
    """The ends of every queue of a topic at a broker."""

    _since_5: ClassVar[tuple[str, ...]] = ("topic_put_tps",)

    topic_put_tps: float = 0.0
    offset_table: dict[MessageQueue, TopicOffset] = field(default_factory=dict)


class OffsetWrapper(Body):
    """A group's offset in one queue."""

    _since_5: ClassVar[tuple[str, ...]] = ("pull_offset",)

    broker_offset: Long = 0
    consumer_offset: Long = 0
    pull_offset: Long = 0
    last_timestamp: Long = 0


class ConsumeStats(Body):
    """A group's offsets in every queue."""

    offset_table: dict[MessageQueue, OffsetWrapper] = field(default_factory=dict)
    consume_tps: float = 0.0


class ConsumeStatsList(Body):
    """Those of every group of a broker."""

    _since_5: ClassVar[tuple[str, ...]] = ("total_inflight_diff",)

    consume_stats_list: list[dict[str, list[ConsumeStats]]] = field(default_factory=list)
    broker_addr: str | None = None
    total_diff: Long = 0
    total_inflight_diff: Long = 0


class RollbackStats(Body):
    """One queue's offset before and after a reset."""

    broker_name: str = ""
    queue_id: Long = 0
    broker_offset: Long = 0
    consumer_offset: Long = 0
    timestamp_offset: Long = 0
    rollback_offset: Long = 0


class BrokerStatsItem(Body):
    """One span of a broker's counter."""

    sum: Long = 0
    tps: float = 0.0
    avgpt: float = 0.0


class BrokerStatsData(Body):
    """A broker's counter over a minute, an hour, a day."""

    stats_minute: BrokerStatsItem | None = None
    stats_hour: BrokerStatsItem | None = None
    stats_day: BrokerStatsItem | None = None


class StatsSnapshot(Body):
    """A counter in a client over one span."""

    sum: Long = 0
    tps: float = 0.0
    times: Long = 0
    avgpt: float = 0.0


class QueueTimeSpan(Body):
    """Times (ms) of the oldest, newest and consumed message of a queue."""

    _derived: ClassVar[dict[str, str]] = {
        "minTimeStampStr": "min_time_stamp_str",
        "maxTimeStampStr": "max_time_stamp_str",
        "consumeTimeStampStr": "consume_time_stamp_str",
    }

    message_queue: MessageQueue | None = None
    min_time_stamp: Long = 0
    max_time_stamp: Long = 0
    consume_time_stamp: Long = 0
    delay_time: Long = 0

    @property
    def min_time_stamp_str(self) -> str:
        """The oldest message's time as Java prints it."""
        return time_text(self.min_time_stamp)

    @property
    def max_time_stamp_str(self) -> str:
        """The newest message's time as Java prints it."""
        return time_text(self.max_time_stamp)

    @property
    def consume_time_stamp_str(self) -> str:
        """The consumed message's time as Java prints it."""
        return time_text(self.consume_time_stamp)


class QueryConsumeTimeSpanBody(Body):
    """Those of every queue."""

    consume_time_span_set: list[QueueTimeSpan] = field(default_factory=list)


class ConsumeQueueData(Body):
    """One unit of a consume queue, and what the filter says to it."""

    physic_offset: Long = 0
    physic_size: Int = 0
    tags_code: Long = 0
    extend_data_json: str | None = None
    bit_map: str | None = None
    eval: bool = False
    msg: str | None = None


class QueryConsumeQueueResponseBody(Body):
    """A range of a consume queue."""

    subscription_data: SubscriptionData | None = None
    filter_data: str | None = None
    queue_data: list[ConsumeQueueData] = field(default_factory=list)
    max_queue_index: Long = 0
    min_queue_index: Long = 0
