"""What producers and consumers may ask about topics, queues and messages (Java ``MQAdmin``)."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from rmqwire.client.message_queries import MessageQueries
from rmqwire.client.queue_admin import QueueAdmin
from rmqwire.client.topic_creation import create_topic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmqwire.client.instance import ClientInstance
    from rmqwire.client.message_ext import MessageExt
    from rmqwire.client.message_queries import QueryResult
    from rmqwire.codec.bodies import MessageQueue


class MQAdmin(AbstractAsyncContextManager["MQAdmin"]):
    """Questions that producers, push consumers and pull consumers answer alike.

    ``rmqwire.admin`` has all that ``mqadmin`` can. All of these raise UsageError outside of ``async with``, and
    the RmqError of a broker that doesn't answer or refuses.
    """

    _instance: ClientInstance

    @abstractmethod
    def _check_open(self) -> None:
        """Refuse to be used outside of ``async with``.

        Raises:
            UsageError: it is.
        """

    async def create_topic(
        self,
        key: str,
        new_topic: str,
        queue_num: int,
        *,
        topic_sys_flag: int = 0,
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        """Make a topic at all masters that have another one.

        A master that doesn't make it is logged, unless none does.

        Args:
            key: the other topic; ``TBW102`` for every broker that makes topics by itself.
            new_topic: its name.
            queue_num: its queues on each broker, to read and to write.
            topic_sys_flag: 1 for a topic of a unit, 2 where the unit's consumers subscribe.
            attributes: each with its sign, as in ``{"+message.type": "FIFO"}``; 4.9 has none.

        Raises:
            UsageError: no topic can have that name, or that many queues.
            RouteNotFound: no broker has the topic ``key``.
            RmqError: no master has made it; of the last one.
        """
        self._check_open()
        await create_topic(
            self._instance, key, new_topic, queue_num, topic_sys_flag, attributes or {}
        )

    async def search_offset(self, queue: MessageQueue, timestamp: int) -> int:
        """Return the index of the first message stored at ``timestamp`` (ms) or later."""
        self._check_open()
        return await QueueAdmin(self._instance).search_offset(queue, timestamp)

    async def max_offset(self, queue: MessageQueue) -> int:
        """Return the index of the next message of a queue."""
        self._check_open()
        return await QueueAdmin(self._instance).max_offset(queue)

    async def min_offset(self, queue: MessageQueue) -> int:
        """Return the index of the oldest message of a queue."""
        self._check_open()
        return await QueueAdmin(self._instance).min_offset(queue)

    async def earliest_msg_store_time(self, queue: MessageQueue) -> int:
        """Return when the oldest message of a queue was stored, ms since the epoch."""
        self._check_open()
        return await QueueAdmin(self._instance).earliest_msg_store_time(queue)

    async def query_message(
        self, topic: str, key: str, max_num: int, begin: int, end: int
    ) -> QueryResult:
        """Return the messages of a topic that have a key, which may be none.

        Args:
            topic: where they are.
            key: one of their keys.
            max_num: so many of each broker at most.
            begin: stored at this time or later, ms since the epoch.
            end: stored at this time or before.

        Raises:
            RouteNotFound: no name server knows the topic.
            RmqError: one of its brokers didn't say.
        """
        self._check_open()
        queries = await self._queries(topic)
        return await queries.by_key(topic, key, max_num, begin, end)

    async def view_message(self, topic: str, msg_id: str) -> MessageExt | None:
        """Return one message, None when there is none.

        Args:
            topic: where it is.
            msg_id: a broker's id (``SendResult.offset_msg_id``) or a producer's (``msg_id``); of several
                messages with the same one the oldest.

        Raises:
            RouteNotFound: no name server knows the topic.
            RmqError: one of its brokers didn't say.
        """
        self._check_open()
        queries = await self._queries(topic)
        message = await queries.by_broker_id(topic, msg_id)
        if message is None:
            message = next(iter(await queries.by_unique_key(topic, msg_id)), None)
        return message

    async def _queries(self, topic: str) -> MessageQueries:
        instance = self._instance
        brokers = (await instance.route_of(topic)).broker_datas
        return MessageQueries(instance.api, brokers, instance.namespace)
