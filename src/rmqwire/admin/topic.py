"""Topics: made, changed, removed, listed (mqadmin's ``topic``)."""

from __future__ import annotations

from dataclasses import dataclass

from rmqwire.admin.asking import Asking
from rmqwire.codec.bodies import MessageQueue, TopicConfig, TopicList, TopicOffset, TopicStatsTable
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers import (
    CreateTopicRequestHeader,
    DeleteTopicFromNamesrvRequestHeader,
    DeleteTopicRequestHeader,
    GetTopicStatsInfoRequestHeader,
)
from rmqwire.codec.message_const import MASTER_ID
from rmqwire.errors import RouteNotFound

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


class TopicVerbs(Asking):
    """What is asked about topics."""

    async def topic_list(self) -> list[str]:
        """Return the names of all topics in the name server's order (``topicList``)."""
        answer = await self._ask_namesrv(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER)
        return list(TopicList.decode(answer.body, self._release).topic_list)

    async def topic_status(self, topic: str, *, route_of: str | None = None) -> TopicStatus:
        """Return the ends of a topic's queues at all brokers that have it (``topicStatus``).

        Args:
            topic: its name.
            route_of: look where this topic is instead, for what has no route of its own (LMQ).

        Raises:
            RouteNotFound: the name server doesn't know it.
        """
        route = await self.topic_route(route_of or topic)
        if route is None:
            raise RouteNotFound(f"No topic route info in name server for the topic: {topic}")
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
        attributes = ",".join(
            f"{name}={value}" if value else name for name, value in config.attributes.items()
        )
        header = CreateTopicRequestHeader(
            topic=config.topic_name,
            default_topic=DEFAULT_TOPIC,
            read_queue_nums=config.read_queue_nums,
            write_queue_nums=config.write_queue_nums,
            perm=config.perm,
            topic_filter_type=config.topic_filter_type,
            topic_sys_flag=config.topic_sys_flag,
            order=config.order,
            attributes=attributes or None,
        )
        await self._ask(addr, RequestCode.UPDATE_AND_CREATE_TOPIC, header)

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
