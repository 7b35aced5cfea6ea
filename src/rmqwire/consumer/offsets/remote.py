"""The offsets of a group, stored at the brokers (Java ``RemoteBrokerOffsetStore``)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.client.tasks import side_by_side
from rmqwire.consumer.offsets.table import OffsetStore
from rmqwire.errors import RmqError, RouteNotFound

if TYPE_CHECKING:
    from collections.abc import Container

    from rmqwire.client.instance import ClientInstance
    from rmqwire.codec.bodies import MessageQueue

logger = logging.getLogger(__name__)


class RemoteBrokerOffsetStore(OffsetStore):
    """Offsets read from and committed to the brokers: a queue's master, any member without one.

    Args:
        group: the consumer group.
        instance: addresses and calls.
    """

    def __init__(self, group: str, instance: ClientInstance) -> None:
        super().__init__()
        self._group = group
        self._instance = instance

    async def load(self) -> None:
        """Read nothing: the brokers are asked for each queue when it is taken over."""

    async def read_from_store(self, queue: MessageQueue) -> int:
        """Ask the broker, and remember its answer.

        Returns:
            the committed offset, NO_OFFSET without one.

        Raises:
            RmqError: the broker didn't say.
        """
        addr = (await self._instance.broker_addr(queue)).addr
        offset = await self._instance.api.query_consumer_offset(addr, self._group, queue)
        self.update(queue, offset)
        return offset

    async def persist(self, queue: MessageQueue) -> None:
        """Commit one queue's offset, oneway; failures are logged, the next commit repairs them."""
        offset = self.get(queue)
        if offset < 0:
            return
        try:
            addr = (await self._instance.broker_addr(queue)).addr
            await self._instance.api.update_consumer_offset(addr, self._group, queue, offset)
        except RmqError as error:
            level = logging.INFO if isinstance(error, RouteNotFound) else logging.WARNING
            logger.log(level, "commit of %s at %d: %s", queue, offset, error)

    async def store(self, queue: MessageQueue, offset: int) -> None:
        """Commit a queue's offset and wait for the broker's answer.

        Raises:
            RmqError: there is none, or the broker refused.
        """
        addr = (await self._instance.broker_addr(queue)).addr
        api = self._instance.api
        await api.update_consumer_offset(addr, self._group, queue, offset, oneway=False)

    async def persist_all(self, queues: Container[MessageQueue]) -> None:
        """Commit the offsets of ``queues`` and forget all others.

        At the same time: a broker that is slow to take them keeps none of the others from leaving.
        """
        for queue in self.of_topic():
            if queue not in queues:
                self.remove(queue)
        await side_by_side(self.persist, self.of_topic())
