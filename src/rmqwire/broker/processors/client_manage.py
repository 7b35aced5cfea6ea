"""HEART_BEAT, UNREGISTER_CLIENT, CHECK_CLIENT_CONFIG (``ClientManageProcessor``)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.broker.clients.client_table import (
    CLUSTERING,
    CONSUME_ACTIVELY,
    CONSUME_PASSIVELY,
    ClientChannelInfo,
)
from rmqwire.broker.processors.pull_filter import check_enabled
from rmqwire.broker.stats.names import CONSUMER_REGISTER_TIME, PRODUCER_REGISTER_TIME
from rmqwire.codec import bodies, headers
from rmqwire.codec import message_const as const
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.sys_flag import PERM_READ, PERM_WRITE, TOPIC_UNIT_SUB
from rmqwire.errors import BadExpression
from rmqwire.filter.subscription import is_tag_type
from rmqwire.remoting.handler import Reject
from rmqwire.remoting.limited_log import LimitedLog

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.bodies import ConsumerData
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer

IS_SUPPORT_HEART_BEAT_V2 = "IS_SUPPORT_HEART_BEAT_V2"
IS_SUB_CHANGE = "IS_SUB_CHANGE"
logger = logging.getLogger(__name__)
limited = LimitedLog(logger)


class ClientManageProcessor:
    """Keeps the tables of connected clients.

    Args:
        state: the broker's tables.
    """

    def __init__(self, state: BrokerState) -> None:
        self._state = state
        self._fingerprints: dict[str, int] = {}  # consumer group -> of its last heartbeat (5.x)

    def heart_beat(self, connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """Answer HEART_BEAT; notices to the groups leave before the answer."""
        state = self._state
        heartbeat = bodies.HeartbeatData.decode(request.body, state.release)
        client = ClientChannelInfo(
            connection, heartbeat.client_id, request.language, request.version, state.mono_ms()
        )
        # New groups and their retry topics are written once, however many there are.
        with state.groups.written_together(), state.topics.written_together():
            changed = self._register_consumers(client, heartbeat)
        for producer in heartbeat.producer_data_set:
            began = state.wall_ms()
            state.producers.register(producer.group_name, client)
            state.stats.registered(PRODUCER_REGISTER_TIME, state.wall_ms() - began)
        response = request.create_response()
        if state.release.broker.heartbeat_v2:
            response.ext_fields = {
                IS_SUPPORT_HEART_BEAT_V2: "true",
                IS_SUB_CHANGE: "true" if changed else "false",
            }
        return response

    def _register_consumers(
        self, client: ClientChannelInfo, heartbeat: bodies.HeartbeatData
    ) -> bool:
        """Take the consumers of a heartbeat over; tell whether a subscription may have changed."""
        state, fingerprint = self._state, heartbeat.heartbeat_fingerprint
        changed = fingerprint == 0
        for consumer in heartbeat.consumer_data_set:
            pulls = consumer.consume_type == CONSUME_ACTIVELY
            if pulls and state.config.reject_pull_consumer_enable:
                continue
            self._register_consumer(client, consumer, without_sub=heartbeat.without_sub)
            if state.groups.contains(consumer.group_name):  # others would fill the memory
                changed |= self._is_new_fingerprint(consumer.group_name, fingerprint)
        return changed

    def _is_new_fingerprint(self, group: str, fingerprint: int) -> bool:
        before = self._fingerprints.get(group)
        self._fingerprints[group] = fingerprint
        return before is not None and before != fingerprint

    def _register_consumer(
        self, client: ClientChannelInfo, consumer: ConsumerData, *, without_sub: bool
    ) -> None:
        state = self._state
        group = consumer.group_name
        config = state.groups.find(group)
        if config is None and state.release.broker.heartbeat_needs_group:
            return
        if config is not None:
            state.topics.create_topic_in_send_message_back(
                const.retry_topic(group),
                config.retry_queue_nums,
                PERM_WRITE | PERM_READ,
                TOPIC_UNIT_SUB if consumer.unit_mode else 0,
                order=state.release.broker.ordered_retry_topics
                and self._subscribes_in_order(consumer),
            )
        began = state.wall_ms()
        changed = state.consumers.register(
            group,
            client,
            (
                consumer.consume_type or CONSUME_PASSIVELY,
                consumer.message_model or CLUSTERING,
                consumer.consume_from_where,
            ),
            None if without_sub else consumer.subscription_data_set,
            notify=config is None or config.notify_consumer_ids_changed_enable,
        )
        state.stats.registered(CONSUMER_REGISTER_TIME, state.wall_ms() - began)
        if changed:
            logger.info("consumer group %s changed by %s", group, client.connection.peer)

    def _subscribes_in_order(self, consumer: ConsumerData) -> bool:
        topics = self._state.topics
        return any(topics.is_order_topic(sub.topic) for sub in consumer.subscription_data_set)

    def unregister_client(self, connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """Answer UNREGISTER_CLIENT."""
        state = self._state
        header = request.decode_header(headers.UnregisterClientRequestHeader)
        if header.producer_group is not None:
            state.producers.unregister(header.producer_group, connection)
        if header.consumer_group is not None:
            config = state.groups.find(header.consumer_group)
            state.consumers.unregister(
                header.consumer_group,
                connection,
                notify=config is None or config.notify_consumer_ids_changed_enable,
            )
        response = request.create_response()
        response.ext_fields = {}
        return response

    def check_client_config(self, connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """Answer CHECK_CLIENT_CONFIG: whether a condition can be used here.

        Raises:
            Reject: SYSTEM_ERROR, none can; SUBSCRIPTION_PARSE_FAILED, this one can't.
        """
        body = bodies.CheckClientRequestBody.decode(request.body, self._state.release)
        subscription = body.subscription_data
        if subscription is None or is_tag_type(subscription.expression_type):
            return request.create_response()
        check_enabled(self._state, subscription)
        if not subscription.sub_string:  # null, for which Java has no text
            raise Reject(ResponseCode.SUBSCRIPTION_PARSE_FAILED)
        try:
            self._state.filters.compile(subscription.sub_string, subscription.expression_type)
        except BadExpression as error:
            limited.warning(
                "bad filter", "the filter of a client at %s: %s", connection.peer, error
            )
            raise Reject(ResponseCode.SUBSCRIPTION_PARSE_FAILED, str(error)) from None
        return request.create_response()
