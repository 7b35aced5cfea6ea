"""What a test does at a running cluster over the wire: the same at ours and at Java's."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import trio

from rmqwire.admin.admin import Admin
from rmqwire.client.message_ext import MessageExt
from rmqwire.codec.bodies import SubscriptionGroupConfig, TopicConfig
from rmqwire.codec.message_const import DLQ_GROUP_TOPIC_PREFIX, RETRY_GROUP_TOPIC_PREFIX
from rmqwire.codec.names import is_system_topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rmqwire.admin.progress import QueueProgress
    from rmqwire.client.api import Remoting
    from rmqwire.codec.bodies import MessageQueue

POLL_S = 0.01
ROUTE_S = 10.0  # a Java broker tells the name server of a new topic at once


class View:
    """One cluster, asked and changed by its administrators' requests.

    Args:
        remoting: carries them.
        namesrv_addr: ``host:port`` of its name server.

    Methods raise ``RemotingError`` when a server doesn't answer and ``BrokerError`` when it refuses.
    """

    def __init__(self, remoting: Remoting, namesrv_addr: str) -> None:
        self.namesrv_addr = namesrv_addr
        self.admin = Admin(remoting, namesrv_addr)
        self._before: set[str] = set()
        self._forgotten: dict[MessageQueue, int] = {}  # what came before these offsets is gone

    async def open(self) -> None:
        """Wait for a broker, and note which topics are there, for ``reset`` to leave them.

        Raises:
            TimeoutError: the name server knows no master after ten seconds.
        """
        await self.registered()
        self._before = set(await self.admin.topic_list())

    async def registered(self) -> None:
        """Wait until the name server knows a master.

        Raises:
            TimeoutError: it doesn't after ten seconds.
        """
        with _limit(ROUTE_S, lambda: f"{self.namesrv_addr} knows no master"):
            while not await self.admin.masters():  # noqa: ASYNC110  the broker tells it
                await trio.sleep(POLL_S)

    async def create_topic(self, name: str, queues: int = 4, *, attributes: str = "") -> None:
        """Make a topic and wait until clients find it.

        Args:
            name: of the topic.
            queues: to read and to write.
            attributes: of 5.x, such as ``+message.type=FIFO``.

        Raises:
            TimeoutError: the name server doesn't know it after ten seconds.
        """
        config = TopicConfig(
            name, read_queue_nums=queues, write_queue_nums=queues, attributes=_signed(attributes)
        )
        for addr in await self.admin.masters():
            await self.admin.update_topic(addr, config)
        with _limit(ROUTE_S, lambda: f"no route of {name}"):
            while await self.admin.topic_route(name) is None:  # noqa: ASYNC110  the broker tells it
                await trio.sleep(POLL_S)

    async def create_group(
        self, name: str, *, retry_max_times: int = 16, attributes: str = ""
    ) -> None:
        """Make a consumer group; one that isn't made is, with 16 retries, when it first consumes.

        Args:
            name: of the group.
            retry_max_times: deliveries after the first.
            attributes: of 5.x, such as ``+lite.bind.topic=Orders``.
        """
        config = SubscriptionGroupConfig(
            group_name=name, retry_max_times=retry_max_times, attributes=_signed(attributes)
        )
        for addr in await self.admin.masters():
            await self.admin.update_sub_group(addr, config)

    async def messages(self, topic: str) -> list[MessageExt]:
        """Return all messages that a topic holds, queue by queue; none of a topic that isn't there."""
        found = [MessageExt.of(one, broker) for broker, one in await self.admin.messages(topic)]
        return [one for one in found if one.queue_offset >= self._forgotten.get(one.queue, 0)]

    async def dlq(self, group: str) -> list[MessageExt]:
        """Return the dead letters of a group; their topic becomes readable with that."""
        return await self.messages(DLQ_GROUP_TOPIC_PREFIX + group)

    async def lag(self, group: str, topic: str) -> int:
        """Return how many messages of a topic a group has not consumed, its retries included.

        Raises:
            RouteNotFound: there is no such topic.
        """
        return sum(one.lag for one in await self._progress(group, topic))

    async def _progress(self, group: str, topic: str) -> list[QueueProgress]:
        found = await self.admin.queue_progress(group, topic)
        retry = RETRY_GROUP_TOPIC_PREFIX + group
        if await self.admin.topic_route(retry) is not None:
            found += await self.admin.queue_progress(group, retry)
        return found

    async def wait_consumed(self, group: str, topic: str, timeout_s: float = 10.0) -> None:
        """Wait until a group has consumed a topic and committed that.

        Clients commit every five seconds (``persist_consumer_offset_interval``), and when they stop.

        Raises:
            TimeoutError: it hasn't; the text has each queue that lags.
            RouteNotFound: there is no such topic.
        """
        behind: list[QueueProgress] = []
        with _limit(timeout_s, lambda: f"{group} has not consumed {_told(behind)}"):
            while True:
                behind = [one for one in await self._progress(group, topic) if one.lag]
                if not behind:
                    return
                await trio.sleep(POLL_S)

    async def reset(self) -> None:
        """Remove all topics and groups that were made since the start.

        Brokers refuse to remove a topic of the system, such as that of traces: what it holds is
        shown no more.
        """
        for topic in await self.admin.topic_list():
            if topic in self._before:
                continue
            if is_system_topic(topic):
                await self._forget(topic)
                continue
            await self.admin.delete_topic(topic)
            if topic.startswith(RETRY_GROUP_TOPIC_PREFIX):
                for addr in await self.admin.masters():
                    group = topic.removeprefix(RETRY_GROUP_TOPIC_PREFIX)
                    await self.admin.delete_sub_group(addr, group)

    async def _forget(self, topic: str) -> None:
        for addr, queue in await self.admin.read_queues(topic):
            part = await self.admin.queue_part(addr, queue)
            self._forgotten[queue] = part.max_offset


@contextmanager
def _limit(seconds: float, reason: Callable[[], str]) -> Iterator[None]:
    """Give a wait so long; then say why it was not over."""
    try:
        with trio.fail_after(seconds):
            yield
    except trio.TooSlowError:
        raise TimeoutError(f"{reason()}, waited {seconds:g} s") from None


def _told(behind: list[QueueProgress]) -> str:
    return ", ".join(
        f"{one.queue.topic}/{one.queue.queue_id}: {one.lag} of {one.max_offset}" for one in behind
    )


def _signed(attributes: str) -> dict[str, str]:
    """Return attributes as they are sent: ``+name`` -> value."""
    return dict(one.partition("=")[::2] for one in attributes.split(",") if one)
