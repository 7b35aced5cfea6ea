"""The conditions of consumer groups that a broker keeps (``consumerFilter.json``)."""

from typing import ClassVar

from msgspec import field

from rmqwire.codec.bodies.base import Body, Int, Long


class BloomFilterData(Body):
    """The bits of a group and topic, and how many there are."""

    bit_num: Int = 0
    bit_pos: tuple[Int, ...] = ()


class ConsumerFilterData(Body):
    """The condition of one group for one topic; times are wall clock ms."""

    _derived: ClassVar[dict[str, str]] = {"dead": "dead"}

    consumer_group: str = ""
    topic: str = ""
    expression: str = ""
    expression_type: str = ""
    born_time: Long = 0
    dead_time: Long = 0
    bloom_filter_data: BloomFilterData | None = None
    client_version: Long = 0

    @property
    def dead(self) -> bool:
        """No member of the group has asked for it since ``dead_time``."""
        return self.dead_time >= self.born_time


class FilterDataMapByTopic(Body):
    """Those of all groups for one topic."""

    group_filter_data: dict[str, ConsumerFilterData] = field(default_factory=dict)
    topic: str = ""


class ConsumerFilterSerializeWrapper(Body):
    """Those of all topics (``ConsumerFilterManager``)."""

    filter_data_by_topic: dict[str, FilterDataMapByTopic] = field(default_factory=dict)
