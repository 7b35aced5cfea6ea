"""POP_LITE_MESSAGE: the messages of the lite topics that a client subscribes (``PopLiteMessageProcessor``).

A client pops what its events name, several lite topics in one answer. Each is blocked for the group
until its messages are acknowledged or their time is over, as a queue that is popped in order.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from rmqwire.broker.lite.metadata import bind_topic, is_lite_topic
from rmqwire.broker.pop.offsets import QueueKey
from rmqwire.broker.pop.polling import PollingResult
from rmqwire.broker.processors.pop import checks
from rmqwire.broker.processors.pop.pop_message import LATE_MS, MAX_MESSAGES
from rmqwire.broker.processors.pop.reading import INIT_MAX, pop_offset
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers import PopLiteMessageRequestHeader, PopLiteMessageResponseHeader
from rmqwire.codec.pop import POP_ORDER_REVIVE_QUEUE
from rmqwire.codec.sys_flag import PERM_READ
from rmqwire.errors import ProtocolError, StoreError
from rmqwire.remoting.handler import Reject
from rmqwire.store.queues.light_queues import LMQ_QUEUE_ID
from rmqwire.store.results import GET_STATUS_NAMES, GetStatus

if TYPE_CHECKING:
    from rmqwire.broker.clients.held import HeldRequest
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer
    from rmqwire.store.results import GetMessageResult

logger = logging.getLogger(__name__)
_FAILED = int(ResponseCode.SYSTEM_ERROR)
_FOUND = GET_STATUS_NAMES[GetStatus.FOUND]
_NOTHING = GET_STATUS_NAMES[GetStatus.NO_MESSAGE_IN_QUEUE]
_CORRECTED = {
    GetStatus.OFFSET_TOO_SMALL,
    GetStatus.OFFSET_OVERFLOW_BADLY,
    GetStatus.OFFSET_FOUND_NULL,
    GetStatus.NO_MATCHED_MESSAGE,
    GetStatus.MESSAGE_WAS_REMOVING,
    GetStatus.NO_MATCHED_LOGIC_QUEUE,
}


class _Pop(msgspec.Struct):
    """One pop.

    Args:
        connection: who pops.
        header: what it asks for.
        pop_time: when; wall clock, ms.
        bodies: what was found, by lite topic.
        counts: how often each message was popped before, as Java writes it.
        found: how many messages.
    """

    connection: Peer
    header: PopLiteMessageRequestHeader
    pop_time: int
    bodies: list[bytes] = msgspec.field(default_factory=list)
    counts: list[str] = msgspec.field(default_factory=list)
    found: int = 0


class PopLiteMessageProcessor:
    """Hands out messages of lite topics.

    Args:
        state: the broker's tables and store.
    """

    def __init__(self, state: BrokerState) -> None:
        self._state = state

    def pop(self, connection: Peer, request: RemotingCommand) -> RemotingCommand | None:
        """Answer POP_LITE_MESSAGE, or keep it until there is something."""
        try:
            return self._pop(connection, request)
        except Reject as refused:
            refused.ext_fields = PopLiteMessageResponseHeader().encode()
            raise

    def _wake(self, held: HeldRequest[str]) -> None:
        """Run a pop again that has waited."""
        connection, request = held.connection, held.request
        if connection.closed:
            return
        try:
            answer = self.pop(connection, request)
        except Reject as refused:
            answer = request.create_response(refused.code, refused.remark)
            answer.ext_fields = refused.ext_fields
        except (OSError, StoreError, ProtocolError) as error:
            logger.warning("held pop of %s: %s", connection.peer, error)
            answer = request.create_response(_FAILED, str(error))
        if answer is not None:
            connection.reply(request, answer)

    def _pop(self, connection: Peer, request: RemotingCommand) -> RemotingCommand | None:
        state = self._state
        header = request.decode_header(PopLiteMessageRequestHeader)
        born_ms = header.born_time or state.wall_ms()
        self._check(header, born_ms)
        pop = _Pop(connection, header, state.wall_ms())
        if header.max_msg_num > 0:
            self._look(pop)
        if pop.found:
            return self._answer(pop, request, int(ResponseCode.SUCCESS), _FOUND)
        times, client_id = (born_ms, header.poll_time), header.client_id
        held = state.lite.polling.poll(connection, request, client_id, times, self._wake, None)
        if held is PollingResult.HELD:
            return None
        full = held is PollingResult.FULL
        code = ResponseCode.POLLING_FULL if full else ResponseCode.POLLING_TIMEOUT
        return self._answer(pop, request, int(code), _NOTHING)

    def _check(self, header: PopLiteMessageRequestHeader, born_ms: int) -> None:
        """Check in Java's order and words (``preCheck``)."""
        state, ip = self._state, self._state.config.broker_ip1
        invalid = ResponseCode.INVALID_PARAMETER
        if state.wall_ms() - born_ms - header.poll_time > LATE_MS:
            remark = f"the broker[{ip}] pop message is timeout too much"
            raise Reject(ResponseCode.POLLING_TIMEOUT, remark)
        checks.readable(state, "pop")
        if header.max_msg_num > MAX_MESSAGES:
            raise Reject(invalid, f"the broker[{ip}] pop message's num is greater than 32")
        topic, advice = state.topics.select(header.topic), state.release.wire.faq_suggestion
        if topic is None:
            remark = f"topic [{header.topic}] not exist, apply first please! {advice}"
            raise Reject(ResponseCode.TOPIC_NOT_EXIST, remark)
        if not topic.perm & PERM_READ:
            remark = f"the topic [{header.topic}] peeking message is forbidden"
            raise Reject(ResponseCode.NO_PERMISSION, remark)
        if not is_lite_topic(topic):
            raise Reject(invalid, f"the topic [{header.topic}] message type not match")
        name = header.consumer_group
        group = state.groups.find(name)
        if group is None:
            remark = f"subscription group [{name}] not exist, {advice}"
            raise Reject(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark)
        if not group.consume_enable:
            remark = f"subscription group no permission, {name}"
            raise Reject(ResponseCode.NO_PERMISSION, remark)
        if bind_topic(group) != header.topic:
            raise Reject(invalid, f"subscription bind topic not match, {name}")

    def _look(self, pop: _Pop) -> None:
        """Pop from the lite topics that wait for the client (``popByClientId``)."""
        header, seen = pop.header, set[str]()
        for lmq in self._state.lite.events.take(header.client_id):
            if lmq not in seen:
                seen.add(lmq)
                try:
                    self._look_into(pop, lmq)
                except (OSError, StoreError):
                    events = self._state.lite.events
                    events.look_later(header.client_id, header.consumer_group)
                    logger.exception("lite topic %s isn't read", lmq)
            if pop.found >= header.max_msg_num:
                return

    def _look_into(self, pop: _Pop, lmq: str) -> None:
        state, header = self._state, pop.header
        key = QueueKey(lmq, header.consumer_group, LMQ_QUEUE_ID)
        order = state.lite.order
        if order.is_blocked(key, header.attempt_id, header.invisible_time):
            return  # whoever ends the block makes an event of it
        if state.offsets.has_offset_reset(key.group, lmq, LMQ_QUEUE_ID):
            order.clear(key)
        result = self._read(pop, key, pop_offset(state, key, INIT_MAX))
        if result.body:
            entries = order.update(
                key,
                header.attempt_id,
                pop.pop_time,
                header.invisible_time,
                list(result.queue_offsets),
            )
            pop.bodies.append(result.body)
            pop.counts += _counts(entries, result.count)
            pop.found += result.count
            size, took_ms = len(result.body), result.elapsed_ms
            state.stats.got(key.group, header.topic, LMQ_QUEUE_ID, result.count, size, took_ms)
        if state.config.lite_lag_latency_collect_enable:
            self._note_lag(pop, lmq, result.next_begin_offset)

    def _read(self, pop: _Pop, key: QueueKey, offset: int) -> GetMessageResult:
        """Read messages; an offset that the queue doesn't have is corrected first."""
        state, room = self._state, pop.header.max_msg_num - pop.found
        lmq, group, _ = key
        result = state.store.get_message(lmq, LMQ_QUEUE_ID, offset, room)
        if result.status in _CORRECTED and result.next_begin_offset != offset:
            corrected = result.next_begin_offset
            logger.warning("pop of %s: offset %s corrected to %s", key, offset, corrected)
            state.offsets.commit(pop.connection.peer, group, lmq, LMQ_QUEUE_ID, corrected)
            result = state.store.get_message(lmq, LMQ_QUEUE_ID, corrected, room)
        return result

    def _note_lag(self, pop: _Pop, lmq: str, next_offset: int) -> None:
        """Note since when the next message waits (``collectLiteConsumerLagMetrics``)."""
        header, since = pop.header, -1
        if pop.found >= header.max_msg_num:
            since = self._state.store.store_timestamp(lmq, LMQ_QUEUE_ID, next_offset)
        self._state.lite.lag.popped(
            header.consumer_group, header.topic, lmq, since if since > 0 else None
        )

    def _answer(
        self, pop: _Pop, request: RemotingCommand, code: int, remark: str
    ) -> RemotingCommand:
        answer = PopLiteMessageResponseHeader(
            pop_time=pop.pop_time,
            invisible_time=pop.header.invisible_time,
            revive_qid=POP_ORDER_REVIVE_QUEUE,
            order_count_info=";".join(pop.counts),
        )
        return request.create_response(code, remark, answer, b"".join(pop.bodies))


def _counts(entries: list[str], count: int) -> list[str]:
    """Return what orderCountInfo says of a lite topic's messages (``transformOrderCountInfo``).

    Args:
        entries: of each message that was popped before, then of the queue.
        count: how many messages there are.
    """
    return entries[:-1] if len(entries) > 1 else [entries[0].rpartition(" ")[2]] * count
