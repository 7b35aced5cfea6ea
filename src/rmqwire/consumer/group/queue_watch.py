"""Telling a program that the queues of a topic have changed (``TopicMessageQueueChangeListener``)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.errors import RmqError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.client.instance import ClientInstance
    from rmqwire.client.tasks import Tasks
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.consumer.pull_config import LitePullConsumerConfig

    TopicListener = Callable[[str, set[MessageQueue]], object]

logger = logging.getLogger(__name__)

FIRST_LOOK_S = 10.0


class QueueWatch:
    """Looks at topics from time to time and tells of changes.

    Args:
        instance: asks the name servers.
        tasks: where the looking runs.
        config: how often.
    """

    def __init__(
        self, instance: ClientInstance, tasks: Tasks, config: LitePullConsumerConfig
    ) -> None:
        self._instance = instance
        self._tasks = tasks
        self._interval_s = config.topic_metadata_check_interval_millis / 1000
        self._listeners: dict[str, TopicListener] = {}
        self._seen: dict[str, set[MessageQueue]] = {}

    @property
    def topics(self) -> list[str]:
        """The topics that are looked at."""
        return list(self._listeners)

    async def add(self, topic: str, listener: TopicListener) -> None:
        """Tell ``listener`` of changes from now on; it takes the place of the topic's other one.

        Raises:
            RmqError: the topic's queues can't be found out.
        """
        self._seen[topic] = await self._instance.queues_to_read(topic)
        if not self._listeners:
            self._tasks.spawn(self._rounds)
        self._listeners[topic] = listener

    async def _rounds(self) -> None:
        await self._tasks.sleep(FIRST_LOOK_S)
        while True:
            for topic in self.topics:
                await self._look(topic)
            await self._tasks.sleep(self._interval_s)

    async def _look(self, topic: str) -> None:
        try:
            found = await self._instance.queues_to_read(topic)
        except RmqError as error:
            logger.warning("the queues of topic %s: %s", topic, error)
            return
        if found == self._seen[topic]:
            return
        self._seen[topic] = found
        try:
            self._listeners[topic](topic, set(found))
        except Exception:  # the user's code
            logger.exception("the listener to the queues of %s", topic)
