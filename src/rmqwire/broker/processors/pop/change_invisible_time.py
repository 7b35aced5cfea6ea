"""CHANGE_MESSAGE_INVISIBLETIME: when a popped message comes again (``ChangeInvisibleTimeProcessor``).

A new check point is stored for the message, then an ack of the old one.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rmqwire.broker.pop.offsets import QueueKey
from rmqwire.broker.processors.lite.handles import change_lite, is_of_lite_topic
from rmqwire.broker.processors.pop import checks
from rmqwire.broker.processors.pop.ack_message import check_revive_queue
from rmqwire.broker.processors.put_result import refusal
from rmqwire.codec.bodies import AckMsg, PopCheckPoint
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers import (
    ChangeInvisibleTimeRequestHeader,
    ChangeInvisibleTimeResponseHeader,
)
from rmqwire.codec.pop import ExtraInfo
from rmqwire.remoting.handler import NOT_SET, Reject

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer
    from rmqwire.store.results import PutMessageResult


class ChangeInvisibleTimeProcessor:
    """Changes the times.

    Args:
        state: the broker's tables and store.
    """

    def __init__(self, state: BrokerState) -> None:
        self._state = state

    def change(self, connection: Peer, request: RemotingCommand) -> RemotingCommand | None:
        """Let a message come again at another time."""
        try:
            return self._change(connection, request)
        except Reject as refused:
            refused.ext_fields = ChangeInvisibleTimeResponseHeader().encode()
            raise

    def _change(self, connection: Peer, request: RemotingCommand) -> RemotingCommand | None:
        state = self._state
        header = request.decode_header(ChangeInvisibleTimeRequestHeader)
        topic = checks.find_topic(state, header.topic)
        illegal = int(ResponseCode.MESSAGE_ILLEGAL)
        checks.check_queue(topic, header.queue_id, connection, illegal, all_queues=False)
        if is_of_lite_topic(header):
            return request.create_response(0, NOT_SET, change_lite(state, header))
        low = state.store.min_offset(header.topic, header.queue_id)
        high = state.store.max_offset(header.topic, header.queue_id)
        if not low <= header.offset < high:
            raise Reject(ResponseCode.NO_MESSAGE, NOT_SET)
        handle = ExtraInfo.decode(header.extra_info)
        if handle.is_order:
            return self._change_orderly(request, header, handle)
        check_revive_queue(state, handle.revive_qid)
        # not the time of the pop again: its ack would be that of the new check point too
        now = max(state.wall_ms(), handle.pop_time + 1)
        point = PopCheckPoint(
            start_offset=header.offset,
            pop_time=now,
            invisible_time=header.invisible_time,
            num=1,
            queue_id=header.queue_id,
            topic=header.topic,
            cid=header.consumer_group,
            queue_offset_diff=[0],
            broker_name=handle.broker_name,
            suspend=header.suspend,
        )
        answer = ChangeInvisibleTimeResponseHeader(
            pop_time=now, invisible_time=header.invisible_time, revive_qid=handle.revive_qid
        )
        done = partial(self._stored, connection, request, header, handle, answer)
        state.pop.log.put_check_point(point, handle.revive_qid, done)
        return None

    def _stored(
        self,
        connection: Peer,
        request: RemotingCommand,
        header: ChangeInvisibleTimeRequestHeader,
        handle: ExtraInfo,
        answer: ChangeInvisibleTimeResponseHeader,
        result: PutMessageResult,
    ) -> None:
        """Acknowledge the old check point when the new one is stored (``ackOrigin``)."""
        state = self._state
        if result.physical_offset < 0:
            code, remark = refusal(result, state.store.config.max_message_size)
            empty = ChangeInvisibleTimeResponseHeader()
            connection.reply(request, request.create_response(code, remark, empty))
            return
        state.stats.checked(header.consumer_group, header.topic)
        state.stats.acknowledged(header.consumer_group, header.topic, 1)
        ack = AckMsg(
            ack_offset=header.offset,
            start_offset=handle.ck_queue_offset,
            consumer_group=header.consumer_group,
            topic=header.topic,
            queue_id=header.queue_id,
            pop_time=handle.pop_time,
            broker_name=handle.broker_name,
        )

        def acknowledged(_: PutMessageResult) -> None:
            # refused: the message comes at the old time too, and at the new one in any case
            connection.reply(request, request.create_response(0, NOT_SET, answer))

        at_ms = handle.pop_time + handle.invisible_time
        state.pop.log.put_ack(ack, handle.revive_qid, at_ms, acknowledged)

    def _change_orderly(
        self,
        request: RemotingCommand,
        header: ChangeInvisibleTimeRequestHeader,
        handle: ExtraInfo,
    ) -> RemotingCommand:
        """Change the time of a message in a block; the handle stays as it is."""
        state = self._state
        answer = ChangeInvisibleTimeResponseHeader()
        key = QueueKey(header.topic, header.consumer_group, header.queue_id)
        if header.offset >= state.offsets.query(key.group, key.topic, key.queue_id):
            visible_ms = state.wall_ms() + header.invisible_time
            state.pop.order.change_time(key, header.offset, handle.pop_time, visible_ms)
            answer.invisible_time = visible_ms - handle.pop_time
            answer.pop_time = handle.pop_time
            answer.revive_qid = handle.revive_qid
        return request.create_response(0, NOT_SET, answer)
