"""Which queues of a topic a consumer reads, as every side of RocketMQ computes it.

Members of a group compute their parts alone, Java and Python ones alike, or ask a broker
(QUERY_ASSIGNMENT): all must come to the same result. All use the same strategy, and get the queues
and the client ids in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from rmqwire.codec.bodies import MessageQueue, TopicRouteData
from rmqwire.codec.sys_flag import PERM_READ

AllocateStrategy: TypeAlias = Callable[[str, list[MessageQueue], list[str]], Sequence[MessageQueue]]


def subscribe_queues(topic: str, route: TopicRouteData) -> set[MessageQueue]:
    """Return the queues to read (``topicRouteData2TopicSubscribeInfo``)."""
    return {
        MessageQueue(topic, data.broker_name, queue_id)
        for data in route.queue_datas
        if data.perm & PERM_READ
        for queue_id in range(data.read_queue_nums)
    }


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
