"""What other bodies are made of: queues, versions, tables of text."""

from typing import ClassVar

from msgspec import field

from rmqwire.codec.bodies.base import Body, Int, Long, SetOf


class MessageQueue(Body, frozen=True, order=True):  # type: ignore[misc]  # Body has no fields
    """One queue of a topic on a broker; sorts as Java's does."""

    topic: str = ""
    broker_name: str = ""
    queue_id: Int = 0


class MessageQueueForC(Body):
    """A queue with an offset, for clients that know no objects as map keys (C++)."""

    topic: str = ""
    broker_name: str = ""
    queue_id: Int = 0
    offset: Long = 0


class DataVersion(Body):
    """The version of a table: the higher counter of the same state is newer.

    Java starts ``timestamp`` at the clock's ms; here the caller gives it.
    """

    _since_5: ClassVar[tuple[str, ...]] = ("state_version",)

    state_version: Long = 0
    timestamp: Long = 0
    counter: Long = 0

    def next_version(self, wall_ms: int, state_version: int = 0) -> None:
        """Count a change made at ``wall_ms`` (ms) in the given state (Java ``nextVersion``)."""
        self.timestamp = wall_ms
        self.state_version = state_version
        self.counter += 1


class KVTable(Body):
    """A table of text."""

    table: dict[str, str] = field(default_factory=dict)


class TopicList(Body):
    """Names of topics, and a broker's address where one answers."""

    topic_list: SetOf[str] = field(default_factory=list)
    broker_addr: str | None = None


class GroupList(Body):
    """Names of groups."""

    group_list: SetOf[str] = field(default_factory=list)
