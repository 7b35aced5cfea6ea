"""A look at a consumer group as mqadmin's ``startMonitoring`` takes it (``MonitorService``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmqwire.admin.message_pull import MessagePullVerbs
from rmqwire.admin.offset import OffsetVerbs
from rmqwire.admin.running_info import stuck_queues, subscriptions_agree

if TYPE_CHECKING:
    from rmqwire.admin.progress import QueueConsumption


@dataclass(frozen=True, slots=True)
class UndoneMessages:
    """What a group has not consumed of a topic (``UndoneMsgs``).

    Args:
        consumer_group: the group.
        topic: the topic.
        undone_msgs_total: messages, of all queues.
        undone_msgs_single_mq: messages of the queue that has most.
        undone_msgs_delay_time_mills: ms between the last message consumed and the last one stored,
            of the queue where it is longest.
    """

    consumer_group: str
    topic: str
    undone_msgs_total: int
    undone_msgs_single_mq: int
    undone_msgs_delay_time_mills: int


@dataclass(frozen=True, slots=True)
class MembersReport:
    """What is wrong with the members of a group.

    Args:
        consumer_group: the group.
        subscriptions_agree: all of them subscribe to the same.
        stuck: a line for each queue that isn't consumed.
    """

    consumer_group: str
    subscriptions_agree: bool
    stuck: list[str]


class MonitorVerbs(OffsetVerbs, MessagePullVerbs):
    """What is asked again and again."""

    async def undone_messages(self, group: str) -> list[UndoneMessages]:
        """Return what a group that is online has not consumed, by topic.

        Raises:
            RouteNotFound: no broker has the group.
            BrokerError: it is offline, or it is broadcast to.
        """
        await self.consumer_connection(group)
        queues: dict[str, list[QueueConsumption]] = {}
        for one in (await self.consumer_progress(group)).queues:
            queues.setdefault(one.queue.topic, []).append(one)
        return [
            UndoneMessages(
                group,
                topic,
                sum(max(one.diff, 0) for one in found),
                max(0, *(one.diff for one in found)),
                await self._longest_delay(topic, found),
            )
            for topic, found in sorted(queues.items())
        ]

    async def _longest_delay(self, topic: str, queues: list[QueueConsumption]) -> int:
        addrs = {queue: addr for addr, queue in await self.read_queues(topic)}
        delays = [0]
        for one in queues:
            addr = addrs.get(one.queue)
            if addr is not None and one.last_timestamp > 0 and one.broker_offset > 0:
                last_ms = await self._last_stored(addr, one)
                delays.append(0 if last_ms is None else last_ms - one.last_timestamp)
        return max(delays)

    async def _last_stored(self, addr: str, one: QueueConsumption) -> int | None:
        """Return when a queue's last message was stored, ms since the epoch; None: it is gone."""
        batch = await self.pull_batch(addr, one.queue, one.broker_offset - 1, 1)
        return batch.messages[0].message.store_timestamp if batch.messages else None

    async def members_report(self, group: str, wall_ms: int) -> MembersReport:
        """Return what is wrong with the members of a group by what they tell.

        Args:
            group: its name.
            wall_ms: now, ms since the epoch.

        Raises:
            RouteNotFound: no broker has the group.
            BrokerError: it is offline.
        """
        members = await self.consumer_status(group)
        told = {one.connection.client_id: one.info for one in members if one.info is not None}
        stuck = [
            line
            for client_id, info in sorted(told.items())
            for line in stuck_queues(client_id, info, wall_ms)
        ]
        return MembersReport(group, not told or subscriptions_agree(told, wall_ms), stuck)
