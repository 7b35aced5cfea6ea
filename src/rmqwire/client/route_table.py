"""What a client knows of topics and brokers (the tables of Java's ``MQClientInstance``).

Plain values and functions over ``TopicRouteData``: nothing here asks a name server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rmqwire.codec.allocation import publish_queues, subscribe_queues
from rmqwire.codec.message_const import MASTER_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random

    from rmqwire.codec.bodies import BrokerData, MessageQueue, TopicRouteData


class TopicPublishInfo:
    """The queues of a topic that a producer may send to, and whose turn it is.

    Args:
        queues: in the order to use them.
        order_topic: the queues come from the order configuration of the name server.
        start: index that the first selection goes on from.

    Attributes:
        last: index of the last selection.
    """

    __slots__ = ("last", "order_topic", "queues")

    def __init__(
        self, queues: list[MessageQueue], *, order_topic: bool = False, start: int = 0
    ) -> None:
        self.queues = queues
        self.order_topic = order_topic
        self.last = start

    def select(self) -> MessageQueue:
        """Return the next queue, round robin; the caller sees to it that there is one."""
        index = self.last = (self.last + 1) % len(self.queues)
        return self.queues[index]

    def select_where(self, wanted: Callable[[MessageQueue], bool]) -> MessageQueue | None:
        """Return the next queue that is ``wanted``, or None after one whole round."""
        for _ in self.queues:
            queue = self.select()
            if wanted(queue):
                return queue
        return None

    def reset(self, start: int) -> None:
        """Go on from another index (Java resets to a random one before a retry)."""
        self.last = start


class BrokerAddress(NamedTuple):
    """Where to read a queue (Java ``FindBrokerResult``)."""

    addr: str
    slave: bool


def limit_queue_nums(route: TopicRouteData, most: int) -> None:
    """Cut the default topic's queues down to what a new topic gets (``defaultTopicQueueNums``)."""
    for data in route.queue_datas:
        count = min(most, data.read_queue_nums)
        data.read_queue_nums = count
        data.write_queue_nums = count


def any_addr(broker: BrokerData) -> str | None:
    """Return the master's address, or a slave's where there is no master (``selectBrokerAddr``)."""
    addrs = broker.broker_addrs
    return addrs.get(MASTER_ID) or next((addrs[one] for one in sorted(addrs)), None)


class RouteTable:
    """Routes by topic and addresses by broker name.

    Args:
        rng: spreads the start of the round robin and the choice of a broker.

    Attributes:
        publish: the queues to send to, of topics that have some.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.routes: dict[str, TopicRouteData] = {}
        self.broker_addrs: dict[str, dict[int, str]] = {}
        self.publish: dict[str, TopicPublishInfo] = {}
        self._subscribe: dict[str, set[MessageQueue]] = {}

    def update(self, topic: str, route: TopicRouteData) -> bool:
        """Take over a route; say whether it differs from the one known.

        Raises:
            BadBody: an order configuration that can't be read; nothing changes then.
        """
        for broker in route.broker_datas:
            self.broker_addrs[broker.broker_name] = broker.broker_addrs
        if _same(self.routes.get(topic), route):
            return False
        queues = publish_queues(topic, route)
        start = self._rng.randrange(1 << 16)
        info = TopicPublishInfo(queues, order_topic=bool(route.order_topic_conf), start=start)
        if queues:
            self.publish[topic] = info
        else:
            self.publish.pop(topic, None)
        self._subscribe[topic] = subscribe_queues(topic, route)
        self.routes[topic] = route
        return True

    def queues_to_read(self, topic: str) -> set[MessageQueue] | None:
        """Return the queues to read, or None when the topic has no known route."""
        return self._subscribe.get(topic)

    def master_addr(self, broker_name: str) -> str | None:
        """Return the master's address (``findBrokerAddressInPublish``)."""
        return self.broker_addrs.get(broker_name, {}).get(MASTER_ID)

    def find_in_subscribe(
        self, broker_name: str, broker_id: int, *, only_this: bool
    ) -> BrokerAddress | None:
        """Return where to read (``findBrokerAddressInSubscribe``).

        Args:
            broker_name: the broker that holds the queue.
            broker_id: which of its members, as the broker suggested last.
            only_this: no other member will do; a slave's successor still does.
        """
        addrs = self.broker_addrs.get(broker_name, {})
        addr = addrs.get(broker_id)
        if addr is None and broker_id != MASTER_ID:
            addr = addrs.get(broker_id + 1)
        if addr is not None:
            return BrokerAddress(addr, slave=broker_id != MASTER_ID)
        if only_this or not addrs:
            return None
        found = next(iter(addrs))
        return BrokerAddress(addrs[found], slave=found != MASTER_ID)

    def broker_addr_of_topic(self, topic: str) -> str | None:
        """Return a random broker of the topic, its master if it has one (``findBrokerAddrByTopic``)."""
        route = self.routes.get(topic)
        brokers = route.broker_datas if route is not None else None
        if not brokers:
            return None
        addrs = brokers[self._rng.randrange(len(brokers))].broker_addrs
        if MASTER_ID in addrs:
            return addrs[MASTER_ID]
        return self._rng.choice(list(addrs.values())) if addrs else None

    def masters_and_slaves(self) -> Iterable[tuple[str, int, str]]:
        """Return (broker name, broker id, address) of every broker known."""
        for broker_name, addrs in self.broker_addrs.items():
            for broker_id, addr in addrs.items():
                yield broker_name, broker_id, addr

    def clean_offline_brokers(self) -> None:
        """Forget addresses that no route names any more (``cleanOfflineBroker``)."""
        alive = {
            addr
            for route in self.routes.values()
            for broker in route.broker_datas
            for addr in broker.broker_addrs.values()
        }
        self.broker_addrs = {
            name: kept
            for name, addrs in self.broker_addrs.items()
            if (kept := {key: addr for key, addr in addrs.items() if addr in alive})
        }


def _same(old: TopicRouteData | None, new: TopicRouteData) -> bool:
    """Compare two routes whatever the order of their lists (``topicRouteDataChanged``)."""
    if old is None:
        return False
    return (
        old.order_topic_conf == new.order_topic_conf
        and sorted(map(repr, old.queue_datas)) == sorted(map(repr, new.queue_datas))
        and sorted(map(repr, old.broker_datas)) == sorted(map(repr, new.broker_datas))
    )
