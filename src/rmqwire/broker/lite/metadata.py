"""What the tables of topics and groups say about lite topics (``LiteMetadataUtil``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.broker.tables.groups import SubscriptionGroupManager
    from rmqwire.broker.tables.topics import TopicConfigManager
    from rmqwire.codec.bodies import SubscriptionGroupConfig, TopicConfig

LITE: Final = "LITE"  # TopicMessageType
BIND_TOPIC: Final = "lite.bind.topic"


def is_lite_topic(topic: TopicConfig | None) -> bool:
    """Return whether lite topics are under a topic (``message.type=LITE``)."""
    return topic is not None and (topic.attributes or {}).get("message.type") == LITE


def bind_topic(group: SubscriptionGroupConfig | None) -> str | None:
    """Return the topic whose lite topics a group consumes; None if it consumes no lite topics."""
    return None if group is None else (group.attributes or {}).get(BIND_TOPIC)


def ttl_minutes(topic: TopicConfig) -> int:
    """Return after how many minutes without a message a lite topic goes; -1: never."""
    text = (topic.attributes or {}).get("lite.topic.expiration", "-1")
    return int(text) if is_lite_topic(topic) else -1


class LiteMetadata:
    """Questions to the tables.

    Args:
        config: defaults.
        topics: the topics.
        groups: the groups.
    """

    def __init__(
        self, config: BrokerConfig, topics: TopicConfigManager, groups: SubscriptionGroupManager
    ) -> None:
        self._config = config
        self._topics = topics
        self._groups = groups

    def _attribute(self, group: str, name: str) -> str | None:
        found = self._groups.select(group)
        return None if found is None else (found.attributes or {}).get(name)

    def may_consume(self, group: str) -> bool:
        """Return whether a group may consume; one that may be made when it is first named is made."""
        found = self._groups.find(group)
        return found is not None and found.consume_enable

    def bind_topic(self, group: str) -> str | None:
        """Return the topic whose lite topics a group consumes."""
        return bind_topic(self._groups.select(group))

    def is_exclusive(self, group: str) -> bool:
        """Return whether only one client of a group may subscribe a lite topic: the last that did."""
        return self._attribute(group, "lite.sub.model") == "Exclusive"

    def is_wildcard(self, group: str) -> bool:
        """Return whether a group's clients subscribe all lite topics; any value says so, as in Java."""
        return self._attribute(group, "lite.sub.wildcard") is not None

    def resets_when_excluded(self, group: str) -> bool:
        """Return whether a lite topic begins anew for the group when another client takes it."""
        return self._is_true(group, "lite.sub.reset.offset.exclusive")

    def resets_on_unsubscribe(self, group: str) -> bool:
        """Return whether a lite topic begins anew for the group when a client leaves it."""
        return self._is_true(group, "lite.sub.reset.offset.unsubscribe")

    def _is_true(self, group: str, name: str) -> bool:
        return (self._attribute(group, name) or "").lower() == "true"

    def max_events(self, group: str) -> int:
        """Return how many lite topics may wait for a client of the group to pop them."""
        own = int(self._attribute(group, "lite.sub.client.max.event.cnt") or -1)
        return own if own > 0 else self._config.max_client_event_count

    def ttl_by_topic(self) -> dict[str, int]:
        """Return topic -> minutes after which its lite topics go (``getTopicTtlMap``)."""
        return {
            name: ttl_minutes(topic)
            for name, topic in self._topics.table.items()
            if is_lite_topic(topic)
        }

    def groups_by_topic(self) -> dict[str, list[str]]:
        """Return topic -> groups that consume its lite topics (``getSubscriberGroupMap``)."""
        found: dict[str, list[str]] = {}
        for name, group in self._groups.table.items():
            topic = bind_topic(group)
            if topic is not None:
                found.setdefault(topic, []).append(name)
        return found
