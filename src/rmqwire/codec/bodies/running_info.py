"""A consumer's inside: queues, statistics, threads (GET_CONSUMER_RUNNING_INFO)."""

from typing import ClassVar

from msgspec import field

from rmqwire.codec.bodies.base import Body, Int, Long, SetOf
from rmqwire.codec.bodies.common import MessageQueue
from rmqwire.codec.bodies.heartbeat import SubscriptionData


class ProcessQueueInfo(Body):
    """A queue in a push consumer."""

    commit_offset: Long = 0
    cached_msg_min_offset: Long = 0
    cached_msg_max_offset: Long = 0
    cached_msg_count: Int = 0
    cached_msg_size_in_mi_b: Int = 0
    transaction_msg_min_offset: Long = 0
    transaction_msg_max_offset: Long = 0
    transaction_msg_count: Int = 0
    locked: bool = False
    try_unlock_times: Long = 0
    last_lock_timestamp: Long = 0
    droped: bool = False
    last_pull_timestamp: Long = 0
    last_consume_timestamp: Long = 0


class PopProcessQueueInfo(Body):
    """A queue in a pop consumer."""

    wait_ack_count: Int = 0
    droped: bool = False
    last_pop_timestamp: Long = 0


class ConsumeStatus(Body):
    """Rates of one topic in a consumer."""

    pull_rt: float = field(default=0.0, name="pullRT")
    pull_tps: float = field(default=0.0, name="pullTPS")
    consume_rt: float = field(default=0.0, name="consumeRT")
    consume_oktps: float = field(default=0.0, name="consumeOKTPS")
    consume_failed_tps: float = field(default=0.0, name="consumeFailedTPS")
    consume_failed_msgs: Long = 0


class ConsumerRunningInfo(Body):
    """All that a consumer tells about itself."""

    _since_5: ClassVar[tuple[str, ...]] = (
        "mq_pop_table",
        "user_consumer_info",
    )

    properties: dict[str, str] = field(default_factory=dict)
    subscription_set: SetOf[SubscriptionData] = field(default_factory=list)
    mq_table: dict[MessageQueue, ProcessQueueInfo] = field(default_factory=dict)
    mq_pop_table: dict[MessageQueue, PopProcessQueueInfo] = field(default_factory=dict)
    status_table: dict[str, ConsumeStatus] = field(default_factory=dict)
    user_consumer_info: dict[str, str] = field(default_factory=dict)
    jstack: str | None = None
