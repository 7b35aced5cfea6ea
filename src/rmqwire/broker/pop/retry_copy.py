"""Popped messages that come again: their copies in the group's retry topic (``reviveRetry``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.broker.delivery.inner_batch import BATCH_CQ, QUEUE_TYPE, is_batch_cq
from rmqwire.broker.delivery.properties import write_properties
from rmqwire.codec import message_const as const
from rmqwire.codec.java_hash import tags_code
from rmqwire.codec.pop import normal_topic, pop_retry_topic
from rmqwire.codec.sys_flag import PERM_READ, PERM_WRITE
from rmqwire.store.results import MessageInner

if TYPE_CHECKING:
    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.broker.tables.offsets import ConsumerOffsetManager
    from rmqwire.broker.tables.topics import TopicConfigManager
    from rmqwire.codec.bodies import PopCheckPoint
    from rmqwire.codec.message import StoredMessage
    from rmqwire.codec.release import Release

RETRY_QUEUE_NUM = 1  # PopAckConstants.retryQueueNum


class RetryCopies:
    """Makes the copies and the topics that they go to.

    Args:
        config: ``enableRetryTopicV2`` and ``useSeparateRetryQueue``.
        release: whose property order is written.
        topics: where a new topic is entered,
        offsets: and its group begins at its first message.
        host: the broker's address as records hold it.
    """

    def __init__(
        self,
        config: BrokerConfig,
        release: Release,
        topics: TopicConfigManager,
        offsets: ConsumerOffsetManager,
        host: bytes,
    ) -> None:
        self._config = config
        self._release = release
        self._topics = topics
        self._offsets = offsets
        self._host = host

    def make(self, point: PopCheckPoint, stored: StoredMessage) -> MessageInner:
        """Return the copy of one message of a check point; its topic exists then."""
        group = point.cid or ""
        topic = point.topic
        if not topic.startswith(const.RETRY_GROUP_TOPIC_PREFIX):
            topic = pop_retry_topic(topic, group, v2=self._config.enable_retry_topic_v2)
        queues = self.ensure_topic(topic, group)
        return MessageInner(
            topic=topic,
            queue_id=stored.queue_id if stored.queue_id < queues else 0,
            flag=stored.flag,
            sys_flag=stored.sys_flag,
            properties=write_properties(self._properties(point, stored), self._release),
            body=stored.body,
            tags_code=tags_code(stored.tags),
            born_timestamp=stored.born_timestamp,
            born_host=self._host,
            reconsume_times=stored.reconsume_times + (not point.suspend),
        )

    def _properties(self, point: PopCheckPoint, stored: StoredMessage) -> dict[str, str]:
        """Return the copy's properties in the order of Java's puts."""
        tags = {} if stored.tags is None else {const.PROPERTY_TAGS: stored.tags}
        properties = tags | stored.properties
        if stored.reconsume_times == 0 or const.PROPERTY_FIRST_POP_TIME not in properties:
            properties[const.PROPERTY_FIRST_POP_TIME] = str(point.pop_time)
        properties[const.PROPERTY_ORIGIN_GROUP] = point.cid or ""
        return properties

    def ensure_topic(self, topic: str, group: str) -> int:
        """Make a retry topic that isn't there (``addRetryTopicIfNotExist``); return its queues.

        That of a topic whose batches are one record has such queues, too: others take none of them.
        """
        wanted = RETRY_QUEUE_NUM
        known = self._topics.select(topic)
        normal = self._topics.select(normal_topic(topic, group))
        if self._config.use_separate_retry_queue:
            if normal is not None:
                wanted = normal.write_queue_nums
            if known is not None and known.write_queue_nums < wanted:
                known.read_queue_nums = known.write_queue_nums = wanted
                self._topics.update(known)
        elif known is not None:
            return RETRY_QUEUE_NUM
        if known is None:
            kind = {QUEUE_TYPE: BATCH_CQ} if is_batch_cq(normal) else {}
            self._topics.create_topic_in_send_message_back(
                topic, wanted, PERM_WRITE | PERM_READ, 0, attributes=kind
            )
        for queue_id in range(wanted):
            if self._offsets.query(group, topic, queue_id) < 0:
                self._offsets.commit("initPopRetryOffset", group, topic, queue_id, 0)
        return wanted
