"""Headers about pulling and looking up messages. Written by ``tools/gen_headers.py``."""

from __future__ import annotations

from typing import ClassVar

from rmqwire.codec.headers.base import Header, Int, Long
from rmqwire.codec.headers.rpc import TopicQueueRequestHeader, TopicRequestHeader


class PullMessageRequestHeader(TopicQueueRequestHeader, kw_only=True):
    """Ask PULL_MESSAGE (11), LITE_PULL_MESSAGE (361)."""

    java_insertion: ClassVar[str] = (
        "maxMsgBytes queueId ns commitOffset maxMsgNums sysFlag subscription requestSource "
        "proxyFrowardClientId lo bname oway suspendTimeoutMillis liteTopic queueOffset "
        "expressionType topic consumerGroup subVersion nsd"
    )
    fast_order: ClassVar[str] = (
        "consumerGroup topic liteTopic queueId queueOffset maxMsgNums sysFlag commitOffset "
        "suspendTimeoutMillis subscription subVersion expressionType maxMsgBytes requestSource "
        "proxyFrowardClientId lo ns nsd bname oway"
    )

    consumer_group: str
    topic: str
    lite_topic: str | None = None  # 5.5.0 only
    queue_id: Int
    queue_offset: Long
    max_msg_nums: Int
    sys_flag: Int
    commit_offset: Long | None = None
    suspend_timeout_millis: Long | None = None
    subscription: str | None = None
    sub_version: Long | None = None
    expression_type: str | None = None
    max_msg_bytes: Int | None = None  # 5.5.0 only
    request_source: Int | None = None  # 5.5.0 only
    proxy_froward_client_id: str | None = None  # 5.5.0 only


class PullMessageResponseHeader(Header, kw_only=True):
    """Answer PULL_MESSAGE (11), LITE_PULL_MESSAGE (361)."""

    fast_order: ClassVar[str] = (
        "suggestWhichBrokerId nextBeginOffset minOffset maxOffset offsetDelta topicSysFlag "
        "groupSysFlag forbiddenType"
    )

    suggest_which_broker_id: Long
    next_begin_offset: Long
    min_offset: Long
    max_offset: Long
    offset_delta: Long | None = None  # 5.5.0 only
    topic_sys_flag: Int | None = None  # 5.5.0 only
    group_sys_flag: Int | None = None  # 5.5.0 only
    forbidden_type: Int | None = None  # 5.5.0 only


class QueryConsumeQueueRequestHeader(TopicQueueRequestHeader, kw_only=True):
    """Ask QUERY_CONSUME_QUEUE (321)."""

    topic: str | None = None
    queue_id: Int = 0
    index: Long = 0
    count: Int = 0
    consumer_group: str | None = None


class QueryMessageRequestHeader(TopicRequestHeader, kw_only=True):
    """Ask QUERY_MESSAGE (12)."""

    java_insertion: ClassVar[str] = (
        "endTimestamp maxNum key topic ns bname lastKey oway beginTimestamp lo indexType nsd"
    )

    topic: str
    key: str
    max_num: Int
    begin_timestamp: Long
    end_timestamp: Long
    index_type: str | None = None  # 5.5.0 only
    last_key: str | None = None  # 5.5.0 only


class QueryMessageResponseHeader(Header, kw_only=True):
    """Answer QUERY_MESSAGE (12)."""

    index_last_update_timestamp: Long
    index_last_update_phyoffset: Long


class ViewMessageRequestHeader(Header, kw_only=True):
    """Ask VIEW_MESSAGE_BY_ID (33)."""

    topic: str | None = None  # 5.5.0 only
    offset: Long


class ViewMessageResponseHeader(Header, kw_only=True):
    """Declared by RocketMQ without a request of its own."""
