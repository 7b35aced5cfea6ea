"""POP_MESSAGE: hands out messages that come again unless they are acknowledged (``PopMessageProcessor``).

For each queue that gives something a check point is stored, and only when it is there are the messages
in the answer. A pop that finds nothing waits as long as it said.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from rmqwire.broker.clients.client_table import CLUSTERING, CONSUME_POP
from rmqwire.broker.pop.offsets import QueueKey
from rmqwire.broker.pop.polling import PollingKey, PollingResult
from rmqwire.broker.processors.pop import checks
from rmqwire.broker.processors.pop.found import Found, FoundQueue, as_of_topic
from rmqwire.broker.processors.pop.reading import pop_offset
from rmqwire.broker.processors.pull_filter import expression_filter
from rmqwire.broker.processors.put_result import refusal
from rmqwire.codec.bodies import PopCheckPoint
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers import PopMessageRequestHeader, PopMessageResponseHeader
from rmqwire.codec.pop import POP_ORDER_REVIVE_QUEUE, ExtraInfo, pop_retry_topic
from rmqwire.errors import ProtocolError, StoreError, UsageError
from rmqwire.filter.subscription import SUB_ALL, TAG, build_subscription
from rmqwire.remoting.handler import Reject
from rmqwire.store.results import GET_STATUS_NAMES, GetStatus

if TYPE_CHECKING:
    from rmqwire.broker.pop.offsets import Step
    from rmqwire.broker.pop.polling import HeldPop
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.bodies import SubscriptionGroupConfig, TopicConfig
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.filter.message_filter import Filter
    from rmqwire.remoting.handler import Peer
    from rmqwire.store.results import GetMessageResult, PutMessageResult

BORN_TIME = "bornTime"
MAX_MESSAGES = 32  # of one pop: the bits of a check point
LATE_MS = 500  # a request that is older than its poll time by so much is refused
PRIORITY = "PRIORITY"  # TopicMessageType
_FAILED = int(ResponseCode.SYSTEM_ERROR)
_FOUND = GET_STATUS_NAMES[GetStatus.FOUND]
_NOTHING = GET_STATUS_NAMES[GetStatus.NO_MESSAGE_IN_QUEUE]
_CORRECTED = {
    GetStatus.OFFSET_TOO_SMALL,
    GetStatus.OFFSET_OVERFLOW_BADLY,
    GetStatus.OFFSET_FOUND_NULL,
}
_PASSED = {
    GetStatus.NO_MATCHED_MESSAGE,
    GetStatus.OFFSET_FOUND_NULL,
    GetStatus.MESSAGE_WAS_REMOVING,
    GetStatus.NO_MATCHED_LOGIC_QUEUE,
}
logger = logging.getLogger(__name__)


class _Pop:
    """One pop while it looks for messages."""

    __slots__ = ("connection", "found", "header", "pop_time", "request", "revive_qid", "wanted")

    def __init__(
        self,
        connection: Peer,
        request: RemotingCommand,
        header: PopMessageRequestHeader,
        wanted: Filter | None,
        pop_time: int,
        revive_qid: int,
    ) -> None:
        self.connection = connection
        self.request = request
        self.header = header
        self.wanted = wanted
        self.pop_time = pop_time
        self.revive_qid = revive_qid
        self.found = Found()

    @property
    def polling_key(self) -> PollingKey:
        return PollingKey(self.header.topic, self.header.consumer_group, self.header.queue_id)


class PopMessageProcessor:
    """Answers pops.

    Args:
        state: the broker's tables and store.
    """

    def __init__(self, state: BrokerState) -> None:
        self._state = state
        self._pops = 0  # reviveQid goes round, one step for each pop

    def pop(self, connection: Peer, request: RemotingCommand) -> None:
        """Answer a pop, at the end of the pass or when something comes."""
        state = self._state
        fields = request.ext_fields if request.ext_fields is not None else {}
        request.ext_fields = fields
        if fields.get(BORN_TIME, "0") == "0":
            fields[BORN_TIME] = str(state.wall_ms())
        try:
            self._begin(connection, request)
        except Reject as refused:
            refused.ext_fields = PopMessageResponseHeader().encode()
            raise

    def roll_back(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Answer POP_ROLLBACK: everything is in the log already, not in RocksDB."""
        return request.create_response()

    def _wake(self, held: HeldPop) -> None:
        """Run a pop that waited again."""
        connection, request = held.connection, held.request
        if connection.closed:
            return
        try:
            self.pop(connection, request)
        except Reject as refused:
            answer = request.create_response(int(refused.code), refused.remark)
            answer.ext_fields = refused.ext_fields
            connection.reply(request, answer)
        except (OSError, StoreError, ProtocolError) as error:
            logger.warning("held pop of %s: %s", connection.peer, error)
            connection.reply(request, request.create_response(_FAILED, str(error)))

    def _begin(self, connection: Peer, request: RemotingCommand) -> None:
        state, config = self._state, self._state.config
        header = request.decode_header(PopMessageRequestHeader)
        state.consumers.compensate(header.consumer_group, CONSUME_POP, CLUSTERING, None)
        topic, group = self._check(connection, header)
        wanted = self._wanted(header)
        number, self._pops = self._pops, self._pops + 1
        revive_qid = number % max(config.revive_queue_num, 1)
        pop = _Pop(
            connection,
            request,
            header,
            wanted,
            state.wall_ms(),
            POP_ORDER_REVIVE_QUEUE if header.order else revive_qid,
        )
        self._look(pop, topic, group)
        if not pop.found.putting:
            self._finish(pop)

    # --- checks, in Java's order

    def _check(
        self, connection: Peer, header: PopMessageRequestHeader
    ) -> tuple[TopicConfig, SubscriptionGroupConfig]:
        state, config = self._state, self._state.config
        if state.wall_ms() - header.born_time > header.poll_time + LATE_MS:
            raise Reject(
                ResponseCode.POLLING_TIMEOUT,
                f"the broker[{config.broker_ip1}] pop message is timeout too much",
            )
        checks.readable(state, "pop")
        if header.max_msg_nums > MAX_MESSAGES:
            raise Reject(
                ResponseCode.INVALID_PARAMETER,
                f"the broker[{config.broker_ip1}] pop message's num is greater than 32",
            )
        if not config.timer_wheel_enable:
            raise Reject(
                ResponseCode.SYSTEM_ERROR,
                f"the broker[{config.broker_ip1}] pop message is forbidden because "
                "timerWheelEnable is false",
            )
        topic = checks.check_topic(state, header.topic, header.queue_id, connection)
        return topic, checks.check_group(state, header.consumer_group)

    def _wanted(self, header: PopMessageRequestHeader) -> Filter | None:
        """Return what the pop asks for, and let its subscription count as one of the group."""
        state, group = self._state, header.consumer_group
        try:
            kind = header.exp_type if header.exp else TAG
            own = build_subscription(header.topic, header.exp or SUB_ALL, kind)
            retry = build_subscription(self._retry_topic(header), SUB_ALL, kind)
        except UsageError as error:
            logger.warning("subscription of %s to %s: %s", group, header.topic, error)
            raise Reject(
                ResponseCode.SUBSCRIPTION_PARSE_FAILED, "parse the consumer's subscription failed"
            ) from None
        for subscription in (own, retry):
            state.consumers.compensate(group, CONSUME_POP, CLUSTERING, subscription)
        return expression_filter(state, group, own) if header.exp else None

    def _retry_topic(self, header: PopMessageRequestHeader) -> str:
        v2 = self._state.config.enable_retry_topic_v2
        return pop_retry_topic(header.topic, header.consumer_group, v2=v2)

    # --- looking for messages

    def _look(self, pop: _Pop, topic: TopicConfig, group: SubscriptionGroupConfig) -> None:
        """Look into the queues, in Java's order."""
        state, config, header = self._state, self._state.config, pop.header
        chance = state.rng.randrange(100)
        by_priority = (
            not header.order
            and (topic.attributes or {}).get("message.type") == PRIORITY
            and chance < int((group.attributes or {}).get("priority.factor", "100"))
        )
        retry_chance = (
            config.pop_from_retry_probability_for_priority
            if by_priority
            else config.pop_from_retry_probability
        )
        retry_first = chance < retry_chance
        v1 = (
            config.enable_retry_topic_v2
            and config.retrieve_message_from_pop_retry_topic_v1
            and chance % 2 == 0
        )
        retry = pop_retry_topic(header.topic, header.consumer_group) if v1 else ""
        retry = retry or self._retry_topic(header)
        turn = 0 if by_priority else chance
        if retry_first and not header.order:
            self._look_in_topic(pop, state.topics.select(retry), turn)
        if header.queue_id < 0:
            self._look_in_topic(pop, topic, turn)
        else:
            self._look_in_queue(pop, topic.topic_name, header.queue_id)
        if not retry_first and not header.order and pop.found.records() < header.max_msg_nums:
            self._look_in_topic(pop, state.topics.select(retry), turn)

    def _look_in_topic(self, pop: _Pop, topic: TopicConfig | None, turn: int) -> None:
        if topic is None:
            return
        queues = topic.read_queue_nums
        falling = self._state.config.priority_order_asc
        for i in range(queues):
            queue_id = ((queues - 1 - i if falling else i) + turn) % queues
            self._look_in_queue(pop, topic.topic_name, queue_id)

    def _look_in_queue(self, pop: _Pop, topic: str, queue_id: int) -> None:
        state, header, found = self._state, pop.header, pop.found
        key = QueueKey(topic, header.consumer_group, queue_id)
        offset = pop_offset(state, key, header.init_mode)
        high = state.store.max_offset(topic, queue_id)
        if self._holds_too_many(key):
            found.rest += high - offset
            return
        if header.order:
            if state.pop.order.is_blocked(key, header.attempt_id, header.invisible_time):
                return
            state.pop.inflight.clear(*key)
        room = header.max_msg_nums - found.records()
        if room <= 0:
            found.rest += high - offset
            return
        result = self._read(pop, key, offset, room)
        if result.body:
            self._take(pop, key, offset, result)
        elif result.status in _PASSED and result.next_begin_offset > offset:
            found.moved = True
            self._pass_over(pop, key, result.next_begin_offset)
        found.rest += max(result.max_offset - result.next_begin_offset, 0)

    def _holds_too_many(self, key: QueueKey) -> bool:
        config = self._state.config
        return (
            config.enable_pop_message_threshold
            and self._state.pop.inflight.of(*key) > config.pop_inflight_message_threshold
        )

    def _read(self, pop: _Pop, key: QueueKey, offset: int, room: int) -> GetMessageResult:
        """Read messages; an offset that the queue doesn't have is corrected first."""
        state = self._state
        topic, group, queue_id = key
        result = state.store.get_message(topic, queue_id, offset, room, wanted=pop.wanted)
        if result.status in _CORRECTED and result.next_begin_offset != offset:
            corrected = result.next_begin_offset
            logger.warning("pop of %s: offset %s corrected to %s", key, offset, corrected)
            state.offsets.commit(pop.connection.peer, group, topic, queue_id, corrected)
            result = state.store.get_message(topic, queue_id, corrected, room, wanted=pop.wanted)
        return result

    def _pass_over(self, pop: _Pop, key: QueueKey, next_offset: int) -> None:
        if pop.header.order:
            topic, group, queue_id = key
            self._state.offsets.commit(pop.connection.peer, group, topic, queue_id, next_offset)
        else:
            self._state.pop.offsets.pass_over(key, next_offset)

    def _take(self, pop: _Pop, key: QueueKey, start: int, result: GetMessageResult) -> None:
        """Hand out what was read, once its check point is stored."""
        state, header = self._state, pop.header
        topic, group, queue_id = key
        offsets = list(result.queue_offsets)
        queue = FoundQueue(topic, queue_id, start, offsets, result.body, result.count)
        pop.found.queues.append(queue)
        pop.found.moved = True
        size, took_ms = len(result.body), result.elapsed_ms
        state.stats.got(group, topic, queue_id, result.count, size, took_ms)
        state.pop.inflight.add(topic, group, queue_id, result.count)
        if header.order:
            pop.found.orders += state.pop.order.update(
                key, header.attempt_id, pop.pop_time, header.invisible_time, offsets
            )
            state.offsets.commit(pop.connection.peer, group, topic, queue_id, start)
            return
        point = PopCheckPoint(
            start_offset=start,
            pop_time=pop.pop_time,
            invisible_time=header.invisible_time,
            num=len(offsets),
            queue_id=queue_id,
            topic=topic,
            cid=group,
            queue_offset_diff=[offset - start for offset in offsets],
            broker_name=state.config.broker_name,
        )
        step = state.pop.offsets.begin(key, result.next_begin_offset)
        pop.found.putting += 1
        state.stats.checked(group, header.topic)
        state.pop.log.put_check_point(
            point, pop.revive_qid, partial(self._stored, pop, queue, step)
        )

    def _stored(self, pop: _Pop, queue: FoundQueue, step: Step, result: PutMessageResult) -> None:
        """Go on when a check point is stored, or refused."""
        found = pop.found
        if result.physical_offset >= 0:
            step.end = result.physical_offset + result.size
        else:
            queue.lost = True
            found.refused = result
            topic, group, queue_id = step.key
            self._state.pop.offsets.failed(step)
            self._state.pop.inflight.subtract(topic, group, queue_id, queue.count)
        found.putting -= 1
        if not found.putting:
            self._finish(pop)

    # --- answering

    def _finish(self, pop: _Pop) -> None:
        """Answer with what was found, or wait."""
        state, found, header = self._state, pop.found, pop.header
        found.drop_lost()
        if pop.connection.closed:
            return
        if found.queues:
            self._reply(pop, int(ResponseCode.SUCCESS), _FOUND)
            if found.rest > 0:
                state.pop.polling.notify(header.topic, header.consumer_group, header.queue_id, None)
            return
        if found.refused is not None:
            code, remark = refusal(found.refused, state.store.config.max_message_size)
            answer = pop.request.create_response(code, remark, PopMessageResponseHeader())
            pop.connection.reply(pop.request, answer)
            return
        held = state.pop.polling.poll(
            pop.connection,
            pop.request,
            pop.polling_key,
            (header.born_time, header.poll_time),
            self._wake,
            pop.wanted,
        )
        if held is PollingResult.HELD:
            if found.moved and found.rest > 0:
                state.pop.polling.notify(header.topic, header.consumer_group, header.queue_id, None)
            return
        full = held is PollingResult.FULL
        code = ResponseCode.POLLING_FULL if full else ResponseCode.POLLING_TIMEOUT
        self._reply(pop, int(code), _NOTHING)

    def _reply(self, pop: _Pop, code: int, remark: str) -> None:
        found, header = pop.found, pop.header
        answer = PopMessageResponseHeader(
            pop_time=pop.pop_time,
            invisible_time=header.invisible_time,
            revive_qid=pop.revive_qid,
            rest_num=found.rest,
            start_offset_info=found.start_offset_info(),
            msg_offset_info=found.msg_offset_info(),
            order_count_info=";".join(found.orders) if header.order else None,
        )
        body = b"".join([self._body(pop, queue) for queue in found.queues])
        pop.connection.reply(pop.request, pop.request.create_response(code, remark, answer, body))

    def _body(self, pop: _Pop, queue: FoundQueue) -> bytes:
        """Return the records of a queue, those of a retry topic under the topic that was asked for."""
        state, header = self._state, pop.header
        if queue.topic == header.topic or state.config.pop_response_return_actual_retry_topic:
            return queue.body
        handle = ExtraInfo(
            queue.start,
            pop.pop_time,
            header.invisible_time,
            pop.revive_qid,
            "",
            state.config.broker_name,
            queue.queue_id,
        )
        return as_of_topic(queue.body, header.topic, handle, state.release)
