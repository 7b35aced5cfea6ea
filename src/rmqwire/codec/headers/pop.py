"""Headers about popping. Written by ``tools/gen_headers.py``."""

from __future__ import annotations

from typing import ClassVar

from rmqwire.codec.headers.base import Header, Int, Long
from rmqwire.codec.headers.rpc import TopicQueueRequestHeader


class AckMessageRequestHeader(TopicQueueRequestHeader, kw_only=True):
    """Ask ACK_MESSAGE (200051). Only 5.5.0."""

    java_insertion: ClassVar[str] = (
        "consumerGroup extraInfo ns bname liteTopic oway topic offset lo queueId nsd"
    )

    consumer_group: str
    topic: str
    queue_id: Int
    extra_info: str
    offset: Long
    lite_topic: str | None = None


class ChangeInvisibleTimeRequestHeader(TopicQueueRequestHeader, kw_only=True):
    """Ask CHANGE_MESSAGE_INVISIBLETIME (200053). Only 5.5.0."""

    consumer_group: str
    topic: str
    queue_id: Int
    extra_info: str
    offset: Long
    invisible_time: Long
    lite_topic: str | None = None
    suspend: bool = False


class ChangeInvisibleTimeResponseHeader(Header, kw_only=True):
    """Answer CHANGE_MESSAGE_INVISIBLETIME (200053). Only 5.5.0."""

    pop_time: Long = 0
    invisible_time: Long = 0
    revive_qid: Int = 0


class NotificationRequestHeader(TopicQueueRequestHeader, kw_only=True):
    """Ask NOTIFICATION (200054). Only 5.5.0."""

    java_insertion: ClassVar[str] = (
        "ns queueId lo exp consumerGroup order attemptId bname topic oway expType pollTime "
        "bornTime nsd"
    )

    consumer_group: str
    topic: str
    queue_id: Int = 0
    poll_time: Long = 0
    born_time: Long = 0
    order: bool = False
    attempt_id: str | None = None
    exp_type: str | None = None
    exp: str | None = None
    is_lite_consumer: bool | None = None  # 5.5.1 only
    client_id: str | None = None  # 5.5.1 only


class NotificationResponseHeader(Header, kw_only=True):
    """Answer NOTIFICATION (200054). Only 5.5.0."""

    has_msg: bool = False
    polling_full: bool = False


class PeekMessageRequestHeader(TopicQueueRequestHeader, kw_only=True):
    """Ask PEEK_MESSAGE (200052). Only 5.5.0."""

    java_insertion: ClassVar[str] = "consumerGroup ns bname oway topic maxMsgNums lo queueId nsd"

    topic: str
    queue_id: Int = 0
    max_msg_nums: Int = 0
    consumer_group: str


class PollingInfoRequestHeader(TopicQueueRequestHeader, kw_only=True):
    """Ask POLLING_INFO (200055). Only 5.5.0."""

    consumer_group: str
    topic: str
    queue_id: Int = 0


class PollingInfoResponseHeader(Header, kw_only=True):
    """Answer POLLING_INFO (200055). Only 5.5.0."""

    polling_num: Int = 0


class PopMessageRequestHeader(TopicQueueRequestHeader, kw_only=True):
    """Ask POP_MESSAGE (200050). Only 5.5.0."""

    java_insertion: ClassVar[str] = (
        "pollTime bornTime ns topic expType exp consumerGroup lo order attemptId invisibleTime "
        "queueId maxMsgNums bname oway initMode nsd"
    )

    consumer_group: str
    topic: str
    queue_id: Int = 0
    max_msg_nums: Int = 0
    invisible_time: Long = 0
    poll_time: Long = 0
    born_time: Long = 0
    init_mode: Int = 0
    exp_type: str | None = None
    exp: str | None = None
    order: bool = False
    attempt_id: str | None = None


class PopMessageResponseHeader(Header, kw_only=True):
    """Answer POP_MESSAGE (200050), PEEK_MESSAGE (200052). Only 5.5.0."""

    pop_time: Long = 0
    invisible_time: Long = 0
    revive_qid: Int = 0
    rest_num: Long = 0
    start_offset_info: str | None = None
    msg_offset_info: str | None = None
    order_count_info: str | None = None
