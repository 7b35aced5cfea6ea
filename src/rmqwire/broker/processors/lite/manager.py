"""What administrators ask about lite topics (``LiteManagerProcessor``)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.broker.lite.metadata import bind_topic, is_lite_topic, ttl_minutes
from rmqwire.codec.bodies import (
    ClientGroup,
    GetBrokerLiteInfoResponseBody,
    GetLiteClientInfoResponseBody,
    GetLiteGroupInfoResponseBody,
    GetLiteTopicInfoResponseBody,
    GetParentTopicInfoResponseBody,
    OffsetWrapper,
    TopicOffset,
)
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers import (
    GetLiteClientInfoRequestHeader,
    GetLiteGroupInfoRequestHeader,
    GetLiteTopicInfoRequestHeader,
    GetParentTopicInfoRequestHeader,
    TriggerLiteDispatchRequestHeader,
)
from rmqwire.codec.headers.base import needed
from rmqwire.codec.java_map import hash_map_order
from rmqwire.codec.lite_topic import lmq_name
from rmqwire.errors import BadHeader
from rmqwire.remoting.handler import NOT_SET, Reject
from rmqwire.store.queues.light_queues import LMQ_QUEUE_ID

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.bodies import SubscriptionGroupConfig, TopicConfig
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer

logger = logging.getLogger(__name__)
MAX_RETURN_COUNT = 10_000


class LiteManagerProcessor:
    """Answers the questions.

    Args:
        state: the broker's tables and store.
    """

    def __init__(self, state: BrokerState) -> None:
        self._state = state

    def broker_info(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Answer GET_BROKER_LITE_INFO: how much there is of everything."""
        state = self._state
        lite, config = state.lite, state.store.config
        body = GetBrokerLiteInfoResponseBody(
            store_type="default",
            max_lmq_num=config.max_lmq_consume_queue_num,
            current_lmq_num=lite.topics.light_queues(),
            lite_subscription_count=lite.subscriptions.active,
            order_info_count=len(lite.order),
            cq_table_size=len(state.store.topics()),
            offset_table_size=len(state.offsets.table),
            event_map_size=len(lite.events),
            topic_meta=lite.metadata.ttl_by_topic(),
            group_meta=lite.metadata.groups_by_topic(),
        )
        return request.create_response(remark=None, body=body.encode(state.release))

    def parent_topic_info(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Answer GET_PARENT_TOPIC_INFO: what is under a topic, and who consumes it."""
        state, name = self._state, request.decode_header(GetParentTopicInfoRequestHeader).topic
        topic = self._parent(name)
        body = GetParentTopicInfoResponseBody(
            topic=name,
            ttl=ttl_minutes(topic),
            groups=state.lite.metadata.groups_by_topic().get(name),
            lmq_num=state.lite.topics.light_queues(),
            lite_topic_count=len(state.lite.topics.of_parent(name)),
        )
        return request.create_response(remark=None, body=body.encode(state.release))

    def lite_topic_info(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Answer GET_LITE_TOPIC_INFO: what one lite topic holds, and who subscribes it."""
        state, header = self._state, request.decode_header(GetLiteTopicInfoRequestHeader)
        parent, lite_topic = needed(header.parent_topic, "parentTopic"), header.lite_topic or ""
        self._parent(parent)
        lmq, lite = lmq_name(parent, lite_topic), state.lite
        body = GetLiteTopicInfoResponseBody(
            parent_topic=parent,
            lite_topic=lite_topic,
            subscriber=self._subscribers(lmq),
            topic_offset=self._ends(lmq),
            sharding_to_broker=lite.topics.is_here(parent, lmq),
        )
        return request.create_response(remark=None, body=body.encode(state.release))

    def client_info(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Answer GET_LITE_CLIENT_INFO: what one client subscribes, as the names of light queues."""
        state, header = self._state, request.decode_header(GetLiteClientInfoRequestHeader)
        parent, group = header.parent_topic or "", header.group or ""
        client_id = header.client_id or ""
        if header.max_count <= 0:
            raise BadHeader("[maxCount] field invalid")
        self._parent(parent)
        if bind_topic(self._group(group)) != parent:
            remark = f"Subscription [{group}]-[{parent}] not match."
            raise Reject(ResponseCode.INVALID_PARAMETER, remark)
        own = state.lite.subscriptions.find(client_id)
        body = GetLiteClientInfoResponseBody(parent_topic=parent, group=group, client_id=client_id)
        body.lite_topic_count = -1 if own is None else len(own.lmqs)
        if own is not None:
            most = min(header.max_count, MAX_RETURN_COUNT)
            body.lite_topic_set = hash_map_order(own.lmqs)[:most]
        accessed = state.lite.events.accessed_ms(client_id)
        body.last_access_time = -1 if accessed is None else state.wall_of(accessed)
        return request.create_response(remark=None, body=body.encode(state.release))

    def group_info(self, peer: Peer, request: RemotingCommand) -> RemotingCommand:
        """Answer GET_LITE_GROUP_INFO: how far a group is behind, in one lite topic or in all."""
        state, header = self._state, request.decode_header(GetLiteGroupInfoRequestHeader)
        group, lite_topic, lag = header.group, header.lite_topic or "", state.lite.lag
        logger.info("lite topics of group %s asked for by %s", group, peer.peer)
        parent = self._bound(group)
        body = GetLiteGroupInfoResponseBody(group=group, parent_topic=parent)
        if lite_topic:
            body.lite_topic = lite_topic
            self._tell_progress(body, group, lmq_name(parent, lite_topic))
        else:
            most = max(header.top_k, 0)
            body.lag_count_top_k, body.total_lag_count = lag.most_behind(group, most)
            body.lag_timestamp_top_k, body.earliest_unconsumed_timestamp = lag.longest_behind(
                group, parent, most
            )
        return request.create_response(remark=NOT_SET, body=body.encode(state.release))

    def trigger_dispatch(self, peer: Peer, request: RemotingCommand) -> RemotingCommand:
        """Answer TRIGGER_LITE_DISPATCH: look at once for what a group, or one client of it, may pop."""
        header = request.decode_header(TriggerLiteDispatchRequestHeader)
        logger.info("lite topics of group %s dispatched for %s", header.group, peer.peer)
        self._bound(header.group)
        if header.client_id:
            self._state.lite.events.look_at_client(header.client_id, header.group)
        else:
            self._state.lite.events.look_at_group(header.group)
        return request.create_response(remark=NOT_SET)

    # --- pieces

    def _parent(self, name: str) -> TopicConfig:
        topic = self._state.topics.select(name)
        if topic is None:
            raise Reject(ResponseCode.TOPIC_NOT_EXIST, f"Topic [{name}] not exist.")
        if not is_lite_topic(topic):
            raise Reject(ResponseCode.INVALID_PARAMETER, f"Topic [{name}] type not match.")
        return topic

    def _group(self, name: str) -> SubscriptionGroupConfig:
        group = self._state.groups.find(name)
        if group is None:
            raise Reject(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, f"Group [{name}] not exist.")
        return group

    def _bound(self, name: str) -> str:
        """Return the topic whose lite topics a group consumes."""
        topic = bind_topic(self._group(name))
        if not topic:
            remark = f"Group [{name}] is not a LITE group."
            raise Reject(ResponseCode.INVALID_PARAMETER, remark)
        return topic

    def _subscribers(self, lmq: str) -> list[ClientGroup]:
        lite, found = self._state.lite, []
        for group, clients in lite.subscriptions.subscribers_by_group(lmq).items():
            if lite.metadata.is_wildcard(group):
                found.append(ClientGroup(client_id="*", group=group))
            else:
                found += [ClientGroup(client_id=one.client_id, group=group) for one in clients]
        return found

    def _ends(self, lmq: str) -> TopicOffset:
        store, end = self._state.store, self._state.lite.topics.max_offset(lmq)
        ends = TopicOffset(min_offset=0, max_offset=end, last_update_timestamp=0)
        if end > 0:
            ends.min_offset = max(0, store.min_offset(lmq, LMQ_QUEUE_ID))
            ends.last_update_timestamp = store.store_timestamp(lmq, LMQ_QUEUE_ID, end - 1)
        return ends

    def _tell_progress(self, body: GetLiteGroupInfoResponseBody, group: str, lmq: str) -> None:
        """Tell how far a group is in one lite topic."""
        store, end = self._state.store, self._state.lite.topics.max_offset(lmq)
        if end <= 0:
            body.total_lag_count = body.earliest_unconsumed_timestamp = -1
            return
        offset = self._state.offsets.query(group, lmq, LMQ_QUEUE_ID)
        if offset < 0:
            return
        body.total_lag_count = end - offset
        body.earliest_unconsumed_timestamp = store.store_timestamp(lmq, LMQ_QUEUE_ID, offset)
        wrapper = OffsetWrapper(broker_offset=end, consumer_offset=offset)
        if offset > 0:
            wrapper.last_timestamp = store.store_timestamp(lmq, LMQ_QUEUE_ID, offset - 1)
        body.lite_topic_offset_wrapper = wrapper
