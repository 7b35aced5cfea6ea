"""Consumers and producers as seen by admin tools; queue locks."""

from typing import ClassVar

from msgspec import field

from rmqwire.codec.bodies.base import Body, ConcurrentMapOf, Int, Long, SetOf
from rmqwire.codec.bodies.common import MessageQueue
from rmqwire.codec.bodies.heartbeat import SubscriptionData
from rmqwire.codec.java_enums import (
    CMResult,
    ConsumeFromWhere,
    ConsumeType,
    Language,
    MessageModel,
)


class Connection(Body):
    """One client of a group."""

    client_id: str = ""
    client_addr: str = ""
    language: Language | None = None
    version: Int = 0


class ConsumerConnection(Body):
    """All clients of a consumer group."""

    connection_set: SetOf[Connection] = field(default_factory=list)
    subscription_table: ConcurrentMapOf[str, SubscriptionData] = field(default_factory=dict)
    consume_type: ConsumeType | None = None
    message_model: MessageModel | None = None
    consume_from_where: ConsumeFromWhere | None = None


class ProducerConnection(Body):
    """All clients of a producer group."""

    connection_set: SetOf[Connection] = field(default_factory=list)


class ProducerInfo(Body):
    """One producer of a broker."""

    client_id: str = ""
    remote_ip: str | None = field(default=None, name="remoteIP")
    language: Language | None = None
    version: Int = 0
    last_update_timestamp: Long = 0


class ProducerTableInfo(Body):
    """All producers of a broker by group."""

    data: dict[str, list[ProducerInfo]] = field(default_factory=dict)


class GetConsumerListByGroupResponseBody(Body):
    """Client ids of a consumer group, for the rebalance."""

    consumer_id_list: list[str] = field(default_factory=list)


class LockBatchRequestBody(Body):
    """Queues an orderly consumer wants to lock."""

    _since_5: ClassVar[tuple[str, ...]] = ("only_this_broker",)

    consumer_group: str = ""
    client_id: str = ""
    only_this_broker: bool = False
    mq_set: SetOf[MessageQueue] = field(default_factory=list)


class LockBatchResponseBody(Body):
    """Queues that are locked for it now."""

    lock_okmq_set: SetOf[MessageQueue] = field(default_factory=list, name="lockOKMQSet")


class UnlockBatchRequestBody(Body):
    """Queues it gives back."""

    _since_5: ClassVar[tuple[str, ...]] = ("only_this_broker",)

    consumer_group: str = ""
    client_id: str = ""
    only_this_broker: bool = False
    mq_set: SetOf[MessageQueue] = field(default_factory=list)


class QuerySubscriptionResponseBody(Body):
    """What a group subscribes to of one topic."""

    subscription_data: SubscriptionData | None = None
    group: str = ""
    topic: str = ""


class ConsumeByWho(Body):
    """Which groups consumed a message."""

    consumed_group: SetOf[str] = field(default_factory=list)
    not_consumed_group: SetOf[str] = field(default_factory=list)
    topic: str = ""
    queue_id: Int = 0
    offset: Long = 0


class ConsumeMessageDirectlyResult(Body):
    """What came of one message pushed to a consumer by hand."""

    order: bool = False
    auto_commit: bool = True
    consume_result: CMResult | None = None
    remark: str | None = None
    spent_time_mills: Long = 0
