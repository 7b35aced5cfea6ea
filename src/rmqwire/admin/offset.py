"""Offsets of consumer groups, moved (mqadmin's ``offset``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.admin.progress import ProgressVerbs
from rmqwire.client.route_table import any_addr
from rmqwire.codec.bodies import (
    GetConsumerStatusBody,
    MessageQueue,
    ResetOffsetBody,
    RollbackStats,
    TopicStatsTable,
)
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers import (
    GetConsumerStatusRequestHeader,
    GetTopicStatsInfoRequestHeader,
    ResetOffsetRequestHeader,
)
from rmqwire.codec.message_const import LMQ_PREFIX, TIMER_TOPIC

if TYPE_CHECKING:
    from rmqwire.codec.bodies import QueueData

TO_THE_END: Final = -1  # a timestamp: behind the last message
NO_OFFSET_ASKED: Final = -1  # MQClientAPIImpl: the time decides, not an offset


class OffsetVerbs(ProgressVerbs):
    """What moves the offsets of groups."""

    async def reset_offset_by_time(
        self,
        group: str,
        topic: str,
        timestamp_ms: int,
        *,
        force: bool = True,
        cluster: str | None = None,
    ) -> dict[MessageQueue, int]:
        """Let a group that is online go on at a time, and return where (``resetOffsetByTime``).

        Its members are told by their brokers; from 5.x on the brokers do it for any group.

        Args:
            group: its name.
            topic: in this topic.
            timestamp_ms: ms since the epoch; ``TO_THE_END``: behind the last message.
            force: forwards too; False: only back.
            cluster: of a light queue, the parent topic whose route leads to it.

        Raises:
            RouteNotFound: no broker has the topic.
            ConsumerNotOnline: the group has no members: ``reset_offset_by_time_old`` does it.
            BrokerError: a broker refuses.
        """
        header = ResetOffsetRequestHeader(
            topic=topic,
            group=group,
            timestamp=timestamp_ms,
            is_force=force,
            offset=NO_OFFSET_ASKED,
        )
        moved: dict[MessageQueue, int] = {}
        for addr in await self._addrs_of(_route_topic(topic, cluster)):
            answer = await self._ask(addr, RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, header)
            if answer.body:
                moved |= ResetOffsetBody.decode(answer.body, self._release).offset_table
        return moved

    async def reset_offset_of_queue(
        self, addr: str, group: str, topic: str, queue_id: int, offset: int
    ) -> None:
        """Let a group go on at an offset of one queue of a broker of 5.x.

        Raises:
            BrokerError: the broker refuses.
        """
        queue = MessageQueue(topic, "", queue_id)
        await self._api.update_consumer_offset(addr, group, queue, offset, oneway=False)
        header = ResetOffsetRequestHeader(
            topic=topic, group=group, queue_id=queue_id, offset=offset
        )
        await self._ask(addr, RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, header)

    async def reset_offset_by_time_old(
        self,
        group: str,
        topic: str,
        timestamp_ms: int,
        *,
        force: bool = True,
        cluster: str | None = None,
    ) -> list[RollbackStats]:
        """Write a group's offsets for a time into its brokers (``resetOffsetByTimeOld``).

        Members that run keep what they have in mind, and write it over this.

        Args:
            group: its name.
            topic: in this topic.
            timestamp_ms: ms since the epoch; ``TO_THE_END``: behind the last message.
            force: forwards too; False: only back.
            cluster: of a light queue, the parent topic whose route leads to it.

        Raises:
            RouteNotFound: no broker has the topic.
            BrokerError: a broker refuses.
        """
        route = await self._route(_route_topic(topic, cluster))
        queues = {one.broker_name: one for one in route.queue_datas}
        found: list[RollbackStats] = []
        for broker in route.broker_datas:
            addr = any_addr(broker)
            if addr is None:
                continue
            offsets = await self._offsets_at(addr, group, topic, queues.get(broker.broker_name))
            for queue, (end, consumed) in sorted(offsets.items()):
                target = await self._offset_at(addr, queue, timestamp_ms)
                moved = force or target <= consumed
                if moved:
                    await self._api.update_consumer_offset(addr, group, queue, target, oneway=False)
                at = (end, consumed, target, target if moved else consumed)
                found.append(RollbackStats(queue.broker_name, queue.queue_id, *at))
        return found

    async def _offsets_at(
        self, addr: str, group: str, topic: str, queues: QueueData | None
    ) -> dict[MessageQueue, tuple[int, int]]:
        """Return the end of each queue of a broker, and the group's offset in it."""
        stats = await self._stats_of(addr, group)
        found = {
            queue: (one.broker_offset, one.consumer_offset)
            for queue, one in stats.offset_table.items()
            if queue.topic == topic
        }
        if found or queues is None:
            return found
        header = GetTopicStatsInfoRequestHeader(topic=topic)
        answer = await self._ask(addr, RequestCode.GET_TOPIC_STATS_INFO, header)
        ends = TopicStatsTable.decode(answer.body, self._release).offset_table
        return {
            queue: (one.max_offset, one.min_offset)
            for queue, one in ends.items()
            if queue.queue_id < queues.read_queue_nums
        }

    async def _offset_at(self, addr: str, queue: MessageQueue, timestamp_ms: int) -> int:
        if timestamp_ms == TO_THE_END:
            return await self._api.max_offset(addr, queue)
        return await self._api.search_offset(addr, queue, timestamp_ms)

    async def search_offset(self, addr: str, topic: str, queue_id: int, timestamp_ms: int) -> int:
        """Return the index of a queue's first message stored at a time or later."""
        return await self._offset_at(addr, MessageQueue(topic, "", queue_id), timestamp_ms)

    async def skip_accumulated_message(
        self, group: str, topic: str, *, force: bool = True, cluster: str | None = None
    ) -> dict[MessageQueue, int]:
        """Let a group that is online go on behind the last message (``skipAccumulatedMessage``).

        Raises:
            ConsumerNotOnline: the group has no members: ``reset_offset_by_time_old`` does it.
            BrokerError: a broker refuses.
        """
        return await self.reset_offset_by_time(
            group, topic, TO_THE_END, force=force, cluster=cluster
        )

    async def clone_group_offset(
        self, source: str, destination: str, topic: str
    ) -> dict[MessageQueue, int]:
        """Give a group the offsets that another has in a topic, and return them (``cloneGroupOffset``).

        Unlike mqadmin's, which copies those of all topics of the group, whatever topic it is told.

        Raises:
            RouteNotFound: no broker has the topic.
            BrokerError: a broker refuses.
        """
        route = await self._route(topic)
        cloned: dict[MessageQueue, int] = {}
        for broker in route.broker_datas:
            addr = any_addr(broker)
            if addr is None:
                continue
            stats = await self._stats_of(addr, source, topic)
            for queue, one in sorted(stats.offset_table.items()):
                if queue.topic == topic and one.consumer_offset >= 0:
                    await self._api.update_consumer_offset(
                        addr, destination, queue, one.consumer_offset, oneway=False
                    )
                    cloned[queue] = one.consumer_offset
        return cloned

    async def get_consumer_status(
        self, group: str, topic: str, client_id: str = ""
    ) -> dict[str, dict[MessageQueue, int]]:
        """Return the offsets that the members of a group have in mind (``getConsumerStatus``).

        Args:
            group: its name.
            topic: in this topic.
            client_id: of this member alone; empty: of all.

        Raises:
            RouteNotFound: no broker has the topic.
            BrokerError: the group has no members.
        """
        header = GetConsumerStatusRequestHeader(topic=topic, group=group, client_addr=client_id)
        addr = (await self._addrs_of(topic))[0]
        code = RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS
        answer = await self._ask(addr, code, header)
        if not answer.body:
            return {}
        return GetConsumerStatusBody.decode(answer.body, self._release).consumer_table


def _route_topic(topic: str, cluster: str | None) -> str:
    """Return the topic whose route leads to the queues of this one."""
    if cluster and (topic.startswith(LMQ_PREFIX) or topic == TIMER_TOPIC):
        return cluster
    return topic
