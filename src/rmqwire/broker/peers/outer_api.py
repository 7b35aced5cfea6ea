"""What a broker says to its name servers (``BrokerOuterAPI``): register, unregister, compare.

Every call is about one name server; the shell makes them to all of them at once, so that one that
is down delays nobody.
"""

from __future__ import annotations

import logging
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any

from rmqwire.broker.peers.troubles import Troubles
from rmqwire.codec import bodies, headers
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.crc import body_crc
from rmqwire.codec.release import V5_0_0_ORDINAL
from rmqwire.codec.sys_flag import PERM_READ, PERM_WRITE
from rmqwire.errors import BrokerError, ProtocolError, RemotingError
from rmqwire.remoting.client import expect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from rmqwire.broker.state import BrokerState
    from rmqwire.broker.tables.topics import TopicConfigManager
    from rmqwire.remoting.client import RemotingClient

UNREGISTER_TIMEOUT_MS = 3_000
LARGE_TABLE = 500  # topics; the text of more is made in a thread
logger = logging.getLogger(__name__)


class BrokerOuterAPI:
    """Speaks for one broker.

    Args:
        client: carries the commands.
        state: whose topics are registered.
        master_found: told a slave's master by each registration: its replication address and its
            address, None without a master.
        in_thread: runs what makes the registration of a large table; None: as all others.
    """

    def __init__(
        self,
        client: RemotingClient,
        state: BrokerState,
        master_found: Callable[[str | None, str | None], None],
        in_thread: Callable[[Callable[[], RemotingCommand]], Awaitable[RemotingCommand]]
        | None = None,
    ) -> None:
        self._client = client
        self._state = state
        self._troubles = Troubles()
        self._tell_master = master_found
        self._in_thread = in_thread
        self._versions: dict[str, int] = {}  # of each name server that the broker is registered at

    async def register(self, namesrv_addr: str, *, force: bool) -> bool:
        """Register every topic at one name server and take its order topics.

        Args:
            namesrv_addr: ``host:port`` of the name server.
            force: register even if the name server says that it has this version
                (``forceRegister``, and every topic change).

        Returns:
            whether the name server has the broker now; a failure is logged, and its end.
        """
        try:
            await self._register_all(namesrv_addr, force=force)
        except (RemotingError, ProtocolError, BrokerError) as error:
            self._troubles.failed(namesrv_addr, str(error))
            logger.warning("not registered at name server %s: %s", namesrv_addr, error)
            return False
        if failures := self._troubles.works(namesrv_addr):
            logger.warning(
                "registered at name server %s after failures: %d", namesrv_addr, failures
            )
        else:
            logger.debug("registered at name server %s", namesrv_addr)
        return True

    async def register_topics(self, namesrv_addr: str, names: Iterable[str]) -> bool:
        """Tell one name server of a few topics that are new or changed.

        5.x takes each by itself (``registerSingleTopicAll``). Others take a registration with these
        topics only (``registerIncrementBrokerData``), of which a 5.x name server with
        ``deleteTopicWithBrokerRegistration`` would conclude that all others are gone.

        Args:
            namesrv_addr: ``host:port`` of a name server that the broker is registered at.
            names: the topics; one that was deleted meanwhile isn't told.

        Returns:
            whether it has them now; a failure is logged.
        """
        table = self._state.topics.table
        topics = {name: table[name] for name in names if name in table}
        try:
            if self._versions.get(namesrv_addr, 0) < V5_0_0_ORDINAL:
                await self._register(namesrv_addr, topics)
            else:
                for topic in self._as_allowed(topics).values():
                    await self._invoke(namesrv_addr, self._topic_request(topic))
        except (RemotingError, ProtocolError, BrokerError) as error:
            logger.warning("topics not registered alone at %s: %s", namesrv_addr, error)
            return False
        return True

    async def _invoke(self, namesrv_addr: str, request: RemotingCommand) -> RemotingCommand:
        timeout_ms = self._state.config.register_broker_timeout_mills
        return expect(await self._client.invoke(namesrv_addr, request, timeout_ms), namesrv_addr)

    async def _register_all(self, namesrv_addr: str, *, force: bool) -> None:
        """Tell of all topics, at once or in pieces (``registerBrokerAll``).

        As with Java's, pieces are told whether the name server has them or not; one with
        ``deleteTopicWithBrokerRegistration`` keeps only the last.
        """
        config, table = self._state.config, self._state.topics.table
        if not config.enable_split_registration:
            if force or await self.need_register(namesrv_addr):
                await self._register(namesrv_addr, table)
            return
        size, names = config.split_registration_size, list(table)
        for begin in range(0, len(names), size):
            piece = {name: table[name] for name in names[begin : begin + size] if name in table}
            await self._register(namesrv_addr, piece)

    async def _register(self, namesrv_addr: str, topics: Mapping[str, bodies.TopicConfig]) -> None:
        make_request = partial(self.register_request, dict(topics))
        if self._in_thread is None or len(topics) < LARGE_TABLE:
            request = make_request()
        else:
            request = await self._in_thread(make_request)
        response = await self._invoke(namesrv_addr, request)
        self._versions[namesrv_addr] = response.version
        answer = response.decode_header(headers.RegisterBrokerResponseHeader)
        self._tell_master(answer.ha_server_addr or None, answer.master_addr or None)
        if response.body:
            table = bodies.KVTable.decode(response.body, self._state.release).table or {}
            update_order_topics(self._state.topics, table)

    async def need_register(self, namesrv_addr: str) -> bool:
        """Ask whether the name server knows another version of the topics (``needRegister``).

        A name server that can't be asked counts as one that does.
        """
        config, version = self._state.config, self._state.topics.data_version
        request = RemotingCommand.request(
            int(RequestCode.QUERY_DATA_VERSION),
            headers.QueryDataVersionRequestHeader(**self._identity()),
            version.encode(self._state.release),
        )
        try:
            response = await self._client.invoke(
                namesrv_addr, request, config.register_broker_timeout_mills
            )
            if response.code != ResponseCode.SUCCESS:
                return False  # Java: an answer with another code isn't taken as a change
            known = (
                bodies.DataVersion.decode(response.body, self._state.release)
                if response.body
                else version
            )
            changed = response.decode_header(headers.QueryDataVersionResponseHeader).changed
        except (RemotingError, ProtocolError) as error:
            logger.warning("data version not asked of name server %s: %s", namesrv_addr, error)
            return True
        return changed is not False or (known.timestamp, known.counter) != (
            version.timestamp,
            version.counter,
        )

    async def unregister(self, namesrv_addr: str) -> None:
        """Take the broker out of one name server's table; a failure is logged."""
        header = headers.UnRegisterBrokerRequestHeader(**self._identity())
        request = RemotingCommand.request(int(RequestCode.UNREGISTER_BROKER), header)
        try:
            await self._client.invoke(namesrv_addr, request, UNREGISTER_TIMEOUT_MS)
        except (RemotingError, ProtocolError) as error:
            logger.warning("not unregistered at name server %s: %s", namesrv_addr, error)

    def _identity(self) -> dict[str, Any]:
        """Return the fields that say which broker speaks."""
        config = self._state.config
        return {
            "broker_name": config.broker_name,
            "broker_addr": config.broker_addr,
            "cluster_name": config.broker_cluster_name,
            "broker_id": config.broker_id,
        }

    def _topic_request(self, topic: bodies.TopicConfig) -> RemotingCommand:
        queues = bodies.QueueData(
            broker_name=self._state.config.broker_name,
            read_queue_nums=topic.read_queue_nums,
            write_queue_nums=topic.write_queue_nums,
            perm=topic.perm,
            topic_sys_flag=topic.topic_sys_flag,
        )
        return RemotingCommand.request(
            int(RequestCode.REGISTER_TOPIC_IN_NAMESRV),
            headers.RegisterTopicRequestHeader(topic=topic.topic_name),
            bodies.TopicRouteData(queue_datas=[queues]).encode(self._state.release),
        )

    def register_request(self, topics: Mapping[str, bodies.TopicConfig]) -> RemotingCommand:
        """Make the REGISTER_BROKER command of these topics."""
        config, release = self._state.config, self._state.release
        wrapper = bodies.TopicConfigAndMappingSerializeWrapper(
            topic_config_table=dict(self._as_allowed(topics)),
            data_version=copy(self._state.topics.data_version),
            mapping_data_version=bodies.DataVersion(timestamp=self._state.start_time_ms),
        )
        body = bodies.RegisterBrokerBody(topic_config_serialize_wrapper=wrapper)
        # 5.x sends the compressed form with compressed=false and its own name servers refuse it:
        # a broker of that column registers in plain, always.
        compressed = config.compressed_register and release.broker.registers_compressed
        data = body.encode_compressed(release) if compressed else body.encode(release)
        header = headers.RegisterBrokerRequestHeader(
            ha_server_addr=config.ha_server_addr,
            compressed=compressed,
            body_crc32=body_crc(data),
            **self._identity(),
        )
        if release.broker.registers_acting_master:
            header.enable_acting_master = False
        return RemotingCommand.request(int(RequestCode.REGISTER_BROKER), header, data)

    def _as_allowed(
        self, topics: Mapping[str, bodies.TopicConfig]
    ) -> Mapping[str, bodies.TopicConfig]:
        """Return topics as far as the broker's permission lets them be used."""
        permission = self._state.config.broker_permission
        if permission & PERM_WRITE and permission & PERM_READ:
            return topics
        return {name: _with_permission(topic, permission) for name, topic in topics.items()}


def _with_permission(topic: bodies.TopicConfig, permission: int) -> bodies.TopicConfig:
    """Return a topic that allows only what the broker allows."""
    return bodies.TopicConfig(
        topic_name=topic.topic_name,
        read_queue_nums=topic.read_queue_nums,
        write_queue_nums=topic.write_queue_nums,
        perm=topic.perm & permission,
        topic_filter_type=topic.topic_filter_type,
        topic_sys_flag=topic.topic_sys_flag,
        order=topic.order,
    )


def update_order_topics(topics: TopicConfigManager, ordered: Mapping[str, str]) -> None:
    """Take over which topics are ordered, as the name server says (``updateOrderTopicConfig``).

    Args:
        topics: the broker's topics.
        ordered: the name server's table; an empty one changes nothing.
    """
    if not ordered:
        return
    for name, topic in list(topics.table.items()):
        if topic.order != (name in ordered):
            topic.order = name in ordered
            topics.update(topic)
