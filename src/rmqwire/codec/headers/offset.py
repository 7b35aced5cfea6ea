"""Headers about offsets. Written by ``tools/gen_headers.py``."""

from __future__ import annotations

from typing import ClassVar

from rmqwire.codec.headers.base import Header, Int, Long
from rmqwire.codec.headers.rpc import RpcRequestHeader, TopicQueueRequestHeader, TopicRequestHeader


class CloneGroupOffsetRequestHeader(RpcRequestHeader, kw_only=True):
    """Ask CLONE_GROUP_OFFSET (314)."""

    src_group: str
    dest_group: str
    topic: str | None = None
    offline: bool = False


class GetEarliestMsgStoretimeRequestHeader(TopicQueueRequestHeader, kw_only=True):
    """Ask GET_EARLIEST_MSG_STORETIME (32)."""

    topic: str
    queue_id: Int


class GetEarliestMsgStoretimeResponseHeader(Header, kw_only=True):
    """Answer GET_EARLIEST_MSG_STORETIME (32)."""

    timestamp: Long


class GetMaxOffsetRequestHeader(TopicQueueRequestHeader, kw_only=True):
    """Ask GET_MAX_OFFSET (30)."""

    topic: str
    queue_id: Int
    committed: bool = True  # 5.5.0 only


class GetMaxOffsetResponseHeader(Header, kw_only=True):
    """Answer GET_MAX_OFFSET (30)."""

    offset: Long


class GetMinOffsetRequestHeader(TopicQueueRequestHeader, kw_only=True):
    """Ask GET_MIN_OFFSET (31)."""

    topic: str
    queue_id: Int


class GetMinOffsetResponseHeader(Header, kw_only=True):
    """Answer GET_MIN_OFFSET (31)."""

    offset: Long


class QueryConsumeTimeSpanRequestHeader(TopicRequestHeader, kw_only=True):
    """Ask QUERY_CONSUME_TIME_SPAN (303)."""

    topic: str
    group: str


class QueryConsumerOffsetRequestHeader(TopicQueueRequestHeader, kw_only=True):
    """Ask QUERY_CONSUMER_OFFSET (14)."""

    consumer_group: str
    topic: str
    queue_id: Int
    set_zero_if_not_found: bool | None = None  # 5.5.0 only


class QueryConsumerOffsetResponseHeader(Header, kw_only=True):
    """Answer QUERY_CONSUMER_OFFSET (14)."""

    offset: Long


class QueryCorrectionOffsetHeader(TopicRequestHeader, kw_only=True):
    """Ask QUERY_CORRECTION_OFFSET (308)."""

    filter_groups: str | None = None
    compare_group: str
    topic: str


class ResetOffsetRequestHeader(TopicQueueRequestHeader, kw_only=True):
    """Ask RESET_CONSUMER_CLIENT_OFFSET (220), INVOKE_BROKER_TO_RESET_OFFSET (222)."""

    java_insertion: ClassVar[str] = (
        "isForce topic ns bname group timestamp oway queueId offset lo nsd"
    )

    group: str
    topic: str
    queue_id: Int = -1  # 5.5.0 only
    offset: Long | None = None  # 5.5.0 only
    timestamp: Long = 0
    is_force: bool = False


class SearchOffsetRequestHeader(TopicQueueRequestHeader, kw_only=True):
    """Ask SEARCH_OFFSET_BY_TIMESTAMP (29)."""

    topic: str
    lite_topic: str | None = None  # 5.5.0 only
    queue_id: Int
    timestamp: Long
    boundary_type: str | None = None  # 5.5.0 only


class SearchOffsetResponseHeader(Header, kw_only=True):
    """Answer SEARCH_OFFSET_BY_TIMESTAMP (29)."""

    offset: Long


class UpdateConsumerOffsetRequestHeader(TopicQueueRequestHeader, kw_only=True):
    """Ask UPDATE_CONSUMER_OFFSET (15)."""

    java_insertion: ClassVar[str] = "queueId ns bname oway commitOffset topic consumerGroup lo nsd"

    consumer_group: str
    topic: str
    queue_id: Int
    commit_offset: Long


class UpdateConsumerOffsetResponseHeader(Header, kw_only=True):
    """Answer UPDATE_CONSUMER_OFFSET (15)."""


class InitConsumerOffsetRequestHeader(TopicRequestHeader, kw_only=True):
    """Declared by RocketMQ without a request of its own. Only 5.5.0."""

    topic: str | None = None
    init_mode: Int = 0


class ResetMasterFlushOffsetHeader(Header, kw_only=True):
    """Ask RESET_MASTER_FLUSH_OFFSET (908). Only 5.5.0."""

    master_flush_offset: Long
