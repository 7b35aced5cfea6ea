"""Messages: those that a topic holds (mqadmin's ``message``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.admin.asking import TIMEOUT_MS
from rmqwire.admin.topic import TopicVerbs
from rmqwire.broker_errors import NoPermission
from rmqwire.client.requests import PullOptions
from rmqwire.codec.bodies import MessageQueue, SubscriptionData, TopicConfig
from rmqwire.codec.record import iter_messages
from rmqwire.codec.sys_flag import PERM_READ, PULL_SUBSCRIPTION

if TYPE_CHECKING:
    from rmqwire.codec.message import StoredMessage

READER = "TOOLS_CONSUMER"  # MixAll.TOOLS_CONSUMER_GROUP
ALL = SubscriptionData(topic="", sub_string="*")
BATCH = 32  # messages of one pull
MAX_BYTES = 256 * 1024


class MessageVerbs(TopicVerbs):
    """What is asked about messages."""

    async def messages(self, topic: str) -> list[tuple[str, StoredMessage]]:
        """Return all messages that a topic holds, with their brokers' names, queue by queue.

        A topic that may not be read, as those of dead letters at first, is made readable.
        """
        found = []
        try:
            for addr, queue in await self.read_queues(topic):
                found += [(queue.broker_name, one) for one in await self._messages(addr, queue)]
        except NoPermission:
            route = await self.topic_route(topic)
            if route is None or all(one.perm & PERM_READ for one in route.queue_datas):
                raise
            queues = max(one.read_queue_nums for one in route.queue_datas)
            config = TopicConfig(topic, read_queue_nums=queues, write_queue_nums=queues)
            for addr in await self.masters():
                await self.update_topic(addr, config)
            return await self.messages(topic)
        return found

    async def _messages(self, addr: str, queue: MessageQueue) -> list[StoredMessage]:
        found: list[StoredMessage] = []
        offset = await self._api.min_offset(addr, queue)
        end = await self._api.max_offset(addr, queue)
        while offset < end:
            pull = PullOptions(queue, offset, BATCH, MAX_BYTES, PULL_SUBSCRIPTION, 0, 0, ALL, True)
            answer = await self._api.pull(addr, READER, pull, TIMEOUT_MS)
            found += iter_messages(bytes(answer.body))
            if answer.next_begin_offset <= offset:
                break
            offset = answer.next_begin_offset
        return found
