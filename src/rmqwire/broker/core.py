"""One broker without its sockets and clocks (the inner half of ``BrokerController``).

Builds the tables, the store and the processors and joins them; says what must be done when a
connection closes, when messages arrive, when the broker stops. ``broker.py`` gives it time and
connections; tests drive it by hand.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.broker.clients.client_table import ConsumerTable, ProducerTable
from rmqwire.broker.clients.held_pulls import LongPolling
from rmqwire.broker.delivery.delay_levels import TOPIC as SCHEDULE_TOPIC
from rmqwire.broker.delivery.delay_levels import ScheduleMessageService
from rmqwire.broker.delivery.inner_batch import is_batch_cq
from rmqwire.broker.processors.admin.processor import AdminBrokerProcessor
from rmqwire.broker.processors.client_manage import ClientManageProcessor
from rmqwire.broker.processors.consumer_manage import ConsumerManageProcessor
from rmqwire.broker.processors.pull_message import PullMessageProcessor
from rmqwire.broker.processors.query_message import QueryMessageProcessor
from rmqwire.broker.processors.send_back import SendBackProcessor
from rmqwire.broker.processors.send_message import SendMessageProcessor
from rmqwire.broker.replication import Replication
from rmqwire.broker.slave_role import slave_handlers
from rmqwire.broker.state import BrokerState
from rmqwire.broker.stats import BrokerStats
from rmqwire.broker.tables.groups import SubscriptionGroupManager
from rmqwire.broker.tables.lmq_offsets import LmqConsumerOffsetManager
from rmqwire.broker.tables.offsets import ConsumerOffsetManager
from rmqwire.broker.tables.request_modes import MessageRequestModeManager
from rmqwire.broker.tables.timer_progress import TimerProgress
from rmqwire.broker.tables.topics import TopicConfigManager
from rmqwire.codec.host import pack_host
from rmqwire.codec.message_id import UniqueIdGenerator
from rmqwire.disk.table_file import ConfigFile, TableWrites, config_path
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.store.message_store import MessageStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from rmqwire.broker.settings.values import LoadedConfig
    from rmqwire.clock import MonoMs, WallMs
    from rmqwire.disk.files import FileLayer
    from rmqwire.remoting.handler import Handler, Peer
    from rmqwire.store.recovery.recovery import RecoveryProgress, RecoveryReport

logger = logging.getLogger(__name__)


class BrokerCore:
    """Tables, store and processors of one broker.

    Args:
        loaded: the configuration.
        files: the disk.
        wall_ms: wall clock.
        rng: picks queues.
        pid: process id, part of the unique keys made here.
        mono_ms: clock of the store's waits; ``wall_ms`` when not given.
        handlers: where the processors are registered; a table of its own when not given.
        host_ip: IP address that records and keys name; ``brokerIP1`` when not given.
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
        host_ip: str | None = None,
    ) -> None:
        config, release = loaded.broker, loaded.release
        host_ip = host_ip or config.broker_ip1
        self.config = config
        self.on_register_soon: Callable[[], None] | None = None
        self._of_a_master: dict[int, Handler] = {}

        def table(name: str, holds: str) -> ConfigFile:
            path = config_path(loaded.store.store_path_root_dir, name)
            return ConfigFile(path, files, holds=holds)

        store = MessageStore(
            loaded.store,
            release,
            files,
            wall_ms,
            pack_host(host_ip, config.listen_port),
            mono_ms=mono_ms,
        )
        offset_file = table("consumerOffset.json", "offsetTable")
        offsets = (
            LmqConsumerOffsetManager(
                config,
                release,
                table("lmqConsumerOffset.json", "offsetTable"),
                wall_ms,
                offset_file,
            )
            if loaded.store.enable_lmq
            else ConsumerOffsetManager(config, release, offset_file, wall_ms)
        )
        self.state = BrokerState(
            config=config,
            release=release,
            store=store,
            topics=TopicConfigManager(
                config, release, table("topics.json", "topicConfigTable"), wall_ms
            ),
            groups=SubscriptionGroupManager(
                config, release, table("subscriptionGroup.json", "subscriptionGroupTable"), wall_ms
            ),
            offsets=offsets,
            producers=ProducerTable(),
            consumers=ConsumerTable(notify_broadcast=release.broker.notifies_broadcast),
            held_pulls=LongPolling(store.max_offset, store.next_wanted),
            schedule=ScheduleMessageService(store, loaded.store, release, files, wall_ms),
            stats=BrokerStats(config.broker_cluster_name),
            wall_ms=wall_ms,
            mono_ms=mono_ms or wall_ms,
            rng=rng,
            register_soon=self._register_soon,
            start_time_ms=wall_ms(),
            replication=Replication(store, release, mono_ms or wall_ms),
            request_modes=MessageRequestModeManager(
                release, table("messageRequestMode.json", "messageRequestModeMap")
            ),
            timer_progress=TimerProgress(
                config_path(loaded.store.store_path_root_dir, "timercheck"),
                table("timermetrics", "timingCount"),
                files,
            ),
        )
        state = self.state
        self.tables = TableWrites(
            (state.topics.writer, state.groups.writer),
            (
                state.offsets.writer,
                state.schedule.writer,
                state.request_modes.writer,
                state.timer_progress.metrics_writer,
            ),
        )
        self.state.topics.on_change = self._register_soon
        store.on_arrival = self._arrived
        topics = self.state.topics
        topics.light_queues = self.state.groups.light_queues = loaded.store.enable_lmq
        store.queues.is_batch_topic = lambda topic: is_batch_cq(topics.table.get(topic))
        unique_keys = UniqueIdGenerator(host_ip, pid, wall_ms, rng.getrandbits(31))
        self.handlers = HandlerTable(release) if handlers is None else handlers
        admin = AdminBrokerProcessor(self.state)
        locks = admin.connections.locks
        for processor in (
            SendMessageProcessor(self.state, unique_keys.next, locks.has_locks),
            SendBackProcessor(self.state),
            PullMessageProcessor(self.state),
            ClientManageProcessor(self.state),
            ConsumerManageProcessor(self.state),
            QueryMessageProcessor(self.state),
            admin,
        ):
            of_one = processor.handlers()
            self.handlers.register_all(of_one)
            self._of_a_master |= of_one
        self.take_role()

    def take_role(self) -> None:
        """Be what ``brokerRole`` says: master or slave. What runs because of it is ``role``'s."""
        state = self.state
        self.handlers.replace_all(self._of_a_master)
        if state.replication.is_slave:
            of_a_slave = slave_handlers(state.config, state.release, self._of_a_master)
            self.handlers.replace_all(of_a_slave)
        state.replication.take_role()
        if state.store.is_open:
            state.store.take_role()

    def open(self, on_progress: Callable[[RecoveryProgress], None] | None = None) -> RecoveryReport:
        """Load the tables and open the store, in Java's order.

        Args:
            on_progress: told how far a recovery is.

        Raises:
            StoreError: a table or the store can't be used.
            OSError: the disk failed.
        """
        state = self.state
        state.topics.load()
        state.offsets.load()
        state.groups.load()
        state.request_modes.load()
        state.store.on_recovery_progress = on_progress
        report = state.store.open()
        state.replication.initial_end = state.store.max_phy_offset
        try:
            state.schedule.load()
        except BaseException:
            state.store.close()
            raise
        return report

    def connection_closed(self, connection: Peer) -> None:
        """Let everything go that hung on a connection (``ClientHousekeepingService``)."""
        self.state.producers.connection_closed(connection)
        self.state.consumers.connection_closed(connection)
        self.state.held_pulls.connection_closed(connection)

    def scan_clients(self) -> None:
        """Let clients go whose heartbeats stopped, and close their connections."""
        state = self.state
        now, timeout = state.mono_ms(), state.config.channel_expired_timeout
        expired = state.producers.scan(now, timeout) + state.consumers.scan(now, timeout)
        for connection in set(expired):
            logger.info("no heartbeat of %s, closed", connection.peer)
            connection.close("no heartbeat")

    def persist_offsets(self) -> None:
        """Write the consumer offsets; a disk that refuses is logged, the table stays in memory."""
        try:
            self.state.offsets.persist()
        except OSError as error:
            logger.error("consumerOffset.json not written: %s", error)  # noqa: TRY400  one line says it

    def persist_delay_offsets(self) -> None:
        """Write the delay offsets; a disk that refuses is logged."""
        try:
            self.state.schedule.persist()
        except OSError as error:
            logger.error("delayOffset.json not written: %s", error)  # noqa: TRY400  one line says it

    def close(self) -> None:
        """Answer what waits, write the tables, close the store.

        Raises:
            OSError: the disk failed; the next start recovers.
        """
        state = self.state
        state.held_pulls.wake_all()
        state.store.end_pass()
        self.tables.stop()
        self.persist_offsets()
        self.persist_delay_offsets()
        try:
            self.tables.take()()
        except OSError as error:
            logger.error("tables not written: %s", error)  # noqa: TRY400  one line says it
        try:
            state.store.close()
        finally:
            state.replication.close()

    def _register_soon(self) -> None:
        if self.on_register_soon is not None:
            self.on_register_soon()

    def _arrived(self, topic: str, queue_id: int, max_offset: int, tags_code: int) -> None:
        if topic == SCHEDULE_TOPIC:
            self.state.schedule.arrived(queue_id)
        self.state.held_pulls.arrived(topic, queue_id, max_offset, tags_code)
