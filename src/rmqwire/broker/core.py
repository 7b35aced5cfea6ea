"""One broker without its sockets and clocks (the inner half of ``BrokerController``).

Builds the tables, the store and the processors and joins them; says what must be done when a
connection closes, when messages arrive, when the broker stops. ``broker.py`` gives it time and
connections; tests drive it by hand.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from rmqwire.broker.access import access_hooks, make_auth, make_plain_acl, open_access
from rmqwire.broker.clients.client_table import ConsumerTable, ProducerTable
from rmqwire.broker.clients.consumer_ids_change import ConsumerIdsChangeListener
from rmqwire.broker.clients.held_pulls import LongPolling
from rmqwire.broker.clients.rebalance_lock import RebalanceLockManager
from rmqwire.broker.clients.topic_routes import TopicRoutes
from rmqwire.broker.config_tables import ConfigTables, table_writes
from rmqwire.broker.delivery.delay_levels import TOPIC as SCHEDULE_TOPIC
from rmqwire.broker.delivery.delay_levels import ScheduleMessageService
from rmqwire.broker.delivery.inner_batch import is_batch_cq
from rmqwire.broker.delivery.timers import TimerMessageStore
from rmqwire.broker.lite.lite_state import LiteState
from rmqwire.broker.paced import Paced
from rmqwire.broker.pop.inflight import PopInflight
from rmqwire.broker.pop.pop_state import PopState
from rmqwire.broker.pop.retry_copy import RetryCopies
from rmqwire.broker.pop.revive import Reviving
from rmqwire.broker.pop.revive_log import ReviveLog
from rmqwire.broker.processors.broker_lane import BrokerLane, LaterLane
from rmqwire.broker.processors.first_offset import first_offset
from rmqwire.broker.processors.plain_headers import is_ack, is_of_transaction
from rmqwire.broker.processors.plain_pulls import PULLS
from rmqwire.broker.processors.processors import Processors
from rmqwire.broker.processors.send_fields import FIELDS
from rmqwire.broker.replication import Replication
from rmqwire.broker.requests import REQUESTS
from rmqwire.broker.signals import BrokerSignals
from rmqwire.broker.slave_role import slave_handler
from rmqwire.broker.state import BrokerState
from rmqwire.broker.stats.broker_stats import BrokerStats
from rmqwire.broker.tables.broadcast_offsets import BroadcastOffsetManager
from rmqwire.broker.transaction.service import TransactionalMessageService
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.host import pack_host
from rmqwire.codec.message_const import LMQ_PREFIX, TIMER_TOPIC
from rmqwire.codec.message_id import UniqueIdGenerator
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.remoting.request_row import FirstUse
from rmqwire.store.events import StoreEvents, TopicQuestions
from rmqwire.store.folder.dledger import refuse_dledger
from rmqwire.store.folder.rocksdb import refuse_rocksdb
from rmqwire.store.message_store import MessageStore

if TYPE_CHECKING:
    from random import Random

    from rmqwire.broker.processors.pull_lane import PullLane
    from rmqwire.broker.processors.send_lane import SendLane
    from rmqwire.broker.settings.values import LoadedConfig
    from rmqwire.clock import MonoMs, WallMs
    from rmqwire.disk.files import FileLayer
    from rmqwire.remoting.handler import Peer
    from rmqwire.store.recovery.recovery import RecoveryReport

# Requests that lanes take whose processors are imported with the first of them.
LANES_LATER = (RequestCode.END_TRANSACTION, RequestCode.ACK_MESSAGE)
logger = logging.getLogger(__name__)


class BrokerCore:
    """Tables, store and processors of one broker.

    Args:
        loaded: the configuration.
        files: the disk.
        wall_ms: wall clock.
        rng: picks queues.
        pid: process id, part of the unique keys made here.
        mono_ms: clock of leases and waits; ``wall_ms`` when not given.
        handlers: where the requests' handlers are entered; a table of its own when not given.
        signals: the calls out of this object; none when not given.
    """

    def __init__(
        self,
        loaded: LoadedConfig,
        files: FileLayer,
        wall_ms: WallMs,
        rng: Random,
        *,
        pid: int = 0,
        mono_ms: MonoMs | None = None,
        handlers: HandlerTable | None = None,
        signals: BrokerSignals | None = None,
    ) -> None:
        config, release = loaded.broker, loaded.release
        host_ip = loaded.host_ip or config.broker_ip1
        mono_ms = mono_ms or wall_ms
        signals = signals or BrokerSignals()
        self.config = config
        tables = ConfigTables(loaded, files, wall_ms, signals)
        store = self._make_store(loaded, files, host_ip, wall_ms, mono_ms, signals, tables)
        stats = BrokerStats(
            config.broker_cluster_name,
            of_5=release.broker.statistics_5,
            by_queue=config.enable_detail_stat,
            of_store=None if release.broker.statistics_5 else store.stats,
        )
        schedule = ScheduleMessageService(
            store,
            loaded.store,
            release,
            files,
            wall_ms,
            signals.delayed,
            stats.delayed,
        )
        timers = TimerMessageStore(
            store,
            release,
            config.broker_name,
            tables.timer_metrics,
            stats,
            wall_ms,
            rng,
            signals.timed,
        )
        routes = TopicRoutes(signals.route_wanted)
        self.state = BrokerState(
            config=config,
            release=release,
            store=store,
            topics=tables.topics,
            groups=tables.groups,
            offsets=tables.offsets,
            broadcast_offsets=BroadcastOffsetManager(
                config, tables.offsets, partial(first_offset, store), mono_ms
            ),
            producers=ProducerTable(),
            consumers=ConsumerTable(
                ConsumerIdsChangeListener(config, release),
                subscribed=tables.filters.register,
                gone=tables.filters.unregister,
                notify_broadcast=release.broker.notifies_broadcast,
            ),
            queue_locks=RebalanceLockManager(mono_ms),
            filters=tables.filters,
            held_pulls=LongPolling(store.max_offset, store.next_wanted),
            schedule=schedule,
            transactions=TransactionalMessageService(
                store,
                schedule,
                timers,
                tables.offsets,
                config,
                release,
                tables.transaction_metrics,
                signals.ops_wanted,
            ),
            timers=timers,
            stats=stats,
            wall_ms=wall_ms,
            mono_ms=mono_ms,
            rng=rng,
            register_soon=signals.register_soon,
            start_time_ms=wall_ms(),
            replication=Replication(store, release, mono_ms),
            request_modes=tables.request_modes,
            pop=_pop_state(loaded, tables, timers, store, host_ip, mono_ms),
            lite=LiteState(
                config, release, store, tables.lite, tables.offsets, routes, rng, mono_ms
            ),
            topic_routes=routes,
            timer_progress=tables.timer_progress,
            paced=Paced(mono_ms),
            acl=make_plain_acl(config, files, wall_ms),
            auth=make_auth(config, loaded.store.store_path_root_dir, release, files),
        )
        self.tables = table_writes(self.state)
        unique_keys = UniqueIdGenerator(host_ip, pid, wall_ms, rng.getrandbits(31))
        self._processors = Processors(self.state, unique_keys.next)
        self.handlers = HandlerTable(release) if handlers is None else handlers
        self.handlers.hooks += access_hooks(self.state.acl, self.state.auth)
        sends = self._processors.send.lane()
        known = {row.code for row in REQUESTS if row.known_to(release)}
        self._pulls = [code for code in PULLS if code in known]
        self._later = [code for code in LANES_LATER if code in known]
        pulls = self._processors.pull.lane(self._pulls)
        self._lane = None if sends is None else self._make_lane(sends, pulls)
        self.take_role()

    def _make_lane(self, sends: SendLane, pulls: PullLane) -> BrokerLane:
        processors = self._processors
        return BrokerLane(
            sends,
            pulls,
            (
                LaterLane(is_of_transaction, lambda: processors.send.transactions(sends).take),
                LaterLane(is_ack, lambda: processors.ack.lane().take),
            ),
        )

    def _make_store(
        self,
        loaded: LoadedConfig,
        files: FileLayer,
        host_ip: str,
        wall_ms: WallMs,
        mono_ms: MonoMs,
        signals: BrokerSignals,
        tables: ConfigTables,
    ) -> MessageStore:
        return MessageStore(
            loaded.store,
            loaded.release,
            files,
            wall_ms,
            pack_host(host_ip, loaded.broker.listen_port),
            mono_ms=mono_ms,
            events=StoreEvents(
                written=self._written,
                flush_wanted=signals.flush_wanted,
                arrived=self._arrived,
                awaited=self._is_awaited,
                stalled=signals.stalled,
                recovering=signals.recovering,
                broken=signals.broken,
            ),
            topics=TopicQuestions(
                is_batch=lambda topic: is_batch_cq(tables.topics.table.get(topic)),
                bits_of=tables.filters.bits_of,
            ),
        )

    def take_role(self) -> None:
        """Be what ``brokerRole`` says: master or slave. What runs because of it is ``role``'s."""
        state = self.state
        for row in REQUESTS:
            if not row.known_to(state.release):
                continue
            handler = row.handler_of(self._processors)
            if state.replication.is_slave:
                handler = slave_handler(row.on_slave, handler, state.config, state.release)
            self.handlers.replace(row.code, handler)
        self.handlers.lane = self._lane if self._lane_suits() else None
        state.replication.take_role()
        if state.store.is_open:
            if state.replication.is_slave:
                state.transactions.close()
            state.store.take_role()
            self._take_transactions()
            self._take_timers()

    def _take_transactions(self) -> None:
        """Begin with the half messages that are there: as a master, transactions are its own."""
        if not self.state.replication.is_slave:
            self.state.transactions.take_role()

    def _take_timers(self) -> None:
        """Deliver timers as a master whose releases and settings have them, else don't."""
        state = self.state
        wanted = state.config.timer_wheel_enable and state.release.broker.timer_messages
        if wanted and not state.replication.is_slave:
            state.timers.start()
        else:
            state.timers.stop()

    def _lane_suits(self) -> bool:
        """Return whether sends and pulls go straight to their processors, so that a lane may take them.

        A handler that is anything else than the row's own (a slave's, one that looks first who may
        send) must see every one.
        """
        is_master = not self.state.replication.is_slave
        pull = self._processors.pull.pull
        pulls = all(self.handlers.handler(code) == pull for code in self._pulls)
        return (
            (is_master and pulls)
            and all(
                isinstance(handler := self.handlers.handler(code), partial)
                and handler.func == self._processors.send.send
                for code in FIELDS
            )
            and all(isinstance(self.handlers.handler(code), FirstUse) for code in self._later)
        )

    def open(self) -> RecoveryReport:
        """Load the tables and open the store, in Java's order.

        Raises:
            ConfigError: the files of access control can't be used.
            StoreError: a table or the store can't be used.
            OSError: the disk failed.
        """
        state = self.state
        open_access(state.acl, state.auth, state.config, state.store.files, state.wall_ms)
        kept = state.store.config
        refuse_rocksdb(kept.store_path_root_dir, state.store.files)
        refuse_dledger(kept.store_path_root_dir, kept.commit_log_path, state.store.files)
        state.topics.load()
        state.offsets.load()
        state.groups.load()
        state.filters.load()
        state.request_modes.load()
        state.transactions.metrics.load()
        state.pop.order.load()
        report = state.store.open()
        state.replication.initial_end = state.store.max_phy_offset
        try:
            state.schedule.load()
            self._take_transactions()
            self._take_timers()
        except BaseException:
            state.store.close()
            raise
        return report

    def connection_closed(self, connection: Peer) -> None:
        """Let everything go that hung on a connection (``ClientHousekeepingService``)."""
        self.state.producers.connection_closed(connection)
        self.state.consumers.connection_closed(connection)
        self.state.held_pulls.connection_closed(connection)
        self.state.pop.connection_closed(connection)
        self.state.lite.connection_closed(connection)

    def scan_clients(self) -> None:
        """Let clients go whose heartbeats stopped, and close their connections."""
        state = self.state
        now, timeout = state.mono_ms(), state.config.channel_expired_timeout
        state.filters.clean()
        expired = state.producers.scan(now, timeout) + state.consumers.scan(now, timeout)
        for connection in set(expired):
            logger.info("no heartbeat of %s, closed", connection.peer)
            connection.close("no heartbeat")

    def persist_offsets(self) -> None:
        """Write the consumer offsets; a disk that refuses is logged, the table stays in memory."""
        state = self.state
        state.pop.commit()
        state.broadcast_offsets.scan(state.consumers.is_online)
        try:
            state.offsets.persist()
            state.pop.order.persist()
        except OSError as error:
            logger.error("offsets of consumers not written: %s", error)  # noqa: TRY400  one line says it

    def persist_delay_offsets(self) -> None:
        """Write the delay offsets; a disk that refuses is logged."""
        try:
            self.state.schedule.persist()
        except OSError as error:
            logger.error("delayOffset.json not written: %s", error)  # noqa: TRY400  one line says it

    def persist_transaction_metrics(self) -> None:
        """Write the counts of half messages; a disk that refuses is logged."""
        try:
            self.state.transactions.metrics.persist()
        except OSError as error:
            logger.error("transactionMetrics not written: %s", error)  # noqa: TRY400  one line says it

    def close(self) -> None:
        """Answer what waits, write the tables, close the store.

        Raises:
            OSError: the disk failed; the next start recovers.
        """
        state = self.state
        state.held_pulls.wake_all()
        state.pop.stop()
        state.lite.stop()
        state.store.puts.end_pass()
        if not state.replication.is_slave:
            state.transactions.close()
        try:
            state.timers.stop()
        except OSError as error:
            logger.error("timers not written: %s", error)  # noqa: TRY400  one line says it
        state.store.flush()  # what was popped last counts, if its check points are on the disk
        self.tables.stop()
        self.persist_offsets()
        self.persist_transaction_metrics()
        self.persist_delay_offsets()
        try:
            self.tables.take()()
        except OSError as error:
            logger.error("tables not written: %s", error)  # noqa: TRY400  one line says it
        try:
            state.store.close()
        finally:
            state.replication.close()

    def _written(self) -> None:
        server = self.state.replication.server
        if server is not None:
            server.wake()

    def _is_awaited(self) -> bool:
        pop = self.state.pop
        waiting = self.state.held_pulls.waiting or pop.polling.waiting or pop.notifications.waiting
        return waiting > 0

    def _arrived(self, topic: str, queue_id: int, max_offset: int, tags_code: int) -> None:
        if topic == SCHEDULE_TOPIC:
            self.state.schedule.arrived(queue_id)
        elif topic == TIMER_TOPIC:
            self.state.timers.arrived()
        self.state.held_pulls.arrived(topic, queue_id, max_offset, tags_code)
        pop = self.state.pop
        if pop.polling.waiting or pop.notifications.waiting:
            pop.arrived(topic, queue_id, tags_code)
        if topic.startswith(LMQ_PREFIX):
            self.state.lite.arrived(topic)


def _pop_state(
    loaded: LoadedConfig,
    tables: ConfigTables,
    timers: TimerMessageStore,
    store: MessageStore,
    host_ip: str,
    mono_ms: MonoMs,
) -> PopState:
    config, release, wall_ms = loaded.broker, loaded.release, store.wall_ms
    host = pack_host(host_ip, config.listen_port)
    return PopState(
        Reviving(
            config,
            release,
            store,
            tables.topics,
            tables.groups,
            tables.offsets,
            ReviveLog(config.broker_cluster_name, release, host, store, timers),
            RetryCopies(config, release, tables.topics, tables.offsets, host),
            PopInflight(),
            timers.is_behind,
            wall_ms,
            mono_ms,
        ),
        tables.order_info,
        mono_ms,
    )
