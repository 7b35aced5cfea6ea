"""Which lite topics a client subscribes, and that brokers know it. Shell on trio.

Brokers keep it in memory, by client id: they forget it with a restart, and when a client hasn't said it
again for a while. So all of it is said from time to time, as by Apache's gRPC client.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import trio

from rmqwire.client.lite_api import control_lite_subscription
from rmqwire.codec.bodies import LiteSubscriptionDTO, MessageQueue
from rmqwire.errors import RmqError, RouteNotFound
from rmqwire.wakeup import Wakeup

if TYPE_CHECKING:
    from rmqwire.codec.bodies import OffsetOption
    from rmqwire.consumer.state import LitePushState

logger = logging.getLogger(__name__)
AGAIN_S = 5.0  # after a broker that could not be told


class LiteSubscriptions:
    """The lite topics of one consumer.

    Args:
        state: the consumer.
        topic: the parent topic.

    Attributes:
        names: the lite topics, in the order in which they were subscribed.
    """

    def __init__(self, state: LitePushState, topic: str) -> None:
        self._state = state
        self._topic = topic
        self.names: dict[str, None] = {}
        self._wanted = Wakeup()
        self._telling = trio.Lock()  # one after the other: all of it would take a later one away

    async def add(self, name: str, at: OffsetOption | None) -> None:
        """Subscribe a lite topic at every broker: the one that has it takes note.

        Raises:
            RmqError: a broker refused, or can't be reached; it isn't subscribed then.
        """
        async with self._telling:
            if (
                name in self.names and at is not None
            ):  # brokers look at the place of a new one alone
                await self._tell_all("PARTIAL_REMOVE", [name])
            await self._tell_all("PARTIAL_ADD", [name], at)
            self.names[name] = None

    async def remove(self, name: str) -> None:
        """Subscribe a lite topic no more.

        Raises:
            RmqError: a broker refused, or can't be reached; it is told later.
        """
        self.names.pop(name, None)
        async with self._telling:
            await self._tell_all("PARTIAL_REMOVE", [name])

    def lost(self, name: str) -> None:
        """Hear that another client of an exclusive group has a lite topic now."""
        group = self._state.group
        logger.info("group %s: another client has lite topic %s now", group, name)
        self.names.pop(name, None)

    def tell_soon(self) -> None:
        """Tell brokers all of it at once: one may have forgotten it."""
        self._wanted()

    async def rounds(self) -> None:
        """Tell brokers all of it each syncIntervalMillis, and when woken.

        A group that has all lite topics (``lite.sub.wildcard``) is told no names: that is all of them.
        """
        interval_s = self._state.config.sync_interval_millis / 1000
        while True:
            told = await self._tell_everything()
            await self._wanted.wait(interval_s if told else min(AGAIN_S, interval_s))

    async def _tell_everything(self) -> bool:
        async with self._telling:
            try:
                await self._tell_all("COMPLETE_ADD", list(self.names))
            except RmqError as error:
                group = self._state.group
                logger.warning("lite topics of group %s aren't told: %s", group, error)
                return False
        return True

    async def _tell_all(
        self, action: str, names: list[str], at: OffsetOption | None = None
    ) -> None:
        """Tell every broker of the topic, whatever the others say.

        Raises:
            RmqError: what the last one said that didn't take it.
        """
        fault: RmqError | None = None
        for queue in await self._brokers():
            try:
                await self._tell(queue, action, names, at)
            except RmqError as error:
                fault = error
        if fault is not None:
            raise fault

    async def _tell(
        self, queue: MessageQueue, action: str, names: list[str], at: OffsetOption | None
    ) -> None:
        instance = self._state.instance
        change = LiteSubscriptionDTO(
            action=action,
            client_id=instance.client_id,
            group=self._state.group,
            topic=self._topic,
            lite_topic_set=names,
            offset_option=at,
            version=instance.wall_ms(),
        )
        found = await instance.broker_addr(queue, only_this=True)
        timeout_ms = self._state.config.mq_client_api_timeout
        await control_lite_subscription(instance.api, found.addr, change, timeout_ms)

    async def _brokers(self) -> list[MessageQueue]:
        """Return a queue of each broker that has the topic."""
        instance, topic = self._state.instance, self._topic
        if instance.routes.queues_to_read(topic) is None:
            await instance.update_route(topic)
        queues = instance.routes.queues_to_read(topic)
        if not queues:
            raise RouteNotFound(f"Can not find Message Queue for this topic, {topic}")
        return list({queue.broker_name: queue for queue in sorted(queues)}.values())
