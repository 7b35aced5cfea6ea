"""Topics: made, changed, removed, listed (mqadmin's ``topic``)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmqwire.admin.namesrv import ORDER_TOPIC_CONFIG, NamesrvVerbs
from rmqwire.codec.allocation import allocate_averagely, subscribe_queues
from rmqwire.codec.attributes import attributes_text
from rmqwire.codec.bodies import (
    CreateTopicListRequestBody,
    GroupList,
    MessageQueue,
    TopicConfig,
    TopicList,
    TopicOffset,
    TopicStatsTable,
)
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers import (
    CreateTopicListRequestHeader,
    CreateTopicRequestHeader,
    DeleteTopicFromNamesrvRequestHeader,
    DeleteTopicRequestHeader,
    GetTopicStatsInfoRequestHeader,
    QueryTopicConsumeByWhoRequestHeader,
)
from rmqwire.codec.message_const import DLQ_GROUP_TOPIC_PREFIX, MASTER_ID, RETRY_GROUP_TOPIC_PREFIX
from rmqwire.errors import BrokerError, RemotingError, RouteNotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)

DEFAULT_TOPIC = "TBW102"  # TopicValidator.AUTO_CREATE_TOPIC_KEY_TOPIC


@dataclass(frozen=True, slots=True)
class TopicStatus:
    """The ends of a topic's queues.

    Args:
        queues: each queue's oldest and next message, sorted.
        put_tps: messages a second, of all brokers; 4.9 brokers tell none: 0.
    """

    queues: list[tuple[MessageQueue, TopicOffset]]
    put_tps: float


@dataclass(frozen=True, slots=True)
class TopicConsumers:
    """A topic's cluster and the groups that consume it, or have; the cluster is "" when unknown."""

    cluster: str
    topic: str
    groups: list[str]


@dataclass(frozen=True, slots=True)
class PermChange:
    """A topic's permission at one broker.

    Args:
        addr: of the broker.
        old_perm: the permission before.
        config: the topic, as far as its route tells it, with the new one.
    """

    addr: str
    old_perm: int
    config: TopicConfig


class TopicVerbs(NamesrvVerbs):
    """What is asked about topics."""

    async def topic_list(self) -> list[str]:
        """Return the names of all topics in the name server's order (``topicList``)."""
        answer = await self._ask_namesrv(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER)
        return list(TopicList.decode(answer.body, self._release).topic_list)

    async def topic_consumers(self) -> list[TopicConsumers]:
        """Return all topics but those of retries and dead letters, with their groups (``topicList -c``).

        A topic that nobody tells more of is there without groups, and a warning is logged.
        """
        info = await self.cluster_info()
        cluster_of = {name: one for one, names in info.cluster_addr_table.items() for name in names}
        return [
            await self._consumers(topic, cluster_of)
            for topic in await self.topic_list()
            if not topic.startswith((RETRY_GROUP_TOPIC_PREFIX, DLQ_GROUP_TOPIC_PREFIX))
        ]

    async def _consumers(self, topic: str, cluster_of: Mapping[str, str]) -> TopicConsumers:
        cluster = ""
        try:
            brokers = (await self.known_route(topic)).broker_datas
            cluster = next((cluster_of.get(one.broker_name) or "" for one in brokers), "")
            return TopicConsumers(cluster, topic, await self.groups_of(topic))
        except (BrokerError, RemotingError, RouteNotFound) as error:
            logger.warning("the groups of %s are not known: %s", topic, error)
            return TopicConsumers(cluster, topic, [])

    async def topic_cluster_list(self, topic: str) -> list[str]:
        """Return the names of the clusters that have a topic (``topicClusterList``).

        Raises:
            RouteNotFound: the name server doesn't know it.
        """
        info = await self.cluster_info()
        having = {one.broker_name for one in (await self.known_route(topic)).broker_datas}
        return [name for name, brokers in info.cluster_addr_table.items() if having & set(brokers)]

    async def groups_of(self, topic: str) -> list[str]:
        """Return the groups that consume a topic, or have (``queryTopicConsumeByWho``).

        Raises:
            RouteNotFound: nobody has the topic.
        """
        found: dict[str, None] = {}
        for broker in (await self.known_route(topic)).broker_datas:
            if addr := broker.broker_addrs.get(MASTER_ID):
                found.update(dict.fromkeys(await self.groups_at(addr, topic)))
        return list(found)

    async def groups_at(self, addr: str, topic: str) -> list[str]:
        """Return the groups that consume a topic, or have, at one broker."""
        header = QueryTopicConsumeByWhoRequestHeader(topic=topic)
        answer = await self._ask(addr, RequestCode.QUERY_TOPIC_CONSUME_BY_WHO, header)
        return list(GroupList.decode(answer.body, self._release).group_list or ())

    async def allocate_mq(self, topic: str, ips: list[str]) -> dict[str, list[MessageQueue]]:
        """Return which queues each client would get, if these were all of a group (``allocateMQ``).

        Args:
            topic: its name.
            ips: names of clients, as they come: Java's tool sorts neither them nor the queues' set.

        Raises:
            RouteNotFound: the name server doesn't know the topic.
        """
        queues = sorted(subscribe_queues(topic, await self.known_route(topic)))
        return {ip: allocate_averagely(ip, queues, ips) for ip in ips}

    async def topic_status(self, topic: str, *, route_of: str | None = None) -> TopicStatus:
        """Return the ends of a topic's queues at all brokers that have it (``topicStatus``).

        Args:
            topic: its name.
            route_of: look where this topic is instead, for what has no route of its own (LMQ).

        Raises:
            RouteNotFound: the name server doesn't know it.
        """
        route = await self.known_route(route_of or topic)
        found: dict[MessageQueue, TopicOffset] = {}
        put_tps = 0.0
        for broker in route.broker_datas:
            addrs = broker.broker_addrs
            addr = addrs.get(MASTER_ID) or next(iter(addrs.values()), None)
            if addr is not None:
                table = await self._topic_stats(addr, topic)
                found.update(table.offset_table)
                put_tps += table.topic_put_tps
        return TopicStatus(sorted(found.items()), put_tps)

    async def _topic_stats(self, addr: str, topic: str) -> TopicStatsTable:
        header = GetTopicStatsInfoRequestHeader(topic=topic)
        answer = await self._ask(addr, RequestCode.GET_TOPIC_STATS_INFO, header)
        return TopicStatsTable.decode(answer.body, self._release)

    async def update_topic(self, addr: str, config: TopicConfig) -> None:
        """Make a topic at a broker, or change it (``updateTopic``).

        Args:
            addr: the broker's address.
            config: what it shall be. Each of its attributes stands with its sign, as in
                ``{"+message.type": "FIFO"}``, or ``{"-message.type": ""}`` to take it away.
        """
        header = CreateTopicRequestHeader(
            topic=config.topic_name,
            default_topic=DEFAULT_TOPIC,
            read_queue_nums=config.read_queue_nums,
            write_queue_nums=config.write_queue_nums,
            perm=config.perm,
            topic_filter_type=config.topic_filter_type,
            topic_sys_flag=config.topic_sys_flag,
            order=config.order,
            attributes=attributes_text(config.attributes),
        )
        await self._ask(addr, RequestCode.UPDATE_AND_CREATE_TOPIC, header)

    async def update_topic_list(self, addr: str, configs: list[TopicConfig]) -> None:
        """Make several topics at a broker, or change them (``updateTopicList``); 4.9 knows it not."""
        body = CreateTopicListRequestBody(topic_config_list=configs).encode(self._release)
        code = RequestCode.UPDATE_AND_CREATE_TOPIC_LIST
        await self._ask(addr, code, CreateTopicListRequestHeader(), body)

    async def update_topic_perm(self, topic: str, perm: int, addrs: list[str]) -> list[PermChange]:
        """Change a topic's permission at masters that have it; all else stays (``updateTopicPerm``).

        Args:
            topic: its name.
            perm: 6 read and write, 4 read, 2 write.
            addrs: of the masters; those that haven't the topic are left alone.

        Returns:
            What was changed: nothing where the permission is the wanted one already.

        Raises:
            RouteNotFound: the name server doesn't know the topic.
        """
        route = await self.known_route(topic)
        masters = {one.broker_name: one.broker_addrs.get(MASTER_ID) for one in route.broker_datas}
        changes = []
        for queues in route.queue_datas:
            addr = masters.get(queues.broker_name)
            if addr is None or addr not in addrs or queues.perm == perm:
                continue
            config = TopicConfig(
                topic_name=topic,
                read_queue_nums=queues.read_queue_nums,
                write_queue_nums=queues.write_queue_nums,
                perm=perm,
                topic_sys_flag=queues.topic_sys_flag,
                order=bool(route.order_topic_conf),
            )
            await self.update_topic(addr, config)
            changes.append(PermChange(addr, queues.perm, config))
        return changes

    async def get_order_conf(self, topic: str) -> str | None:
        """Return an ordered topic's queues, ``broker-a:4;broker-b:4`` (``updateOrderConf -m get``)."""
        return await self.get_kv_config(ORDER_TOPIC_CONFIG, topic)

    async def update_order_conf(self, topic: str, conf: str) -> None:
        """Set an ordered topic's queues, ``broker-a:4;broker-b:4`` (``updateOrderConf -m put``)."""
        await self.update_kv_config(ORDER_TOPIC_CONFIG, topic, conf)

    async def add_order_conf(self, topic: str, broker_name: str, queues: int) -> str:
        """Set one broker's part of an ordered topic's queues; return the whole."""
        parts = {
            part.partition(":")[0]: part
            for part in (await self.get_order_conf(topic) or "").split(";")
            if part
        }
        parts[broker_name] = f"{broker_name}:{queues}"
        conf = ";".join(parts.values())
        await self.update_order_conf(topic, conf)
        return conf

    async def delete_order_conf(self, topic: str) -> None:
        """Remove an ordered topic's queues (``updateOrderConf -m delete``)."""
        await self.delete_kv_config(ORDER_TOPIC_CONFIG, topic)

    async def delete_topic(self, topic: str, *, cluster: str | None = None) -> None:
        """Remove a topic with its messages from the masters, then from the name servers (``deleteTopic``).

        Args:
            topic: its name.
            cluster: from the masters of this one; None: of all.
        """
        for addr in await self.masters(cluster):
            header = DeleteTopicRequestHeader(topic=topic)
            await self._ask(addr, RequestCode.DELETE_TOPIC_IN_BROKER, header)
        for addr in self.namesrv_addrs:
            named = DeleteTopicFromNamesrvRequestHeader(topic=topic, cluster_name=cluster)
            await self._ask(addr, RequestCode.DELETE_TOPIC_IN_NAMESRV, named)
