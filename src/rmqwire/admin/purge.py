"""``purgeTopic``, a verb of our own: every group of a topic skips what the topic holds.

RocketMQ can't remove messages from a topic that stays. What it can do is let each group go on behind the
last one, and that is what a purge is here: the groups' offsets move to the end of each queue, as
``skipAccumulatedMessage`` does it for one group. Nothing is removed from the log, so the topic, its
producers and its consumers work on meanwhile; a group that comes later and begins at the first message
still finds them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from rmqwire.admin.offset import TO_THE_END
from rmqwire.admin.progress import ProgressVerbs
from rmqwire.admin.topic import TopicVerbs
from rmqwire.broker_errors import BrokerSystemError, ConsumerNotOnline, SubscriptionGroupNotExist
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers import ResetOffsetRequestHeader
from rmqwire.errors import RouteNotFound

if TYPE_CHECKING:
    from rmqwire.codec.bodies import MessageQueue

REMOVED: Final = "the group was removed there; only its offsets are left"
BROADCASTS: Final = "it broadcasts: its members keep their offsets themselves"


@dataclass(frozen=True, slots=True)
class QueueSkip:
    """What a group skips of one queue; offsets are indexes of messages.

    Args:
        queue: which.
        before: the group's next message before; None when it had none.
        after: its next message now.
    """

    queue: MessageQueue
    before: int | None
    after: int

    @property
    def skipped(self) -> int:
        """Messages; of a group without an offset all up to the new one, it might have begun anywhere."""
        return max(self.after - (self.before or 0), 0)


@dataclass(frozen=True, slots=True)
class GroupSkip:
    """What a group skips at one broker.

    Args:
        group: which.
        broker_addr: the broker's address.
        queues: those it skips something of.
        not_reached: why its offsets are not moved; None when they are.
    """

    group: str
    broker_addr: str
    queues: list[QueueSkip]
    not_reached: str | None = None

    @property
    def skipped(self) -> int:
        """Messages."""
        return sum(one.skipped for one in self.queues)


class PurgeVerbs(ProgressVerbs, TopicVerbs):
    """What lets groups skip a topic."""

    async def purge_plan(self, topic: str) -> list[GroupSkip]:
        """Return what ``purge_topic`` would do now.

        Args:
            topic: which; retries are a topic of their own, ``%RETRY%`` and the group.

        Raises:
            RouteNotFound: nobody has the topic.
        """
        queues: dict[str, list[MessageQueue]] = {}
        for addr, queue in await self.read_queues(topic):
            queues.setdefault(addr, []).append(queue)
        if not queues:
            raise RouteNotFound(f"No route info of this topic: {topic}")
        return [
            await self._plan(addr, group, held)
            for addr, held in queues.items()
            for group in sorted(await self.groups_at(addr, topic))
        ]

    async def _plan(self, addr: str, group: str, queues: list[MessageQueue]) -> GroupSkip:
        if await self._broadcasts(addr, group):
            return GroupSkip(group, addr, [], BROADCASTS)
        progress = [await self._progress(addr, group, queue) for queue in queues]
        skips = [
            QueueSkip(one.queue, one.committed, max(one.max_offset, one.committed or 0))
            for one in progress
        ]
        return GroupSkip(group, addr, skips)

    async def _broadcasts(self, addr: str, group: str) -> bool:
        try:
            return (await self.consumer_connection(group, addr)).message_model == "BROADCASTING"
        except ConsumerNotOnline:
            return False

    async def purge_topic(self, topic: str) -> list[GroupSkip]:
        """Let every group of a topic skip what it holds, and return what they skip.

        Messages that come meanwhile may be skipped too. Those that wait for their time elsewhere,
        delayed ones and retries, are delivered all the same.

        Args:
            topic: which.

        Raises:
            RouteNotFound: nobody has the topic.
        """
        return [
            skip if skip.not_reached is not None else await self._skip(topic, skip)
            for skip in await self.purge_plan(topic)
        ]

    async def _skip(self, topic: str, skip: GroupSkip) -> GroupSkip:
        try:
            await self._move(topic, skip)
        except SubscriptionGroupNotExist:
            return replace(skip, queues=[], not_reached=REMOVED)
        return skip

    async def _move(self, topic: str, skip: GroupSkip) -> None:
        """Move a group's offsets at a broker: the members' too, where a broker of 4.9 tells them."""
        header = ResetOffsetRequestHeader(
            topic=topic, group=skip.group, timestamp=TO_THE_END, is_force=True
        )
        code = RequestCode.INVOKE_BROKER_TO_RESET_OFFSET
        try:
            await self._ask(skip.broker_addr, code, header)
        except ConsumerNotOnline:
            await self._commit(skip)
        except BrokerSystemError:
            # 4.9 moves no group that has no offset yet in one of the queues.
            await self._commit(skip)
            await self._ask(skip.broker_addr, code, header)

    async def _commit(self, skip: GroupSkip) -> None:
        for one in skip.queues:
            await self._api.update_consumer_offset(
                skip.broker_addr, skip.group, one.queue, one.after, oneway=False
            )
