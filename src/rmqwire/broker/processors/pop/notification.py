"""NOTIFICATION and POLLING_INFO: is there something to pop, and who waits for it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.broker.pop.offsets import QueueKey
from rmqwire.broker.pop.polling import PollingKey, PollingResult
from rmqwire.broker.processors.pop import checks
from rmqwire.broker.processors.pop.pop_message import BORN_TIME
from rmqwire.broker.processors.pop.reading import peek_offset
from rmqwire.broker.processors.pull_filter import expression_filter
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers import (
    NotificationRequestHeader,
    NotificationResponseHeader,
    PollingInfoRequestHeader,
    PollingInfoResponseHeader,
)
from rmqwire.codec.pop import pop_retry_topic
from rmqwire.errors import ProtocolError, StoreError, UsageError
from rmqwire.filter.subscription import build_subscription, is_tag_type
from rmqwire.remoting.handler import NOT_SET, Reject

if TYPE_CHECKING:
    from rmqwire.broker.pop.polling import HeldPop
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.filter.message_filter import Filter
    from rmqwire.remoting.handler import Peer

logger = logging.getLogger(__name__)


class NotificationProcessor:
    """Tells consumers that there is something (``NotificationProcessor``, ``PollingInfoProcessor``).

    Args:
        state: the broker's tables and store.
    """

    def __init__(self, state: BrokerState) -> None:
        self._state = state

    # --- NOTIFICATION

    def notify(self, connection: Peer, request: RemotingCommand) -> RemotingCommand | None:
        """Answer when there is something to pop, or the time is up."""
        fields = request.ext_fields if request.ext_fields is not None else {}
        request.ext_fields = fields
        if fields.get(BORN_TIME, "0") == "0":
            fields[BORN_TIME] = str(self._state.wall_ms())
        try:
            return self._answer(connection, request)
        except Reject as refused:
            refused.ext_fields = NotificationResponseHeader().encode()
            raise

    def _wake(self, held: HeldPop) -> None:
        connection, request = held.connection, held.request
        if connection.closed:
            return
        try:
            answer = self.notify(connection, request)
        except Reject as refused:
            answer = request.create_response(int(refused.code), refused.remark)
            answer.ext_fields = refused.ext_fields
        except (OSError, StoreError, ProtocolError) as error:
            logger.warning("held notification of %s: %s", connection.peer, error)
            answer = request.create_response(int(ResponseCode.SYSTEM_ERROR), str(error))
        if answer is not None:
            connection.reply(request, answer)

    def _answer(self, connection: Peer, request: RemotingCommand) -> RemotingCommand | None:
        state = self._state
        header = request.decode_header(NotificationRequestHeader)
        checks.readable(state, "peeking")
        topic = checks.check_topic(state, header.topic, header.queue_id, connection)
        checks.check_group(state, header.consumer_group)
        wanted = self._wanted(header)
        queues = range(topic.read_queue_nums) if header.queue_id < 0 else (header.queue_id,)
        found = any(self._has(header, header.topic, i, wanted) for i in queues)
        answer = NotificationResponseHeader(has_msg=found or self._has_retries(header))
        if not answer.has_msg:
            key = PollingKey(header.topic, header.consumer_group, header.queue_id)
            born = (header.born_time, header.poll_time)
            held = state.pop.notifications.poll(connection, request, key, born, self._wake, wanted)
            if held is PollingResult.HELD:
                return None
            answer.polling_full = held is PollingResult.FULL
        return request.create_response(0, NOT_SET, answer)

    def _wanted(self, header: NotificationRequestHeader) -> Filter | None:
        state = self._state
        by_filter = state.config.use_message_filter_for_notification
        if not (by_filter and header.exp and header.exp_type):
            return None
        try:
            own = build_subscription(header.topic, header.exp, header.exp_type)
        except UsageError:
            raise Reject(
                ResponseCode.SUBSCRIPTION_PARSE_FAILED, "parse the consumer's subscription failed"
            ) from None
        return expression_filter(state, header.consumer_group, own)

    def _has_retries(self, header: NotificationRequestHeader) -> bool:
        config = self._state.config
        kinds = [config.enable_retry_topic_v2]
        if config.enable_retry_topic_v2 and config.retrieve_message_from_pop_retry_topic_v1:
            kinds.append(False)
        for v2 in kinds:
            name = pop_retry_topic(header.topic, header.consumer_group, v2=v2)
            topic = self._state.topics.select(name)
            queues = 0 if topic is None else topic.read_queue_nums
            if any(self._has(header, name, queue_id, None) for queue_id in range(queues)):
                return True
        return False

    def _has(
        self, header: NotificationRequestHeader, topic: str, queue_id: int, wanted: Filter | None
    ) -> bool:
        """Return whether a queue has a message for the group (``hasMsgFromQueue``)."""
        state, group = self._state, header.consumer_group
        block = QueueKey(header.topic, group, queue_id)
        if header.order and state.pop.order.is_blocked(block, header.attempt_id, 0):
            return False
        offset = peek_offset(state, QueueKey(topic, group, queue_id))
        rest = state.store.max_offset(topic, queue_id) - offset
        if (
            rest > 0
            and wanted is not None
            and is_tag_type(header.exp_type)
            and rest < state.config.max_message_filter_num_for_notification
        ):
            return state.store.next_wanted(topic, queue_id, offset, wanted) < offset + rest
        return rest > 0

    # --- POLLING_INFO

    def polling_info(self, connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """Answer how many pops wait for exactly that queue."""
        state = self._state
        header = request.decode_header(PollingInfoRequestHeader)
        try:
            checks.readable(state, "peeking")
            checks.check_topic(state, header.topic, header.queue_id, connection)
            checks.check_group(state, header.consumer_group)
        except Reject as refused:
            refused.ext_fields = PollingInfoResponseHeader().encode()
            raise
        key = PollingKey(header.topic, header.consumer_group, header.queue_id)
        answer = PollingInfoResponseHeader(polling_num=state.pop.polling.count(key))
        return request.create_response(0, NOT_SET, answer)
