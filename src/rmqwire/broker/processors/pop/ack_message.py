"""ACK_MESSAGE and BATCH_ACK_MESSAGE: popped messages that needn't come again (``AckMessageProcessor``).

An ack is answered when it is stored. Java answers 0 also when the store has refused it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rmqwire.broker.pop.offsets import QueueKey
from rmqwire.broker.pop.order_info import NOT_FOUND
from rmqwire.broker.processors.lite.handles import ack_lite, is_of_lite_topic
from rmqwire.broker.processors.pop import checks
from rmqwire.broker.processors.pop.ack_lane import AckLane
from rmqwire.broker.processors.put_result import refusal
from rmqwire.codec.bodies import AckMsg, BatchAckMessageRequestBody, BatchAckMsg
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers import AckMessageRequestHeader
from rmqwire.codec.pop import (
    POP_ORDER_REVIVE_QUEUE,
    RETRY_TOPIC,
    RETRY_TOPIC_V2,
    ExtraInfo,
    pop_retry_topic,
)
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.bodies import BatchAck
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer
    from rmqwire.store.results import PutMessageResult


def check_revive_queue(state: BrokerState, revive_qid: int) -> None:
    """Refuse a handle that names a queue which the revive log doesn't have: nobody would read it.

    Raises:
        Reject: MESSAGE_ILLEGAL.
    """
    if not 0 <= revive_qid < state.pop.revive_queues():
        raise Reject(ResponseCode.MESSAGE_ILLEGAL, f"reviveQid[{revive_qid}] is illegal")


class AckMessageProcessor:
    """Takes acknowledgements.

    Args:
        state: the broker's tables and store.
    """

    def __init__(self, state: BrokerState) -> None:
        self._state = state

    def lane(self) -> AckLane:
        """Return what takes plain acks."""
        return AckLane(self._state)

    def ack(self, connection: Peer, request: RemotingCommand) -> RemotingCommand | None:
        """Take the ack of one message."""
        state = self._state
        header = request.decode_header(AckMessageRequestHeader)
        topic = checks.find_topic(state, header.topic)
        illegal = int(ResponseCode.MESSAGE_ILLEGAL)
        checks.check_queue(topic, header.queue_id, connection, illegal, all_queues=False)
        if is_of_lite_topic(header):
            ack_lite(state, connection, header)
            return request.create_response(remark=None)
        low = state.store.min_offset(header.topic, header.queue_id)
        high = state.store.max_offset(header.topic, header.queue_id)
        if not low <= header.offset <= high:
            raise Reject(
                ResponseCode.NO_MESSAGE,
                f"offset is illegal, key:{header.topic}@{header.queue_id}, "
                f"commit:{header.offset}, store:{low}~{high}",
            )
        handle = ExtraInfo.decode(header.extra_info)
        key = QueueKey(header.topic, header.consumer_group, header.queue_id)
        if handle.is_order:
            self._ack_orderly(connection, key, header.offset, handle.pop_time)
            return request.create_response(remark=None)
        check_revive_queue(state, handle.revive_qid)
        ack = AckMsg(
            ack_offset=header.offset,
            start_offset=handle.ck_queue_offset,
            consumer_group=header.consumer_group,
            topic=header.topic,
            queue_id=header.queue_id,
            pop_time=handle.pop_time,
            broker_name=handle.broker_name,
        )
        answers = _Answer(connection, request, state.store.config.max_message_size)
        answers.waits = 1
        at_ms = handle.pop_time + handle.invisible_time
        state.stats.acknowledged(header.consumer_group, header.topic, 1)
        state.pop.log.put_ack(ack, handle.revive_qid, at_ms, partial(self._stored, answers, key, 1))
        return None

    def batch_ack(self, connection: Peer, request: RemotingCommand) -> RemotingCommand | None:
        """Take the acks of messages of several pops."""
        state = self._state
        body = BatchAckMessageRequestBody()
        if request.body:
            body = BatchAckMessageRequestBody.decode(request.body, state.release)
        if not body.acks:
            return request.create_response(int(ResponseCode.NO_MESSAGE))
        acks = []
        for entry in body.acks:
            topic, offsets = self._offsets_of(entry)
            if not offsets:
                continue
            if entry.revive_queue_id != POP_ORDER_REVIVE_QUEUE:
                check_revive_queue(state, entry.revive_queue_id)
            acks.append((entry, topic, offsets))
        answers = _Answer(connection, request, state.store.config.max_message_size)
        answers.waits = 1  # until all are on their way
        for entry, topic, offsets in acks:
            self._put_batch(answers, entry, topic, offsets, body.broker_name)
        answers.one_less()
        return None

    def _offsets_of(self, entry: BatchAck) -> tuple[str, list[int]]:
        """Return the topic of an entry, and the offsets of it that the queue has."""
        topic = entry.topic
        if entry.retry in (RETRY_TOPIC, RETRY_TOPIC_V2):
            v2 = entry.retry == RETRY_TOPIC_V2
            topic = pop_retry_topic(topic, entry.consumer_group, v2=v2)
        low = self._state.store.min_offset(topic, entry.queue_id)
        high = self._state.store.max_offset(topic, entry.queue_id)
        bits = int.from_bytes(entry.bit_set or b"", "little")
        return topic, [
            offset
            for i in range(bits.bit_length())
            if bits >> i & 1 and low <= (offset := entry.start_offset + i) <= high
        ]

    def _put_batch(
        self, answers: _Answer, entry: BatchAck, topic: str, offsets: list[int], broker_name: str
    ) -> None:
        key = QueueKey(topic, entry.consumer_group, entry.queue_id)
        if entry.revive_queue_id == POP_ORDER_REVIVE_QUEUE:
            for offset in offsets:
                self._ack_orderly(answers.connection, key, offset, entry.pop_time)
            return
        ack = BatchAckMsg(
            ack_offset=-1,
            start_offset=entry.start_offset,
            consumer_group=entry.consumer_group,
            topic=topic,
            queue_id=entry.queue_id,
            pop_time=entry.pop_time,
            broker_name=broker_name,
            ack_offset_list=offsets,
        )
        answers.waits += 1
        self._state.stats.acknowledged(entry.consumer_group, topic, len(offsets))
        self._state.pop.log.put_batch_ack(
            ack,
            entry.revive_queue_id,
            entry.pop_time + entry.invisible_time,
            partial(self._stored, answers, key, len(offsets)),
        )

    def _stored(
        self, answers: _Answer, key: QueueKey, count: int, result: PutMessageResult
    ) -> None:
        if result.physical_offset < 0:
            answers.refused = result
        else:
            self._state.pop.inflight.subtract(*key, count)
        answers.one_less()

    def _ack_orderly(self, connection: Peer, key: QueueKey, offset: int, pop_time: int) -> None:
        """Take the ack of a message that was popped in order (``ackOrderly``).

        Raises:
            Reject: MESSAGE_ILLEGAL: it is none of the block's.
        """
        state = self._state
        topic, group, queue_id = key
        old = state.offsets.query(group, topic, queue_id)
        if offset < old:
            return
        next_offset = state.pop.order.acknowledge(key, offset, pop_time)
        if next_offset == NOT_FOUND:
            raise Reject(
                ResponseCode.MESSAGE_ILLEGAL,
                f"offset is illegal, key:{topic}@{group}@{queue_id}, old:{old}, commit:{offset}, "
                f"next:{next_offset}, /{connection.peer}",
            )
        if next_offset >= 0:
            if not state.offsets.has_offset_reset(group, topic, queue_id):
                state.offsets.commit(connection.peer, group, topic, queue_id, next_offset)
            if not state.pop.order.is_blocked(key, None, 0):
                state.pop.notify_if_needed(key)
        state.pop.inflight.subtract(*key, 1)


class _Answer:
    """The answer to a request that waits for the store."""

    __slots__ = ("_max_message_size", "_request", "connection", "refused", "waits")

    def __init__(self, connection: Peer, request: RemotingCommand, max_message_size: int) -> None:
        self.connection = connection
        self.waits = 0
        self.refused: PutMessageResult | None = None
        self._request = request
        self._max_message_size = max_message_size

    def one_less(self) -> None:
        """Answer if nothing is waited for any more."""
        self.waits -= 1
        if self.waits:
            return
        answer = self._request.create_response(remark=None)
        if self.refused is not None:
            code, remark = refusal(self.refused, self._max_message_size)
            answer = self._request.create_response(code, remark)
        self.connection.reply(self._request, answer)
