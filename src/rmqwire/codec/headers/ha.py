"""Headers about brokers of one group. Written by ``tools/gen_headers.py``."""

from __future__ import annotations

from rmqwire.codec.headers.base import Header, Long


class AddBrokerRequestHeader(Header, kw_only=True):
    """Ask ADD_BROKER (902). Only 5.5.0."""

    config_path: str | None = None


class ExchangeHAInfoRequestHeader(Header, kw_only=True):
    """Ask EXCHANGE_BROKER_HA_INFO (906). Only 5.5.0."""

    master_ha_address: str | None = None
    master_flush_offset: Long | None = None
    master_address: str | None = None


class ExchangeHAInfoResponseHeader(Header, kw_only=True):
    """Answer EXCHANGE_BROKER_HA_INFO (906). Only 5.5.0."""

    master_ha_address: str | None = None
    master_flush_offset: Long | None = None
    master_address: str | None = None


class GetBrokerMemberGroupRequestHeader(Header, kw_only=True):
    """Ask GET_BROKER_MEMBER_GROUP (901). Only 5.5.0."""

    cluster_name: str | None = None
    broker_name: str


class NotifyMinBrokerIdChangeRequestHeader(Header, kw_only=True):
    """Ask NOTIFY_MIN_BROKER_ID_CHANGE (905). Only 5.5.0."""

    min_broker_id: Long | None = None
    broker_name: str | None = None
    min_broker_addr: str | None = None
    offline_broker_addr: str | None = None
    ha_broker_addr: str | None = None


class RemoveBrokerRequestHeader(Header, kw_only=True):
    """Ask REMOVE_BROKER (903). Only 5.5.0."""

    broker_name: str
    broker_cluster_name: str
    broker_id: Long
