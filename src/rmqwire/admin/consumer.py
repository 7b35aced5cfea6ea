"""Consumer groups: made, removed, and how far they are (mqadmin's ``consumer``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmqwire.admin.asking import Asking
from rmqwire.client.api import NO_OFFSET
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers import DeleteSubscriptionGroupRequestHeader
from rmqwire.errors import RouteNotFound

if TYPE_CHECKING:
    from rmqwire.codec.bodies import MessageQueue, SubscriptionGroupConfig


@dataclass(frozen=True, slots=True)
class QueueProgress:
    """How far a group is with one queue; offsets are indexes of messages.

    Args:
        queue: which.
        committed: the next message of the group; None when it has none yet.
        min_offset: the oldest message of the queue.
        max_offset: the next message to come.
    """

    queue: MessageQueue
    committed: int | None
    min_offset: int
    max_offset: int

    @property
    def lag(self) -> int:
        """Messages that the group has not consumed."""
        first = self.min_offset if self.committed is None else self.committed
        return max(self.max_offset - first, 0)


class ConsumerVerbs(Asking):
    """What is asked about consumer groups."""

    async def update_sub_group(self, addr: str, config: SubscriptionGroupConfig) -> None:
        """Make a consumer group at a broker, or change it (``updateSubGroup``)."""
        code = RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP
        await self._ask(addr, code, body=config.encode(self._release))

    async def delete_sub_group(self, addr: str, group: str) -> None:
        """Remove a consumer group and its offsets from a broker (``deleteSubGroup``)."""
        header = DeleteSubscriptionGroupRequestHeader(
            group_name=group, clean_offset=True, remove_offset=True
        )
        await self._ask(addr, RequestCode.DELETE_SUBSCRIPTIONGROUP, header)

    async def consumer_progress(self, group: str, topic: str) -> list[QueueProgress]:
        """Return how far a group is with each queue of a topic (``consumerProgress``).

        Raises:
            RouteNotFound: no broker has the topic.
        """
        queues = await self.read_queues(topic)
        if not queues:
            raise RouteNotFound(f"No route info of this topic: {topic}")
        return [await self._progress(addr, group, queue) for addr, queue in queues]

    async def _progress(self, addr: str, group: str, queue: MessageQueue) -> QueueProgress:
        committed = await self._api.query_consumer_offset(addr, group, queue)
        return QueueProgress(
            queue,
            None if committed == NO_OFFSET else committed,
            await self._api.min_offset(addr, queue),
            await self._api.max_offset(addr, queue),
        )
