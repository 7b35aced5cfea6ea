"""What clients and admin tools ask of the route tables (the reading half of RouteInfoManager).

Lists come in the order a Java ``HashMap`` would give them: clients walk over them in that order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.codec.bodies import (
    BrokerData,
    BrokerMemberGroup,
    ClusterInfo,
    TopicList,
    TopicRouteData,
)
from rmqwire.codec.java_map import hash_map_order
from rmqwire.codec.message_const import MASTER_ID, SYNC_BROKER_MEMBER_GROUP_PREFIX
from rmqwire.codec.sys_flag import PERM_WRITE, TOPIC_UNIT, TOPIC_UNIT_SUB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rmqwire.namesrv.route_info import RouteInfoManager

# Sizes of Java's tables: new ConcurrentHashMap(n) makes room for 1.5 n + 1, a power of two.
TOPIC_CAPACITY: Final = 2048
BROKER_CAPACITY: Final = 256
CLUSTER_CAPACITY: Final = 64


def pickup_route(routes: RouteInfoManager, topic: str) -> TopicRouteData | None:
    """Return a topic's route, or None when no known broker holds it.

    With ``supportActingMaster`` the slave of lowest id stands in a lost master's place when the
    queues are read-only (RIP-32).
    """
    queues = routes.topics.get(topic)
    if queues is None:
        return None
    names = hash_map_order(queues)
    brokers = [_copy(routes.brokers[name]) for name in names if name in routes.brokers]
    if not brokers:
        return None
    route = TopicRouteData(
        queue_datas=[queues[name] for name in names],
        broker_datas=brokers,
        topic_queue_mapping_by_broker=routes.mappings.get(topic),
    )
    for broker in brokers if routes.filter_servers else ():
        for address in broker.broker_addrs.values():
            servers = routes.filter_servers.get((broker.cluster, address))
            if servers is not None:
                route.filter_server_table[address] = servers
    if routes.config.support_acting_master and not topic.startswith(
        SYNC_BROKER_MEMBER_GROUP_PREFIX
    ):
        _put_acting_masters(route)
    return route


def _copy(broker: BrokerData) -> BrokerData:
    return BrokerData(
        cluster=broker.cluster,
        broker_name=broker.broker_name,
        broker_addrs=dict(broker.broker_addrs),
        zone_name=broker.zone_name,
        enable_acting_master=broker.enable_acting_master,
    )


def _put_acting_masters(route: TopicRouteData) -> None:
    read_only = {q.broker_name for q in route.queue_datas if not q.perm & PERM_WRITE}
    for broker in route.broker_datas:
        addresses = broker.broker_addrs
        lost = broker.enable_acting_master and addresses and MASTER_ID not in addresses
        if lost and broker.broker_name in read_only:
            acting = addresses.pop(min(addresses))
            broker.broker_addrs = {MASTER_ID: acting, **addresses}


def cluster_info(routes: RouteInfoManager) -> ClusterInfo:
    """Return all brokers and clusters (GET_BROKER_CLUSTER_INFO)."""
    return ClusterInfo(
        broker_addr_table={
            name: routes.brokers[name] for name in hash_map_order(routes.brokers, BROKER_CAPACITY)
        },
        cluster_addr_table={
            name: hash_map_order(sorted(routes.clusters[name]))
            for name in hash_map_order(routes.clusters, CLUSTER_CAPACITY)
        },
    )


def member_group(
    routes: RouteInfoManager, cluster: str | None, broker_name: str
) -> BrokerMemberGroup:
    """Return the addresses of one broker name (GET_BROKER_MEMBER_GROUP)."""
    broker = routes.brokers.get(broker_name)
    addresses = dict(broker.broker_addrs) if broker is not None else {}
    return BrokerMemberGroup(cluster=cluster, broker_name=broker_name, broker_addrs=addresses)


def all_topics(routes: RouteInfoManager) -> TopicList:
    """Return every topic (GET_ALL_TOPIC_LIST_FROM_NAMESERVER)."""
    return _topic_list(routes.topics)


def topics_of_cluster(routes: RouteInfoManager, cluster: str) -> TopicList:
    """Return the topics that some broker of a cluster holds; none for an unknown cluster."""
    names = routes.clusters.get(cluster, set())
    return _topic_list(topic for topic, queues in routes.topics.items() if names & queues.keys())


def topics_with_flag(routes: RouteInfoManager, wanted: Callable[[int], bool]) -> TopicList:
    """Return the topics whose first broker's ``topicSysFlag`` is wanted (unit lists)."""
    return _topic_list(
        topic
        for topic, queues in routes.topics.items()
        if wanted(next(iter(queues.values())).topic_sys_flag)
    )


def is_unit(flag: int) -> bool:
    """Return whether a topic belongs to a unit."""
    return bool(flag & TOPIC_UNIT)


def has_unit_sub(flag: int) -> bool:
    """Return whether a topic has subscriptions in units."""
    return bool(flag & TOPIC_UNIT_SUB)


def has_unit_sub_only(flag: int) -> bool:
    """Return whether a topic has subscriptions in units but belongs to none."""
    return has_unit_sub(flag) and not is_unit(flag)


def system_topics(routes: RouteInfoManager) -> TopicList:
    """Return cluster and broker names, which are topics of their own, and one broker's address."""
    names: list[str] = []
    for cluster in hash_map_order(routes.clusters, CLUSTER_CAPACITY):
        names += [cluster, *sorted(routes.clusters[cluster])]
    listed = TopicList(topic_list=hash_map_order(dict.fromkeys(names)))
    for name in hash_map_order(routes.brokers, BROKER_CAPACITY):
        addresses = routes.brokers[name].broker_addrs
        if addresses:
            listed.broker_addr = addresses[min(addresses)]
            break
    return listed


def _topic_list(topics: Iterable[str]) -> TopicList:
    return TopicList(topic_list=hash_map_order(hash_map_order(topics, TOPIC_CAPACITY)))
