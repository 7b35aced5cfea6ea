"""Counters of what was put and got (``BrokerStatsManager``).

What the hot path counts lies by queue and only adds; it is moved into the items when somebody looks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.broker.stats.items import StatsItem
from rmqwire.broker.stats.names import (
    BROKER_ACK_NUMS,
    BROKER_CK_NUMS,
    BROKER_GET_NUMS,
    BROKER_GET_NUMS_OF_USERS,
    BROKER_PUT_NUMS,
    BROKER_PUT_NUMS_OF_USERS,
    CHANNEL_ACTIVITY,
    FORGOTTEN,
    GROUP_ACK_NUMS,
    GROUP_CK_NUMS,
    GROUP_GET_LATENCY,
    GROUP_GET_NUMS,
    GROUP_GET_SIZE,
    QUEUE_GET_NUMS,
    QUEUE_GET_SIZE,
    QUEUE_PUT_NUMS,
    QUEUE_PUT_SIZE,
    SNDBCK2DLQ_TIMES,
    SNDBCK_PUT_NUMS,
    TOPIC_PUT_LATENCY,
    TOPIC_PUT_NUMS,
    TOPIC_PUT_SIZE,
    keys_of,
)
from rmqwire.codec.message_const import RMQ_SYS_SCHEDULE_TOPIC, SCHEDULE_CONSUMER_GROUP
from rmqwire.codec.names import is_system_topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.store.queues.consume_queue import ConsumeQueue
    from rmqwire.store.queues.queue_tail import Brought
    from rmqwire.store.stats import StoreStats

_SLICE: Final = 256  # queues or counters, some tenths of a millisecond
FORGET_S: Final = 600.0  # between two looks for items at rest
SHORTEST_REST_MINUTES: Final = 10  # maxStatsIdleTimeInMinutes up to it ...
REST_INSTEAD_MINUTES: Final = 30  # ... is this


class _Counts:
    """What was put into a queue, or got from it by a group, since somebody looked."""

    __slots__ = ("count", "ms", "size", "times")

    def __init__(self) -> None:
        self.count = self.ms = self.size = self.times = 0


class BrokerStats:
    """All counters of one broker, by RocketMQ's statistic names and keys.

    Java makes some more tables that nothing of it ever counts in (COMMERCIAL_*, *_FROM_DISK_*); asked for one of
    their items, both answer that it does not exist.

    Args:
        cluster: key of the counters of the whole broker, as in Java.
        of_5: with the statistics that 5.x has more.
        by_queue: with those of single queues (``enableDetailStat``).
        of_store: what the store counts; 4.9's totals are its. None: they are counted here.
    """

    def __init__(
        self,
        cluster: str,
        *,
        of_5: bool = True,
        by_queue: bool = True,
        of_store: StoreStats | None = None,
    ) -> None:
        self._cluster = cluster
        self._of_5 = of_5
        self._of_store = of_store
        self._keys = keys_of(of_5=of_5, by_queue=by_queue)
        self.tables: dict[str, dict[str, StatsItem]] = {name: {} for name in self._keys}
        self._puts: dict[tuple[str, int], _Counts] = {}
        self._brought: list[ConsumeQueue] = []  # with counts to be taken
        self._gets: dict[tuple[str, str, int], _Counts] = {}
        # totals at the last two midnights, for brokerStatus
        self.put_total_yesterday_morning = 0
        self.put_total_today_morning = 0
        self.get_total_yesterday_morning = 0
        self.get_total_today_morning = 0

    # --- counting

    def put(
        self,
        topic: str,
        queue_id: int,
        count: int,
        size: int,
        elapsed_ms: int,
        times: int = 1,
    ) -> None:
        """Count ``count`` stored messages of ``size`` bytes in all.

        They came with ``times`` sends, each answered after ``elapsed_ms``.
        """
        puts = self._puts.get((topic, queue_id))
        if puts is None:
            puts = self._puts[topic, queue_id] = _Counts()
        puts.count += count
        puts.size += size
        puts.times += times
        puts.ms += elapsed_ms * times

    def put_all(self, brought: Brought, elapsed_ms: int) -> None:
        """Count what a lane's sends brought many queues, each send answered after ``elapsed_ms``."""
        self._brought += brought.count(elapsed_ms)

    def put_by_broker(self, topic: str, count: int, size: int) -> None:
        """Count messages that the broker stored without a producer's send: no latency is measured."""
        self._add_put(topic, count, size, 1)

    def got(
        self, group: str, topic: str, queue_id: int, count: int, size: int, elapsed_ms: int
    ) -> None:
        """Count ``count`` messages of ``size`` bytes handed to a group within ``elapsed_ms``."""
        gets = self._gets.get((topic, group, queue_id))
        if gets is None:
            gets = self._gets[topic, group, queue_id] = _Counts()
        gets.count += count
        gets.size += size
        gets.ms += elapsed_ms
        gets.times += 1

    def delayed(self, queue_id: int, topic: str, count: int, size: int) -> None:
        """Count messages whose delay was over: got from a level's queue, put into a topic."""
        key = f"{RMQ_SYS_SCHEDULE_TOPIC}@{SCHEDULE_CONSUMER_GROUP}"
        self._item(GROUP_GET_NUMS, key).add(count)
        self._item(GROUP_GET_SIZE, key).add(size)
        queue = f"{RMQ_SYS_SCHEDULE_TOPIC}@{queue_id}@{SCHEDULE_CONSUMER_GROUP}"
        self._add_if_kept(QUEUE_GET_NUMS, queue, count)
        self._add_if_kept(QUEUE_GET_SIZE, queue, size)
        self.put_by_broker(topic, count, size)

    def put_delayed(self, queue_id: int, size: int) -> None:
        """Count one message that went to a delay level after a consumer sent it back."""
        topic = RMQ_SYS_SCHEDULE_TOPIC
        self._item(TOPIC_PUT_NUMS, topic).add(1)
        self._item(TOPIC_PUT_SIZE, topic).add(size)
        self._add_if_kept(QUEUE_PUT_NUMS, f"{topic}@{queue_id}", 1)
        self._add_if_kept(QUEUE_PUT_SIZE, f"{topic}@{queue_id}", size)

    def sent_back(self, group: str, topic: str) -> None:
        """Count one message that a consumer sent back."""
        self._item(SNDBCK_PUT_NUMS, f"{topic}@{group}").add(1)

    def sent_to_dlq(self, owner: str | None, group: str, topic: str | None) -> None:
        """Count one that went to the dead letters; ``owner`` is what the request names."""
        names = (owner or "null", topic or "null", group, "SEND_BACK_TO_DLQ")
        self._add_if_kept(SNDBCK2DLQ_TIMES, "@".join(names), 1)

    def checked(self, group: str, topic: str) -> None:
        """Count one check point of a pop; ``topic`` is what the group asked for."""
        self._of_pops(GROUP_CK_NUMS, BROKER_CK_NUMS, group, topic, 1)

    def acknowledged(self, group: str, topic: str, count: int, times: int = 1) -> None:
        """Count popped messages that so many requests acknowledged."""
        self._of_pops(GROUP_ACK_NUMS, BROKER_ACK_NUMS, group, topic, count, times)

    def _of_pops(
        self, of_group: str, of_broker: str, group: str, topic: str, count: int, times: int = 1
    ) -> None:
        if of_group in self.tables:
            self._item(of_group, f"{topic}@{group}").add(count, times)
        if of_broker in self.tables:
            self._item(of_broker, self._cluster).add(count, 0)

    def registered(self, name: str, elapsed_ms: int) -> None:
        """Count one registration of a client: ``name`` is CONSUMER_ or PRODUCER_REGISTER_TIME."""
        self._add_if_kept(name, self._cluster, elapsed_ms)

    def channel(self, event: str) -> None:
        """Count what happened to a connection: CONNECT, IDLE or CLOSE."""
        self._add_if_kept(CHANNEL_ACTIVITY, event, 1)

    def _collect(self, most: int | None = None) -> None:
        """Move what the hot path counted into the items, of so many queues that lanes brought something."""
        brought = self._brought[:most]
        del self._brought[:most]
        for queue in brought:
            messages, size, sends, ms = queue.tail.take_counts()
            self._add_sends(queue.topic, queue.queue_id, messages, size, sends, ms)
        puts, self._puts = self._puts, {}
        gets, self._gets = self._gets, {}
        for (topic, queue_id), one in puts.items():
            self._add_sends(topic, queue_id, one.count, one.size, one.times, one.ms)
        for (topic, group, queue_id), one in gets.items():
            key = f"{topic}@{group}"
            by_queue = QUEUE_GET_NUMS in self.tables
            self._item(GROUP_GET_NUMS, key).add(one.count, one.times)
            self._item(GROUP_GET_SIZE, key).add(one.size, one.times)
            latency = self._item(GROUP_GET_LATENCY, f"{queue_id}@{key}" if by_queue else key)
            latency.add(one.ms, one.times)
            self._add_total(BROKER_GET_NUMS, BROKER_GET_NUMS_OF_USERS, topic, one.count)

    def _add_sends(
        self, topic: str, queue_id: int, count: int, size: int, times: int, ms: int
    ) -> None:
        self._add_put(topic, count, size, times)
        if self._of_5:
            self._item(TOPIC_PUT_LATENCY, f"{queue_id}@{topic}").add(ms, times)
        if topic == RMQ_SYS_SCHEDULE_TOPIC and QUEUE_PUT_NUMS in self.tables:  # as Java
            self._item(QUEUE_PUT_NUMS, f"{topic}@{queue_id}").add(count, times)
            self._item(QUEUE_PUT_SIZE, f"{topic}@{queue_id}").add(size, times)

    def _add_put(self, topic: str, count: int, size: int, times: int) -> None:
        self._item(TOPIC_PUT_NUMS, topic).add(count, times)
        self._item(TOPIC_PUT_SIZE, topic).add(size, times)
        self._add_total(BROKER_PUT_NUMS, BROKER_PUT_NUMS_OF_USERS, topic, count)

    def _add_total(self, name: str, of_users: str, topic: str, count: int) -> None:
        """Count for the whole broker; Java counts no times there."""
        self._item(name, self._cluster).add(count, 0)
        if self._of_5 and not is_system_topic(topic):
            self._item(of_users, self._cluster).add(count, 0)

    def _add_if_kept(self, name: str, key: str, amount: int) -> None:
        if name in self.tables:
            self._item(name, key).add(amount)

    def _item(self, name: str, key: str) -> StatsItem:
        table = self.tables[name]
        item = table.get(key)
        if item is None:
            item = table[key] = StatsItem()
        return item

    # --- looking

    def find(self, name: str, key: str) -> StatsItem | None:
        """Return the item of VIEW_BROKER_STATS_DATA, or None when nothing was counted yet."""
        self._collect()
        return self.tables.get(name, {}).get(key)

    @property
    def put_total(self) -> int:
        """Messages put since the start; in 5.x without those of system topics."""
        if self._of_store is not None:
            return self._of_store.put_times
        return self._total(BROKER_PUT_NUMS_OF_USERS if self._of_5 else BROKER_PUT_NUMS)

    @property
    def get_total(self) -> int:
        """Messages got since the start; in 5.x without those of system topics."""
        if self._of_store is not None:
            return self._of_store.get_messages
        return self._total(BROKER_GET_NUMS_OF_USERS if self._of_5 else BROKER_GET_NUMS)

    def _total(self, name: str) -> int:
        item = self.find(name, self._cluster)
        return 0 if item is None else item.value

    def delete_topic(self, topic: str) -> None:
        """Forget a deleted topic (``BrokerStatsManager.onTopicDeleted``)."""
        self._collect()
        self._delete("topic", topic)

    def delete_group(self, group: str) -> None:
        """Forget a deleted group (``BrokerStatsManager.onGroupDeleted``)."""
        self._delete("group", group)

    def _delete(self, part: str, wanted: str) -> None:
        for name, parts in self._keys.items():
            if part in parts:
                place, table = parts.index(part), self.tables[name]
                for key in [key for key in table if key.split("@")[place] == wanted]:
                    del table[key]

    # --- time

    def sample(self, wall_ms: int, window_name: str) -> Iterator[None]:
        """Take one sample of every counter, in slices: ten thousand topics have thirty thousand counters.

        Args:
            wall_ms: wall clock.
            window_name: ``minute`` (each 10 s), ``hour`` (each 10 minutes) or ``day`` (each hour).
        """
        for _ in range(0, len(self._brought), _SLICE):
            self._collect(_SLICE)
            yield
        self._collect(0)
        items = [item for table in self.tables.values() for item in table.values()]
        for begin in range(0, len(items), _SLICE):
            for item in items[begin : begin + _SLICE]:
                item.sample(window_name, wall_ms)
            yield

    def forget_rested(self, wall_ms: int, most_minutes: int) -> None:
        """Drop items at rest (``cleanAllResource``); to be called each ``FORGET_S``.

        Args:
            wall_ms: wall clock.
            most_minutes: ``maxStatsIdleTimeInMinutes``; below 0 all are kept.
        """
        if most_minutes < 0:
            return
        if most_minutes <= SHORTEST_REST_MINUTES:
            most_minutes = REST_INSTEAD_MINUTES
        self._collect()
        for name in FORGOTTEN:
            table = self.tables[name]
            for key in [
                key
                for key, item in table.items()
                if item.rested_ms(wall_ms) > most_minutes * 60_000
            ]:
                del table[key]

    def record_midnight(self) -> None:
        """Keep the totals of the day that ends (``BrokerStats.record``)."""
        self.put_total_yesterday_morning = self.put_total_today_morning
        self.get_total_yesterday_morning = self.get_total_today_morning
        self.put_total_today_morning = self.put_total
        self.get_total_today_morning = self.get_total
