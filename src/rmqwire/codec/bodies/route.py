"""Routes: which brokers hold which queues of a topic."""

from typing import ClassVar

from msgspec import field

from rmqwire.codec.bodies.base import Body, Int, Long, SetOf
from rmqwire.codec.bodies.common import KVTable
from rmqwire.codec.bodies.static_topic import TopicQueueMappingInfo


class QueueData(Body):
    """The queues of one topic at one broker name."""

    broker_name: str = ""
    read_queue_nums: Int = 0
    write_queue_nums: Int = 0
    perm: Int = 0
    topic_sys_flag: Int = 0


class BrokerData(Body):
    """The addresses of one broker name by broker id; id 0 is the master."""

    _since_5: ClassVar[tuple[str, ...]] = (
        "zone_name",
        "enable_acting_master",
    )

    cluster: str = ""
    broker_name: str = ""
    broker_addrs: dict[Long, str] = field(default_factory=dict)
    zone_name: str | None = None
    enable_acting_master: bool = False


class TopicRouteData(Body):
    """A topic's route: the answer of GET_ROUTEINFO_BY_TOPIC."""

    _since_5: ClassVar[tuple[str, ...]] = ("topic_queue_mapping_by_broker",)

    order_topic_conf: str | None = None
    queue_datas: list[QueueData] = field(default_factory=list)
    broker_datas: list[BrokerData] = field(default_factory=list)
    filter_server_table: dict[str, list[str]] = field(default_factory=dict)
    topic_queue_mapping_by_broker: dict[str, TopicQueueMappingInfo] | None = None


class ClusterInfo(Body):
    """All brokers and clusters a name server knows."""

    broker_addr_table: dict[str, BrokerData] = field(default_factory=dict)
    cluster_addr_table: dict[str, SetOf[str]] = field(default_factory=dict)


class BrokerMemberGroup(Body):
    """The members of one broker name (RIP-29); the cluster is the question's, None when it named none."""

    cluster: str | None = ""
    broker_name: str = ""
    broker_addrs: dict[Long, str] = field(default_factory=dict)


class GetBrokerMemberGroupResponseBody(Body):
    """Answer of GET_BROKER_MEMBER_GROUP."""

    broker_member_group: BrokerMemberGroup | None = None


class RegisterBrokerResult(Body):
    """What one name server said to a registration."""

    ha_server_addr: str | None = None
    master_addr: str | None = None
    kv_table: KVTable | None = None
