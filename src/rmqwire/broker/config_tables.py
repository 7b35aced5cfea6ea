"""The tables under ``config/``, made together, and when each of them is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.broker.lite.metadata import LiteMetadata
from rmqwire.broker.pop.order_info import ConsumerOrderInfoManager
from rmqwire.broker.tables.consumer_filters import ConsumerFilterManager
from rmqwire.broker.tables.groups import SubscriptionGroupManager
from rmqwire.broker.tables.lmq_offsets import LmqConsumerOffsetManager
from rmqwire.broker.tables.offsets import ConsumerOffsetManager
from rmqwire.broker.tables.request_modes import MessageRequestModeManager
from rmqwire.broker.tables.timer_metrics import TimerMetrics
from rmqwire.broker.tables.timer_progress import TimerProgress
from rmqwire.broker.tables.topics import TopicConfigManager
from rmqwire.broker.transaction.metrics import TransactionMetrics
from rmqwire.disk.table_file import ConfigFile, TableWrites, config_path
from rmqwire.store.events import nothing

if TYPE_CHECKING:
    from rmqwire.broker.settings.values import LoadedConfig
    from rmqwire.broker.signals import BrokerSignals
    from rmqwire.broker.state import BrokerState
    from rmqwire.clock import WallMs
    from rmqwire.disk.files import FileLayer


class ConfigTables:
    """The tables under ``config/`` that don't need the store."""

    def __init__(
        self, loaded: LoadedConfig, files: FileLayer, wall_ms: WallMs, signals: BrokerSignals
    ) -> None:
        config, release, lmq = loaded.broker, loaded.release, loaded.store.enable_lmq
        root = loaded.store.store_path_root_dir

        def table(name: str, holds: str, *, optional: bool = False) -> ConfigFile:
            return ConfigFile(config_path(root, name), files, holds=holds, optional=optional)

        self.topics = TopicConfigManager(
            config,
            release,
            table("topics.json", "topicConfigTable"),
            wall_ms,
            signals.register_soon,
            light_queues=lmq,
        )
        self.groups = SubscriptionGroupManager(
            config,
            release,
            table("subscriptionGroup.json", "subscriptionGroupTable"),
            wall_ms,
            nothing,
            light_queues=lmq,
        )
        offset_file = table("consumerOffset.json", "offsetTable")
        self.offsets = (
            LmqConsumerOffsetManager(
                config,
                release,
                table("lmqConsumerOffset.json", "offsetTable"),
                wall_ms,
                offset_file,
            )
            if lmq
            else ConsumerOffsetManager(config, release, offset_file, wall_ms)
        )
        # what it holds comes again with the consumers' heartbeats
        filters = table("consumerFilter.json", "filterDataByTopic", optional=True)
        self.filters = ConsumerFilterManager(config, release, filters, wall_ms)
        self.request_modes = MessageRequestModeManager(
            release, table("messageRequestMode.json", "messageRequestModeMap")
        )
        self.order_info = ConsumerOrderInfoManager(
            release, table("consumerOrderInfo.json", "table"), self.topics, self.groups, wall_ms
        )
        self.transaction_metrics = TransactionMetrics(
            table("transactionMetrics", "transactionCount", optional=True),
            release,
            wall_ms,
            kept=release.broker.counts_half_messages,
        )
        metrics = table("timermetrics", "timingCount", optional=True)
        self.timer_metrics = TimerMetrics(metrics, release, wall_ms)
        self.timer_progress = TimerProgress(config_path(root, "timercheck"), metrics, files)
        self.lite = LiteMetadata(config, self.topics, self.groups)


def table_writes(state: BrokerState) -> TableWrites:
    """Return which tables' requests wait for the disk, and which are written from time to time."""
    return TableWrites(
        (
            state.topics.writer,
            state.groups.writer,
            state.request_modes.writer,
            state.store.deleted.writer,
        ),
        (
            state.offsets.writer,
            state.filters.writer,
            state.schedule.writer,
            state.pop.order.writer,
            state.timer_progress.metrics_writer,
            state.transactions.metrics.writer,
            state.timers.metrics.writer,
        ),
    )
