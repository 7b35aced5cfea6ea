"""Headers about subscription groups. Written by ``tools/gen_headers.py``."""

from __future__ import annotations

from rmqwire.codec.headers.base import Header, Int
from rmqwire.codec.headers.rpc import RpcRequestHeader, TopicRequestHeader


class DeleteSubscriptionGroupRequestHeader(RpcRequestHeader, kw_only=True):
    """Ask DELETE_SUBSCRIPTIONGROUP (207)."""

    group_name: str
    clean_offset: bool = False  # 5.5.0 only
    remove_offset: bool = False  # 4.9.7 only


class GetAllSubscriptionGroupRequestHeader(Header, kw_only=True):
    """Ask GET_ALL_SUBSCRIPTIONGROUP_CONFIG (201). Only 5.5.0."""

    group_seq: Int
    data_version: str | None = None
    max_group_num: Int | None = None


class GetAllSubscriptionGroupResponseHeader(Header, kw_only=True):
    """Answer GET_ALL_SUBSCRIPTIONGROUP_CONFIG (201). Only 5.5.0."""

    total_group_num: Int


class GetSubscriptionGroupConfigRequestHeader(RpcRequestHeader, kw_only=True):
    """Ask GET_SUBSCRIPTIONGROUP_CONFIG (352). Only 5.5.0."""

    group: str


class UpdateGroupForbiddenRequestHeader(TopicRequestHeader, kw_only=True):
    """Ask UPDATE_AND_GET_GROUP_FORBIDDEN (353). Only 5.5.0."""

    group: str
    topic: str
    readable: bool | None = None
