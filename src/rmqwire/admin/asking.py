"""One question to one server, and which servers there are: what all subjects of ``Admin`` share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.client.api import ClientApi
from rmqwire.client.config import ClientConfig
from rmqwire.client.name_servers import parse_addresses
from rmqwire.client.requests import RequestFactory
from rmqwire.codec.bodies import BrokerData, ClusterInfo, MessageQueue, TopicRouteData
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import GetRouteInfoRequestHeader
from rmqwire.codec.message_const import MASTER_ID
from rmqwire.codec.release import DEFAULT_RELEASE
from rmqwire.errors import RemotingError, RouteNotFound, UsageError
from rmqwire.remoting.client import SUCCESS_ONLY, expect

if TYPE_CHECKING:
    from rmqwire.client.api import Remoting
    from rmqwire.codec.headers import Header
    from rmqwire.codec.release import Release

TIMEOUT_MS = 5_000  # DefaultMQAdminExt.timeoutMillis
_ROUTE_CODES = frozenset((int(ResponseCode.SUCCESS), int(ResponseCode.TOPIC_NOT_EXIST)))


class Asking:
    """The base of every subject: it holds no state but who is asked.

    Args:
        remoting: carries the requests; opened and closed by the caller.
        namesrv_addr: name servers, ``host:port`` joined by ``;``. Empty: only what needs none can
            be asked.
        release: as which release of RocketMQ to ask.

    Raises:
        UsageError: a name server that is no ``host:port``.
    """

    def __init__(
        self, remoting: Remoting, namesrv_addr: str = "", release: Release = DEFAULT_RELEASE
    ) -> None:
        config = ClientConfig(namesrv_addr=namesrv_addr, release=release)
        self.namesrv_addrs = parse_addresses(namesrv_addr)
        self._release = release
        self._remoting = remoting
        self._api = ClientApi(remoting, RequestFactory(config), config)

    async def _ask(
        self,
        addr: str,
        code: RequestCode,
        header: Header | None = None,
        body: bytes = b"",
        *,
        accepted: frozenset[int] = SUCCESS_ONLY,
        timeout_ms: int = TIMEOUT_MS,
    ) -> RemotingCommand:
        """Return a server's answer: the only place where a request leaves.

        Args:
            addr: ``host:port``.
            code: what is asked.
            header: its fields.
            body: its body.
            accepted: response codes that are no refusal.
            timeout_ms: how long to wait.

        Raises:
            BrokerError: it refuses, by the class of its code.
            RemotingError: it can't be reached or doesn't answer.
        """
        request = RemotingCommand.request(int(code), header, body)
        request.version = self._release.mq_version
        return expect(await self._remoting.invoke(addr, request, timeout_ms), addr, accepted)

    async def _ask_namesrv(
        self,
        code: RequestCode,
        header: Header | None = None,
        body: bytes = b"",
        *,
        accepted: frozenset[int] = SUCCESS_ONLY,
    ) -> RemotingCommand:
        """Return the answer of the first name server that gives one.

        Raises:
            UsageError: none is named.
            BrokerError: it refuses.
            RemotingError: none answers.
        """
        fault: RemotingError | None = None
        for addr in self.namesrv_addrs:
            try:
                return await self._ask(addr, code, header, body, accepted=accepted)
            except RemotingError as error:
                fault = error
        raise fault or UsageError("no name server address")

    # --- which servers there are

    async def cluster_info(self) -> ClusterInfo:
        """Return the brokers and clusters that the name server knows."""
        answer = await self._ask_namesrv(RequestCode.GET_BROKER_CLUSTER_INFO)
        return ClusterInfo.decode(answer.body, self._release)

    async def masters(self, cluster: str | None = None) -> list[str]:
        """Return the masters' addresses, sorted by name (``fetchMasterAddrByClusterName``).

        Args:
            cluster: of this one; None: of all.
        """
        found = await self.broker_datas(cluster)
        return [addr for one in found if (addr := one.broker_addrs.get(MASTER_ID))]

    async def brokers(self, cluster: str | None = None) -> list[str]:
        """Return the addresses of masters and slaves (``fetchMasterAndSlaveAddrByClusterName``).

        Args:
            cluster: of this one; None: of all.
        """
        found = await self.broker_datas(cluster)
        return [addr for one in found for _, addr in sorted(one.broker_addrs.items())]

    async def broker_addrs(self, broker_name: str) -> list[str]:
        """Return the addresses of one broker name, the master's first; none when it isn't known."""
        named = (await self.cluster_info()).broker_addr_table.get(broker_name)
        return [] if named is None else [addr for _, addr in sorted(named.broker_addrs.items())]

    async def broker_datas(self, cluster: str | None = None) -> list[BrokerData]:
        """Return the brokers with all their addresses, sorted by name.

        Args:
            cluster: of this one; None: of all.
        """
        info = await self.cluster_info()
        names = (
            info.broker_addr_table
            if cluster is None
            else info.cluster_addr_table.get(cluster) or ()
        )
        found = (info.broker_addr_table.get(name) for name in sorted(names))
        return [broker for broker in found if broker is not None]

    async def topic_route(self, topic: str) -> TopicRouteData | None:
        """Return where a topic is, None when it isn't (``topicRoute``)."""
        header = GetRouteInfoRequestHeader(topic=topic)
        answer = await self._ask_namesrv(
            RequestCode.GET_ROUTEINFO_BY_TOPIC, header, accepted=_ROUTE_CODES
        )
        if answer.code == ResponseCode.TOPIC_NOT_EXIST or not answer.body:
            return None
        return TopicRouteData.decode(answer.body, self._release)

    async def known_route(self, topic: str) -> TopicRouteData:
        """Return where a topic is.

        Raises:
            RouteNotFound: the name server doesn't know it.
        """
        route = await self.topic_route(topic)
        if route is None:
            raise RouteNotFound(f"No topic route info in name server for the topic: {topic}")
        return route

    async def read_queues(self, topic: str) -> list[tuple[str, MessageQueue]]:
        """Return a topic's queues with the masters' addresses they are read at."""
        route = await self.topic_route(topic)
        if route is None:
            return []
        masters = {one.broker_name: one.broker_addrs.get(MASTER_ID) for one in route.broker_datas}
        return [
            (addr, MessageQueue(topic, queues.broker_name, queue_id))
            for queues in route.queue_datas
            if (addr := masters.get(queues.broker_name))
            for queue_id in range(queues.read_queue_nums)
        ]
