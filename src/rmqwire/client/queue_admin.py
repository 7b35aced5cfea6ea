"""Questions about a queue, asked of its master (the offsets of Java's ``MQAdminImpl``).

No trio in here: the instance finds the address, the api asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rmqwire.client.instance import ClientInstance
    from rmqwire.codec.bodies import MessageQueue


class QueueAdmin:
    """What a broker knows of its queues; each call raises RmqError when it doesn't say.

    Args:
        instance: addresses and calls.
    """

    def __init__(self, instance: ClientInstance) -> None:
        self._instance = instance

    async def _addr(self, queue: MessageQueue) -> str:
        return (await self._instance.broker_addr(queue, only_this=True)).addr

    async def max_offset(self, queue: MessageQueue) -> int:
        """Return the index of the next message of a queue."""
        return await self._instance.api.max_offset(await self._addr(queue), queue)

    async def min_offset(self, queue: MessageQueue) -> int:
        """Return the index of the oldest message of a queue."""
        return await self._instance.api.min_offset(await self._addr(queue), queue)

    async def search_offset(self, queue: MessageQueue, timestamp: int) -> int:
        """Return the index of the first message stored at ``timestamp`` (ms) or later."""
        addr = await self._addr(queue)
        return await self._instance.api.search_offset(addr, queue, timestamp)

    async def earliest_msg_store_time(self, queue: MessageQueue) -> int:
        """Return when the oldest message of a queue was stored, ms since the epoch."""
        return await self._instance.api.earliest_store_time(await self._addr(queue), queue)
