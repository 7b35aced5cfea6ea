"""Lite topics (5.5): many small topics under one parent."""

from typing import Self

from msgspec import field

from rmqwire.codec.bodies.base import Body, Int, Long, SetOf
from rmqwire.codec.bodies.stats import OffsetWrapper, TopicOffset
from rmqwire.codec.java_enums import LiteSubscriptionAction, OffsetOptionType


class OffsetOption(Body):
    """Where a lite subscription starts."""

    type: OffsetOptionType | None = None
    value: Long = 0

    @classmethod
    def min_offset(cls) -> Self:
        """At the first message."""
        return cls(type="POLICY", value=1)

    @classmethod
    def max_offset(cls) -> Self:
        """Behind the last message."""
        return cls(type="POLICY", value=2)

    @classmethod
    def of_offset(cls, offset: int) -> Self:
        """At the message with this index in its lite topic."""
        return cls(type="OFFSET", value=offset)

    @classmethod
    def of_tail_n(cls, messages: int) -> Self:
        """So many messages before where the group is."""
        return cls(type="TAIL_N", value=messages)


class LiteSubscription(Body):
    """Lite topics of one group."""

    group: str = ""
    topic: str = ""
    lite_topic_set: SetOf[str] = field(default_factory=list)
    update_time: Long = 0


class LiteSubscriptionDTO(Body):
    """A change of them."""

    action: LiteSubscriptionAction | None = None
    client_id: str = ""
    group: str = ""
    topic: str = ""
    lite_topic_set: SetOf[str] = field(default_factory=list)
    offset_option: OffsetOption | None = None
    version: Long = 0


class LiteSubscriptionCtlRequestBody(Body):
    """Several changes."""

    subscription_set: SetOf[LiteSubscriptionDTO] = field(default_factory=list)


class LiteLagInfo(Body):
    """How far behind one lite topic is."""

    lite_topic: str = ""
    lag_count: Long = 0
    earliest_unconsumed_timestamp: Long = -1


class GetBrokerLiteInfoResponseBody(Body):
    """Counters of a broker."""

    store_type: str | None = None
    max_lmq_num: Int = 0
    current_lmq_num: Int = 0
    lite_subscription_count: Int = 0
    order_info_count: Int = 0
    cq_table_size: Int = 0
    offset_table_size: Int = 0
    event_map_size: Int = 0
    topic_meta: dict[str, Int] = field(default_factory=dict)
    group_meta: dict[str, SetOf[str]] = field(default_factory=dict)


class ClientGroup(Body):
    """A client and its group."""

    client_id: str = ""
    group: str = ""


class GetLiteClientInfoResponseBody(Body):
    """What a client subscribes to."""

    parent_topic: str | None = None
    group: str = ""
    client_id: str = ""
    last_access_time: Long = 0
    last_consume_time: Long = 0
    lite_topic_count: Int = 0
    lite_topic_set: SetOf[str] | None = None


class GetLiteGroupInfoResponseBody(Body):
    """How far behind a group is."""

    group: str = ""
    parent_topic: str | None = None
    lite_topic: str | None = None
    earliest_unconsumed_timestamp: Long = -1
    total_lag_count: Long = 0
    lite_topic_offset_wrapper: OffsetWrapper | None = None
    lag_count_top_k: list[LiteLagInfo] | None = None
    lag_timestamp_top_k: list[LiteLagInfo] | None = None


class GetLiteTopicInfoResponseBody(Body):
    """Who subscribes to a lite topic."""

    parent_topic: str | None = None
    lite_topic: str = ""
    subscriber: SetOf[ClientGroup] = field(default_factory=list)
    topic_offset: TopicOffset | None = None
    sharding_to_broker: bool = False


class GetParentTopicInfoResponseBody(Body):
    """What a parent topic holds."""

    topic: str = ""
    ttl: Int = 0
    groups: SetOf[str] | None = None
    lmq_num: Int = 0
    lite_topic_count: Int = 0
