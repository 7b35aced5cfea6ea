"""Consumer groups: their configuration and retry policies."""

from typing import ClassVar

from msgspec import field

from rmqwire.codec.bodies.base import Body, ConcurrentMapOf, Int, Long, SetOf
from rmqwire.codec.bodies.common import DataVersion
from rmqwire.codec.java_enums import GroupRetryPolicyType


class CustomizedRetryPolicy(Body):
    """Waits of each retry, in ms."""

    next: list[Long] = field(
        default_factory=lambda: [
            1000,
            5000,
            10000,
            30000,
            60000,
            120000,
            180000,
            240000,
            300000,
            360000,
            420000,
            480000,
            540000,
            600000,
            1200000,
            1800000,
            3600000,
            7200000,
        ]
    )


class ExponentialRetryPolicy(Body):
    """Growing waits of retries, in ms."""

    initial: Long = 5000
    max: Long = 7200000
    multiplier: Long = 2


class GroupRetryPolicy(Body):
    """Which of the retry policies a group uses."""

    type: GroupRetryPolicyType = "CUSTOMIZED"
    exponential_retry_policy: ExponentialRetryPolicy | None = None
    customized_retry_policy: CustomizedRetryPolicy | None = None


class SimpleSubscriptionData(Body):
    """A subscription stored with its group."""

    topic: str = ""
    expression_type: str | None = None
    expression: str | None = None
    version: Long = 0


class SubscriptionGroupConfig(Body):
    """One consumer group of a broker (``subscriptionGroup.json``)."""

    _since_5: ClassVar[tuple[str, ...]] = (
        "consume_message_orderly",
        "group_retry_policy",
        "group_sys_flag",
        "consume_timeout_minute",
        "subscription_data_set",
        "attributes",
    )

    group_name: str = ""
    consume_enable: bool = True
    consume_from_min_enable: bool = True
    consume_broadcast_enable: bool = True
    consume_message_orderly: bool = False
    retry_queue_nums: Int = 1
    retry_max_times: Int = 16
    group_retry_policy: GroupRetryPolicy = field(default_factory=GroupRetryPolicy)
    broker_id: Long = 0
    which_broker_when_consume_slowly: Long = 1
    notify_consumer_ids_changed_enable: bool = True
    group_sys_flag: Int = 0
    consume_timeout_minute: Int = 15
    subscription_data_set: SetOf[SimpleSubscriptionData] | None = None
    attributes: dict[str, str] = field(default_factory=dict)


class SubscriptionGroupWrapper(Body):
    """All consumer groups of a broker with their version."""

    _since_5: ClassVar[tuple[str, ...]] = ("forbidden_table",)

    subscription_group_table: ConcurrentMapOf[str, SubscriptionGroupConfig] = field(
        default_factory=dict
    )
    forbidden_table: ConcurrentMapOf[str, ConcurrentMapOf[str, Int]] = field(default_factory=dict)
    data_version: DataVersion = field(default_factory=DataVersion)


class SubscriptionGroupList(Body):
    """Several groups to create at once."""

    group_config_list: list[SubscriptionGroupConfig] = field(default_factory=list)


class GroupForbidden(Body):
    """Whether a group may read a topic."""

    topic: str = ""
    group: str = ""
    readable: bool | None = None


class DeleteSubscriptionGroupListRequestBody(Body):
    """Several groups to delete, with their offsets or without (5.5.1)."""

    group_name_list: list[str] = field(default_factory=list)
    clean_offset: bool = False
