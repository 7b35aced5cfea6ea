"""Reading queues from one offset to another, as mqadmin's pull consumer does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from rmqwire.admin.asking import TIMEOUT_MS
from rmqwire.admin.message_text import PulledMessage
from rmqwire.admin.topic import TopicVerbs
from rmqwire.broker_errors import NoPermission
from rmqwire.client.message_ext import MessageExt
from rmqwire.client.requests import PullOptions
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.message_const import MASTER_ID
from rmqwire.codec.record import iter_messages
from rmqwire.codec.sys_flag import PERM_READ, PERM_WRITE, PULL_SUBSCRIPTION
from rmqwire.errors import RouteNotFound
from rmqwire.filter.subscription import build_subscription

if TYPE_CHECKING:
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.codec.message import StoredMessage

READER: Final = "TOOLS_CONSUMER"  # MixAll.TOOLS_CONSUMER_GROUP
PULL_NUMS: Final = 32  # messages of one pull
MAX_BYTES: Final = 256 * 1024
PullStatus = Literal["FOUND", "NO_NEW_MSG", "NO_MATCHED_MSG", "OFFSET_ILLEGAL"]
_STATUS: Final[dict[int, PullStatus]] = {
    int(ResponseCode.SUCCESS): "FOUND",
    int(ResponseCode.PULL_NOT_FOUND): "NO_NEW_MSG",
    int(ResponseCode.PULL_RETRY_IMMEDIATELY): "NO_MATCHED_MSG",
    int(ResponseCode.PULL_OFFSET_MOVED): "OFFSET_ILLEGAL",
}


@dataclass(frozen=True, slots=True)
class QueuePart:
    """A part of a queue at a broker.

    Args:
        addr: the broker.
        queue: which.
        min_offset: of its first message.
        max_offset: where it ends: of the first message that is no more in it.
    """

    addr: str
    queue: MessageQueue
    min_offset: int
    max_offset: int


@dataclass(frozen=True, slots=True)
class PullBatch:
    """What one pull gave (``PullResult``).

    Args:
        status: in Java's words.
        messages: those that fit the tags.
        next_offset: where to go on.
    """

    status: PullStatus
    messages: list[PulledMessage]
    next_offset: int


class MessagePullVerbs(TopicVerbs):
    """What reads queues."""

    async def queue_parts(
        self,
        topic: str,
        *,
        begin_ms: int | None = None,
        end_ms: int | None = None,
        route_of: str | None = None,
    ) -> list[QueuePart]:
        """Return what each queue of a topic holds.

        Args:
            topic: which.
            begin_ms: only what was stored at this time or later, ms since the epoch.
            end_ms: only what was stored before this time.
            route_of: look where this topic is instead, for what has no route of its own (LMQ).

        Raises:
            RouteNotFound: nobody has the topic.
        """
        found = await self.read_queues(route_of or topic)
        if not found:
            raise RouteNotFound(f"Can not find Message Queue for this topic, {topic}")
        return [
            await self.queue_part(addr, type(queue)(topic, queue.broker_name, queue.queue_id),
                                  begin_ms=begin_ms, end_ms=end_ms)
            for addr, queue in found
        ]  # fmt: skip

    async def queue_part(
        self,
        addr: str,
        queue: MessageQueue,
        *,
        begin_ms: int | None = None,
        end_ms: int | None = None,
    ) -> QueuePart:
        """Return what a queue holds.

        Args:
            addr: the broker.
            queue: which.
            begin_ms: only what was stored at this time or later, ms since the epoch.
            end_ms: only what was stored before this time.
        """
        api = self._api
        begin = await (
            api.min_offset(addr, queue)
            if begin_ms is None
            else api.search_offset(addr, queue, begin_ms)
        )
        end = await (
            api.max_offset(addr, queue)
            if end_ms is None
            else api.search_offset(addr, queue, end_ms)
        )
        return QueuePart(addr, queue, begin, end)

    async def master_of(self, broker_name: str, topic: str) -> str:
        """Return the address of the master that has a topic under a broker name.

        Raises:
            RouteNotFound: there is none.
        """
        route = await self.topic_route(topic)
        for broker in route.broker_datas if route is not None else ():
            if broker.broker_name == broker_name and (addr := broker.broker_addrs.get(MASTER_ID)):
                return addr
        raise RouteNotFound(f"The broker[{broker_name}] not exist, or it has no topic {topic}")

    async def pull_batch(
        self, addr: str, queue: MessageQueue, offset: int, count: int, expression: str = "*"
    ) -> PullBatch:
        """Return what one pull gives; it doesn't wait for messages to come.

        Args:
            addr: the broker.
            queue: which.
            offset: of the first message.
            count: messages at most; brokers give 32 or so at once.
            expression: tags joined by ``||``; ``*`` for all.
        """
        subscription = build_subscription(queue.topic, expression)
        pull = PullOptions(
            queue, offset, count, MAX_BYTES, PULL_SUBSCRIPTION, 0, 0, subscription, True, 0
        )
        answer = await self._api.pull(addr, READER, pull, TIMEOUT_MS)
        messages = (
            MessageExt.of(one, queue.broker_name) for one in iter_messages(bytes(answer.body))
        )
        tags = subscription.tags_set  # brokers compare hashes
        found = [
            PulledMessage(one, answer.min_offset, answer.max_offset)
            for one in messages
            if not tags or one.tags in tags
        ]
        return PullBatch(_STATUS[answer.code], found, answer.next_begin_offset)

    # --- all that a topic holds

    async def messages(self, topic: str) -> list[tuple[str, StoredMessage]]:
        """Return all messages that a topic holds, with their brokers' names, queue by queue.

        A topic that may not be read, as those of dead letters at first, is made readable. None of a
        topic that isn't there.
        """
        try:
            return [
                (queue.broker_name, one)
                for addr, queue in await self.read_queues(topic)
                for one in await self._held(await self.queue_part(addr, queue))
            ]
        except NoPermission:
            if not await self.make_readable(topic):
                raise
            return await self.messages(topic)

    async def _held(self, part: QueuePart) -> list[StoredMessage]:
        found: list[StoredMessage] = []
        offset = part.min_offset
        while offset < part.max_offset:
            batch = await self.pull_batch(part.addr, part.queue, offset, PULL_NUMS)
            found += [pulled.message.stored for pulled in batch.messages]
            if batch.next_offset <= offset:
                break
            offset = batch.next_offset
        return found

    async def make_readable(self, topic: str) -> bool:
        """Let a topic be read, and return whether that was a change.

        Brokers of 4.9 make the topic of dead letters without the permission to read.

        Raises:
            RouteNotFound: nobody has the topic.
        """
        route = await self.known_route(topic)
        closed = {one.broker_name for one in route.queue_datas if not one.perm & PERM_READ}
        addrs = [
            addr
            for one in route.broker_datas
            if one.broker_name in closed and (addr := one.broker_addrs.get(MASTER_ID))
        ]
        return bool(await self.update_topic_perm(topic, PERM_READ | PERM_WRITE, addrs))
