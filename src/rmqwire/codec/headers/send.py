"""Headers about sending and recalling. Written by ``tools/gen_headers.py``."""

from __future__ import annotations

from typing import ClassVar

from msgspec import field

from rmqwire.codec.headers.base import Header, Int, Long
from rmqwire.codec.headers.rpc import RpcRequestHeader, TopicQueueRequestHeader, TopicRequestHeader


class ConsumerSendMsgBackRequestHeader(RpcRequestHeader, kw_only=True):
    """Ask CONSUMER_SEND_MSG_BACK (36)."""

    java_insertion: ClassVar[str] = (
        "maxReconsumeTimes ns bname originTopic oway delayLevel offset originMsgId group unitMode "
        "nsd"
    )

    offset: Long
    group: str
    delay_level: Int
    origin_msg_id: str | None = None
    origin_topic: str | None = None
    unit_mode: bool = False
    max_reconsume_times: Int | None = None


class ReplyMessageRequestHeader(TopicQueueRequestHeader, kw_only=True):
    """Ask PUSH_REPLY_MESSAGE_TO_CLIENT (326)."""

    java_insertion: ClassVar[str] = (
        "topic ns bornTimestamp storeHost properties producerGroup lo unitMode bname oway "
        "defaultTopic bornHost defaultTopicQueueNums queueId flag sysFlag reconsumeTimes "
        "storeTimestamp nsd"
    )

    producer_group: str
    topic: str
    default_topic: str
    default_topic_queue_nums: Int
    queue_id: Int
    sys_flag: Int
    born_timestamp: Long
    flag: Int
    properties: str | None = None
    reconsume_times: Int | None = None
    unit_mode: bool = False
    born_host: str
    store_host: str
    store_timestamp: Long = 0


class SendMessageRequestHeader(TopicQueueRequestHeader, kw_only=True):
    """Ask SEND_MESSAGE (10), SEND_REPLY_MESSAGE (324)."""

    java_insertion: ClassVar[str] = (
        "maxReconsumeTimes producerGroup ns topic bornTimestamp lo properties queueId flag bname "
        "sysFlag reconsumeTimes oway batch unitMode defaultTopicQueueNums defaultTopic nsd"
    )

    producer_group: str | None = None
    topic: str
    default_topic: str | None = None
    default_topic_queue_nums: Int | None = None
    queue_id: Int
    sys_flag: Int
    born_timestamp: Long
    flag: Int
    properties: str | None = None
    reconsume_times: Int | None = None
    unit_mode: bool | None = None
    batch: bool | None = None
    max_reconsume_times: Int | None = None


class SendMessageRequestHeaderV2(TopicQueueRequestHeader, kw_only=True):
    """Ask SEND_MESSAGE_V2 (310), SEND_BATCH_MESSAGE (320), SEND_REPLY_MESSAGE_V2 (325)."""

    java_insertion: ClassVar[str] = "n l m j ns k h i f g d e b c lo a bname oway nsd"
    fast_order: ClassVar[str] = "a b c d e f g h i j k l m n"

    producer_group: str | None = field(name="a", default=None)
    topic: str = field(name="b")
    default_topic: str | None = field(name="c", default=None)
    default_topic_queue_nums: Int | None = field(name="d", default=None)
    queue_id: Int = field(name="e")
    sys_flag: Int = field(name="f")
    born_timestamp: Long = field(name="g")
    flag: Int = field(name="h")
    properties: str | None = field(name="i", default=None)
    reconsume_times: Int | None = field(name="j", default=None)
    unit_mode: bool | None = field(name="k", default=None)
    max_reconsume_times: Int | None = field(name="l", default=None)
    batch: bool | None = field(name="m", default=None)
    broker_name: str | None = field(name="n", default=None)


class SendMessageResponseHeader(Header, kw_only=True):
    """Answer one of several requests.

    SEND_MESSAGE (10), SEND_MESSAGE_V2 (310), SEND_BATCH_MESSAGE (320), SEND_REPLY_MESSAGE (324),
    SEND_REPLY_MESSAGE_V2 (325).
    """

    fast_order: ClassVar[str] = "msgId queueId queueOffset transactionId batchUniqId recallHandle"

    msg_id: str
    queue_id: Int
    queue_offset: Long
    transaction_id: str | None = None
    batch_uniq_id: str | None = None  # 5.5.0 only
    recall_handle: str | None = None  # 5.5.0 only


class RecallMessageRequestHeader(TopicRequestHeader, kw_only=True):
    """Ask RECALL_MESSAGE (370). Only 5.5.0."""

    producer_group: str | None = None
    topic: str
    recall_handle: str


class RecallMessageResponseHeader(Header, kw_only=True):
    """Answer RECALL_MESSAGE (370). Only 5.5.0."""

    msg_id: str
