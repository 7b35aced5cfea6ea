"""Headers about topics, statistics and the broker itself. Written by ``tools/gen_headers.py``."""

from __future__ import annotations

from typing import ClassVar

from rmqwire.codec.headers.base import Header, Int, Long
from rmqwire.codec.headers.rpc import RpcRequestHeader, TopicQueueRequestHeader, TopicRequestHeader


class CreateTopicRequestHeader(TopicRequestHeader, kw_only=True):
    """Ask UPDATE_AND_CREATE_TOPIC (17), UPDATE_AND_CREATE_STATIC_TOPIC (513)."""

    java_insertion: ClassVar[str] = (
        "ns topicFilterType writeQueueNums attributes force topic order lo readQueueNums bname "
        "oway perm topicSysFlag defaultTopic nsd"
    )

    topic: str
    default_topic: str | None = None
    read_queue_nums: Int
    write_queue_nums: Int
    perm: Int
    topic_filter_type: str
    topic_sys_flag: Int | None = None
    order: bool = False
    attributes: str | None = None  # 5.5.0 only
    force: bool = False  # 5.5.0 only


class DeleteTopicRequestHeader(TopicRequestHeader, kw_only=True):
    """Ask DELETE_TOPIC_IN_BROKER (215)."""

    topic: str


class GetAllTopicConfigResponseHeader(Header, kw_only=True):
    """Answer GET_ALL_TOPIC_CONFIG (21)."""

    total_topic_num: Int | None = None  # 5.5.0 only


class GetBrokerConfigResponseHeader(Header, kw_only=True):
    """Answer GET_BROKER_CONFIG (26)."""

    version: str


class GetConsumeStatsInBrokerHeader(Header, kw_only=True):
    """Ask GET_BROKER_CONSUME_STATS (317)."""

    is_order: bool = False


class GetConsumeStatsRequestHeader(TopicRequestHeader, kw_only=True):
    """Ask GET_CONSUME_STATS (208)."""

    consumer_group: str
    topic: str | None = None
    topic_list: str | None = None  # 5.5.0 only


class GetTopicStatsInfoRequestHeader(TopicRequestHeader, kw_only=True):
    """Ask GET_TOPIC_STATS_INFO (202)."""

    topic: str


class ViewBrokerStatsDataRequestHeader(Header, kw_only=True):
    """Ask VIEW_BROKER_STATS_DATA (315)."""

    stats_name: str
    stats_key: str


class CheckRocksdbCqWriteProgressRequestHeader(Header, kw_only=True):
    """Ask CHECK_ROCKSDB_CQ_WRITE_PROGRESS (354). Only 5.5.0."""

    topic: str
    check_store_time: Long = 0


class CreateTopicListRequestHeader(RpcRequestHeader, kw_only=True):
    """Ask UPDATE_AND_CREATE_TOPIC_LIST (18). Only 5.5.0."""


class ExportRocksDBConfigToJsonRequestHeader(Header, kw_only=True):
    """Ask EXPORT_ROCKSDB_CONFIG_TO_JSON (355). Only 5.5.0."""

    config_type: str


class GetAllTopicConfigRequestHeader(Header, kw_only=True):
    """Ask GET_ALL_TOPIC_CONFIG (21). Only 5.5.0."""

    topic_seq: Int
    data_version: str | None = None
    max_topic_num: Int | None = None


class GetTopicConfigRequestHeader(TopicRequestHeader, kw_only=True):
    """Ask GET_TOPIC_CONFIG (351). Only 5.5.0."""

    topic: str


class StatisticsMessagesRequestHeader(TopicQueueRequestHeader, kw_only=True):
    """Declared by RocketMQ without a request of its own. Only 5.5.0."""

    consumer_group: str
    topic: str
    queue_id: Int = 0
    from_time: Long = 0
    to_time: Long = 0
