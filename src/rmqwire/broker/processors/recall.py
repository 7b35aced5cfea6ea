"""RECALL_MESSAGE: a producer takes a timer message back (``RecallMessageProcessor``).

What is stored is a timer itself, for the same tick; when that comes it takes the other one out. Nothing is
looked up, so an unknown message, or one recalled twice, is answered like any other.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from rmqwire.broker.delivery.properties import write_properties
from rmqwire.codec import message_const as const
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers import RecallMessageRequestHeader, RecallMessageResponseHeader
from rmqwire.codec.java_hash import tags_code
from rmqwire.codec.recall import RecallHandle, read_recall_handle
from rmqwire.codec.sys_flag import PERM_WRITE
from rmqwire.errors import BadHeader, EvaluationError
from rmqwire.filter.java_number import parse_long
from rmqwire.remoting.handler import NOT_SET, Reject
from rmqwire.store.results import MessageInner

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer
    from rmqwire.store.results import PutMessageResult

TAG: Final = "_RECALL_TAG_"
_UNAVAILABLE: Final = "recall failed, broker service not available"
_FAILED: Final = "recall failed, execute error"
_MAP_CAPACITY: Final = 16  # of the HashMap that orders the properties of a message made by a broker


class RecallMessageProcessor:
    """Answers RECALL_MESSAGE.

    Args:
        state: the broker's tables, store and timers.
    """

    def __init__(self, state: BrokerState) -> None:
        self._state = state

    def recall(self, connection: Peer, request: RemotingCommand) -> RemotingCommand | None:
        """Take one recall; its answer leaves when the store calls back."""
        region = {const.PROPERTY_MSG_REGION: self._state.config.region_id}
        header = request.decode_header(RecallMessageRequestHeader)
        try:
            self._check()
            handle, deliver_ms = self._read(header)
            message = self._message(connection, header, handle, deliver_ms)
        except Reject as refused:
            refused.ext_fields = region
            raise
        done = partial(self._stored, connection, request, handle.unique_key)
        self._state.store.puts.put(message, done)
        return None

    def _check(self) -> None:
        """Refuse every recall while this broker takes none."""
        state = self._state
        if not state.config.recall_message_enable:
            raise Reject(ResponseCode.NO_PERMISSION, "recall failed, operation is forbidden")
        if state.replication.is_slave:
            raise Reject(ResponseCode.SLAVE_NOT_AVAILABLE, _UNAVAILABLE)
        early = state.wall_ms() < state.config.start_accept_send_request_time_stamp
        read_only = not state.config.broker_permission & PERM_WRITE
        if early or (read_only and not state.config.allow_recall_when_broker_not_writeable):
            raise Reject(ResponseCode.SERVICE_NOT_AVAILABLE, _UNAVAILABLE)

    def _read(self, header: RecallMessageRequestHeader) -> tuple[RecallHandle, int]:
        """Return the handle and the time it names, ms since the epoch."""
        state, topic = self._state, header.topic
        if topic not in state.topics.table:
            raise Reject(
                ResponseCode.TOPIC_NOT_EXIST, f"recall failed, the topic[{topic}] not exist"
            )
        try:
            handle = read_recall_handle(header.recall_handle)
        except BadHeader as error:
            raise Reject(ResponseCode.ILLEGAL_OPERATION, str(error)) from None
        if handle.topic != topic:
            raise Reject(ResponseCode.ILLEGAL_OPERATION, "recall failed, topic not match")
        if handle.broker_name != state.config.broker_name:
            raise Reject(ResponseCode.ILLEGAL_OPERATION, _UNAVAILABLE)
        try:
            deliver_ms = parse_long(handle.timestamp)
        except EvaluationError:
            deliver_ms = -1
        left_ms = deliver_ms - state.wall_ms()
        if not 0 < left_ms < state.store.config.timer_max_delay_sec * 1000:
            raise Reject(ResponseCode.ILLEGAL_OPERATION, "recall failed, timestamp invalid")
        return handle, deliver_ms

    def _message(
        self,
        connection: Peer,
        header: RecallMessageRequestHeader,
        handle: RecallHandle,
        deliver_ms: int,
    ) -> MessageInner:
        """Return the timer that takes the other one out (``buildMessage``)."""
        state, now = self._state, self._state.wall_ms()
        properties = {
            const.PROPERTY_TAGS: TAG,
            const.PROPERTY_TIMER_DEL_UNIQKEY: state.timers.delete_key(
                handle.topic, handle.unique_key
            ),
            const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX: handle.unique_key,
            const.PROPERTY_TIMER_DELIVER_MS: str(deliver_ms),
            const.PROPERTY_BORN_TIMESTAMP: str(now),
            const.PROPERTY_TRACE_CONTEXT: "",
        }
        if header.producer_group is not None:
            properties[const.PROPERTY_PRODUCER_GROUP] = header.producer_group
        message = MessageInner(
            topic=handle.topic,
            queue_id=0,
            flag=0,
            sys_flag=0,
            properties=b"",
            body=b"0",
            tags_code=tags_code(TAG),
            born_timestamp=now,
            born_host=connection.peer_host,
        )
        if not state.config.timer_wheel_enable:
            raise Reject(ResponseCode.SYSTEM_ERROR, _FAILED)
        try:
            state.timers.delay(message, properties)
        except Reject:
            raise Reject(ResponseCode.SYSTEM_ERROR, _FAILED) from None
        message.properties = write_properties(properties, state.release, _MAP_CAPACITY)
        return message

    def _stored(
        self, connection: Peer, request: RemotingCommand, unique_key: str, result: PutMessageResult
    ) -> None:
        region = {const.PROPERTY_MSG_REGION: self._state.config.region_id}
        if not result.is_stored:
            response = request.create_response(ResponseCode.SYSTEM_ERROR, _FAILED)
            response.ext_fields = region
        else:
            elapsed_ms = self._state.wall_ms() - result.store_timestamp
            self._state.stats.put(const.TIMER_TOPIC, 0, result.count, result.size, elapsed_ms)
            header = RecallMessageResponseHeader(msg_id=unique_key)
            response = request.create_response(remark=NOT_SET, header=header)
            response.ext_fields = (response.ext_fields or {}) | region
        connection.reply(request, response)
