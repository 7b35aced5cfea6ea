"""``drainBroker``, a verb of our own: take a broker out of use without losing a message.

The broker is closed to producers (``brokerPermission`` 4: name servers tell them to send elsewhere) and goes
on serving what it has. It can go when each group has consumed all of it, nothing waits for its time any
more, and every producer has had time to ask for the new route: a broker refuses nobody for this
permission, but for topics with ``order``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rmqwire.admin.broker import BrokerVerbs
from rmqwire.admin.topic import TopicVerbs
from rmqwire.codec.bodies import MessageQueue, TopicConfigSerializeWrapper
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.message_const import (
    CID_SYS_RMQ_TRANS,
    RMQ_SYS_SCHEDULE_TOPIC,
    RMQ_SYS_TRANS_HALF_TOPIC,
)
from rmqwire.codec.names import is_system_topic
from rmqwire.codec.sys_flag import PERM_READ, PERM_WRITE
from rmqwire.errors import BadBody

if TYPE_CHECKING:
    from collections.abc import Collection

PERMISSION: Final = "brokerPermission"
DRAINING: Final = PERM_READ
IN_USE: Final = PERM_READ | PERM_WRITE
ROUTE_PERIOD_S: Final = 30.0  # pollNameServerInterval of clients
DELIVERED: Final = "scheduleMessageOffset_"  # and the level: "delivered,stored"
TIMERS: Final = "timerCongestNum"


@dataclass(frozen=True, slots=True)
class GroupLag:
    """What a group has not consumed of a topic at one broker.

    Args:
        group: which.
        topic: of it; its retry topic is one of its own.
        lag: messages.
    """

    group: str
    topic: str
    lag: int


@dataclass(frozen=True, slots=True)
class DrainStatus:
    """How far a broker is from being empty.

    Args:
        broker_addr: which.
        writable: producers are told to send to it.
        lags: groups with messages to consume, by name.
        delayed: messages that wait for a delay level: retries too.
        timers: messages that wait for a time of their own (5.x).
    """

    broker_addr: str
    writable: bool
    lags: list[GroupLag]
    delayed: int
    timers: int

    @property
    def left(self) -> int:
        """Messages that somebody is still to get; one counts once for each group."""
        return sum(one.lag for one in self.lags) + self.delayed + self.timers

    @property
    def drained(self) -> bool:
        """Whether nothing is left; it can go when producers have asked for routes since it was closed."""
        return not self.writable and self.left == 0


class DrainVerbs(BrokerVerbs, TopicVerbs):
    """What empties a broker."""

    async def drain_broker(self, addr: str) -> None:
        """Close a broker to producers; ``drain_status`` tells when nothing is left of it.

        It stays so, over restarts too, until ``undrain_broker``.
        """
        await self.update_broker_config(addr, {PERMISSION: str(DRAINING)})

    async def undrain_broker(self, addr: str) -> None:
        """Open a broker to producers again."""
        await self.update_broker_config(addr, {PERMISSION: str(IN_USE)})

    async def drain_status(self, addr: str, *, ignored: Collection[str] = ()) -> DrainStatus:
        """Return who still has messages to consume at a broker.

        A group counts from its first committed offset on, one that broadcasts doesn't: its members
        keep their offsets themselves. A message that was popped counts as consumed.

        Args:
            addr: which broker.
            ignored: groups that are not waited for.
        """
        held = await self.get_broker_config(addr)
        levels = len(held.get("messageDelayLevel", "").split())
        delayed, timers = await self._waiting(addr, levels)
        lags = await self._lags(addr, ignored)
        # A retry goes from a group's lag to a delay level, for a second at least, or back meanwhile.
        delayed_after, timers_after = await self._waiting(addr, levels)
        return DrainStatus(
            addr,
            bool(_number(PERMISSION, held.get(PERMISSION, str(IN_USE))) & PERM_WRITE),
            lags,
            max(delayed, delayed_after),
            max(timers, timers_after),
        )

    async def _waiting(self, addr: str, levels: int) -> tuple[int, int]:
        """Return how many messages wait for a delay level, and for a time of their own."""
        figures = await self.broker_status(addr)
        delayed = 0
        for level in range(1, levels + 1):
            # A level that nothing was ever delivered of has no figure: its queue is asked.
            delivered = figures.get(f"{DELIVERED}{level}", "0").partition(",")[0]
            queue = MessageQueue(RMQ_SYS_SCHEDULE_TOPIC, "", level - 1)
            stored = await self._api.max_offset(addr, queue)
            delayed += max(stored - _number(DELIVERED, delivered), 0)
        return delayed, _number(TIMERS, figures.get(TIMERS, "0"))

    async def _lags(self, addr: str, ignored: Collection[str]) -> list[GroupLag]:
        lags: dict[tuple[str, str], int] = {}
        for row in (await self.broker_consume_stats(addr)).consume_stats_list:
            for group, stats in row.items():
                for queue, ends in ((q, e) for one in stats for q, e in one.offset_table.items()):
                    lag = max(ends.broker_offset - ends.consumer_offset, 0)
                    lags[group, queue.topic] = lags.get((group, queue.topic), 0) + lag
        lags[CID_SYS_RMQ_TRANS, RMQ_SYS_TRANS_HALF_TOPIC] = await self._undecided(addr)
        return [
            GroupLag(group, topic, lag)
            for (group, topic), lag in sorted(lags.items())
            if lag and group not in ignored
        ]

    async def _undecided(self, addr: str) -> int:
        """Return how many half messages the broker has not seen the end of, or has not yet counted."""
        queue = MessageQueue(RMQ_SYS_TRANS_HALF_TOPIC, "", 0)
        seen = await self._api.query_consumer_offset(addr, CID_SYS_RMQ_TRANS, queue)
        return max(await self._api.max_offset(addr, queue) - max(seen, 0), 0)

    async def unread_topics(self, addr: str) -> dict[str, int]:
        """Return the topics of a broker that hold messages and that no group has ever consumed.

        They keep no broker from being drained: nobody is there to wait for. Dead letters are such.
        """
        answer = await self._ask(addr, RequestCode.GET_ALL_TOPIC_CONFIG)
        table = TopicConfigSerializeWrapper.decode(answer.body, self._release).topic_config_table
        found = {}
        for topic in sorted(table):
            if is_system_topic(topic) or await self.groups_at(addr, topic):
                continue
            stats = await self._topic_stats(addr, topic)
            held = sum(ends.max_offset - ends.min_offset for ends in stats.offset_table.values())
            if held:
                found[topic] = held
        return found


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise BadBody(f"{name} is {text!r}, no number")
    return int(text)
