"""The name server's request processors (``DefaultRequestProcessor``, ``ClientRequestProcessor``).

Each method answers one request code; :meth:`handlers` is the table of them. They are plain
functions of (connection, request): nothing waits here.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from rmqwire.codec import headers as h
from rmqwire.codec.bodies import (
    DataVersion,
    GetBrokerMemberGroupResponseBody,
    RegisterBrokerBody,
    TopicConfigSerializeWrapper,
    TopicRouteData,
)
from rmqwire.codec.bodies.static_topic import TopicConfigAndMappingSerializeWrapper
from rmqwire.codec.codes import ResponseCode
from rmqwire.errors import BadBody
from rmqwire.namesrv import names, route_query
from rmqwire.namesrv.kv_config import NAMESPACE_ORDER_TOPIC_CONFIG
from rmqwire.namesrv.route_info import AddressTaken, Registration
from rmqwire.remoting.handler import NOT_SET, Reject

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.codec.bodies import TopicList
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.codec.release import Release
    from rmqwire.namesrv.state import NamesrvState
    from rmqwire.remoting.handler import Handler, Peer

V3_0_11: Final = 37  # MQVersion: before it the body is the topic table alone
V4_9_4: Final = 401  # MQVersion: from here on clients read standard JSON
ZONE_NAME: Final = "__ZONE_NAME"  # MixAll.ZONE_NAME


class BrokerProcessor:
    """What brokers send: registrations and their like."""

    def __init__(self, state: NamesrvState) -> None:
        self.state = state

    def register(self, connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """REGISTER_BROKER: take a broker and its topics over."""
        header = request.decode_header(h.RegisterBrokerRequestHeader)
        self._admit(connection)
        if header.body_crc32 and zlib.crc32(request.body) & 0x7FFFFFFF != header.body_crc32:
            raise names.refused("crc32 not match")
        names.check_broker(
            header.cluster_name, header.broker_name, header.broker_addr, header.broker_id
        )
        who = Registration(
            cluster=header.cluster_name,
            broker_name=header.broker_name,
            address=header.broker_addr,
            broker_id=header.broker_id,
            ha_address=_address_or_nothing(header.ha_server_addr),
            connection=connection,
            zone_name=(request.ext_fields or {}).get(ZONE_NAME),
            expiry_ms=header.heartbeat_timeout_millis,
            acting_master=header.enable_acting_master,
        )
        body = _register_body(request, self.state.release, compressed=header.compressed)
        try:
            result = self.state.routes.register(who, body, self.state.mono_ms())
        except AddressTaken as taken:
            raise Reject(ResponseCode.NO_PERMISSION, str(taken)) from None
        if result is None:
            raise names.refused("register broker failed")
        order: bytes | None = None
        if self.state.config.return_order_topic_config_to_broker:
            order = self.state.kv.namespace_body(NAMESPACE_ORDER_TOPIC_CONFIG)
        answer = h.RegisterBrokerResponseHeader(
            ha_server_addr=result.ha_server_addr, master_addr=result.master_addr
        )
        return request.create_response(header=answer, body=order or b"")

    def unregister(self, connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """UNREGISTER_BROKER: forget a broker."""
        header = request.decode_header(h.UnRegisterBrokerRequestHeader)
        self._admit(connection)
        self.state.routes.unregister(
            header.cluster_name, header.broker_name, header.broker_addr, header.broker_id
        )
        return request.create_response()

    def heartbeat(self, _connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """BROKER_HEARTBEAT: a broker is alive, its topics are as before."""
        header = request.decode_header(h.BrokerHeartbeatRequestHeader)
        self.state.routes.touch(header.cluster_name, header.broker_addr, self.state.mono_ms())
        return request.create_response()

    def query_data_version(self, _connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """QUERY_DATA_VERSION: must the broker register again?"""
        header = request.decode_header(h.QueryDataVersionRequestHeader)
        routes, key = self.state.routes, (header.cluster_name, header.broker_addr)
        changed = routes.is_changed(*key, DataVersion.decode(request.body, self.state.release))
        routes.touch(*key, self.state.mono_ms())
        known = routes.version_of(*key)
        return request.create_response(
            header=h.QueryDataVersionResponseHeader(changed=changed),
            body=b"" if known is None else known.encode(self.state.release),
        )

    def member_group(self, _connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """GET_BROKER_MEMBER_GROUP: the addresses of one broker name."""
        header = request.decode_header(h.GetBrokerMemberGroupRequestHeader)
        group = route_query.member_group(self.state.routes, header.cluster_name, header.broker_name)
        body = GetBrokerMemberGroupResponseBody(broker_member_group=group)
        return request.create_response(remark=NOT_SET, body=body.encode(self.state.release))

    def register_topic(self, connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """REGISTER_TOPIC_IN_NAMESRV: one new topic, before the next whole registration."""
        header = request.decode_header(h.RegisterTopicRequestHeader)
        self._admit(connection)
        names.check_topic(header.topic)
        route = TopicRouteData.decode(request.body, self.state.release)
        self.state.routes.register_topic(header.topic, route.queue_datas)
        return request.create_response()

    def _admit(self, connection: Peer) -> None:
        names.check_admitted(connection.peer, self.state.networks)


class RouteProcessor:
    """What clients and admin tools ask about routes and topics."""

    def __init__(self, state: NamesrvState) -> None:
        self.state = state

    def route(self, _connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """GET_ROUTEINFO_BY_TOPIC: which brokers hold the topic."""
        header = request.decode_header(h.GetRouteInfoRequestHeader)
        state, config = self.state, self.state.config
        young = state.mono_ms() - state.started_ms < config.wait_seconds_for_service * 1000
        if config.need_wait_for_service and young:
            raise names.refused("name server not ready")
        route = route_query.pickup_route(state.routes, header.topic)
        if route is None:
            raise Reject(
                ResponseCode.TOPIC_NOT_EXIST,
                f"No topic route info in name server for the topic: {header.topic}"
                f"{state.release.wire.faq_suggestion}",
            )
        if config.order_message_enable:
            route.order_topic_conf = state.kv.get(NAMESPACE_ORDER_TOPIC_CONFIG, header.topic)
        standard = request.version >= V4_9_4 or bool(header.accept_standard_json_only)
        return request.create_response(body=route.encode(state.release, standard=standard))

    def cluster_info(self, _connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """GET_BROKER_CLUSTER_INFO: all brokers and clusters."""
        body = route_query.cluster_info(self.state.routes).encode(self.state.release)
        return request.create_response(body=body)

    def wipe_write_permission(self, _connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """WIPE_WRITE_PERM_OF_BROKER: nobody shall send to a broker, until it registers again."""
        header = request.decode_header(h.WipeWritePermOfBrokerRequestHeader)
        count = self.state.routes.wipe_write_permission(header.broker_name)
        answer = h.WipeWritePermOfBrokerResponseHeader(wipe_topic_count=count)
        return request.create_response(header=answer)

    def add_write_permission(self, _connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """ADD_WRITE_PERM_OF_BROKER: everyone may send to a broker again."""
        header = request.decode_header(h.AddWritePermOfBrokerRequestHeader)
        count = self.state.routes.add_write_permission(header.broker_name)
        answer = h.AddWritePermOfBrokerResponseHeader(add_topic_count=count)
        return request.create_response(header=answer)

    def delete_topic(self, _connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """DELETE_TOPIC_IN_NAMESRV: forget a topic, everywhere or in one cluster."""
        header = request.decode_header(h.DeleteTopicFromNamesrvRequestHeader)
        self.state.routes.delete_topic(header.topic, header.cluster_name)
        return request.create_response()

    def all_topics(self, _connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """GET_ALL_TOPIC_LIST_FROM_NAMESERVER."""
        if not self.state.config.enable_all_topic_list:
            raise names.refused("disable")
        return self._listed(request, route_query.all_topics(self.state.routes))

    def topics_of_cluster(self, _connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """GET_TOPICS_BY_CLUSTER."""
        self._check_lists()
        header = request.decode_header(h.GetTopicsByClusterRequestHeader)
        return self._listed(
            request, route_query.topics_of_cluster(self.state.routes, header.cluster)
        )

    def system_topics(self, _connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """GET_SYSTEM_TOPIC_LIST_FROM_NS: cluster and broker names."""
        return self._listed(request, route_query.system_topics(self.state.routes))

    def flagged(self, wanted: Callable[[int], bool]) -> Handler:
        """Return what lists the topics whose ``topicSysFlag`` is wanted."""

        def listed(_connection: Peer, request: RemotingCommand) -> RemotingCommand:
            self._check_lists()
            return self._listed(request, route_query.topics_with_flag(self.state.routes, wanted))

        return listed

    def _check_lists(self) -> None:
        if not self.state.config.enable_topic_list:
            raise names.refused("disable")

    def _listed(self, request: RemotingCommand, topics: TopicList) -> RemotingCommand:
        return request.create_response(body=topics.encode(self.state.release))


def _register_body(
    request: RemotingCommand, release: Release, *, compressed: bool
) -> RegisterBrokerBody:
    """Read a registration's body; none is a broker without topics, old ones send the table alone.

    Raises:
        BadBody: it can't be read; in Java's words.
    """
    if not len(request.body):
        return RegisterBrokerBody()
    try:
        if request.version >= V3_0_11:
            return RegisterBrokerBody.decode(
                request.body, release, compressed=compressed, mq_version=request.version
            )
        old = TopicConfigSerializeWrapper.decode(request.body, release)
    except BadBody as error:
        raise BadBody(f"Failed to decode RegisterBrokerBody, {error}") from None
    return RegisterBrokerBody(
        topic_config_serialize_wrapper=TopicConfigAndMappingSerializeWrapper(
            topic_config_table=old.topic_config_table, data_version=old.data_version
        )
    )


def _address_or_nothing(address: str | None) -> str:
    """Return a replication address when it is one: a slave will connect to it."""
    return address if address is not None and names.is_address(address) else ""
