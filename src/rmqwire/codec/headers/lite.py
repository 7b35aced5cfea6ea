"""Headers about lite topics (5.x). Written by ``tools/gen_headers.py``."""

from __future__ import annotations

from rmqwire.codec.headers.base import Header, Int, Long
from rmqwire.codec.headers.rpc import RpcRequestHeader


class GetLiteClientInfoRequestHeader(Header, kw_only=True):
    """Ask GET_LITE_CLIENT_INFO (200077). Only 5.5.0."""

    parent_topic: str | None = None
    group: str | None = None
    client_id: str | None = None
    max_count: Int = 1000


class GetLiteGroupInfoRequestHeader(Header, kw_only=True):
    """Ask GET_LITE_GROUP_INFO (200078). Only 5.5.0."""

    group: str
    lite_topic: str | None = None
    top_k: Int = 0


class GetLiteTopicInfoRequestHeader(Header, kw_only=True):
    """Ask GET_LITE_TOPIC_INFO (200076). Only 5.5.0."""

    parent_topic: str | None = None
    lite_topic: str | None = None


class GetParentTopicInfoRequestHeader(Header, kw_only=True):
    """Ask GET_PARENT_TOPIC_INFO (200075). Only 5.5.0."""

    topic: str


class LiteSubscriptionCtlRequestHeader(RpcRequestHeader, kw_only=True):
    """Declared by RocketMQ without a request of its own. Only 5.5.0."""


class NotifyUnsubscribeLiteRequestHeader(RpcRequestHeader, kw_only=True):
    """Ask NOTIFY_UNSUBSCRIBE_LITE (200073). Only 5.5.0."""

    lite_topic: str
    consumer_group: str
    client_id: str


class PopLiteMessageRequestHeader(RpcRequestHeader, kw_only=True):
    """Ask POP_LITE_MESSAGE (200070). Only 5.5.0."""

    client_id: str
    consumer_group: str
    topic: str
    max_msg_num: Int = 0
    invisible_time: Long = 0
    poll_time: Long = 0
    born_time: Long = 0
    attempt_id: str | None = None


class PopLiteMessageResponseHeader(Header, kw_only=True):
    """Answer POP_LITE_MESSAGE (200070). Only 5.5.0."""

    pop_time: Long = 0
    invisible_time: Long = 0
    revive_qid: Int = 0
    start_offset_info: str | None = None
    msg_offset_info: str | None = None
    order_count_info: str | None = None


class TriggerLiteDispatchRequestHeader(Header, kw_only=True):
    """Ask TRIGGER_LITE_DISPATCH (200079). Only 5.5.0."""

    group: str
    client_id: str | None = None
