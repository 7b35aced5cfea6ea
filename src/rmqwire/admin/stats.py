"""What brokers count: messages in and out of topics (mqadmin's ``stats``)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmqwire.admin.progress import ProgressVerbs
from rmqwire.admin.topic import TopicVerbs
from rmqwire.codec.bodies import BrokerStatsData
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers import ViewBrokerStatsDataRequestHeader
from rmqwire.codec.message_const import (
    DLQ_GROUP_TOPIC_PREFIX,
    MASTER_ID,
    RETRY_GROUP_TOPIC_PREFIX,
)
from rmqwire.errors import BrokerError, RemotingError, RouteNotFound

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

logger = logging.getLogger(__name__)

TOPIC_PUT_NUMS = "TOPIC_PUT_NUMS"
GROUP_GET_NUMS = "GROUP_GET_NUMS"
_ABSENT = (BrokerError, RemotingError, RouteNotFound)


@dataclass(frozen=True, slots=True)
class Traffic:
    """Messages counted: a second, of the last minute; and of the last 24 hours."""

    tps: float = 0.0
    in_24_hours: int = 0


@dataclass(frozen=True, slots=True)
class TopicStats:
    """What goes into a topic, and out of it to one group.

    Args:
        topic: its name.
        group: which; None: nobody consumes it.
        accumulation: messages that the group has not consumed.
        put: into the topic.
        get: out of it to the group.
    """

    topic: str
    group: str | None
    accumulation: int
    put: Traffic
    get: Traffic


class StatsVerbs(ProgressVerbs, TopicVerbs):
    """What is asked about figures that brokers keep."""

    async def view_broker_stats(self, addr: str, name: str, key: str) -> BrokerStatsData:
        """Return one of a broker's counters over a minute, an hour and a day.

        Args:
            addr: of the broker.
            name: of the kind, such as ``TOPIC_PUT_NUMS``.
            key: the topic, or ``topic@group``.

        Raises:
            SystemError: it has no such counter, as of what wasn't used since it started.
        """
        header = ViewBrokerStatsDataRequestHeader(stats_name=name, stats_key=key)
        answer = await self._ask(addr, RequestCode.VIEW_BROKER_STATS_DATA, header)
        return BrokerStatsData.decode(answer.body, self._release)

    async def stats_all(
        self, topic: str | None = None, *, active: bool = False
    ) -> AsyncGenerator[TopicStats]:
        """Yield the figures of topics and their groups (``statsAll``).

        A topic that nobody tells more of is left out, and a warning is logged.

        Args:
            topic: of this one; None: of all but those of retries and dead letters.
            active: only where a message came or went in 24 hours.
        """
        for name in await self.topic_list():
            if name.startswith((RETRY_GROUP_TOPIC_PREFIX, DLQ_GROUP_TOPIC_PREFIX)):
                continue
            if topic is not None and name != topic:
                continue
            try:
                found = await self._topic_stats_of(name)
            except _ABSENT as error:
                logger.warning("the figures of %s are not known: %s", name, error)
                continue
            for one in found:
                if not active or one.put.in_24_hours or one.get.in_24_hours:
                    yield one

    async def _topic_stats_of(self, topic: str) -> list[TopicStats]:
        route = await self.known_route(topic)
        masters = [addr for one in route.broker_datas if (addr := one.broker_addrs.get(MASTER_ID))]
        groups = await self.groups_of(topic)
        put = await self._traffic(masters, TOPIC_PUT_NUMS, topic)
        if not groups:
            return [TopicStats(topic, None, 0, put, Traffic())]
        return [
            TopicStats(
                topic,
                group,
                await self._accumulation(group, topic),
                put,
                await self._traffic(masters, GROUP_GET_NUMS, f"{topic}@{group}"),
            )
            for group in groups
        ]

    async def _traffic(self, masters: list[str], name: str, key: str) -> Traffic:
        tps, messages = 0.0, 0
        for addr in masters:
            try:
                counter = await self.view_broker_stats(addr, name, key)
            except _ABSENT as error:
                logger.info("%s has no %s of %s: %s", addr, name, key, error)
                continue
            tps += counter.stats_minute.tps if counter.stats_minute else 0.0
            messages += sum_of_24_hours(counter)
        return Traffic(tps, messages)

    async def _accumulation(self, group: str, topic: str) -> int:
        try:
            stats = await self._consume_stats(group, topic)
        except _ABSENT as error:
            logger.info("no offsets of %s in %s: %s", group, topic, error)
            return 0
        lacking = sum(
            one.broker_offset - one.consumer_offset for one in stats.offset_table.values()
        )
        return max(lacking, 0)


def sum_of_24_hours(counter: BrokerStatsData) -> int:
    """Return the messages of the longest span that has some (``compute24HourSum``)."""
    spans = (counter.stats_day, counter.stats_hour, counter.stats_minute)
    return next((span.sum for span in spans if span is not None and span.sum), 0)
