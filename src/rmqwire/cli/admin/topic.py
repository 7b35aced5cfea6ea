"""``rmqwire admin``: topics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from rmqwire.cli.admin.printing import front, row, time_text
from rmqwire.cli.admin.verb import topic_option, verb
from rmqwire.cli.options import TEXT
from rmqwire.codec import java_json
from rmqwire.codec.bodies import QueueData
from rmqwire.codec.java_map import hash_map_order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.admin.topic import TopicConsumers, TopicStatus
    from rmqwire.cli.admin.verb import Call
    from rmqwire.codec.bodies import MessageQueue, TopicRouteData

CONSUMERS_HEADING = "%-20s  %-48s  %-48s"
CONSUMERS = "%-20s  %-64s  %-64s"
ROUTE = "%-45s %-32s %-50s %-10s %-11s %-5s"
ROUTE_WIDTH = 158
STATUS = "%-32s  %-4s  %-20s  %-20s    %s"


@verb("topicList", example="topicList -n 127.0.0.1:9876")
@click.option("-c", "--clusterModel", "consumers", is_flag=True, help="With clusters and groups.")
async def topic_list(call: Call, consumers: bool) -> None:
    """List the topics that the name server knows."""
    if consumers:
        heading = row(CONSUMERS_HEADING, "#Cluster Name", "#Topic", "#Consumer Group")
        call.tell(await call.admin.topic_consumers(), _consumers, [heading])
    else:
        call.tell(await call.admin.topic_list(), lambda topic: [topic])


def _consumers(found: TopicConsumers) -> Iterator[str]:
    for group in found.groups or [""]:
        yield row(CONSUMERS, front(found.cluster, 20), front(found.topic, 64), front(group, 64))


@verb("topicStatus", example="topicStatus -n 127.0.0.1:9876 -t Orders")
@topic_option
@click.option(
    "-c", "--cluster", "route_of", type=TEXT, help="Where it is, as this topic's route says."
)
async def topic_status(call: Call, topic: str, route_of: str | None) -> None:
    """Show the first and last offset of a topic's queues, and when the last message came."""
    status = await call.admin.topic_status(topic, route_of=route_of)
    call.tell([status], _status_lines)


def _status_lines(status: TopicStatus) -> Iterator[str]:
    yield row(STATUS, "#Broker Name", "#QID", "#Min Offset", "#Max Offset", "#Last Updated")
    for queue, ends in status.queues:
        at_ms = ends.last_update_timestamp
        yield row(
            STATUS,
            front(queue.broker_name, 32),
            queue.queue_id,
            ends.min_offset,
            ends.max_offset,
            time_text(at_ms) if at_ms > 0 else "",
        )
    yield ""
    yield f"Topic Put TPS: {status.put_tps}"


@verb("topicRoute", example="topicRoute -n 127.0.0.1:9876 -t Orders")
@topic_option
@click.option("-l", "--list", "as_list", is_flag=True, help="A table instead of Java's JSON.")
async def topic_route(call: Call, topic: str, as_list: bool) -> None:
    """Show which brokers have a topic, and how many queues."""
    route = await call.admin.known_route(topic)
    call.tell([route], _route_table if as_list else _route_json)


def _route_json(route: TopicRouteData) -> list[str]:
    return route.encode(pretty=True).decode().splitlines()


def _route_table(route: TopicRouteData) -> Iterator[str]:
    queues_of = {one.broker_name: one for one in route.queue_datas}
    yield row(
        ROUTE, "#ClusterName", "#BrokerName", "#BrokerAddrs", "#ReadQueue", "#WriteQueue", "#Perm"
    )
    for broker in sorted(route.broker_datas, key=lambda one: one.broker_name):
        queues = queues_of.get(broker.broker_name, QueueData())
        addrs = ", ".join(f"{key}={addr}" for key, addr in sorted(broker.broker_addrs.items()))
        numbers = queues.read_queue_nums, queues.write_queue_nums, queues.perm
        yield row(ROUTE, broker.cluster, broker.broker_name, f"{{{addrs}}}", *numbers)
    yield "-" * ROUTE_WIDTH
    read = sum(one.read_queue_nums for one in queues_of.values())
    write = sum(one.write_queue_nums for one in queues_of.values())
    yield row(ROUTE, "Total:", len(queues_of), "", read, write, "")


@verb("topicClusterList", example="topicClusterList -n 127.0.0.1:9876 -t Orders")
@topic_option
async def topic_cluster_list(call: Call, topic: str) -> None:
    """List the clusters that have a topic."""
    call.tell(await call.admin.topic_cluster_list(topic), lambda cluster: [cluster])


@verb("allocateMQ", example="allocateMQ -n 127.0.0.1:9876 -t Orders -i 10.0.0.1,10.0.0.2")
@topic_option
@click.option("-i", "--ipList", "ips", type=TEXT, required=True, help="Clients, joined by ','.")
async def allocate_mq(call: Call, topic: str, ips: str) -> None:
    """Show which queues of a topic each client would get, if these were all of a group."""
    queues = await call.admin.allocate_mq(topic, ips.split(","))
    call.tell([Allocation({ip: queues[ip] for ip in hash_map_order(queues)})], _allocation_json)


@dataclass(frozen=True, slots=True)
class Allocation:
    """Queues by client (Java ``RebalanceResult``)."""

    result: dict[str, list[MessageQueue]]


def _allocation_json(allocation: Allocation) -> list[str]:
    return [java_json.dumps({"result": allocation.result}).decode()]
