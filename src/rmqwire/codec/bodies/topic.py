"""Topic configurations and the wrappers that carry them."""

from typing import ClassVar

from msgspec import field

from rmqwire.codec.bodies.base import Body, ConcurrentMapOf, Int, Long
from rmqwire.codec.bodies.common import DataVersion, MessageQueue
from rmqwire.codec.java_enums import TopicFilterType


class TopicConfig(Body):
    """One topic of a broker (``topics.json``, REGISTER_BROKER)."""

    _since_5: ClassVar[tuple[str, ...]] = ("attributes",)

    topic_name: str = ""
    read_queue_nums: Int = 16
    write_queue_nums: Int = 16
    perm: Int = 6
    topic_filter_type: TopicFilterType = "SINGLE_TAG"
    topic_sys_flag: Int = 0
    order: bool = False
    attributes: dict[str, str] = field(default_factory=dict)


class TopicConfigSerializeWrapper(Body):
    """All topics of a broker with their version."""

    topic_config_table: ConcurrentMapOf[str, TopicConfig] = field(default_factory=dict)
    data_version: DataVersion = field(default_factory=DataVersion)


class CreateTopicListRequestBody(Body):
    """Several topics to create at once (5.x)."""

    topic_config_list: list[TopicConfig] = field(default_factory=list)


class DeleteTopicListRequestBody(Body):
    """Several topics to delete (5.5.1)."""

    topic_list: list[str] = field(default_factory=list)


class OffsetMovedEvent(Body):
    """A pull beyond the log's ends, told as a message (4.x)."""

    consumer_group: str = ""
    message_queue: MessageQueue | None = None
    offset_request: Long = 0
    offset_new: Long = 0
