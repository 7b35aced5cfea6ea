"""How far consumer groups have come (mqadmin's ``consumerProgress``)."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from rmqwire.admin.connection import ConnectionVerbs
from rmqwire.broker_errors import BroadcastConsumption, ConsumerNotOnline
from rmqwire.client.api import NO_OFFSET
from rmqwire.codec.bodies import ConsumeStats, TopicList
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.headers import GetConsumeStatsRequestHeader
from rmqwire.codec.message_const import (
    LMQ_PREFIX,
    RETRY_GROUP_TOPIC_PREFIX,
    TIMER_TOPIC,
    retry_topic,
)
from rmqwire.codec.pop import pop_retry_topic
from rmqwire.errors import BrokerError, RemotingError, RouteNotFound

if TYPE_CHECKING:
    from rmqwire.codec.bodies import ConsumerConnection, MessageQueue

logger = logging.getLogger(__name__)

STATS_TIMEOUT_MS: Final = 15_000  # examineConsumeStats: three times the usual
_NO_STATS: Final = (
    "Not found the consumer group consume stats, because return offset table is empty"
)
_ABSENT: Final = (BrokerError, RemotingError, RouteNotFound)


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


@dataclass(frozen=True, slots=True)
class QueueConsumption:
    """One queue of a group as its broker counts it; offsets are indexes of messages.

    Args:
        queue: which.
        broker_offset: the next message to come.
        consumer_offset: the next message of the group.
        pull_offset: the next that it will pull, as far as its broker knows.
        last_timestamp: when the last message consumed was stored, ms since the epoch; 0: unknown.
        client: the host that consumes it; None: not asked for.
    """

    queue: MessageQueue
    broker_offset: int
    consumer_offset: int
    pull_offset: int
    last_timestamp: int
    client: str | None = None

    @property
    def diff(self) -> int:
        """Messages that are not consumed."""
        return self.broker_offset - self.consumer_offset

    @property
    def inflight(self) -> int:
        """Messages pulled and not consumed."""
        return self.pull_offset - self.consumer_offset


@dataclass(frozen=True, slots=True)
class ConsumerProgress:
    """A group in all its queues.

    Args:
        group: its name.
        tps: messages consumed a second.
        queues: sorted by topic, broker and id.
    """

    group: str
    tps: float
    queues: list[QueueConsumption] = field(default_factory=list)

    @property
    def diff_total(self) -> int:
        """Messages that are not consumed."""
        return sum(one.diff for one in self.queues)

    @property
    def inflight_total(self) -> int:
        """Messages pulled and not consumed."""
        return sum(one.inflight for one in self.queues)


@dataclass(frozen=True, slots=True)
class GroupSummary:
    """A consumer group in a line (``GroupConsumeInfo``).

    Args:
        group: its name.
        count: its members; 0: it is offline.
        version: ordinal of the oldest member's release.
        consume_type: ``CONSUME_ACTIVELY`` or ``CONSUME_PASSIVELY``; None: offline.
        message_model: ``CLUSTERING`` or ``BROADCASTING``; None: offline.
        tps: messages consumed a second.
        diff_total: messages not consumed, of all its queues.
    """

    group: str
    count: int = 0
    version: int = 0
    consume_type: str | None = None
    message_model: str | None = None
    tps: int = 0
    diff_total: int = 0


class ProgressVerbs(ConnectionVerbs):
    """What is asked about the offsets of groups."""

    async def consumer_progress(
        self,
        group: str,
        topic: str | None = None,
        *,
        cluster: str | None = None,
        show_clients: bool = False,
    ) -> ConsumerProgress:
        """Return how far a group is with its queues (``consumerProgress -g``).

        Args:
            group: its name.
            topic: with this topic alone; None: with all.
            cluster: of a light queue, the parent topic whose route leads to it.
            show_clients: with the host that consumes each queue.

        Raises:
            RouteNotFound: no broker has the group.
            ConsumerNotOnline: it has no offsets and no members.
            BroadcastConsumption: it is broadcast to: its members keep their offsets themselves.
        """
        stats = await self._consume_stats(group, topic, cluster)
        clients = await self._queue_clients(group) if show_clients else None
        queues = [
            QueueConsumption(
                queue,
                one.broker_offset,
                one.consumer_offset,
                one.pull_offset,
                one.last_timestamp,
                None if clients is None else clients.get(queue, "N/A"),
            )
            for queue, one in sorted(stats.offset_table.items())
        ]
        return ConsumerProgress(group, stats.consume_tps, queues)

    async def group_summaries(self) -> list[GroupSummary]:
        """Return one line for each group that has a retry topic (``consumerProgress``)."""
        answer = await self._ask_namesrv(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER)
        topics = TopicList.decode(answer.body, self._release).topic_list
        groups = dict.fromkeys(
            topic.removeprefix(RETRY_GROUP_TOPIC_PREFIX).partition("+")[0]
            for topic in topics
            if topic.startswith(RETRY_GROUP_TOPIC_PREFIX)
        )
        return [await self._summary(group) for group in groups]

    async def queue_progress(self, group: str, topic: str) -> list[QueueProgress]:
        """Return how far a group is with each queue of a topic, also with those it never read.

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

    async def _consume_stats(
        self, group: str, topic: str | None = None, cluster: str | None = None
    ) -> ConsumeStats:
        topics = [retry_topic(group)]
        if topic is not None:
            topics += [topic, pop_retry_topic(topic, group)]
            if cluster and (topic.startswith(LMQ_PREFIX) or topic == TIMER_TOPIC):
                topics.append(cluster)
        found = ConsumeStats()
        for addr in await self._addrs_of(*topics):
            stats = await self._stats_of(addr, group, topic)
            found.offset_table.update(stats.offset_table)
            found.consume_tps += stats.consume_tps
        if not found.offset_table:
            await self._explain_no_offsets(group)
        return found

    async def _stats_of(self, addr: str, group: str, topic: str | None = None) -> ConsumeStats:
        header = GetConsumeStatsRequestHeader(consumer_group=group, topic=topic)
        code = RequestCode.GET_CONSUME_STATS
        answer = await self._ask(addr, code, header, timeout_ms=STATS_TIMEOUT_MS)
        return ConsumeStats.decode(answer.body, self._release)

    async def _explain_no_offsets(self, group: str) -> None:
        try:
            members = await self.consumer_connection(group)
        except _ABSENT:
            remark = f"{_NO_STATS}, maybe the consumer not online"
            raise ConsumerNotOnline(int(ResponseCode.CONSUMER_NOT_ONLINE), remark) from None
        if members.message_model == "BROADCASTING":
            remark = f"{_NO_STATS}, the consumer is under the broadcast mode"
            raise BroadcastConsumption(int(ResponseCode.BROADCAST_CONSUMPTION), remark)

    async def _queue_clients(self, group: str) -> dict[MessageQueue, str]:
        """Return the host of the member that holds each queue; without those that don't tell."""
        found: dict[MessageQueue, str] = {}
        try:
            members = await self.consumer_status(group)
        except _ABSENT as error:
            logger.info("nobody is asked for the queues of %s: %s", group, error)
            return found
        for one in members:
            if one.info is not None:
                host = one.connection.client_id.partition("@")[0]
                found.update(dict.fromkeys(one.info.mq_table, host))
        return found

    async def _summary(self, group: str) -> GroupSummary:
        stats, members = None, None
        try:
            stats = await self._consume_stats(group)
        except _ABSENT as error:
            logger.info("no offsets of %s: %s", group, error)
        try:
            members = await self.consumer_connection(group)
        except _ABSENT as error:
            logger.info("no members of %s: %s", group, error)
        return summary_of(group, stats, members)


def summary_of(
    group: str, stats: ConsumeStats | None, members: ConsumerConnection | None
) -> GroupSummary:
    """Return a group's line.

    Args:
        group: its name.
        stats: its offsets; None: it has none.
        members: None: it is offline.
    """
    tps, diff = 0, 0
    if stats is not None:
        tps = int(stats.consume_tps)
        diff = sum(one.broker_offset - one.consumer_offset for one in stats.offset_table.values())
    if members is None:
        return GroupSummary(group, tps=tps, diff_total=diff)
    versions = [one.version for one in members.connection_set]
    return GroupSummary(
        group,
        len(versions),
        min(versions, default=0),
        members.consume_type,
        members.message_model,
        tps,
        diff,
    )
