"""What a cluster is set to and does, for a file (mqadmin's ``export``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rmqwire.admin.broker import BrokerVerbs
from rmqwire.admin.consumer import ConsumerVerbs
from rmqwire.admin.paging import PAGE_SIZE, whole_table
from rmqwire.admin.stats import TOPIC_PUT_NUMS, StatsVerbs, Traffic
from rmqwire.codec.bodies import (
    SubscriptionGroupConfig,
    TopicConfig,
    TopicConfigSerializeWrapper,
    TopicList,
)
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers import GetAllTopicConfigRequestHeader, GetAllTopicConfigResponseHeader
from rmqwire.codec.message_const import (
    CID_RMQ_SYS_PREFIX,
    DLQ_GROUP_TOPIC_PREFIX,
    MASTER_ID,
    RETRY_GROUP_TOPIC_PREFIX,
    RMQ_SYS_SCHEDULE_TOPIC,
    RMQ_SYS_TRANS_HALF_TOPIC,
)
from rmqwire.codec.mq_version import version_name
from rmqwire.codec.names import is_system_topic
from rmqwire.errors import BrokerError, RemotingError, RouteNotFound

if TYPE_CHECKING:
    from rmqwire.codec.bodies import SubscriptionGroupWrapper

POP_TIMEOUT_MS = 30_000  # ExportPopRecordCommand
PREDEFINED_GROUPS = frozenset(  # MixAll.PREDEFINE_GROUP_SET
    (
        "DEFAULT_CONSUMER",
        "DEFAULT_PRODUCER",
        "TOOLS_CONSUMER",
        "SCHEDULE_CONSUMER",
        "FILTERSRV_CONSUMER",
        "__MONITOR_CONSUMER",
        "CLIENT_INNER_PRODUCER",
        "SELF_TEST_P_GROUP",
        "SELF_TEST_C_GROUP",
        "CID_ONS-HTTP-PROXY",
        "CID_ONSAPI_PERMISSION",
        "CID_ONSAPI_OWNER",
        "CID_ONSAPI_PULL",
        "CID_RMQ_SYS_TRANS",
    )
)
EXPORTED_SETTINGS = (  # ExportConfigsCommand.needBrokerProprties
    "brokerClusterName",
    "brokerId",
    "brokerName",
    "brokerRole",
    "fileReservedTime",
    "filterServerNums",
    "flushDiskType",
    "maxMessageSize",
    "messageDelayLevel",
    "msgTraceTopicName",
    "slaveReadEnable",
    "traceOn",
    "traceTopicEnable",
    "useTLS",
    "autoCreateTopicEnable",
    "autoCreateSubscriptionGroup",
)
_ABSENT = (BrokerError, RemotingError, RouteNotFound)


@dataclass(frozen=True, slots=True)
class ClusterScale:
    """How many servers there are."""

    namesrv_size: int
    master_broker_size: int
    slave_broker_size: int


@dataclass(frozen=True, slots=True)
class ClusterConfigs:
    """What a cluster's masters are set to.

    Args:
        broker_configs: the settings that matter, by broker name.
        cluster_scale: its servers.
    """

    broker_configs: dict[str, dict[str, str]]
    cluster_scale: ClusterScale


@dataclass(frozen=True, slots=True)
class Metadata:
    """Topics and groups by their names, of all masters of a cluster: numbers of queues added up."""

    topics: dict[str, TopicConfig] = field(default_factory=dict)
    groups: dict[str, SubscriptionGroupConfig] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BrokerMetrics:
    """What a master does.

    Args:
        broker_name: its name.
        figures: those that ``brokerStatus`` shows.
        settings: all of its.
        trans: half messages put.
        schedule: messages of delay levels put.
        topic_size: topics of users.
        group_size: consumer groups of users.
        clients: ``language%release`` of consumers that are connected.
    """

    broker_name: str
    figures: dict[str, str]
    settings: dict[str, str]
    trans: Traffic
    schedule: Traffic
    topic_size: int
    group_size: int
    clients: list[str]


class ExportVerbs(BrokerVerbs, StatsVerbs, ConsumerVerbs):
    """What is asked for a file."""

    async def export_configs(self, cluster: str) -> ClusterConfigs:
        """Return what a cluster's masters are set to (``exportConfigs``)."""
        configs, slaves = {}, 0
        for broker in await self.broker_datas(cluster):
            addr = broker.broker_addrs.get(MASTER_ID)
            slaves += len(broker.broker_addrs) - (addr is not None)
            if addr is not None:
                settings = await self.get_broker_config(addr)
                wanted = {key: settings[key] for key in EXPORTED_SETTINGS if key in settings}
                configs[settings.get("brokerName", broker.broker_name)] = wanted
        scale = ClusterScale(len(self.namesrv_addrs), len(configs), slaves)
        return ClusterConfigs(configs, scale)

    async def user_topics(self, addr: str, *, special: bool = False) -> TopicConfigSerializeWrapper:
        """Return a broker's topics but its own (``getUserTopicConfig``).

        Args:
            addr: of the broker.
            special: those of retries and dead letters too.
        """
        found = await self.all_topics(addr)
        answer = await self._ask(addr, RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_BROKER)
        system = set(TopicList.decode(answer.body, self._release).topic_list)
        found.topic_config_table = {
            name: config
            for name, config in found.topic_config_table.items()
            if name not in system
            and not is_system_topic(name)
            and (special or not name.startswith((RETRY_GROUP_TOPIC_PREFIX, DLQ_GROUP_TOPIC_PREFIX)))
            and 0 <= config.perm < 8
        }
        return found

    async def all_topics(self, addr: str) -> TopicConfigSerializeWrapper:
        """Return all topics of a broker, asked for in pages as 5.x brokers have them."""

        async def ask(known: int, version: str) -> tuple[TopicConfigSerializeWrapper, int]:
            header = GetAllTopicConfigRequestHeader(
                topic_seq=known, data_version=version, max_topic_num=PAGE_SIZE
            )
            answer = await self._ask(addr, RequestCode.GET_ALL_TOPIC_CONFIG, header)
            total = answer.decode_header(GetAllTopicConfigResponseHeader).total_topic_num or 0
            return TopicConfigSerializeWrapper.decode(answer.body, self._release), total

        return await whole_table(ask, lambda one: one.topic_config_table)

    async def user_groups(self, addr: str) -> SubscriptionGroupWrapper:
        """Return a broker's consumer groups but its own (``getUserSubscriptionGroup``)."""
        found = await self.sub_groups(addr)
        found.subscription_group_table = {
            name: config
            for name, config in found.subscription_group_table.items()
            if not name.startswith(CID_RMQ_SYS_PREFIX) and name not in PREDEFINED_GROUPS
        }
        return found

    async def export_metadata(self, cluster: str, *, special: bool = False) -> Metadata:
        """Return the topics and groups of a cluster's masters (``exportMetadata``).

        Args:
            cluster: its name.
            special: the topics of retries and dead letters too.
        """
        found = Metadata()
        for addr in await self.masters(cluster):
            for name, topic in (
                await self.user_topics(addr, special=special)
            ).topic_config_table.items():
                if (before := found.topics.get(name)) is not None:
                    topic.read_queue_nums += before.read_queue_nums
                    topic.write_queue_nums += before.write_queue_nums
                found.topics[name] = topic
            for name, group in (await self.user_groups(addr)).subscription_group_table.items():
                if (other := found.groups.get(name)) is not None:
                    group.retry_queue_nums += other.retry_queue_nums
                found.groups[name] = group
        return found

    async def export_metrics(self, cluster: str) -> list[BrokerMetrics]:
        """Return what a cluster's masters do (``exportMetrics``)."""
        found = []
        for broker in await self.broker_datas(cluster):
            addr = broker.broker_addrs.get(MASTER_ID)
            if addr is not None:
                groups = list((await self.user_groups(addr)).subscription_group_table)
                metrics = BrokerMetrics(
                    broker.broker_name,
                    await self.broker_status(addr),
                    await self.get_broker_config(addr),
                    await self._traffic([addr], TOPIC_PUT_NUMS, RMQ_SYS_TRANS_HALF_TOPIC),
                    await self._traffic([addr], TOPIC_PUT_NUMS, RMQ_SYS_SCHEDULE_TOPIC),
                    len((await self.user_topics(addr)).topic_config_table),
                    len(groups),
                    await self._clients(groups),
                )
                found.append(metrics)
        return found

    async def _clients(self, groups: list[str]) -> list[str]:
        found: dict[str, None] = {}
        for group in groups:
            try:
                members = await self.consumer_connection(group)
            except _ABSENT:  # nobody of it is connected
                continue
            for one in members.connection_set:
                found[f"{one.language}%{version_name(one.version)}"] = None
        return list(found)

    async def export_pop_record(self, addr: str) -> None:
        """Let a 5.x broker take its records of popped messages out of RocksDB (``exportPopRecord``)."""
        await self._ask(addr, RequestCode.POP_ROLLBACK, timeout_ms=POP_TIMEOUT_MS)
