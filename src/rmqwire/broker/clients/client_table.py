"""Which producers and consumers are connected (``ProducerManager`` and ``ConsumerManager``).

Pure tables: no socket, no clock. A client is known by its connection and keeps its place while its
heartbeats come (every 30 s); it leaves when it unregisters, its connection closes, or no heartbeat
came for 120 s. Every change of a clustering group's members calls ``changed``, so that each
member rebalances at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rmqwire.store.events import nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from rmqwire.codec.bodies import SubscriptionData
    from rmqwire.remoting.handler import Peer

CHANNEL_EXPIRED_TIMEOUT_MS = 120_000  # channelExpiredTimeout
BROADCASTING = "BROADCASTING"
CLUSTERING = "CLUSTERING"
CONSUME_ACTIVELY = "CONSUME_ACTIVELY"
CONSUME_PASSIVELY = "CONSUME_PASSIVELY"
CONSUME_POP = "CONSUME_POP"


class ClientChannelInfo(msgspec.Struct):
    """One client on one connection."""

    connection: Peer
    client_id: str
    language: int | None
    version: int
    seen_ms: int  # monotonic


class ConsumerGroupInfo(msgspec.Struct):
    """The members and subscriptions of one consumer group."""

    group: str
    consume_type: str = CONSUME_PASSIVELY
    message_model: str = CLUSTERING
    consume_from_where: str | None = None
    subscriptions: dict[str, SubscriptionData] = msgspec.field(default_factory=dict)
    channels: dict[Peer, ClientChannelInfo] = msgspec.field(default_factory=dict)
    seen_ms: int = 0

    def client_ids(self) -> list[str]:
        """Return the ids of all members."""
        return [client.client_id for client in self.channels.values()]

    def find_client(self, client_id: str) -> ClientChannelInfo | None:
        """Return the member with that id."""
        for client in self.channels.values():
            if client.client_id == client_id:
                return client
        return None

    def update_channel(self, client: ClientChannelInfo) -> bool:
        """Take a member's heartbeat; True when the member is new."""
        known = self.channels.get(client.connection)
        self.seen_ms = client.seen_ms
        if known is not None and known.client_id == client.client_id:
            known.seen_ms = client.seen_ms
            return False
        self.channels[client.connection] = client
        return known is None

    def update_subscriptions(self, subscriptions: Collection[SubscriptionData]) -> bool:
        """Take a member's subscriptions; True when a topic came or went.

        A newer expression for a known topic replaces the older one without counting as a change,
        as ``ConsumerGroupInfo.updateSubscription`` has it.
        """
        changed = False
        topics = set()
        for subscription in subscriptions:
            topic = subscription.topic or ""
            topics.add(topic)
            known = self.subscriptions.get(topic)
            if known is None:
                changed = True
            if known is None or subscription.sub_version > known.sub_version:
                self.subscriptions[topic] = subscription
        for topic in [topic for topic in self.subscriptions if topic not in topics]:
            del self.subscriptions[topic]
            changed = True
        return changed


class ProducerTable:
    """Producer groups and their clients (``ProducerManager``)."""

    def __init__(self) -> None:
        self.groups: dict[str, dict[Peer, ClientChannelInfo]] = {}
        self._asked = 0  # how often one of a group was wanted

    def register(self, group: str, client: ClientChannelInfo) -> bool:
        """Take a producer's heartbeat; True when it is new."""
        channels = self.groups.setdefault(group, {})
        known = channels.get(client.connection)
        if known is not None:
            known.seen_ms = client.seen_ms
            return False
        channels[client.connection] = client
        return True

    def unregister(self, group: str, connection: Peer) -> bool:
        """Let a producer go; True when it was there."""
        channels = self.groups.get(group)
        if channels is None or channels.pop(connection, None) is None:
            return False
        if not channels:
            del self.groups[group]
        return True

    def connection_closed(self, connection: Peer) -> None:
        """Let every producer on that connection go."""
        for group in [g for g, channels in self.groups.items() if connection in channels]:
            self.unregister(group, connection)

    def scan(self, mono_ms: int, timeout_ms: int = CHANNEL_EXPIRED_TIMEOUT_MS) -> list[Peer]:
        """Let silent producers go; gives their connections, which the caller closes."""
        expired = [
            (group, client.connection)
            for group, channels in self.groups.items()
            for client in channels.values()
            if mono_ms - client.seen_ms > timeout_ms
        ]
        for group, connection in expired:
            self.unregister(group, connection)
        return [connection for _, connection in expired]

    def find_client(self, client_id: str) -> ClientChannelInfo | None:
        """Return a producer by its client id, of whatever group (PUSH_REPLY_MESSAGE_TO_CLIENT)."""
        for channels in self.groups.values():
            for client in channels.values():
                if client.client_id == client_id:
                    return client
        return None

    def available(self, group: str) -> Peer | None:
        """Return a living producer of a group, another one each time (``getAvailableChannel``)."""
        living = [connection for connection in self.groups.get(group, ()) if not connection.closed]
        if not living:
            return None
        self._asked += 1
        return living[self._asked % len(living)]

    def clients(self, group: str) -> list[ClientChannelInfo]:
        """Return the clients of a producer group."""
        return list(self.groups.get(group, {}).values())


class ConsumerTable:
    """Consumer groups, their members and subscriptions (``ConsumerManager``).

    Args:
        changed: called with the group and its members when a member or a topic came or went.
        subscribed: called with the group and what a member's heartbeat says that it wants.
        gone: called with the group when its last member has gone.
        notify_broadcast: tell members of broadcasting groups too (4.9).
    """

    def __init__(
        self,
        changed: Callable[[str, list[Peer]], None],
        *,
        subscribed: Callable[[str, Collection[SubscriptionData]], None] = nothing,
        gone: Callable[[str], None] = nothing,
        notify_broadcast: bool = False,
    ) -> None:
        self.groups: dict[str, ConsumerGroupInfo] = {}
        self.compensation: dict[str, ConsumerGroupInfo] = {}
        self._tell_changed = changed
        self._tell_subscribed = subscribed
        self._tell_gone = gone
        self._notify_broadcast = notify_broadcast

    def find(self, group: str) -> ConsumerGroupInfo | None:
        """Return a group that has members now."""
        return self.groups.get(group)

    def broadcasting(self, group: str) -> ConsumerGroupInfo | None:
        """Return a group that pulls all messages to each of its members now; None for any other."""
        info = self.groups.get(group)
        if (
            info is None
            or info.message_model != BROADCASTING
            or info.consume_type != CONSUME_PASSIVELY
        ):
            return None
        return info

    def find_client(self, group: str, client_id: str) -> ClientChannelInfo | None:
        """Return one member of a group."""
        info = self.groups.get(group)
        return info.find_client(client_id) if info else None

    def is_online(self, group: str, client_id: str) -> bool:
        """Return whether a client is a member of a group now."""
        return self.find_client(group, client_id) is not None

    def find_subscription(self, group: str, topic: str) -> SubscriptionData | None:
        """Return a group's subscription, else what its pulls told (``findSubscriptionData``)."""
        for table in (self.groups, self.compensation):
            info = table.get(group)
            if info is not None and topic in info.subscriptions:
                return info.subscriptions[topic]
        return None

    def groups_of_topic(self, topic: str) -> list[str]:
        """Return the groups that subscribe to a topic now (``queryTopicConsumeByWho``)."""
        return [name for name, info in self.groups.items() if topic in info.subscriptions]

    def register(
        self,
        group: str,
        client: ClientChannelInfo,
        shape: tuple[str, str, str | None],
        subscriptions: Collection[SubscriptionData] | None,
        *,
        notify: bool = True,
    ) -> bool:
        """Take a member's heartbeat.

        Args:
            group: the consumer group.
            client: the member.
            shape: consumeType, messageModel and consumeFromWhere, by Java's names.
            subscriptions: the topics of the member; None leaves the group's as they are.
            notify: the group wants its members to hear of changes.

        Returns:
            whether a member or a topic came or went.
        """
        info = self.groups.get(group)
        if info is None:
            info = self.groups[group] = ConsumerGroupInfo(group)
        info.consume_type, info.message_model, info.consume_from_where = shape
        changed = info.update_channel(client)
        if subscriptions is not None and info.update_subscriptions(subscriptions):
            changed = True
        if changed and notify:
            self._tell(info)
        if subscriptions is not None:
            self._tell_subscribed(group, subscriptions)
        return changed

    def unregister(self, group: str, connection: Peer, *, notify: bool = True) -> bool:
        """Let a member go; the rest hear of it. True when it was there."""
        info = self.groups.get(group)
        if info is None:
            return False
        removed = info.channels.pop(connection, None) is not None
        if not info.channels:
            del self.groups[group]
            self._tell_gone(group)
        if notify:
            self._tell(info)
        return removed

    def connection_closed(self, connection: Peer) -> None:
        """Let every member on that connection go."""
        for group in [g for g, info in self.groups.items() if connection in info.channels]:
            self.unregister(group, connection)

    def scan(self, mono_ms: int, timeout_ms: int = CHANNEL_EXPIRED_TIMEOUT_MS) -> list[Peer]:
        """Let silent members go; gives their connections, which the caller closes."""
        expired = [
            (group, client.connection)
            for group, info in self.groups.items()
            for client in info.channels.values()
            if mono_ms - client.seen_ms > timeout_ms
        ]
        for group, connection in expired:
            self.unregister(group, connection)
        return [connection for _, connection in expired]

    def compensate(
        self,
        group: str,
        consume_type: str,
        message_model: str,
        subscription: SubscriptionData | None,
    ) -> None:
        """Remember a group that pulls without heartbeats (``compensateSubscribeData``, 5.x)."""
        info = self.compensation.get(group)
        if info is None:
            info = self.compensation[group] = ConsumerGroupInfo(group)
        info.consume_type = consume_type
        info.message_model = message_model
        if subscription is not None:
            info.subscriptions[subscription.topic or ""] = subscription

    def _tell(self, info: ConsumerGroupInfo) -> None:
        if info.message_model != BROADCASTING or self._notify_broadcast:
            self._tell_changed(info.group, list(info.channels))
