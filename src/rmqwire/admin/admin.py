"""Ask and change a cluster, Java's or ours (Java ``DefaultMQAdminExt``): one method, one result.

Only what needs no more than a name server's address: which brokers there are is asked of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmqwire.broker_errors import NoPermission
from rmqwire.client.api import NO_OFFSET, ClientApi
from rmqwire.client.config import ClientConfig
from rmqwire.client.requests import PullOptions, RequestFactory
from rmqwire.codec.bodies import (
    ClusterInfo,
    MessageQueue,
    SubscriptionData,
    SubscriptionGroupConfig,
    TopicList,
)
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import (
    CreateTopicRequestHeader,
    DeleteSubscriptionGroupRequestHeader,
    DeleteTopicFromNamesrvRequestHeader,
    DeleteTopicRequestHeader,
)
from rmqwire.codec.message_const import MASTER_ID
from rmqwire.codec.record import iter_messages
from rmqwire.codec.release import DEFAULT_RELEASE
from rmqwire.codec.sys_flag import PERM_READ, PERM_WRITE, PULL_SUBSCRIPTION
from rmqwire.errors import RouteNotFound
from rmqwire.remoting.client import expect

if TYPE_CHECKING:
    from rmqwire.client.api import Remoting
    from rmqwire.codec.bodies import TopicRouteData
    from rmqwire.codec.headers import Header
    from rmqwire.codec.message import StoredMessage
    from rmqwire.codec.release import Release

TIMEOUT_MS = 5_000  # DefaultMQAdminExt.timeoutMillis
READER = "TOOLS_CONSUMER"  # MixAll.TOOLS_CONSUMER_GROUP
ALL = SubscriptionData(topic="", sub_string="*")
BATCH = 32  # messages of one pull
MAX_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class QueueProgress:
    """How far a group is with one queue; offsets are indexes of messages.

    Args:
        queue: which.
        committed: the next message of the group; None when it has none yet.
        min_offset: the oldest message of the queue.
        max_offset: the next message to come.
    """

    queue: MessageQueue
    committed: int | None
    min_offset: int
    max_offset: int

    @property
    def lag(self) -> int:
        """Messages that the group has not consumed."""
        first = self.min_offset if self.committed is None else self.committed
        return max(self.max_offset - first, 0)


class Admin:
    """Calls to the name server and the brokers of a cluster.

    Args:
        remoting: carries them; opened and closed by the caller.
        namesrv_addr: ``host:port`` of a name server.
        release: as which release of RocketMQ to ask.

    All methods raise ``RemotingError`` when a server can't be reached or doesn't answer, and the
    ``BrokerError`` of the code that it refuses with.
    """

    def __init__(
        self, remoting: Remoting, namesrv_addr: str, release: Release = DEFAULT_RELEASE
    ) -> None:
        config = ClientConfig(namesrv_addr=namesrv_addr, release=release)
        self._namesrv = namesrv_addr
        self._release = release
        self._remoting = remoting
        self._api = ClientApi(remoting, RequestFactory(config), config)

    async def _ask(
        self, addr: str, code: RequestCode, header: Header | None = None, body: bytes = b""
    ) -> RemotingCommand:
        request = RemotingCommand.request(int(code), header, body)
        request.version = self._release.mq_version
        return expect(await self._remoting.invoke(addr, request, TIMEOUT_MS), addr)

    # --- what there is

    async def cluster_info(self) -> ClusterInfo:
        """Return the brokers and clusters that the name server knows (``clusterList``)."""
        answer = await self._ask(self._namesrv, RequestCode.GET_BROKER_CLUSTER_INFO)
        return ClusterInfo.decode(answer.body, self._release)

    async def masters(self) -> list[str]:
        """Return the masters' addresses of all clusters."""
        brokers = (await self.cluster_info()).broker_addr_table.values()
        return [addr for one in brokers if (addr := one.broker_addrs.get(MASTER_ID))]

    async def topics(self) -> list[str]:
        """Return the names of all topics, those of retries and dead letters too (``topicList``)."""
        answer = await self._ask(self._namesrv, RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER)
        return sorted(TopicList.decode(answer.body, self._release).topic_list)

    async def topic_route(self, topic: str) -> TopicRouteData | None:
        """Return where a topic is, None when it isn't (``topicRoute``)."""
        return await self._api.topic_route(self._namesrv, topic)

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

    # --- topics and groups

    async def update_topic(
        self,
        topic: str,
        *,
        queues: int = 4,
        perm: int = PERM_READ | PERM_WRITE,
        attributes: str = "",
    ) -> None:
        """Make a topic at every master, or change it (``updateTopic``).

        Args:
            topic: its name.
            queues: to read and to write.
            perm: 6 read and write, 4 read, 2 write.
            attributes: of 5.x, such as ``+message.type=FIFO``.
        """
        header = CreateTopicRequestHeader(
            topic=topic,
            default_topic="TBW102",
            read_queue_nums=queues,
            write_queue_nums=queues,
            perm=perm,
            topic_filter_type="SINGLE_TAG",
            topic_sys_flag=0,
            attributes=attributes or None,
        )
        for addr in await self.masters():
            await self._ask(addr, RequestCode.UPDATE_AND_CREATE_TOPIC, header)

    async def delete_topic(self, topic: str) -> None:
        """Remove a topic from every master and the name server (``deleteTopic``)."""
        for addr in await self.masters():
            await self._ask(
                addr, RequestCode.DELETE_TOPIC_IN_BROKER, DeleteTopicRequestHeader(topic=topic)
            )
        header = DeleteTopicFromNamesrvRequestHeader(topic=topic)
        await self._ask(self._namesrv, RequestCode.DELETE_TOPIC_IN_NAMESRV, header)

    async def update_group(self, group: str, *, retry_max_times: int = 16) -> None:
        """Make a consumer group at every master, or change it (``updateSubGroup``)."""
        config = SubscriptionGroupConfig(group_name=group, retry_max_times=retry_max_times)
        for addr in await self.masters():
            await self._ask(
                addr,
                RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
                body=config.encode(self._release),
            )

    async def delete_group(self, group: str) -> None:
        """Remove a consumer group and its offsets from every master (``deleteSubGroup``)."""
        header = DeleteSubscriptionGroupRequestHeader(
            group_name=group, clean_offset=True, remove_offset=True
        )
        for addr in await self.masters():
            await self._ask(addr, RequestCode.DELETE_SUBSCRIPTIONGROUP, header)

    # --- messages and progress

    async def messages(self, topic: str) -> list[tuple[str, StoredMessage]]:
        """Return all messages that a topic holds, with their brokers' names, queue by queue.

        A topic that may not be read, as those of dead letters at first, is made readable.
        """
        found = []
        try:
            for addr, queue in await self.read_queues(topic):
                found += [(queue.broker_name, one) for one in await self._messages(addr, queue)]
        except NoPermission:
            route = await self.topic_route(topic)
            if route is None or all(one.perm & PERM_READ for one in route.queue_datas):
                raise
            queues = max(one.read_queue_nums for one in route.queue_datas)
            await self.update_topic(topic, queues=queues)
            return await self.messages(topic)
        return found

    async def _messages(self, addr: str, queue: MessageQueue) -> list[StoredMessage]:
        found: list[StoredMessage] = []
        offset = await self._api.min_offset(addr, queue)
        end = await self._api.max_offset(addr, queue)
        while offset < end:
            pull = PullOptions(queue, offset, BATCH, MAX_BYTES, PULL_SUBSCRIPTION, 0, 0, ALL, True)
            answer = await self._api.pull(addr, READER, pull, TIMEOUT_MS)
            found += iter_messages(bytes(answer.body))
            if answer.next_begin_offset <= offset:
                break
            offset = answer.next_begin_offset
        return found

    async def consumer_progress(self, group: str, topic: str) -> list[QueueProgress]:
        """Return how far a group is with each queue of a topic (``consumerProgress``).

        Raises:
            RouteNotFound: no broker has the topic.
        """
        queues = await self.read_queues(topic)
        if not queues:
            raise RouteNotFound(f"No route info of this topic: {topic}")
        return [await self._progress(addr, group, queue) for addr, queue in queues]

    async def _progress(self, addr: str, group: str, queue: MessageQueue) -> QueueProgress:
        committed = await self._api.query_consumer_offset(addr, group, queue)
        return QueueProgress(
            queue,
            None if committed == NO_OFFSET else committed,
            await self._api.min_offset(addr, queue),
            await self._api.max_offset(addr, queue),
        )
