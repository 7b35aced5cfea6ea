"""Headers about the controller. Written by ``tools/gen_headers.py``."""

from __future__ import annotations

from rmqwire.codec.headers.base import Header, Int, Long


class BrokerCloseChannelRequest(Header, kw_only=True):
    """Declared by RocketMQ without a request of its own. Only 5.5.0."""

    cluster_name: str | None = None
    broker_name: str | None = None
    broker_id: Long | None = None


class BrokerCloseChannelResponse(Header, kw_only=True):
    """Declared by RocketMQ without a request of its own. Only 5.5.0."""


class CheckNotActiveBrokerRequest(Header, kw_only=True):
    """Declared by RocketMQ without a request of its own. Only 5.5.0."""

    check_time_millis: Long | None = None


class CheckNotActiveBrokerResponse(Header, kw_only=True):
    """Declared by RocketMQ without a request of its own. Only 5.5.0."""


class GetBrokerLiveInfoRequest(Header, kw_only=True):
    """Declared by RocketMQ without a request of its own. Only 5.5.0."""

    cluster_name: str | None = None
    broker_name: str | None = None
    broker_id: Long | None = None


class GetBrokerLiveInfoResponse(Header, kw_only=True):
    """Declared by RocketMQ without a request of its own. Only 5.5.0."""


class GetSyncStateDataRequest(Header, kw_only=True):
    """Declared by RocketMQ without a request of its own. Only 5.5.0."""

    invoke_time: Long | None = None


class RaftBrokerHeartBeatEventRequest(Header, kw_only=True):
    """Declared by RocketMQ without a request of its own. Only 5.5.0."""

    cluster_name_identity_info: str | None = None
    broker_name_identity_info: str | None = None
    broker_id_identity_info: Long | None = None
    broker_name: str | None = None
    broker_addr: str | None = None
    heartbeat_timeout_millis: Long | None = None
    broker_id: Long | None = None
    last_update_timestamp: Long | None = None
    epoch: Int | None = None
    max_offset: Long | None = None
    confirm_offset: Long | None = None
    election_priority: Int | None = None


class RaftBrokerHeartBeatEventResponse(Header, kw_only=True):
    """Declared by RocketMQ without a request of its own. Only 5.5.0."""


class NotifyBrokerRoleChangedRequestHeader(Header, kw_only=True):
    """Ask NOTIFY_BROKER_ROLE_CHANGED (1008). Only 5.5.0."""

    master_address: str | None = None
    master_epoch: Int | None = None
    sync_state_set_epoch: Int | None = None
    master_broker_id: Long | None = None


class AlterSyncStateSetRequestHeader(Header, kw_only=True):
    """Ask CONTROLLER_ALTER_SYNC_STATE_SET (1001). Only 5.5.0."""

    broker_name: str | None = None
    master_broker_id: Long | None = None
    master_epoch: Int | None = None
    invoke_time: Long = 0


class AlterSyncStateSetResponseHeader(Header, kw_only=True):
    """Answer CONTROLLER_ALTER_SYNC_STATE_SET (1001). Only 5.5.0."""

    new_sync_state_set_epoch: Int = 0


class ElectMasterRequestHeader(Header, kw_only=True):
    """Ask CONTROLLER_ELECT_MASTER (1002). Only 5.5.0."""

    cluster_name: str = ""
    broker_name: str = ""
    broker_id: Long = -1
    designate_elect: bool = False
    invoke_time: Long | None = None


class ElectMasterResponseHeader(Header, kw_only=True):
    """Answer CONTROLLER_ELECT_MASTER (1002). Only 5.5.0."""

    master_broker_id: Long | None = None
    master_address: str | None = None
    master_epoch: Int | None = None
    sync_state_set_epoch: Int | None = None


class GetMetaDataResponseHeader(Header, kw_only=True):
    """Answer CONTROLLER_GET_METADATA_INFO (1005). Only 5.5.0."""

    group: str | None = None
    controller_leader_id: str | None = None
    controller_leader_address: str | None = None
    is_leader: bool = False
    peers: str | None = None


class GetReplicaInfoRequestHeader(Header, kw_only=True):
    """Ask CONTROLLER_GET_REPLICA_INFO (1004). Only 5.5.0."""

    broker_name: str | None = None


class GetReplicaInfoResponseHeader(Header, kw_only=True):
    """Answer CONTROLLER_GET_REPLICA_INFO (1004). Only 5.5.0."""

    master_broker_id: Long | None = None
    master_address: str | None = None
    master_epoch: Int | None = None


class CleanControllerBrokerDataRequestHeader(Header, kw_only=True):
    """Ask CLEAN_BROKER_DATA (1011). Only 5.5.0."""

    cluster_name: str | None = None
    broker_name: str
    broker_controller_ids_to_clean: str | None = None
    is_clean_living_broker: bool = False
    invoke_time: Long = 0


class ApplyBrokerIdRequestHeader(Header, kw_only=True):
    """Ask CONTROLLER_APPLY_BROKER_ID (1013). Only 5.5.0."""

    cluster_name: str | None = None
    broker_name: str | None = None
    applied_broker_id: Long | None = None
    register_check_code: str | None = None


class ApplyBrokerIdResponseHeader(Header, kw_only=True):
    """Answer CONTROLLER_APPLY_BROKER_ID (1013). Only 5.5.0."""

    cluster_name: str | None = None
    broker_name: str | None = None


class GetNextBrokerIdRequestHeader(Header, kw_only=True):
    """Ask CONTROLLER_GET_NEXT_BROKER_ID (1012). Only 5.5.0."""

    cluster_name: str | None = None
    broker_name: str | None = None


class GetNextBrokerIdResponseHeader(Header, kw_only=True):
    """Answer CONTROLLER_GET_NEXT_BROKER_ID (1012). Only 5.5.0."""

    cluster_name: str | None = None
    broker_name: str | None = None
    next_broker_id: Long | None = None


class RegisterBrokerToControllerRequestHeader(Header, kw_only=True):
    """Ask CONTROLLER_REGISTER_BROKER (1003). Only 5.5.0."""

    cluster_name: str | None = None
    broker_name: str | None = None
    broker_id: Long | None = None
    broker_address: str | None = None
    invoke_time: Long = 0


class RegisterBrokerToControllerResponseHeader(Header, kw_only=True):
    """Answer CONTROLLER_REGISTER_BROKER (1003). Only 5.5.0."""

    cluster_name: str | None = None
    broker_name: str | None = None
    master_broker_id: Long | None = None
    master_address: str | None = None
    master_epoch: Int | None = None
    sync_state_set_epoch: Int | None = None
