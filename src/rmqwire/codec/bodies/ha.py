"""Replication and the controller (RIP-44)."""

from typing import ClassVar

from msgspec import field

from rmqwire.codec.bodies.base import Body, Int, Long, SetOf
from rmqwire.codec.bodies.route import BrokerMemberGroup


class EpochEntry(Body):
    """One master's reign over the log."""

    epoch: Int = 0
    start_offset: Long = 0
    end_offset: Long = 0


class EpochEntryCache(Body):
    """All of them at one broker."""

    cluster_name: str = ""
    broker_name: str = ""
    broker_id: Long = 0
    epoch_list: list[EpochEntry] = field(default_factory=list)
    max_offset: Long = 0


class HAClientRuntimeInfo(Body):
    """A slave's end of the link."""

    _hidden: ClassVar[tuple[str, ...]] = ("is_activated",)

    master_addr: str | None = None
    transferred_byte_in_second: Long = 0
    max_offset: Long = 0
    last_read_timestamp: Long = 0
    last_write_timestamp: Long = 0
    master_flush_offset: Long = 0
    is_activated: bool = False


class HAConnectionRuntimeInfo(Body):
    """The master's end of one link."""

    addr: str | None = None
    slave_ack_offset: Long = 0
    diff: Long = 0
    in_sync: bool = False
    transferred_byte_in_second: Long = 0
    transfer_from_where: Long = 0


class HARuntimeInfo(Body):
    """Replication as one broker sees it."""

    master: bool = False
    master_commit_log_max_offset: Long = 0
    in_sync_slave_nums: Int = 0
    ha_connection_info: list[HAConnectionRuntimeInfo] = field(default_factory=list)
    ha_client_runtime_info: HAClientRuntimeInfo = field(default_factory=HAClientRuntimeInfo)


class BrokerSyncInfo(Body):
    """Master address and flush offset (EXCHANGE_BROKER_HA_INFO)."""

    master_ha_address: str | None = None
    master_flush_offset: Long = 0
    master_address: str | None = None


class SyncStateSet(Body):
    """Broker ids that are in sync."""

    sync_state_set: SetOf[Long] = field(default_factory=list)
    sync_state_set_epoch: Int = 0


class ReplicaIdentity(Body):
    """One replica as the controller knows it."""

    broker_name: str = ""
    broker_id: Long | None = None
    broker_address: str | None = None
    alive: bool | None = None


class ReplicasInfo(Body):
    """The replicas of one broker name."""

    master_broker_id: Long | None = None
    master_address: str | None = None
    master_epoch: Int | None = None
    sync_state_set_epoch: Int | None = None
    in_sync_replicas: list[ReplicaIdentity] = field(default_factory=list)
    not_in_sync_replicas: list[ReplicaIdentity] = field(default_factory=list)


class BrokerReplicasInfo(Body):
    """The replicas of several."""

    replicas_info_table: dict[str, ReplicasInfo] = field(default_factory=dict)


class ElectMasterResponseBody(Body):
    """Who was elected."""

    broker_member_group: BrokerMemberGroup | None = None
    sync_state_set: SetOf[Long] = field(default_factory=list)


class RoleChangeNotifyEntry(Body):
    """What the controller tells brokers after an election."""

    broker_member_group: BrokerMemberGroup | None = None
    master_address: str | None = None
    master_broker_id: Long | None = None
    master_epoch: Int = 0
    sync_state_set_epoch: Int = 0
    sync_state_set: SetOf[Long] = field(default_factory=list)


class BrokerIdentity(Body):
    """Who a broker says it is."""

    _hidden: ClassVar[tuple[str, ...]] = ("is_broker_container",)
    _derived: ClassVar[dict[str, str]] = {
        "canonicalName": "canonical_name",
        "identifier": "identifier",
    }

    broker_name: str = ""
    broker_cluster_name: str = "DefaultCluster"
    broker_id: Long = 0
    is_broker_container: bool = False
    in_broker_container: bool = False

    @property
    def canonical_name(self) -> str:
        """The name in logs: cluster, broker name and id."""
        if self.is_broker_container:
            return "BrokerContainer"
        return f"{self.broker_cluster_name}_{self.broker_name}_{self.broker_id}"

    @property
    def identifier(self) -> str:
        """The name as log lines begin with it."""
        return f"#{self.canonical_name}#"
