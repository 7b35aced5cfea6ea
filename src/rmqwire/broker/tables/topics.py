"""The topics of one broker (Java ``TopicConfigManager``, ``config/topics.json``)."""

from __future__ import annotations

import logging
from copy import copy
from typing import TYPE_CHECKING, Any, Final

from rmqwire.broker.names import topic_fault
from rmqwire.broker.tables.attributes import TOPIC_ATTRIBUTES
from rmqwire.broker.tables.config_table import ConfigTable
from rmqwire.broker.tables.versions import advance, assign
from rmqwire.codec import message_const as const
from rmqwire.codec.bodies import TopicConfig, TopicConfigSerializeWrapper
from rmqwire.codec.names import SYSTEM_TOPICS, is_system_topic
from rmqwire.codec.sys_flag import PERM_INHERIT, PERM_READ, PERM_WRITE
from rmqwire.remoting.limited_log import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.clock import WallMs
    from rmqwire.codec.release import Release
    from rmqwire.disk.table_file import ConfigFile

logger = logging.getLogger(__name__)

PERM_READ_WRITE: Final = PERM_READ | PERM_WRITE
SCHEDULE_TOPIC_QUEUE_NUM: Final = 18
BENCHMARK_QUEUE_NUM: Final = 1024
DEFAULT_QUEUE_NUM: Final = 16
_NO_ATTRIBUTES: Final[Mapping[str, str]] = {}


class TopicConfigManager(ConfigTable[TopicConfig]):
    """The topic table: what each topic allows, and how many queues it has.

    Args:
        config: the broker's settings.
        release: which system topics there are, and what the JSON holds.
        file: where the table is kept.
        wall_ms: epoch milliseconds.
        changed: called with the names of topics that were created or changed; none: all may have.
        light_queues: ``enableLmq``.

    Attributes:
        system_topics: names of the system's own topics.
    """

    def __init__(
        self,
        config: BrokerConfig,
        release: Release,
        file: ConfigFile,
        wall_ms: WallMs,
        changed: Callable[[Collection[str]], None],
        *,
        light_queues: bool = False,
    ) -> None:
        super().__init__(
            TOPIC_ATTRIBUTES, release, file, wall_ms, changed, light_queues=light_queues
        )
        self.system_topics: set[str] = set()
        self._config = config
        for topic in _system_topics(config, release):
            self.table[topic.topic_name] = topic
            self.system_topics.add(topic.topic_name)
        if release.broker.system_topics_5:
            self.system_topics.add(const.RMQ_SYS_ROCKSDB_OFFSET_TOPIC)

    def name_of(self, entry: TopicConfig) -> str:
        """Return the topic's name."""
        return entry.topic_name

    # --- questions -----------------------------------------------------------------------------

    def select(self, topic: str) -> TopicConfig | None:
        """Return the topic's configuration (``selectTopicConfig``), None when it doesn't exist.

        A light queue has one as soon as somebody asks (``LmqTopicConfigManager``).
        """
        config = self.table.get(topic)
        if config is None and self.is_light(topic):
            return _topic(topic, 1)
        return config

    def is_system_topic(self, topic: str) -> bool:
        """Return whether the topic is the system's own: nobody may create or delete it."""
        return topic in self.system_topics or is_system_topic(topic)

    def all_system_topics(self) -> set[str]:
        """Return the names of the system's own topics, whether they exist or not."""
        return self.system_topics | SYSTEM_TOPICS

    def is_order_topic(self, topic: str) -> bool:
        """Return whether the topic was made for ordered messages."""
        config = self.table.get(topic)
        return config is not None and config.order

    def wrapper(self) -> TopicConfigSerializeWrapper:
        """Return the whole table as GET_ALL_TOPIC_CONFIG and the file hold it."""
        return TopicConfigSerializeWrapper(
            topic_config_table=self.table, data_version=self.data_version
        )

    # --- creation ------------------------------------------------------------------------------

    def create_topic_in_send_message(
        self, topic: str, default_topic: str, client_queue_nums: int, sys_flag: int
    ) -> TopicConfig | None:
        """Create the topic of a first send after the example of ``default_topic`` (TBW102).

        Args:
            topic: the new topic, already checked by name.
            default_topic: the topic whose permission and queues are inherited.
            client_queue_nums: queues that the client wants at most.
            sys_flag: the topic's system flag.

        Returns:
            The topic, an existing one too; None when it may not be created
            (``createTopicInSendMessageMethod``).
        """
        existing = self.table.get(topic)
        if existing is not None:
            return existing
        example = self.table.get(default_topic)
        if example is None:
            logger.warning("topic %s not created: no default topic %s", topic, default_topic)
            return None
        auto_create = self._config.auto_create_topic_enable
        if default_topic == const.AUTO_CREATE_TOPIC_KEY_TOPIC and not auto_create:
            # As in Java: a TBW102 that is left in the file loses its inheritance.
            example.perm = PERM_READ_WRITE
            self.table.touch(default_topic)
        if not example.perm & PERM_INHERIT:
            logger.warning("topic %s not created: %s isn't inherited", topic, default_topic)
            return None
        queues = max(0, min(client_queue_nums, example.write_queue_nums))
        created = _topic(topic, queues, example.perm & ~PERM_INHERIT)
        created.topic_sys_flag = sys_flag
        created.topic_filter_type = example.topic_filter_type
        return self._add(created)

    def create_topic_in_send_message_back(
        self,
        topic: str,
        queue_nums: int,
        perm: int,
        sys_flag: int,
        *,
        order: bool = False,
        attributes: Mapping[str, str] = _NO_ATTRIBUTES,
    ) -> TopicConfig:
        """Create a topic of the broker's own making, such as a ``%RETRY%`` or ``%DLQ%`` one.

        Args:
            topic: the topic; an existing one is given as it is.
            queue_nums: read and write queues of a new topic.
            perm: its permission bits.
            sys_flag: its system flag.
            order: whether it holds ordered messages.
            attributes: its attributes.
        """
        existing = self.table.get(topic)
        if existing is not None:
            return existing
        created = _topic(topic, queue_nums, perm)
        created.attributes.update(attributes)
        created.topic_sys_flag = sys_flag
        created.order = order
        return self._add(created)

    def create_topic_of_tran_check_max_time(self, queue_nums: int, perm: int) -> TopicConfig:
        """Create the topic of transactions that were checked too often, if it isn't there."""
        return self.create_topic_in_send_message_back(
            const.RMQ_SYS_TRANS_CHECK_MAX_TIME_TOPIC, queue_nums, perm, 0
        )

    def create_trace_topic(self) -> TopicConfig:
        """Create the topic of message traces, if it isn't there (``traceTopicEnable``)."""
        name = self._config.msg_trace_topic_name
        self.system_topics.add(name)
        return self.create_topic_in_send_message_back(name, 1, PERM_READ_WRITE, 0)

    def _add(self, config: TopicConfig) -> TopicConfig:
        logger.info("new topic %s", config)
        self.table[config.topic_name] = config
        self._changed(config.topic_name)
        return config

    # --- changes -------------------------------------------------------------------------------

    def delete(self, topic: str) -> bool:
        """Forget the topic; False when there was none."""
        if self.table.pop(topic, None) is None:
            logger.warning("topic %s not deleted: it doesn't exist", topic)
            return False
        logger.info("topic %s deleted", topic)
        advance(self.data_version, self._wall_ms())
        self.persist()
        return True

    def take_over(self, master: TopicConfigSerializeWrapper) -> None:
        """Make the table the master's, unless it has the same version (``SlaveSynchronize``).

        Raises:
            OSError: the disk refused; the table in memory is the master's all the same.
        """
        if master.data_version == self.data_version:
            return
        self.table.clear()
        self._take(master)
        self._written(())

    # --- the file ------------------------------------------------------------------------------

    def _decode(self, data: bytes) -> None:
        self._take(TopicConfigSerializeWrapper.decode(data, self._release))

    def _take(self, wrapper: TopicConfigSerializeWrapper) -> None:
        for name, config in wrapper.topic_config_table.items():
            fault = topic_fault(name, self._release)
            if fault is not None and name not in self.system_topics:
                # A name that could leave the store's folder must never become one.
                logger.warning("topic of the file left out: %s", printable(fault))
                continue
            config.topic_name = name
            self.table[name] = config
        assign(self.data_version, wrapper.data_version)

    def _content(self) -> dict[str, Any]:
        return {"dataVersion": copy(self.data_version), "topicConfigTable": None}


def _topic(name: str, queues: int, perm: int = PERM_READ_WRITE) -> TopicConfig:
    return TopicConfig(topic_name=name, read_queue_nums=queues, write_queue_nums=queues, perm=perm)


def _system_topics(config: BrokerConfig, release: Release) -> list[TopicConfig]:
    """Make the topics that every broker has (``TopicConfigManager.init``), in Java's order."""
    cluster, broker = config.broker_cluster_name, config.broker_name
    topics = [_topic(const.RMQ_SYS_SELF_TEST_TOPIC, 1)]
    if config.auto_create_topic_enable:
        queues = config.default_topic_queue_nums
        perm = PERM_INHERIT | PERM_READ_WRITE
        topics.append(_topic(const.AUTO_CREATE_TOPIC_KEY_TOPIC, queues, perm))
    topics += [
        _topic(const.RMQ_SYS_BENCHMARK_TOPIC, BENCHMARK_QUEUE_NUM),
        _topic(cluster, DEFAULT_QUEUE_NUM, _named_perm(open_to_all=config.cluster_topic_enable)),
        _topic(broker, 1, _named_perm(open_to_all=config.broker_topic_enable)),
        _topic(const.RMQ_SYS_OFFSET_MOVED_EVENT, 1),
        _topic(const.RMQ_SYS_SCHEDULE_TOPIC, SCHEDULE_TOPIC_QUEUE_NUM),
    ]
    if config.trace_topic_enable:
        topics.append(_topic(config.msg_trace_topic_name, 1))
    topics.append(_topic(const.reply_topic(cluster), 1))
    if release.broker.system_topics_5:
        topics += _system_topics_v5(config)
    return topics


def _system_topics_v5(config: BrokerConfig) -> list[TopicConfig]:
    members = const.SYNC_BROKER_MEMBER_GROUP_PREFIX + config.broker_name
    topics = [
        _topic(const.REVIVE_TOPIC_PREFIX + config.broker_cluster_name, config.revive_queue_num),
        _topic(members, 1, PERM_INHERIT),
        _topic(const.RMQ_SYS_TRANS_HALF_TOPIC, 1),
        _topic(const.RMQ_SYS_TRANS_OP_HALF_TOPIC, 1),
        _topic(const.RMQ_SYS_ROCKSDB_TRANS_HALF_TOPIC, 1),
        _topic(const.RMQ_SYS_ROCKSDB_TRANS_OP_HALF_TOPIC, 1),
    ]
    if config.timer_wheel_enable:
        topics.append(_topic(const.TIMER_TOPIC, 1))
    return topics


def _named_perm(*, open_to_all: bool) -> int:
    return PERM_INHERIT | PERM_READ_WRITE if open_to_all else PERM_INHERIT
