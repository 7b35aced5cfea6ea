"""What a broker says to its name servers (``BrokerOuterAPI``): register, unregister, compare.

Every call is about one name server; the shell makes them to all of them at once, so that one that
is down delays nobody.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.broker.peers.troubles import Troubles
from rmqwire.codec.bodies import (
    DataVersion,
    KVTable,
    RegisterBrokerBody,
    TopicConfig,
    TopicConfigAndMappingSerializeWrapper,
)
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.crc import body_crc
from rmqwire.codec.headers import (
    QueryDataVersionRequestHeader,
    QueryDataVersionResponseHeader,
    RegisterBrokerRequestHeader,
    RegisterBrokerResponseHeader,
    UnRegisterBrokerRequestHeader,
)
from rmqwire.codec.sys_flag import PERM_READ, PERM_WRITE
from rmqwire.errors import BrokerError, ProtocolError, RemotingError
from rmqwire.remoting.client import expect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rmqwire.broker.state import BrokerState
    from rmqwire.broker.tables.topics import TopicConfigManager
    from rmqwire.remoting.client import RemotingClient

UNREGISTER_TIMEOUT_MS = 3_000
logger = logging.getLogger(__name__)


class BrokerOuterAPI:
    """Speaks for one broker.

    Args:
        client: carries the commands.
        state: whose topics are registered.
        master_found: told a slave's master by each registration: its replication address and its
            address, None without a master.
    """

    def __init__(
        self,
        client: RemotingClient,
        state: BrokerState,
        master_found: Callable[[str | None, str | None], None],
    ) -> None:
        self._client = client
        self._state = state
        self._troubles = Troubles()
        self._tell_master = master_found

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
            if force or await self.need_register(namesrv_addr):
                await self._register(namesrv_addr)
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

    async def _register(self, namesrv_addr: str) -> None:
        timeout_ms = self._state.config.register_broker_timeout_mills
        response = expect(
            await self._client.invoke(namesrv_addr, self.register_request(), timeout_ms),
            namesrv_addr,
        )
        answer = response.decode_header(RegisterBrokerResponseHeader)
        self._tell_master(answer.ha_server_addr or None, answer.master_addr or None)
        if response.body:
            table = KVTable.decode(response.body, self._state.release).table or {}
            update_order_topics(self._state.topics, table)

    async def need_register(self, namesrv_addr: str) -> bool:
        """Ask whether the name server knows another version of the topics (``needRegister``).

        A name server that can't be asked counts as one that does.
        """
        config, version = self._state.config, self._state.topics.data_version
        request = RemotingCommand.request(
            int(RequestCode.QUERY_DATA_VERSION),
            QueryDataVersionRequestHeader(
                broker_name=config.broker_name,
                broker_addr=config.broker_addr,
                cluster_name=config.broker_cluster_name,
                broker_id=config.broker_id,
            ),
            version.encode(self._state.release),
        )
        try:
            response = await self._client.invoke(
                namesrv_addr, request, config.register_broker_timeout_mills
            )
            if response.code != ResponseCode.SUCCESS:
                return False  # Java: an answer with another code isn't taken as a change
            known = (
                DataVersion.decode(response.body, self._state.release) if response.body else version
            )
            changed = response.decode_header(QueryDataVersionResponseHeader).changed
        except (RemotingError, ProtocolError) as error:
            logger.warning("data version not asked of name server %s: %s", namesrv_addr, error)
            return True
        return changed is not False or (known.timestamp, known.counter) != (
            version.timestamp,
            version.counter,
        )

    async def unregister(self, namesrv_addr: str) -> None:
        """Take the broker out of one name server's table; a failure is logged."""
        config = self._state.config
        request = RemotingCommand.request(
            int(RequestCode.UNREGISTER_BROKER),
            UnRegisterBrokerRequestHeader(
                broker_name=config.broker_name,
                broker_addr=config.broker_addr,
                cluster_name=config.broker_cluster_name,
                broker_id=config.broker_id,
            ),
        )
        try:
            await self._client.invoke(namesrv_addr, request, UNREGISTER_TIMEOUT_MS)
        except (RemotingError, ProtocolError) as error:
            logger.warning("not unregistered at name server %s: %s", namesrv_addr, error)

    def register_request(self) -> RemotingCommand:
        """Make the REGISTER_BROKER command of the topics as they are now."""
        config, release = self._state.config, self._state.release
        body = RegisterBrokerBody(topic_config_serialize_wrapper=self._topics())
        # 5.x sends the compressed form with compressed=false and its own name servers refuse it:
        # a broker of that column registers in plain, always.
        compressed = config.compressed_register and release.broker.registers_compressed
        data = body.encode_compressed(release) if compressed else body.encode(release)
        header = RegisterBrokerRequestHeader(
            broker_name=config.broker_name,
            broker_addr=config.broker_addr,
            cluster_name=config.broker_cluster_name,
            ha_server_addr=config.ha_server_addr,
            broker_id=config.broker_id,
            compressed=compressed,
            body_crc32=body_crc(data),
        )
        if release.broker.registers_acting_master:
            header.enable_acting_master = False
        return RemotingCommand.request(int(RequestCode.REGISTER_BROKER), header, data)

    def _topics(self) -> TopicConfigAndMappingSerializeWrapper:
        topics, permission = self._state.topics, self._state.config.broker_permission
        table: dict[str, TopicConfig] = topics.table
        if not permission & PERM_WRITE or not permission & PERM_READ:
            table = {name: _with_permission(topic, permission) for name, topic in table.items()}
        return TopicConfigAndMappingSerializeWrapper(
            topic_config_table=table,
            data_version=topics.data_version,
            mapping_data_version=DataVersion(timestamp=self._state.start_time_ms),
        )


def _with_permission(topic: TopicConfig, permission: int) -> TopicConfig:
    """Return a topic that allows only what the broker allows."""
    return TopicConfig(
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
