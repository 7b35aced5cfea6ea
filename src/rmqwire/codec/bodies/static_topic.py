"""Static topics: queues that keep their global number while they move (RIP-21)."""

from typing import ClassVar

from msgspec import field

from rmqwire.codec.bodies.base import Body, ConcurrentMapOf, Int, Long, SetOf
from rmqwire.codec.bodies.common import DataVersion
from rmqwire.codec.bodies.topic import TopicConfig, TopicConfigSerializeWrapper


class LogicQueueMappingItem(Body):
    """One stretch of a global queue on one broker."""

    gen: Int = 0
    queue_id: Int = 0
    bname: str = ""
    logic_offset: Long = 0
    start_offset: Long = 0
    end_offset: Long = -1
    time_of_start: Long = -1
    time_of_end: Long = -1


class TopicQueueMappingInfo(Body):
    """Which global queues a broker hosts."""

    topic: str = ""
    scope: str = "__global__"
    total_queues: Int = 0
    bname: str = ""
    epoch: Long = 0
    dirty: bool = False
    curr_id_map: ConcurrentMapOf[Int, Int] = field(default_factory=dict)


class TopicQueueMappingDetail(TopicQueueMappingInfo):
    """The same with every stretch of each queue."""

    hosted_queues: ConcurrentMapOf[Int, list[LogicQueueMappingItem]] = field(default_factory=dict)


class TopicConfigAndQueueMapping(TopicConfig):
    """A topic with its mapping."""

    mapping_detail: TopicQueueMappingDetail | None = None


class TopicConfigAndMappingSerializeWrapper(TopicConfigSerializeWrapper):
    """All topics of a broker, their mappings and versions (5.x)."""

    _since_5: ClassVar[tuple[str, ...]] = (
        "topic_queue_mapping_info_map",
        "topic_queue_mapping_detail_map",
        "mapping_data_version",
    )

    topic_queue_mapping_info_map: dict[str, TopicQueueMappingInfo] = field(default_factory=dict)
    topic_queue_mapping_detail_map: dict[str, TopicQueueMappingDetail] = field(default_factory=dict)
    mapping_data_version: DataVersion = field(default_factory=DataVersion)


class TopicQueueMappingOne(Body):
    """One global queue as a broker sees it."""

    topic: str = ""
    bname: str = ""
    global_id: Int | None = None
    items: list[LogicQueueMappingItem] = field(default_factory=list)
    mapping_detail: TopicQueueMappingDetail | None = None


class TopicQueueMappingSerializeWrapper(Body):
    """All mappings of a broker (``topicQueueMapping.json``)."""

    topic_queue_mapping_info_map: dict[str, TopicQueueMappingDetail] = field(default_factory=dict)
    data_version: DataVersion = field(default_factory=DataVersion)


class TopicRemappingDetailWrapper(Body):
    """The plan of a move, as admin tools write it to a file."""

    topic: str = ""
    type: str | None = None
    epoch: Long = 0
    broker_config_map: dict[str, TopicConfigAndQueueMapping] = field(default_factory=dict)
    broker_to_map_in: SetOf[str] = field(default_factory=list)
    broker_to_map_out: SetOf[str] = field(default_factory=list)
