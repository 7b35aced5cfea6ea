"""Moving a group's offsets to a time (``AdminBrokerProcessor.resetOffset``, ``Broker2Client``).

Two ways. 5.x keeps the new offsets itself and hands them to the group's next pulls
(``useServerSideResetOffset``); 4.9 tells the online members, which take them over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.codec.bodies import (
    MessageQueue,
    MessageQueueForC,
    ResetOffsetBody,
    ResetOffsetBodyForC,
)
from rmqwire.codec.codes import LanguageCode, RequestCode, ResponseCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import ResetOffsetRequestHeader
from rmqwire.remoting.handler import NOT_SET, Reject

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.bodies import TopicConfig
    from rmqwire.remoting.handler import Peer

CPP: Final = int(LanguageCode.CPP)
NEWEST: Final = -1  # the timestamp that stands for the end of the queue


class ResetOffsetAdmin:
    """Answers INVOKE_BROKER_TO_RESET_OFFSET."""

    def __init__(self, state: BrokerState) -> None:
        self._state = state
        self._release = state.release

    def reset(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Move a group's offsets in a topic; the answer holds the new ones."""
        header = request.decode_header(ResetOffsetRequestHeader)
        remark: str | None = None
        if self._state.config.use_server_side_reset_offset:
            offsets = self._reset_here(header)
        else:
            remark = NOT_SET
            offsets = self._reset_at_clients(header, for_cpp=request.language == CPP)
        table = {self._queue(header.topic, queue): offset for queue, offset in offsets.items()}
        body = ResetOffsetBody(offset_table=table).encode(self._release)
        return request.create_response(ResponseCode.SUCCESS, remark, body=body)

    def _queue(self, topic: str, queue_id: int) -> MessageQueue:
        return MessageQueue(topic, self._state.config.broker_name, queue_id)

    # --- at the broker -------------------------------------------------------------------------

    def _reset_here(self, header: ResetOffsetRequestHeader) -> dict[int, int]:
        topic, group = header.topic, header.group
        config = self._state.topics.select(topic)
        if config is None:
            raise Reject(ResponseCode.TOPIC_NOT_EXIST, f"Topic {topic} does not exist")
        if not self._state.groups.contains(group):
            remark = f"Group {group} does not exist"
            raise Reject(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark)
        offsets = self._offsets_here(header, config)
        if not offsets:
            raise Reject(ResponseCode.SYSTEM_ERROR, "No queues to reset.")
        for queue_id, offset in offsets.items():
            self._state.offsets.assign_reset(group, topic, queue_id, offset)
        return offsets

    def _offsets_here(
        self, header: ResetOffsetRequestHeader, config: TopicConfig
    ) -> dict[int, int]:
        topic, queue_id = header.topic, header.queue_id
        if queue_id < 0:
            queues = range(config.read_queue_nums)
            return {queue: self._at_time(topic, queue, header.timestamp) for queue in queues}
        if header.offset is None or header.offset == -1:
            return {queue_id: self._at_time(topic, queue_id, header.timestamp)}
        low = self._state.store.min_offset(topic, queue_id)
        high = self._state.store.max_offset(topic, queue_id)
        if 0 <= header.offset < low or header.offset > high + 1:
            raise Reject(
                ResponseCode.SYSTEM_ERROR,
                f"Target offset {header.offset} not in consume queue range [{low}-{high}]",
            )
        return {queue_id: header.offset}

    def _at_time(self, topic: str, queue_id: int, timestamp: int) -> int:
        if timestamp < 0:
            return self._state.store.max_offset(topic, queue_id)
        return max(0, self._state.store.offset_by_time(topic, queue_id, timestamp))

    # --- at the clients ------------------------------------------------------------------------

    def _reset_at_clients(
        self, header: ResetOffsetRequestHeader, *, for_cpp: bool
    ) -> dict[int, int]:
        config = self._state.topics.select(header.topic)
        if config is None:
            raise Reject(
                ResponseCode.TOPIC_NOT_EXIST,
                "[reset-offset] reset offset failed, no topic in this broker. "
                f"topic={header.topic}",
            )
        offsets = {
            queue_id: self._target(header, queue_id) for queue_id in range(config.write_queue_nums)
        }
        info = self._state.consumers.find(header.group)
        if info is None or not info.channels:
            raise Reject(
                ResponseCode.CONSUMER_NOT_ONLINE,
                f"Consumer not online, so can not reset offset, Group: {header.group} "
                f"Topic: {header.topic} Timestamp: {header.timestamp}",
            )
        for connection in info.channels:
            connection.send_oneway(self._order(header, offsets, for_cpp=for_cpp))
        return offsets

    def _target(self, header: ResetOffsetRequestHeader, queue_id: int) -> int:
        topic = header.topic
        current = self._state.offsets.query(header.group, topic, queue_id)
        if current == -1:
            remark = f"THe consumer group <{header.group}> not exist"
            raise Reject(ResponseCode.SYSTEM_ERROR, remark)
        if header.timestamp == NEWEST:
            target = self._state.store.max_offset(topic, queue_id)
        else:
            target = self._state.store.offset_by_time(topic, queue_id, header.timestamp)
        target = max(0, target)
        return target if header.is_force or target < current else current

    def _order(
        self, header: ResetOffsetRequestHeader, offsets: dict[int, int], *, for_cpp: bool
    ) -> RemotingCommand:
        broker = self._state.config.broker_name
        body: ResetOffsetBody | ResetOffsetBodyForC
        if for_cpp:
            rows = [MessageQueueForC(header.topic, broker, *pair) for pair in offsets.items()]
            body = ResetOffsetBodyForC(offset_table=rows)
        else:
            body = ResetOffsetBody(
                offset_table={self._queue(header.topic, q): at for q, at in offsets.items()}
            )
        fields = ResetOffsetRequestHeader(
            topic=header.topic, group=header.group, timestamp=header.timestamp, is_force=False
        )
        order = RemotingCommand.request(
            RequestCode.RESET_CONSUMER_CLIENT_OFFSET, fields, body.encode(self._release)
        )
        order.version = self._release.mq_version
        return order
