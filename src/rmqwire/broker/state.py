"""What all request processors of one broker share (``BrokerController`` without its I/O)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from random import Random

    from rmqwire.auth.auth_service import AuthService
    from rmqwire.auth.plain_acl import PlainAcl
    from rmqwire.broker.clients.client_table import ConsumerTable, ProducerTable
    from rmqwire.broker.clients.held_pulls import LongPolling
    from rmqwire.broker.clients.rebalance_lock import RebalanceLockManager
    from rmqwire.broker.clients.topic_routes import TopicRoutes
    from rmqwire.broker.delivery.delay_levels import ScheduleMessageService
    from rmqwire.broker.delivery.timers import TimerMessageStore
    from rmqwire.broker.lite.lite_state import LiteState
    from rmqwire.broker.paced import Paced
    from rmqwire.broker.pop.pop_state import PopState
    from rmqwire.broker.replication import Replication
    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.broker.stats.broker_stats import BrokerStats
    from rmqwire.broker.tables.broadcast_offsets import BroadcastOffsetManager
    from rmqwire.broker.tables.consumer_filters import ConsumerFilterManager
    from rmqwire.broker.tables.groups import SubscriptionGroupManager
    from rmqwire.broker.tables.offsets import ConsumerOffsetManager
    from rmqwire.broker.tables.request_modes import MessageRequestModeManager
    from rmqwire.broker.tables.timer_progress import TimerProgress
    from rmqwire.broker.tables.topics import TopicConfigManager
    from rmqwire.broker.transaction.service import TransactionalMessageService
    from rmqwire.clock import MonoMs, WallMs
    from rmqwire.codec.release import Release
    from rmqwire.store.message_store import MessageStore


class BrokerState(msgspec.Struct):
    """The tables, the store and the settings of one broker.

    Args:
        config: settings of ``broker.conf``.
        release: which RocketMQ this broker is.
        store: the message store, opened.
        topics: topic table.
        groups: consumer group table.
        offsets: consumer offsets.
        broadcast_offsets: offsets of broadcasting members.
        producers: connected producers.
        consumers: connected consumers.
        queue_locks: the queues that orderly consumers hold.
        filters: conditions of consumer groups.
        held_pulls: pulls that wait for messages.
        schedule: delayed messages.
        transactions: half messages.
        schedule: messages with a delay level.
        timers: messages with a time of their own.
        stats: counters.
        wall_ms: wall clock in ms.
        mono_ms: monotonic clock in ms, for leases and waits.
        rng: picks queues.
        register_soon: asks the shell to register these topics at the name servers at once; none: all.
        start_time_ms: when this broker started.
        replication: slaves of a master, or the link of a slave.
        request_modes: groups that pop.
        pop: popped messages.
        lite: lite topics.
        topic_routes: the queues of topics, here and at other brokers.
        timer_progress: what a slave keeps of its master's timers.
        paced: long work of administrators.
        acl: access control of 4.9; None: everybody may do everything.
        auth: access control of 5.x; None: everybody may do everything.
    """

    config: BrokerConfig
    release: Release
    store: MessageStore
    topics: TopicConfigManager
    groups: SubscriptionGroupManager
    offsets: ConsumerOffsetManager
    broadcast_offsets: BroadcastOffsetManager
    producers: ProducerTable
    consumers: ConsumerTable
    queue_locks: RebalanceLockManager
    filters: ConsumerFilterManager
    held_pulls: LongPolling
    schedule: ScheduleMessageService
    transactions: TransactionalMessageService
    timers: TimerMessageStore
    stats: BrokerStats
    wall_ms: WallMs
    mono_ms: MonoMs
    rng: Random
    register_soon: Callable[[Collection[str]], None]
    start_time_ms: int
    replication: Replication
    request_modes: MessageRequestModeManager
    pop: PopState
    lite: LiteState
    topic_routes: TopicRoutes
    timer_progress: TimerProgress
    paced: Paced
    acl: PlainAcl | None
    auth: AuthService | None

    def wall_of(self, mono_ms: int) -> int:
        """Return the time of day, ms since the epoch, of a monotonic time."""
        return self.wall_ms() - self.mono_ms() + mono_ms
