"""Which queues a consumer of a group reads, and whether it pulls or pops (5.x).

``QueryAssignmentProcessor``: QUERY_ASSIGNMENT and SET_MESSAGE_REQUEST_MODE. Members of a group that
pops share queues: each gets its own part and those of the next ``popShareQueueNum`` members, or
queue -1, "all queues of that broker", when that is everybody's.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from rmqwire.codec.allocation import STRATEGIES, sort_client_ids
from rmqwire.codec.bodies import (
    MessageQueue,
    MessageQueueAssignment,
    QueryAssignmentRequestBody,
    QueryAssignmentResponseBody,
    SetMessageRequestModeRequestBody,
)
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.message_const import LMQ_PREFIX, RETRY_GROUP_TOPIC_PREFIX
from rmqwire.remoting.handler import Reject
from rmqwire.remoting.limited_log import LimitedLog

if TYPE_CHECKING:
    from collections.abc import Collection

    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.allocation import AllocateStrategy
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.codec.java_enums import MessageRequestMode
    from rmqwire.remoting.handler import Peer

ALL_QUEUES = -1  # the queue id that leaves the choice to the broker
logger = logging.getLogger(__name__)


def allocate_for_pop(
    strategy: AllocateStrategy,
    client_id: str,
    queues: list[MessageQueue],
    client_ids: list[str],
    share: int,
) -> list[MessageQueue]:
    """Return the queues that a member pops from (``allocate4Pop``); one may be in it twice.

    Args:
        strategy: how the parts are made.
        client_id: whose.
        queues: all queues of the topic, sorted.
        client_ids: all members, sorted.
        share: of how many more members it gets the parts; 0 or less: of all.
    """
    if share <= 0 or share >= len(client_ids) - 1:
        return [MessageQueue(queue.topic, queue.broker_name, ALL_QUEUES) for queue in queues]
    if client_id not in client_ids:
        return []
    index = client_ids.index(client_id)
    if len(client_ids) > len(queues):
        return [queues[index % len(queues)]] if queues else []
    return [
        queue
        for step in range(share + 1)
        for queue in strategy(client_ids[(index + step) % len(client_ids)], queues, client_ids)
    ]


class QueryAssignmentProcessor:
    """Divides queues for the clients that let their brokers do it.

    Args:
        state: the broker's tables and store.
    """

    def __init__(self, state: BrokerState) -> None:
        self._state = state
        self._lines = LimitedLog(logger, state.mono_ms)

    # --- QUERY_ASSIGNMENT

    def query(self, connection: Peer, request: RemotingCommand) -> None:
        """Answer which queues a client reads, and how; later if the topic's route isn't known."""
        body = QueryAssignmentRequestBody.decode(request.body, self._state.release)
        if body.message_model is None:
            raise Reject(ResponseCode.SYSTEM_ERROR, "no messageModel")
        answer = partial(self._answer, connection, request, body)
        if body.topic.startswith(LMQ_PREFIX) and body.message_model == "CLUSTERING":
            answer({MessageQueue(body.topic, self._state.config.broker_name, 0)})
        else:
            self._state.topic_routes.ask(body.topic, answer)

    def _answer(
        self,
        connection: Peer,
        request: RemotingCommand,
        body: QueryAssignmentRequestBody,
        queues: set[MessageQueue] | None,
    ) -> None:
        mode, share = self._mode(body)
        given = self._divide(body, queues, share if mode == "POP" else None)
        answer = QueryAssignmentResponseBody()
        if given is not None:
            answer.message_queue_assignments = [
                MessageQueueAssignment(message_queue=queue, mode=mode)
                for queue in sorted(set(given))
            ]
        data = answer.encode(self._state.release)
        connection.reply(request, request.create_response(body=data))

    def _mode(self, body: QueryAssignmentRequestBody) -> tuple[MessageRequestMode, int]:
        """Return whether the group pulls or pops, and of how many members it shares the queues."""
        known = self._state.request_modes.find(body.topic, body.consumer_group)
        if known is not None:
            return known.mode, known.pop_share_queue_num
        config = self._state.config
        pops = config.default_message_request_mode == "POP"
        if pops and not body.topic.startswith(RETRY_GROUP_TOPIC_PREFIX):
            return "POP", config.default_pop_share_queue_num
        return "PULL", 0

    def _divide(
        self, body: QueryAssignmentRequestBody, queues: set[MessageQueue] | None, share: int | None
    ) -> Collection[MessageQueue] | None:
        """Return the client's queues, None when they can't be told.

        Args:
            body: who asks.
            queues: all queues of the topic.
            share: see ``allocate_for_pop``; None: the group pulls.
        """
        state, group = self._state, body.consumer_group
        if queues is None:
            if not body.topic.startswith(RETRY_GROUP_TOPIC_PREFIX):
                self._lines.warning("topic", "no assignment for %s: no topic %s", group, body.topic)
            return None
        if body.message_model == "BROADCASTING" or not state.config.server_load_balancer_enable:
            return queues
        info = state.consumers.find(group)
        if info is None:
            self._lines.warning("members", "no assignment for %s: it has no members", group)
            return None
        strategy = STRATEGIES.get(body.strategy_name or "")
        if strategy is None:
            name = body.strategy_name
            self._lines.warning("strategy", "unsupported strategy %s of %s", name, body.client_id)
            return None
        client_ids = sort_client_ids(info.client_ids())
        if share is None:
            return strategy(body.client_id, sorted(queues), client_ids)
        return allocate_for_pop(strategy, body.client_id, sorted(queues), client_ids, share)

    # --- SET_MESSAGE_REQUEST_MODE

    def set_mode(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Let a group pop a topic, or pull it."""
        state = self._state
        body = SetMessageRequestModeRequestBody.decode(request.body, state.release)
        if body.topic.startswith(RETRY_GROUP_TOPIC_PREFIX):
            raise Reject(ResponseCode.NO_PERMISSION, "retry topic is not allowed to set mode")
        if state.topics.select(body.topic) is None:
            raise Reject(ResponseCode.TOPIC_NOT_EXIST, f"topic[{body.topic}] not exist")
        if state.groups.find(body.consumer_group) is None:
            raise Reject(
                ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, "subscription group does not exist"
            )
        state.request_modes.set(body)
        return request.create_response()
