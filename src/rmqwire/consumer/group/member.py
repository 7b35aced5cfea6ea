"""A member of a consumer group (Java ``RebalanceImpl``, ``RebalanceService``). Shell on trio.

It tells the brokers what the group subscribes to, divides the queues of its topics with the other
members, has its share read, and stores offsets from time to time. What is done with the messages is
none of its business.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import trio

from rmqwire.codec.message_const import RETRY_GROUP_TOPIC_PREFIX
from rmqwire.consumer.group.rebalance import Changes, changes, not_subscribed
from rmqwire.errors import RemotingError
from rmqwire.filter.subscription import is_tag_type

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Sequence
    from typing import Protocol

    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.consumer.group.division import Share
    from rmqwire.consumer.state import AnyState

    QueueListener = Callable[[str, set[MessageQueue], set[MessageQueue]], object]

    class Shares(Protocol):
        """Which queues a member is to read."""

        @property
        def topics(self) -> list[str]:
            """The topics of which something is to be read."""

        @property
        def has_topics(self) -> bool:
            """Whether anything but retries is wanted."""

        async def share(self, topic: str) -> Share | None:
            """Return what of a topic this member is to read, None if that isn't known."""

    class Queues(Container[MessageQueue], Protocol):
        """The queues that a member holds."""

        @property
        def held(self) -> list[MessageQueue]:
            """The queues that are read."""

        @property
        def leaving(self) -> Sequence[MessageQueue]:
            """The queues that are read no more, but that nobody else may have yet."""

        async def take_over(self, queue: MessageQueue) -> bool:
            """Start to read a queue; return whether it is read now."""

        async def give_up(self, queue: MessageQueue) -> bool:
            """Stop reading a queue; return whether somebody else may have it now."""

        async def release(self) -> None:
            """Let others have the queues, once all is committed."""


logger = logging.getLogger(__name__)

REBALANCE_INTERVAL_S = 20.0  # rocketmq.client.rebalance.waitInterval
REBALANCE_MIN_INTERVAL_S = 1.0  # rocketmq.client.rebalance.minInterval
FIRST_PERSIST_S = 10.0
LEAVE_LIMIT_S = 3.0  # for the last commits


class GroupMember:
    """One member of a group.

    Args:
        state: its consumer.
        queues: takes queues over and gives them up.
        division: tells which queues it is to read.
        popped: does so with queues that are popped from; None of a consumer that pops none.
        listener: told of each topic whose queues here have changed: the topic, all its queues, those
            of this member (``MessageQueueListener``).

    Attributes:
        listeners: the same of one topic.
    """

    def __init__(
        self,
        state: AnyState,
        queues: Queues,
        division: Shares,
        popped: Queues | None = None,
        listener: QueueListener | None = None,
    ) -> None:
        self._state = state
        self._instance = state.instance
        self._queues = queues
        self._holders = (queues,) if popped is None else (queues, popped)
        self._division = division
        self._listener = listener
        self.listeners: dict[str, QueueListener] = {}
        self._rebalancing = trio.Lock()

    async def leave(self) -> None:
        """Store the offsets, divide no queues any more, release them all, for at most 3 s."""
        limit = trio.current_time() + LEAVE_LIMIT_S
        with trio.CancelScope(shield=True, deadline=limit):
            await self._state.offsets.persist_all(self._queues)
            await self._rebalancing.acquire()  # for good: one would join the group again
            for holder in self._holders:
                await holder.release()

    async def check_conditions(self) -> None:
        """Ask a broker of each topic whether what is wanted of it can be used there.

        A topic without a route or whose broker doesn't answer isn't checked: it may be there later.

        Raises:
            BrokerError: it can't: SubscriptionParseFailed says why, BrokerSystemError that the
                broker doesn't filter by properties.
        """
        instance = self._instance
        for topic, data in list(self._state.subscriptions.items()):
            if is_tag_type(data.expression_type):
                continue
            if instance.routes.queues_to_read(topic) is None:
                await instance.update_route(topic)
            addr = instance.routes.broker_addr_of_topic(topic)
            if addr is None:
                continue
            try:
                await instance.api.check_client(addr, instance.client_id, self._state.group, data)
            except RemotingError as error:
                logger.warning("the condition for %s isn't checked: %s", topic, error)

    # --- loops

    async def rebalance_rounds(self) -> None:
        """Divide the queues every 20 s, when woken, and each second until it has worked."""
        while not self._division.has_topics:
            await self._state.rebalance.wait()
        while True:
            started = trio.current_time()
            async with self._rebalancing:
                balanced = await self._rebalance()
            interval = REBALANCE_INTERVAL_S if balanced else REBALANCE_MIN_INTERVAL_S
            await trio.sleep_until(started + REBALANCE_MIN_INTERVAL_S)
            await self._state.rebalance.wait(started + interval - trio.current_time())

    async def persist_rounds(self) -> None:
        """Store the offsets every persistConsumerOffsetInterval."""
        await trio.sleep(FIRST_PERSIST_S)
        while True:
            await self._state.offsets.persist_all(self._queues)
            await trio.sleep(self._state.config.persist_consumer_offset_interval / 1000)

    # --- rebalance

    async def _rebalance(self) -> bool:
        """Divide the queues of all topics; return whether all went well."""
        await self._announce()
        balanced = True
        for holder in self._holders:
            unwanted = not_subscribed(holder.held, self._division.topics)
            balanced = await _give_up(holder, (*holder.leaving, *unwanted)) and balanced
        found, complete = await self._compare()
        balanced = balanced and complete
        for differences in found.values():
            for holder, difference in zip(self._holders, differences, strict=True):
                balanced = await _give_up(holder, difference.removed) and balanced
        if found:
            await self._announce_versions(found)
        for topic, differences in found.items():
            for holder, difference in zip(self._holders, differences, strict=True):
                balanced = await self._take_over(holder, topic, difference.added) and balanced
            self._tell(topic)
        return balanced

    async def _take_over(self, holder: Queues, topic: str, queues: Iterable[MessageQueue]) -> bool:
        """Take queues over while their topic is wanted; return whether all went well."""
        balanced = True
        for queue in queues:
            if topic in self._division.topics:
                balanced = await holder.take_over(queue) and balanced
        return balanced

    def _tell(self, topic: str) -> None:
        listeners = [one for one in (self._listener, self.listeners.get(topic)) if one is not None]
        if not listeners:
            return
        mine = {queue for holder in self._holders for queue in holder.held if queue.topic == topic}
        for listener in listeners:
            try:
                listener(topic, set(self._instance.routes.queues_to_read(topic) or mine), set(mine))
            except Exception:  # the user's code
                logger.exception("the listener to the queues of %s", topic)

    async def _compare(self) -> tuple[dict[str, list[Changes]], bool]:
        """Return what has to change, by topic, and whether that could be found out for all topics.

        Of each topic, in the order of the holders.
        """
        found, complete = {}, True
        for topic in self._division.topics:
            assigned = await self._division.share(topic)
            if assigned is None:
                complete = complete and topic.startswith(RETRY_GROUP_TOPIC_PREFIX)
            else:
                differences = [
                    changes(topic, holder.held, queues)
                    for holder, queues in zip(
                        self._holders, (assigned.pulled, assigned.popped), strict=False
                    )
                ]
                if any(differences):
                    found[topic] = differences
        return found, complete

    # --- announcements

    async def _announce(self) -> None:
        """Find routes of new topics, and tell the brokers what is subscribed to."""
        instance = self._instance
        for topic in self._division.topics:
            if instance.routes.queues_to_read(topic) is None:
                await instance.update_route(topic)
        if not self._state.announced:
            self._state.announced = bool(instance.routes.broker_addrs)
            await instance.heartbeat()

    async def _announce_versions(self, found: dict[str, list[Changes]]) -> None:
        """Tell the brokers new subscription versions before the first pull that says them."""
        for topic, differences in found.items():
            logger.info("group %s, topic %s: %s", self._state.group, topic, differences)
            if topic in self._state.subscriptions:
                self._state.subscriptions[topic].sub_version = self._instance.wall_ms()
        await self._instance.heartbeat(changed=True)


async def _give_up(holder: Queues, queues: Iterable[MessageQueue]) -> bool:
    """Give queues up; return whether somebody else may have all of them now."""
    balanced = True
    for queue in queues:
        balanced = await holder.give_up(queue) and balanced
    return balanced
