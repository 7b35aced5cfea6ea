"""Which queues of a topic a consumer reads, as every side of RocketMQ computes it.

Members of a group compute their parts alone, Java and Python ones alike, or ask a broker
(QUERY_ASSIGNMENT): all must come to the same result. All use the same strategy, and get the queues
and the client ids in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.message_const import MASTER_ID
from rmqwire.codec.sys_flag import PERM_READ, PERM_WRITE
from rmqwire.errors import BadBody

if TYPE_CHECKING:
    from rmqwire.codec.bodies import TopicRouteData

AllocateStrategy: TypeAlias = Callable[[str, list[MessageQueue], list[str]], Sequence[MessageQueue]]


def subscribe_queues(topic: str, route: TopicRouteData) -> set[MessageQueue]:
    """Return the queues to read (``topicRouteData2TopicSubscribeInfo``)."""
    return {
        MessageQueue(topic, data.broker_name, queue_id)
        for data in route.queue_datas
        if data.perm & PERM_READ
        for queue_id in range(data.read_queue_nums)
    }


def publish_queues(topic: str, route: TopicRouteData) -> list[MessageQueue]:
    """Return the queues to send to (``topicRouteData2TopicPublishInfo``).

    Only brokers with write permission and a master count; an order configuration goes first.

    Raises:
        BadBody: an order configuration that can't be read.
    """
    if route.order_topic_conf:
        return _ordered_queues(topic, route.order_topic_conf)
    with_master = {
        broker.broker_name for broker in route.broker_datas if MASTER_ID in broker.broker_addrs
    }
    return [
        MessageQueue(topic, data.broker_name, queue_id)
        for data in sorted(route.queue_datas, key=lambda data: data.broker_name)
        if data.perm & PERM_WRITE and data.broker_name in with_master
        for queue_id in range(data.write_queue_nums)
    ]


def _ordered_queues(topic: str, conf: str) -> list[MessageQueue]:
    queues = []
    for part in conf.split(";"):
        broker_name, _, count = part.partition(":")
        if not (count.isascii() and count.isdigit()):
            raise BadBody(f"orderTopicConf {conf!r} of topic {topic} is no broker:count;...")
        queues += [MessageQueue(topic, broker_name, queue_id) for queue_id in range(int(count))]
    return queues


def sort_client_ids(client_ids: Iterable[str]) -> list[str]:
    """Sort as ``Collections.sort`` does Strings: above U+FFFF Python's own order is another."""
    return sorted(client_ids, key=lambda text: text.encode("utf-16-be", "surrogatepass"))


def allocate_averagely(
    client_id: str, queues: list[MessageQueue], client_ids: list[str]
) -> list[MessageQueue]:
    """Return consecutive queues; the first members get one more when it doesn't come out even.

    ``AllocateMessageQueueAveragely``, the default of every client.
    """
    if client_id not in client_ids:
        return []
    index = client_ids.index(client_id)
    share, rest = divmod(len(queues), len(client_ids))
    start = index * share + min(index, rest)
    return queues[start : start + share + (index < rest)]


def allocate_averagely_by_circle(
    client_id: str, queues: list[MessageQueue], client_ids: list[str]
) -> list[MessageQueue]:
    """Deal the queues out one by one (``AllocateMessageQueueAveragelyByCircle``)."""
    if client_id not in client_ids:
        return []
    return queues[client_ids.index(client_id) :: len(client_ids)]


STRATEGIES: dict[str, AllocateStrategy] = {  # those that a broker computes, by Java's names
    "AVG": allocate_averagely,
    "AVG_BY_CIRCLE": allocate_averagely_by_circle,
}


def strategy_name(strategy: AllocateStrategy) -> str | None:
    """Return the name that brokers know a strategy by, None for one that they don't know."""
    return next((name for name, known in STRATEGIES.items() if known is strategy), None)
