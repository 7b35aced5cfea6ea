"""Headers about clients, groups and locks. Written by ``tools/gen_headers.py``."""

from __future__ import annotations

from msgspec import field

from rmqwire.codec.headers.base import Header, Int
from rmqwire.codec.headers.rpc import RpcRequestHeader, TopicRequestHeader


class ConsumeMessageDirectlyResultRequestHeader(TopicRequestHeader, kw_only=True):
    """Ask CONSUME_MESSAGE_DIRECTLY (309)."""

    consumer_group: str
    client_id: str | None = None
    msg_id: str | None = None
    broker_name: str | None = None
    topic: str | None = None  # 5.5.0 only
    topic_sys_flag: Int | None = None  # 5.5.0 only
    group_sys_flag: Int | None = None  # 5.5.0 only


class GetAllProducerInfoRequestHeader(Header, kw_only=True):
    """Ask GET_ALL_PRODUCER_INFO (328)."""


class GetConsumerConnectionListRequestHeader(RpcRequestHeader, kw_only=True):
    """Ask GET_CONSUMER_CONNECTION_LIST (203)."""

    consumer_group: str


class GetConsumerListByGroupRequestHeader(RpcRequestHeader, kw_only=True):
    """Ask GET_CONSUMER_LIST_BY_GROUP (38)."""

    consumer_group: str


class GetConsumerListByGroupResponseHeader(Header, kw_only=True):
    """Answer GET_CONSUMER_LIST_BY_GROUP (38)."""


class GetConsumerRunningInfoRequestHeader(RpcRequestHeader, kw_only=True):
    """Ask GET_CONSUMER_RUNNING_INFO (307)."""

    consumer_group: str
    client_id: str
    jstack_enable: bool = False


class GetConsumerStatusRequestHeader(TopicRequestHeader, kw_only=True):
    """Ask GET_CONSUMER_STATUS_FROM_CLIENT (221), INVOKE_BROKER_TO_GET_CONSUMER_STATUS (223)."""

    topic: str
    group: str
    client_addr: str | None = None


class GetProducerConnectionListRequestHeader(RpcRequestHeader, kw_only=True):
    """Ask GET_PRODUCER_CONNECTION_LIST (204)."""

    producer_group: str


class NotifyConsumerIdsChangedRequestHeader(RpcRequestHeader, kw_only=True):
    """Ask NOTIFY_CONSUMER_IDS_CHANGED (40)."""

    consumer_group: str


class QueryTopicConsumeByWhoRequestHeader(TopicRequestHeader, kw_only=True):
    """Ask QUERY_TOPIC_CONSUME_BY_WHO (300)."""

    topic: str


class UnregisterClientRequestHeader(RpcRequestHeader, kw_only=True):
    """Ask UNREGISTER_CLIENT (35)."""

    client_id: str | None = field(name="clientID", default=None)
    producer_group: str | None = None
    consumer_group: str | None = None


class UnregisterClientResponseHeader(Header, kw_only=True):
    """Answer UNREGISTER_CLIENT (35)."""


class HeartbeatRequestHeader(RpcRequestHeader, kw_only=True):
    """Ask HEART_BEAT (34). Only 5.5.0."""


class LockBatchMqRequestHeader(RpcRequestHeader, kw_only=True):
    """Ask LOCK_BATCH_MQ (41). Only 5.5.0."""


class QuerySubscriptionByConsumerRequestHeader(TopicRequestHeader, kw_only=True):
    """Ask QUERY_SUBSCRIPTION_BY_CONSUMER (345). Only 5.5.0."""

    group: str
    topic: str | None = None


class QueryTopicsByConsumerRequestHeader(RpcRequestHeader, kw_only=True):
    """Ask QUERY_TOPICS_BY_CONSUMER (343). Only 5.5.0."""

    group: str


class UnlockBatchMqRequestHeader(RpcRequestHeader, kw_only=True):
    """Ask UNLOCK_BATCH_MQ (42). Only 5.5.0."""
