"""How far a group has come (Java ``RemoteBrokerOffsetStore``): kept here, stored at the brokers."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.errors import RmqError, RouteNotFound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Container

    from rmqwire.client.api import ClientApi
    from rmqwire.codec.bodies import MessageQueue

logger = logging.getLogger(__name__)


class OffsetTable:
    """Offsets by queue; a frozen one ignores updates until it is removed."""

    __slots__ = ("_frozen", "_offsets")

    def __init__(self) -> None:
        self._offsets: dict[MessageQueue, int] = {}
        self._frozen: set[MessageQueue] = set()

    def update(self, queue: MessageQueue, offset: int, *, increase_only: bool = False) -> None:
        """Set a queue's offset, unless it is frozen, or would shrink though it may only grow."""
        if queue in self._frozen:
            return
        if increase_only and offset <= self._offsets.get(queue, -1):
            return
        self._offsets[queue] = offset

    def update_and_freeze(self, queue: MessageQueue, offset: int) -> None:
        """Set a queue's offset for good: listeners that finish late don't move it."""
        self._offsets[queue] = offset
        self._frozen.add(queue)

    def get(self, queue: MessageQueue) -> int:
        """Return a queue's offset, -1 without one."""
        return self._offsets.get(queue, -1)

    def remove(self, queue: MessageQueue) -> None:
        """Forget a queue."""
        self._offsets.pop(queue, None)
        self._frozen.discard(queue)

    def of_topic(self, topic: str = "") -> dict[MessageQueue, int]:
        """Return the offsets of a topic, of all topics for ""."""
        return {queue: at for queue, at in self._offsets.items() if topic in {"", queue.topic}}


class RemoteBrokerOffsetStore(OffsetTable):
    """The same, read from and committed to the brokers.

    Args:
        group: the consumer group.
        api: typed calls.
        find_addr: gives the address for a queue; raises RouteNotFound.
    """

    __slots__ = ("_api", "_find_addr", "_group")

    def __init__(
        self, group: str, api: ClientApi, find_addr: Callable[[MessageQueue], Awaitable[str]]
    ) -> None:
        super().__init__()
        self._group = group
        self._api = api
        self._find_addr = find_addr

    async def read_from_store(self, queue: MessageQueue) -> int:
        """Ask the broker, and remember its answer.

        Returns:
            the committed offset, NO_OFFSET without one.

        Raises:
            RmqError: the broker didn't say.
        """
        addr = await self._find_addr(queue)
        offset = await self._api.query_consumer_offset(addr, self._group, queue)
        self.update(queue, offset)
        return offset

    async def persist(self, queue: MessageQueue) -> None:
        """Commit one queue's offset, oneway; failures are logged, the next commit repairs them."""
        offset = self.get(queue)
        if offset < 0:
            return
        try:
            addr = await self._find_addr(queue)
            await self._api.update_consumer_offset(addr, self._group, queue, offset)
        except RmqError as error:
            level = logging.INFO if isinstance(error, RouteNotFound) else logging.WARNING
            logger.log(level, "commit of %s at %d: %s", queue, offset, error)

    async def persist_all(self, queues: Container[MessageQueue]) -> None:
        """Commit the offsets of ``queues`` and forget all others."""
        for queue in self.of_topic():
            if queue in queues:
                await self.persist(queue)
            else:
                self.remove(queue)
