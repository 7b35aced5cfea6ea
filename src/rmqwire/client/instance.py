"""One client: its connections, routes and heartbeats (Java ``MQClientInstance``). Shell on trio.

Producers and consumers register their groups and ask for routes and calls. All of one instance share
its connections and its routes, and one heartbeat tells of all their groups. The instance looks at the
routes in use every pollNameServerInterval and tells all brokers of its groups every
heartbeatBrokerInterval; ``heartbeat_soon`` does so at once.
"""

from __future__ import annotations

import logging
import os
import random
import socket
import time
from typing import TYPE_CHECKING, Self

import trio

from rmqwire import clock
from rmqwire.auth.signature import signing_hooks
from rmqwire.client.api import ClientApi, Remoting
from rmqwire.client.heartbeat import HeartbeatsV2, fingerprint, heartbeat_data
from rmqwire.client.name_servers import NameServers, parse_addresses
from rmqwire.client.processor import ClientProcessor
from rmqwire.client.replies import ReplyTable
from rmqwire.client.requests import RequestFactory
from rmqwire.client.route_table import RouteTable, TopicPublishInfo, limit_queue_nums
from rmqwire.client.signs import Signs
from rmqwire.client.tasks import Tasks
from rmqwire.codec.message_const import MASTER_ID, RETRY_GROUP_TOPIC_PREFIX
from rmqwire.codec.message_id import UniqueIdGenerator
from rmqwire.codec.namespace import Namespace
from rmqwire.errors import (
    ConfigError,
    ConnectFailed,
    RemotingError,
    RemotingTimeout,
    RmqError,
    RouteNotFound,
    UsageError,
)
from rmqwire.remoting.address_server import FIRST_S, address_url, fetch_addresses
from rmqwire.remoting.client import RemotingClient
from rmqwire.remoting.closing import close_scope
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.wakeup import Wakeup

if TYPE_CHECKING:
    from collections.abc import Callable, Container
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from rmqwire.client.config import ClientConfig
    from rmqwire.client.processor import Consumer, TransactionChecker
    from rmqwire.client.route_table import BrokerAddress
    from rmqwire.clock import WallMs
    from rmqwire.codec.bodies import HeartbeatData, MessageQueue, TopicRouteData
    from rmqwire.codec.headers import ConsumerSendMsgBackRequestHeader

    Connected = Callable[[str], None]
    RemotingFactory = Callable[[HandlerTable, Connected], AbstractAsyncContextManager[Remoting]]

logger = logging.getLogger(__name__)

FIRST_HEARTBEAT_S = 1.0
UNREGISTER_LIMIT_S = 3.0
HEARTBEAT_LIMIT_S = 1.0  # ours: of one that is under way when a group is left
ADDRESS_SERVER_PERIOD_S = 120.0
ADDRESS_SERVER_SUB_GROUP = "nsaddr"  # rocketmq.namesrv.domain.subgroup
UNROUTED_ADDRESS = ("192.0.2.1", 9)  # RFC 5737: asks the routing table, nothing is sent


def local_ip() -> str:
    """Return the address that leads to the network, 127.0.0.1 without one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(UNROUTED_ADDRESS)
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


class ClientInstance:
    """Connections, routes and heartbeats of one client.

    Args:
        config: its client ip and instance name are completed here.
        remoting: opens what carries the requests, and tells of each new connection's address; None
            for a RemotingClient.
        wall_ms: the wall clock, ms since the epoch.
        rng: choices that only spread load.

    Raises:
        UsageError: no usable name server address.
        ConfigError: a certificate can't be used.
    """

    def __init__(
        self,
        config: ClientConfig,
        *,
        remoting: RemotingFactory | None = None,
        wall_ms: WallMs = clock.wall_ms,
        rng: random.Random | None = None,
    ) -> None:
        rng = rng or random.Random()
        self.config = config
        self.wall_ms = wall_ms
        self.rng = rng
        self.namespace = Namespace(config.namespace)
        self.name_servers = NameServers(config.name_servers(), rng)
        ip = local_ip()
        config.client_ip = config.client_ip or ip
        config.change_instance_name_to_pid(os.getpid(), time.monotonic_ns())
        self.client_id = config.client_id()
        self.unique_ids = UniqueIdGenerator(ip, os.getpid(), wall_ms, rng.getrandbits(32))
        self.routes = RouteTable(rng)
        self.producers: dict[str, set[str]] = {}  # group -> topics it sends to
        self.consumers: dict[str, Consumer] = {}
        self.checkers: dict[str, TransactionChecker] = {}  # of producer groups with transactions
        self.heartbeats: Signs[str] = Signs(wall_ms)  # by a broker's address
        self.look_ups: Signs[str] = Signs(wall_ms)  # of routes, by topic
        self.memberships: Signs[str] = Signs(wall_ms)  # asked for, by group
        self.replies = ReplyTable()
        processor = ClientProcessor(
            config.release, self.consumers, self.checkers, self.replies, self.namespace, wall_ms
        )
        handlers = HandlerTable(config.release)
        handlers.register_all(processor.handlers())
        self._handlers = handlers
        tls, hooks = config.client_tls(), signing_hooks(config.credentials)
        self._remoting: RemotingFactory = remoting or (
            lambda handlers, connected: RemotingClient(
                handlers, on_connect=connected, tls=tls, hooks=hooks
            )
        )
        self._tasks = Tasks()
        self._route_lock = trio.Lock()
        self._heartbeat_wanted = Wakeup()
        self._heartbeat_lock = trio.Lock()
        self._heartbeats_v2 = HeartbeatsV2()

    async def __aenter__(self) -> Self:
        polls = not self.name_servers.addresses
        if polls:
            await self._ask_address_server()
        self._opening = self._remoting(self._handlers, self._connected)
        carrier = await self._opening.__aenter__()
        self.api = ClientApi(carrier, RequestFactory(self.config), self.config)
        await self._tasks.__aenter__()
        if polls:
            self._tasks.spawn(self._poll_address_server)
        self._tasks.spawn(self._poll_routes)
        self._tasks.spawn(self._send_heartbeats)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        """Stop the loops and close the connections."""
        try:
            return await self._tasks.__aexit__(kind, error, traceback)
        finally:
            await close_scope(self._opening, kind, error, traceback)

    # --- name servers

    async def _ask_address_server(self) -> None:
        """Take the name servers that the address server names (``fetchNameServerAddr``)."""
        config = self.config
        url = address_url(config.address_server or "", ADDRESS_SERVER_SUB_GROUP, config.unit_name)
        try:
            told = parse_addresses(await self._tasks.in_thread(fetch_addresses, url))
        except (OSError, ConfigError, UsageError) as error:
            logger.warning("no name servers from %s: %s", url, error)
            return
        if told != self.name_servers.addresses:
            logger.info("the name servers are %s, says %s", ";".join(told), url)
            self.name_servers.take(told)

    async def _poll_address_server(self) -> None:
        await trio.sleep(FIRST_S)
        while True:
            await self._ask_address_server()
            await trio.sleep(ADDRESS_SERVER_PERIOD_S)

    # --- who shares it

    def add_producer(self, group: str, topics: set[str]) -> None:
        """Register a producer group, and the set that holds the topics it sends to.

        Raises:
            UsageError: the client isn't open, or has the group already.
        """
        self._check_new("producer", group, self.producers)
        self.producers[group] = topics

    def add_consumer(self, consumer: Consumer) -> None:
        """Register a consumer under its group.

        Raises:
            UsageError: the client isn't open, or has the group already.
        """
        self._check_new("consumer", consumer.group, self.consumers)
        self.consumers[consumer.group] = consumer

    def _check_new(self, kind: str, group: str, known: Container[str]) -> None:
        if not self._tasks.running:
            raise UsageError("the client is not open, use it inside `async with`")
        if group in known:
            raise UsageError(
                f"The {kind} group[{group}] has been created before, specify another name please."
            )

    async def remove_producer(self, group: str) -> None:
        """Take a producer group off all brokers."""
        if self.producers.pop(group, None) is not None:
            await self._unregister(producer_group=group)

    async def remove_consumer(self, group: str) -> None:
        """Take a consumer group off all brokers."""
        if self.consumers.pop(group, None) is not None:
            await self._unregister(consumer_group=group)

    async def _unregister(
        self, *, producer_group: str | None = None, consumer_group: str | None = None
    ) -> None:
        """Tell all brokers, for at most 3 s whatever else is cancelled.

        A heartbeat that is under way comes first, if it takes no longer than 1 s: a broker that works at it
        longer than at the farewell would have the group back, and a consumer that has gone would keep its
        share of the queues for two minutes.
        """
        with trio.CancelScope(shield=True, deadline=trio.current_time() + UNREGISTER_LIMIT_S):
            with trio.move_on_after(HEARTBEAT_LIMIT_S):
                async with self._heartbeat_lock:
                    pass
            for _, _, addr in list(self.routes.masters_and_slaves()):
                try:
                    await self.api.unregister(
                        addr,
                        self.client_id,
                        producer_group=producer_group,
                        consumer_group=consumer_group,
                    )
                except RmqError as error:
                    logger.warning("unregister at %s: %s", addr, error)

    # --- routes

    async def publish_info(
        self, topic: str, default_topic: str, queue_nums: int, timeout_ms: int
    ) -> TopicPublishInfo | None:
        """Return the queues to send to, asking the name servers if need be.

        Args:
            topic: where to.
            default_topic: whose brokers to use for a topic that doesn't exist yet (TBW102).
            queue_nums: how many queues such a topic gets per broker.
            timeout_ms: how long all of it may take.

        Returns:
            None when there is no route at all.

        Raises:
            RemotingError: no name server answered.
        """
        info = self.routes.publish.get(topic)
        if info is not None:
            return info
        started = trio.current_time()
        async with self._route_lock:
            info = self.routes.publish.get(topic)
            if info is not None:
                return info
            route = await self._ask_route(topic, _left(started, timeout_ms))
            if route is None:
                route = await self._ask_route(default_topic, _left(started, timeout_ms))
                if route is not None:
                    limit_queue_nums(route, queue_nums)
            if route is not None:
                self._take_route(topic, route)
        return self.routes.publish.get(topic)

    async def update_route(self, topic: str) -> bool:
        """Ask for a topic's route; say whether one is known now. Failures are logged."""
        async with self._route_lock:
            try:
                route = await self._ask_route(topic, self.config.mq_client_api_timeout)
                if route is None:
                    raise RouteNotFound(f"no name server knows topic {topic}")
                self._take_route(topic, route)
            except RmqError as error:
                self.look_ups.bad(topic, error)
                level = logging.DEBUG if isinstance(error, RouteNotFound) else logging.WARNING
                logger.log(level, "route of topic %s: %s", topic, error)
            else:
                self.look_ups.good(topic)
        return topic in self.routes.routes

    def _take_route(self, topic: str, route: TopicRouteData) -> None:
        if self.routes.update(topic, route):
            logger.info("the route of topic %s changed: %s", topic, route)
            for consumer in self.consumers.values():
                if topic in consumer.topics():
                    consumer.rebalance_soon()

    async def _ask_route(self, topic: str, timeout_ms: int) -> TopicRouteData | None:
        started = trio.current_time()
        failure: RemotingError = RemotingTimeout("no time left to ask for a route")
        if not self.name_servers.addresses:
            failure = ConnectFailed("no name server is known yet", self.config.address_server or "")
        for _ in self.name_servers.addresses:
            left = min(_left(started, timeout_ms), self.config.mq_client_api_timeout)
            if left <= 0:
                break
            addr = self.name_servers.current
            try:
                return await self.api.topic_route(addr, topic, left)
            except RemotingError as error:
                self.name_servers.failed(addr)
                failure = error
        raise failure

    async def route_of(self, topic: str) -> TopicRouteData:
        """Return a topic's route, asking the name servers if it isn't known.

        Raises:
            RouteNotFound: none tells.
        """
        if topic not in self.routes.routes:
            await self.update_route(topic)
        route = self.routes.routes.get(topic)
        if route is None:
            raise RouteNotFound(f"The topic[{topic}] not matched route info")
        return route

    async def queues_to_read(self, topic: str) -> set[MessageQueue]:
        """Ask the name servers which queues of a topic can be read (``fetchSubscribeMessageQueues``).

        Raises:
            RouteNotFound: no name server knows the topic, or it has none.
            RemotingError: no name server answered.
        """
        async with self._route_lock:
            route = await self._ask_route(topic, self.config.mq_client_api_timeout)
            if route is not None:
                self._take_route(topic, route)
        queues = None if route is None else self.routes.queues_to_read(topic)
        if not queues:
            raise RouteNotFound(f"Can not find Message Queue for this topic, {topic}")
        return set(queues)

    def _topics_in_use(self) -> set[str]:
        return set().union(
            *(consumer.topics() for consumer in self.consumers.values()), *self.producers.values()
        )

    async def _poll_routes(self) -> None:
        while True:
            await trio.sleep(self.config.poll_name_server_interval / 1000)
            for topic in sorted(self._topics_in_use()):
                await self.update_route(topic)

    async def broker_addr(
        self, queue: MessageQueue, broker_id: int = MASTER_ID, *, only_this: bool = False
    ) -> BrokerAddress:
        """Return where a queue is, asking for the topic's route again if that isn't known.

        Args:
            queue: which queue.
            broker_id: the member of its broker to prefer.
            only_this: no other member will do.

        Raises:
            RouteNotFound: no such broker.
        """
        find = self.routes.find_in_subscribe
        found = find(queue.broker_name, broker_id, only_this=only_this)
        if found is None:
            await self.update_route(queue.topic)
            found = find(queue.broker_name, broker_id, only_this=only_this)
        if found is None:
            raise RouteNotFound(f"The broker[{queue.broker_name}] not exist")
        return found

    async def send_back(self, broker_name: str, header: ConsumerSendMsgBackRequestHeader) -> None:
        """Hand a message back to its broker's master.

        Raises:
            RmqError: there is none, or it doesn't take it.
        """
        addr = self.routes.master_addr(broker_name)
        if addr is None:
            raise RouteNotFound(f"Broker[{broker_name}] master node does not exist")
        await self.api.send_back(addr, header)

    async def consumer_ids(self, topic: str, group: str) -> list[str] | None:
        """Return the members of a group as a broker of the topic knows them, None if none tells.

        Each once: Java's broker names a member for each of its connections, and one that was closed while
        its heartbeat waited there stays for two minutes. Nobody would read the share of such a double.
        """
        addr = self.routes.broker_addr_of_topic(topic)
        if addr is None:
            return None
        try:
            members = await self.api.consumer_list(addr, group)
        except RmqError as error:
            if not topic.startswith(RETRY_GROUP_TOPIC_PREFIX):
                self.memberships.bad(group, error)
                logger.warning("members of group %s: %s", group, error)
            return None
        self.memberships.good(group)
        return list(dict.fromkeys(members))

    # --- heartbeats

    def heartbeat_soon(self) -> None:
        """Send a heartbeat to all brokers at once, that tells them everything."""
        self._heartbeats_v2.forget()
        self._heartbeat_wanted()

    async def _send_heartbeats(self) -> None:
        interval = FIRST_HEARTBEAT_S
        while True:
            await self._heartbeat_wanted.wait(interval)
            self.routes.clean_offline_brokers()
            await self.heartbeat()
            interval = self.config.heartbeat_broker_interval / 1000

    async def heartbeat(self, *, changed: bool = False) -> None:
        """Tell every broker of this client's groups; failures are logged.

        Args:
            changed: brokers are to know new versions of subscriptions that say the same.
        """
        async with self._heartbeat_lock:
            if not (self.producers or self.consumers):
                return
            body = self._heartbeat_data()
            if changed:
                self._heartbeats_v2.forget()
            async with trio.open_nursery() as nursery:
                for name, broker_id, addr in list(self.routes.masters_and_slaves()):
                    if self.consumers or broker_id == MASTER_ID:
                        nursery.start_soon(self._heartbeat_one, name, addr, body)

    def _connected(self, addr: str) -> None:
        """Tell a broker of the groups at the other end of a new connection (``onChannelActive``).

        It forgot them with the old one, or it is another process by now. A heartbeat that is under
        way, which made the connection perhaps, tells it as well.
        """
        if self._heartbeat_lock.locked() or not self.config.heartbeats_on_connect:
            return
        for name, broker_id, known in self.routes.masters_and_slaves():
            if known == addr and (self.consumers or broker_id == MASTER_ID):
                self._tasks.spawn(self._introduce, name, addr)

    async def _introduce(self, broker_name: str, addr: str) -> None:
        async with self._heartbeat_lock:
            if not (self.producers or self.consumers):
                return
            self._heartbeats_v2.forget(addr)
            await self._heartbeat_one(broker_name, addr, self._heartbeat_data())
        for consumer in self.consumers.values():
            consumer.rebalance_soon()

    def _heartbeat_data(self) -> HeartbeatData:
        body = heartbeat_data(self.client_id, self.producers, self.consumers.values())
        if self.config.use_heartbeat_v2:
            body.heartbeat_fingerprint = fingerprint(body)
        return body

    async def _heartbeat_one(self, broker_name: str, addr: str, body: HeartbeatData) -> None:
        body = self._heartbeats_v2.for_broker(addr, body) if body.heartbeat_fingerprint else body
        try:
            answer = await self.api.heartbeat(addr, body)
        except RmqError as error:
            self.heartbeats.bad(addr, error)
            self._heartbeats_v2.forget(addr)
            logger.warning("heartbeat to broker %s at %s failed: %s", broker_name, addr, error)
        else:
            self.heartbeats.good(addr)
            if body.heartbeat_fingerprint:
                self._heartbeats_v2.answered(addr, body, answer)


def _left(started: float, timeout_ms: int) -> int:
    return timeout_ms - int((trio.current_time() - started) * 1000)
