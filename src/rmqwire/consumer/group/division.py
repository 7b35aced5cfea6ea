"""Which queues this member is to read: its share of each topic, or those it was given by hand."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rmqwire.client.pop_api import query_assignment
from rmqwire.codec.allocation import STRATEGIES, strategy_name
from rmqwire.codec.bodies import QueryAssignmentRequestBody
from rmqwire.codec.message_const import RETRY_GROUP_TOPIC_PREFIX
from rmqwire.codec.pop import pop_retry_topic
from rmqwire.consumer.group.allocate import allocate
from rmqwire.consumer.group.subscription import selected, subscription_data
from rmqwire.errors import RmqError, UsageError
from rmqwire.filter.subscription import SUB_ALL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rmqwire.codec.allocation import AllocateStrategy
    from rmqwire.codec.bodies import MessageQueue, MessageQueueAssignment
    from rmqwire.consumer.state import AnyState

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Share:
    """The queues of a topic that this member is to read.

    Args:
        pulled: those that it pulls from.
        popped: those that it pops from; number -1 is all of a broker.
    """

    pulled: list[MessageQueue]
    popped: list[MessageQueue] = field(default_factory=list)


def broker_strategy(strategy: AllocateStrategy) -> str:
    """Return the name by which brokers are asked to divide queues.

    Raises:
        UsageError: they don't know the strategy.
    """
    name = strategy_name(strategy)
    if name is None:
        known = " and ".join(STRATEGIES)
        raise UsageError(f"client_rebalance=False: brokers know only the strategies {known}")
    return name


class Division:
    """The share of one member (``RebalanceImpl.rebalanceByTopic``, ``getRebalanceResultFromBroker``).

    Args:
        state: its consumer.
        strategy: how the group divides the queues of a topic.
        asked: its name, where brokers divide them; None where the members do.
    """

    def __init__(
        self, state: AnyState, strategy: AllocateStrategy, asked: str | None = None
    ) -> None:
        self._state = state
        self._strategy = strategy
        self._asked = asked
        self._given: dict[str, list[MessageQueue]] | None = None

    def give(self, queues: Iterable[MessageQueue]) -> None:
        """Read exactly these queues, whatever other members read (``assign``)."""
        self._given = {}
        for queue in sorted(queues):
            self._given.setdefault(queue.topic, []).append(queue)

    def gives(self, queue: MessageQueue) -> bool:
        """Return whether a queue was given by hand."""
        return self._given is not None and queue in self._given.get(queue.topic, ())

    @property
    def topics(self) -> list[str]:
        """The topics of which something is to be read; the retry topic among them."""
        return list(self._state.subscriptions if self._given is None else self._given)

    @property
    def has_topics(self) -> bool:
        """Whether anything but retries is wanted."""
        return any(not topic.startswith(RETRY_GROUP_TOPIC_PREFIX) for topic in self.topics)

    async def share(self, topic: str) -> Share | None:
        """Return what of a topic this member is to read, None if that isn't known."""
        if self._given is not None:
            return Share(self._given.get(topic, []))
        if self._asked is not None:
            return await self._ask_broker(topic, self._asked)
        instance, group = self._state.instance, self._state.group
        queues = instance.routes.queues_to_read(topic)
        if queues is None or self._state.config.broadcasting:
            return None if queues is None else Share(sorted(queues))
        members = await instance.consumer_ids(topic, group)
        if members is None:
            return None
        try:
            return Share(allocate(self._strategy, instance.client_id, queues, members))
        except Exception:  # the strategy may be the user's code: logged, and asked again
            logger.exception("dividing the queues of %s, group %s", topic, group)
            return None

    async def _ask_broker(self, topic: str, strategy: str) -> Share | None:
        told = await self._assignments(topic, strategy)
        if told is None:
            return None
        share = Share([])
        for assignment in told:
            if (queue := assignment.message_queue) is not None:
                (share.popped if assignment.mode == "POP" else share.pulled).append(queue)
        if not topic.startswith(RETRY_GROUP_TOPIC_PREFIX):
            self._read_pop_retries(topic, share)
        return share

    async def _assignments(self, topic: str, strategy: str) -> list[MessageQueueAssignment] | None:
        """Ask a broker of the topic (``MQClientInstance.queryAssignment``); None when it can't tell."""
        state, instance = self._state, self._state.instance
        addr = instance.routes.broker_addr_of_topic(topic)
        if addr is None:
            return None
        body = QueryAssignmentRequestBody(
            topic=topic,
            consumer_group=state.group,
            client_id=instance.client_id,
            strategy_name=strategy,
            message_model="CLUSTERING",
        )
        try:
            told = await query_assignment(instance.api, addr, body)
        except RmqError as error:
            instance.memberships.bad(state.group, error)
            logger.warning("the queues of %s, group %s: %s", topic, state.group, error)
            return None
        instance.memberships.good(state.group)
        return told

    def _read_pop_retries(self, topic: str, share: Share) -> None:
        """Pull what a group that pops no more has left in its retry topic; pops look there anyway.

        ``RebalanceImpl.updateMessageQueueAssignment``.
        """
        state, namespace = self._state, self._state.instance.namespace
        retry = namespace.unwrap(
            pop_retry_topic(namespace.wrap(topic), namespace.wrap(state.group))
        )
        wanted = retry in state.subscriptions
        if share.pulled and not share.popped and not wanted:
            state.subscribe(subscription_data(retry, selected(SUB_ALL), state.instance.wall_ms()))
        elif share.popped and not share.pulled and wanted:
            state.unsubscribe(retry)
