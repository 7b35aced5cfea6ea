"""PEEK_MESSAGE: what a pop would find, without taking it (``PeekMessageProcessor``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.broker.pop.offsets import QueueKey
from rmqwire.broker.processors.pop import checks
from rmqwire.broker.processors.pop.reading import peek_offset
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers import PeekMessageRequestHeader, PopMessageResponseHeader
from rmqwire.codec.pop import pop_retry_topic
from rmqwire.remoting.handler import Reject
from rmqwire.store.results import GET_STATUS_NAMES, GetStatus

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer

RETRY_FIRST = 5  # every so many peeks look at the retry topic first


class PeekMessageProcessor:
    """Answers peeks.

    Args:
        state: the broker's tables and store.
    """

    def __init__(self, state: BrokerState) -> None:
        self._state = state

    def peek(self, connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """Answer with the messages that a group would pop next."""
        try:
            return self._peek(connection, request)
        except Reject as refused:
            refused.ext_fields = PopMessageResponseHeader().encode()
            raise

    def _peek(self, connection: Peer, request: RemotingCommand) -> RemotingCommand:
        state = self._state
        header = request.decode_header(PeekMessageRequestHeader)
        group = header.consumer_group
        checks.readable(state, "peeking")
        topic = checks.check_topic(state, header.topic, header.queue_id, connection)
        checks.check_group(state, group)
        retry = pop_retry_topic(header.topic, group, v2=state.config.enable_retry_topic_v2)
        retries = state.topics.select(retry)
        chance = state.rng.randrange(100)
        all_queues = header.queue_id < 0
        mine = _turned(topic.read_queue_nums, chance) if all_queues else [header.queue_id]
        queues = [(header.topic, queue_id) for queue_id in mine]
        of_retries = (
            [(retry, queue_id) for queue_id in _turned(retries.read_queue_nums, chance)]
            if retries is not None
            else []
        )
        order = of_retries + queues if chance % RETRY_FIRST == 0 else queues + of_retries
        bodies: list[bytes] = []
        count = rest = 0
        for name, queue_id in order:
            offset = peek_offset(state, QueueKey(name, group, queue_id))
            rest += state.store.max_offset(name, queue_id) - offset
            if count < header.max_msg_nums:
                room = header.max_msg_nums - count
                result = state.store.get_message(name, queue_id, offset, room)
                bodies.append(result.body)
                count += len(result.queue_offsets)
        code, status = ResponseCode.PULL_NOT_FOUND, GetStatus.NO_MESSAGE_IN_QUEUE
        if count:
            code, status = ResponseCode.SUCCESS, GetStatus.FOUND
            size = sum(map(len, bodies))
            state.stats.got(group, header.topic, header.queue_id, count, size, 0)
        answer = PopMessageResponseHeader(rest_num=rest)
        return request.create_response(
            int(code), GET_STATUS_NAMES[status], answer, b"".join(bodies)
        )


def _turned(count: int, first: int) -> list[int]:
    """Return queue ids 0 to ``count``, beginning with one of them."""
    return [(first + i) % count for i in range(count)]
