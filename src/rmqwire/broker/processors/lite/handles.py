"""Acks of messages of lite topics, and changes of when they come again.

``AckMessageProcessor.ackLite`` and ``ChangeInvisibleTimeProcessor.processChangeInvisibleTimeForLite``: the
request names the parent topic and the lite topic, its offset is the one in the lite topic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.broker.pop.offsets import QueueKey
from rmqwire.broker.pop.order_info import NOT_FOUND
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers import ChangeInvisibleTimeResponseHeader
from rmqwire.codec.lite_topic import lmq_name
from rmqwire.codec.pop import ExtraInfo
from rmqwire.remoting.handler import NOT_SET, Reject
from rmqwire.store.queues.light_queues import LMQ_QUEUE_ID

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.headers import AckMessageRequestHeader, ChangeInvisibleTimeRequestHeader
    from rmqwire.remoting.handler import Peer


def is_of_lite_topic(header: AckMessageRequestHeader | ChangeInvisibleTimeRequestHeader) -> bool:
    """Return whether a request is about a message of a lite topic."""
    return bool(header.lite_topic and header.lite_topic.strip())


def ack_lite(state: BrokerState, connection: Peer, header: AckMessageRequestHeader) -> None:
    """Take the ack of a message of a lite topic.

    Without a block, after a restart for instance, only the next message of the group may be
    acknowledged: those before a later one may be open. Java skips them.

    Raises:
        Reject: INVALID_PARAMETER, NO_MESSAGE or MESSAGE_ILLEGAL.
    """
    group, lmq = header.consumer_group, lmq_name(header.topic, header.lite_topic or "")
    if state.lite.metadata.bind_topic(group) != header.topic:
        raise Reject(ResponseCode.INVALID_PARAMETER, "group type or bind topic not match.")
    if header.offset > state.lite.topics.max_offset(lmq):
        raise Reject(ResponseCode.NO_MESSAGE, "ack offset illegal.")
    handle = ExtraInfo.decode(header.extra_info)
    if header.queue_id != LMQ_QUEUE_ID or not handle.is_order:
        raise Reject(ResponseCode.INVALID_PARAMETER, "ack queue illegal.")
    key, order = QueueKey(lmq, group, LMQ_QUEUE_ID), state.lite.order
    old = state.offsets.query(group, lmq, LMQ_QUEUE_ID)
    if header.offset < old or (header.offset > old and order.find(key) is None):
        return
    next_offset = order.acknowledge(key, header.offset, handle.pop_time)
    if next_offset == NOT_FOUND:
        raise Reject(ResponseCode.MESSAGE_ILLEGAL, "ack offset illegal.")
    if next_offset >= 0:
        if not state.offsets.has_offset_reset(group, lmq, LMQ_QUEUE_ID):
            state.offsets.commit(connection.peer, group, lmq, LMQ_QUEUE_ID, next_offset)
        if not order.is_blocked(key, None, handle.invisible_time):
            state.lite.events.dispatch(group, lmq)
    state.stats.acknowledged(group, header.topic, 1)


def change_lite(
    state: BrokerState, header: ChangeInvisibleTimeRequestHeader
) -> ChangeInvisibleTimeResponseHeader:
    """Let a message of a lite topic come again at another time; its handle stays as it is.

    Raises:
        Reject: NO_MESSAGE.
    """
    group, lmq = header.consumer_group, lmq_name(header.topic, header.lite_topic or "")
    if header.offset > state.lite.topics.max_offset(lmq):
        raise Reject(ResponseCode.NO_MESSAGE, NOT_SET)
    handle = ExtraInfo.decode(header.extra_info)
    answer = ChangeInvisibleTimeResponseHeader()
    if header.offset < state.offsets.query(group, lmq, LMQ_QUEUE_ID):
        return answer
    key = QueueKey(lmq, group, LMQ_QUEUE_ID)
    visible_ms = state.wall_ms() + header.invisible_time
    if header.suspend:
        state.lite.order.suspend(key, handle.pop_time, visible_ms)
    else:
        state.lite.order.change_time(key, header.offset, handle.pop_time, visible_ms)
    answer.invisible_time = visible_ms - handle.pop_time
    answer.pop_time = handle.pop_time
    answer.revive_qid = handle.revive_qid
    return answer
