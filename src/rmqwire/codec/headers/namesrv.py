"""Headers about the name server. Written by ``tools/gen_headers.py``."""

from __future__ import annotations

from rmqwire.codec.headers.base import Header, Int, Long
from rmqwire.codec.headers.rpc import TopicRequestHeader


class GetTopicsByClusterRequestHeader(Header, kw_only=True):
    """Ask GET_TOPICS_BY_CLUSTER (224)."""

    cluster: str


class AddWritePermOfBrokerRequestHeader(Header, kw_only=True):
    """Ask ADD_WRITE_PERM_OF_BROKER (327)."""

    broker_name: str


class AddWritePermOfBrokerResponseHeader(Header, kw_only=True):
    """Answer ADD_WRITE_PERM_OF_BROKER (327)."""

    add_topic_count: Int


class DeleteKVConfigRequestHeader(Header, kw_only=True):
    """Ask DELETE_KV_CONFIG (102)."""

    namespace: str
    key: str


class DeleteTopicFromNamesrvRequestHeader(TopicRequestHeader, kw_only=True):
    """Ask DELETE_TOPIC_IN_NAMESRV (216)."""

    topic: str
    cluster_name: str | None = None


class GetKVConfigRequestHeader(Header, kw_only=True):
    """Ask GET_KV_CONFIG (101)."""

    namespace: str
    key: str


class GetKVConfigResponseHeader(Header, kw_only=True):
    """Answer GET_KV_CONFIG (101)."""

    value: str | None = None


class GetKVListByNamespaceRequestHeader(Header, kw_only=True):
    """Ask GET_KVLIST_BY_NAMESPACE (219)."""

    namespace: str


class GetRouteInfoRequestHeader(TopicRequestHeader, kw_only=True):
    """Ask GET_ROUTEINFO_BY_TOPIC (105)."""

    topic: str
    accept_standard_json_only: bool | None = None


class PutKVConfigRequestHeader(Header, kw_only=True):
    """Ask PUT_KV_CONFIG (100)."""

    namespace: str
    key: str
    value: str


class QueryDataVersionRequestHeader(Header, kw_only=True):
    """Ask QUERY_DATA_VERSION (322)."""

    broker_name: str | None = None
    broker_addr: str
    cluster_name: str
    broker_id: Long | None = None


class QueryDataVersionResponseHeader(Header, kw_only=True):
    """Answer QUERY_DATA_VERSION (322)."""

    changed: bool


class RegisterBrokerRequestHeader(Header, kw_only=True):
    """Ask REGISTER_BROKER (103)."""

    broker_name: str
    broker_addr: str
    cluster_name: str
    ha_server_addr: str | None = None
    broker_id: Long
    heartbeat_timeout_millis: Long | None = None  # 5.5.0 only
    enable_acting_master: bool | None = None  # 5.5.0 only
    compressed: bool = False
    body_crc32: Int = 0


class RegisterBrokerResponseHeader(Header, kw_only=True):
    """Answer REGISTER_BROKER (103)."""

    ha_server_addr: str | None = None
    master_addr: str | None = None


class RegisterOrderTopicRequestHeader(Header, kw_only=True):
    """Declared by RocketMQ without a request of its own."""

    topic: str
    order_topic_string: str


class UnRegisterBrokerRequestHeader(Header, kw_only=True):
    """Ask UNREGISTER_BROKER (104)."""

    broker_name: str
    broker_addr: str
    cluster_name: str
    broker_id: Long


class WipeWritePermOfBrokerRequestHeader(Header, kw_only=True):
    """Ask WIPE_WRITE_PERM_OF_BROKER (205)."""

    broker_name: str


class WipeWritePermOfBrokerResponseHeader(Header, kw_only=True):
    """Answer WIPE_WRITE_PERM_OF_BROKER (205)."""

    wipe_topic_count: Int


class BrokerHeartbeatRequestHeader(Header, kw_only=True):
    """Ask BROKER_HEARTBEAT (904). Only 5.5.0."""

    cluster_name: str
    broker_addr: str
    broker_name: str
    broker_id: Long | None = None
    epoch: Int | None = None
    max_offset: Long | None = None
    confirm_offset: Long | None = None
    heartbeat_timeout_mills: Long | None = None
    election_priority: Int | None = None


class RegisterTopicRequestHeader(TopicRequestHeader, kw_only=True):
    """Ask REGISTER_TOPIC_IN_NAMESRV (217). Only 5.5.0."""

    topic: str
