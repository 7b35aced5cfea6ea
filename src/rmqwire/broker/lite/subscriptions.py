"""Which client subscribes which lite topics (``LiteSubscriptionRegistryImpl``); in memory only.

A client is one of the group that it first named, whatever it names later. A client of a wildcard group
subscribes one name, ``topic@group``, which stands for all lite topics of its topic.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from rmqwire.codec import bodies
from rmqwire.codec.lite_topic import split_lmq
from rmqwire.errors import RmqError
from rmqwire.store.queues.light_queues import LMQ_QUEUE_ID

if TYPE_CHECKING:
    from collections.abc import Collection

    from rmqwire.broker.lite.lite_topics import LiteTopics
    from rmqwire.broker.lite.metadata import LiteMetadata
    from rmqwire.broker.lite.notices import UnsubscribeNotices
    from rmqwire.broker.pop.order_info import MemoryConsumerOrderInfoManager
    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.broker.tables.offsets import ConsumerOffsetManager
    from rmqwire.clock import MonoMs

logger = logging.getLogger(__name__)
_POLICY_MIN, _POLICY_MAX = 1, 2


class LiteQuotaError(RmqError):
    """There are as many lite subscriptions as the broker allows (``LiteQuotaException``)."""


class LiteStateError(RmqError):
    """The group can't do that (``IllegalStateException``)."""


class ClientGroup(NamedTuple):
    """A client and its group."""

    client_id: str
    group: str


class LiteCtlListener(Protocol):
    """Who hears of subscriptions."""

    def registered(self, client: ClientGroup, lmq: str) -> None:
        """Hear that a client has subscribed a light queue."""

    def removed_all(self, client_id: str) -> None:
        """Hear that a client has left."""


class Subscription(msgspec.Struct):
    """What one client subscribes (``LiteSubscription``).

    Args:
        group: its group.
        topic: the parent topic.
        updated_ms: when it last changed; monotonic clock.
        lmqs: light queues of its lite topics, in the order in which it subscribed them.
    """

    group: str
    topic: str
    updated_ms: int
    lmqs: dict[str, None] = msgspec.field(default_factory=dict)


class LiteSubscriptionRegistry:
    """The subscriptions of one broker.

    Args:
        config: ``maxLiteSubscriptionCount``, ``liteSubscriptionCheckTimeoutMills``.
        metadata: what the groups are.
        topics: which lite topics there are.
        offsets: where groups go on.
        order: blocks of the groups.
        notices: tells clients that they have lost a lite topic.
        listener: told what clients have subscribed.
        mono_ms: clock of the time without a change.

    Attributes:
        active: how many pairs of client and lite topic there are.
    """

    def __init__(
        self,
        config: BrokerConfig,
        metadata: LiteMetadata,
        topics: LiteTopics,
        offsets: ConsumerOffsetManager,
        order: MemoryConsumerOrderInfoManager,
        notices: UnsubscribeNotices,
        listener: LiteCtlListener,
        mono_ms: MonoMs,
    ) -> None:
        self._config = config
        self._metadata = metadata
        self._topics = topics
        self._offsets = offsets
        self._order = order
        self._notices = notices
        self._listener = listener
        self._mono_ms = mono_ms
        self._by_client: dict[str, Subscription] = {}
        self._by_lmq: dict[str, dict[ClientGroup, None]] = {}
        self._wildcards: dict[str, dict[str, None]] = {}  # topic -> its wildcard groups
        self.active = 0

    # --- questions

    def find(self, client_id: str) -> Subscription | None:
        """Return what a client subscribes."""
        return self._by_client.get(client_id)

    def clients_of(self, group: str) -> list[str]:
        """Return the clients of a group (``getAllClientIdByGroup``)."""
        return [client for client, own in self._by_client.items() if own.group == group]

    def subscribers(self, group: str, lmq: str) -> list[ClientGroup]:
        """Return the clients of one group that subscribe a light queue (``getAllSubscriber``)."""
        if self._metadata.is_wildcard(group):
            names = split_lmq(lmq)
            return [] if names is None else self.wildcard_clients(names[0], group)
        return [one for one in self._by_lmq.get(lmq, ()) if one.group == group]

    def subscribers_by_group(self, lmq: str) -> dict[str, list[ClientGroup]]:
        """Return group -> its clients that subscribe a light queue, those of wildcard groups too."""
        found: dict[str, list[ClientGroup]] = {}
        for one in self._by_lmq.get(lmq, ()):
            found.setdefault(one.group, []).append(one)
        names = split_lmq(lmq)
        for group in self._wildcards.get(names[0], ()) if names is not None else ():
            clients = self.wildcard_clients(names[0], group) if names is not None else []
            if clients:
                found.setdefault(group, clients)
        return found

    def wildcard_clients(self, topic: str, group: str) -> list[ClientGroup]:
        """Return the clients of a wildcard group (``getWildcardSubscriber``)."""
        return list(self._by_lmq.get(_wildcard(topic, group), ()))

    # --- changes, as clients ask for them

    def add(
        self,
        client_id: str,
        group: str,
        topic: str,
        lmqs: Collection[str],
        at: bodies.OffsetOption | None,
    ) -> None:
        """Subscribe some more (``addPartialSubscription``).

        Args:
            client_id: who.
            group: its group.
            topic: the parent topic.
            lmqs: light queues.
            at: where the group goes on with them; None: where it is.

        Raises:
            LiteQuotaError: there are too many already; those of this call don't count, as in Java.
            LiteStateError: a wildcard group has all of them.
        """
        most = self._config.max_lite_subscription_count
        if self.active >= most:
            raise LiteQuotaError(f"lite subscription quota exceeded {most}")
        if self._metadata.is_wildcard(group):
            raise LiteStateError("subscribe lite operation is not supported for this group")
        own = self._get(client_id, group, topic)
        client = ClientGroup(client_id, own.group)
        for lmq in lmqs:
            if not self._topics.is_active(topic, lmq):
                continue
            self._subscribe(own, lmq)
            if self._metadata.is_exclusive(group):
                self._exclude_others(client_id, group, lmq)
            self._reset(lmq, group, at)
            self._enter(client, lmq)

    def remove(self, client_id: str, group: str, topic: str, lmqs: Collection[str]) -> None:
        """Subscribe some no more (``removePartialSubscription``)."""
        own = self._get(client_id, group, topic)
        client = ClientGroup(client_id, own.group)
        resets = self._metadata.resets_on_unsubscribe(group)
        for lmq in lmqs:
            self._unsubscribe(own, lmq)
            self._leave(client, lmq, resets=resets)

    def replace(self, client_id: str, group: str, topic: str, lmqs: Collection[str]) -> None:
        """Subscribe these and nothing else (``addCompleteSubscription``)."""
        if self._metadata.is_wildcard(group):
            wanted = {_wildcard(topic, group): None}
            self._wildcards.setdefault(topic, {})[group] = None
        else:
            wanted = {lmq: None for lmq in lmqs if self._topics.is_active(topic, lmq)}
        own = self._get(client_id, group, topic)
        client = ClientGroup(client_id, own.group)
        for lmq in [lmq for lmq in own.lmqs if lmq not in wanted]:
            self._unsubscribe(own, lmq)
            self._leave(client, lmq)
        for lmq in wanted:
            self._subscribe(own, lmq)
            self._enter(client, lmq)

    def remove_all(self, client_id: str) -> None:
        """Let a client go, whatever group it is of (``removeCompleteSubscription``)."""
        self._notices.connections.pop(client_id, None)
        own = self._by_client.pop(client_id, None)
        if own is None:
            return
        logger.info("client %s of %s subscribes no lite topics of %s", client_id, *_names(own))
        for lmq in own.lmqs:
            self._leave(ClientGroup(client_id, own.group), lmq)
        self._listener.removed_all(client_id)

    # --- changes of other reasons

    def clean(self, lmq: str) -> None:
        """Forget who subscribes a light queue that is gone (``cleanSubscription``)."""
        for client in self._by_lmq.pop(lmq, ()):
            own = self._by_client.get(client.client_id)
            if own is not None and lmq in own.lmqs:
                self._unsubscribe(own, lmq)
            self.active -= 1

    def expire(self) -> None:
        """Let clients go that have not changed anything for too long (``cleanupExpiredSubscriptions``)."""
        oldest = self._mono_ms() - self._config.lite_subscription_check_timeout_mills
        for client_id in [one for one, own in self._by_client.items() if own.updated_ms < oldest]:
            self.remove_all(client_id)

    # --- pieces

    def _get(self, client_id: str, group: str, topic: str) -> Subscription:
        own = self._by_client.get(client_id)
        if own is None:
            own = self._by_client[client_id] = Subscription(group, topic, self._mono_ms())
        return own

    def _subscribe(self, own: Subscription, lmq: str) -> None:
        own.updated_ms = self._mono_ms()
        own.lmqs[lmq] = None

    def _unsubscribe(self, own: Subscription, lmq: str) -> None:
        own.updated_ms = self._mono_ms()
        own.lmqs.pop(lmq, None)

    def _enter(self, client: ClientGroup, lmq: str) -> None:
        clients = self._by_lmq.setdefault(lmq, {})
        if client not in clients:
            clients[client] = None
            self.active += 1
            self._listener.registered(client, lmq)

    def _leave(self, client: ClientGroup, lmq: str, *, resets: bool = False) -> None:
        clients = self._by_lmq.get(lmq)
        if clients is None or client not in clients:
            return
        del clients[client]
        self.active -= 1
        if not clients:
            del self._by_lmq[lmq]
        if resets:
            self._reset(lmq, client.group, bodies.OffsetOption(type="POLICY", value=_POLICY_MIN))

    def _exclude_others(self, client_id: str, group: str, lmq: str) -> None:
        """Take a light queue from the group's other clients (``excludeClientByLmqName``).

        Java takes it from the client itself too, which is told so, when it subscribes it once more.
        """
        resets = self._metadata.resets_when_excluded(group)
        others = [
            one
            for one in self._by_lmq.get(lmq, ())
            if one.group == group and one.client_id != client_id
        ]
        for other in others:
            own = self._by_client.get(other.client_id)
            if own is not None:
                self._unsubscribe(own, lmq)
                if not own.lmqs:
                    del self._by_client[other.client_id]
            self._notices.send(*other, lmq)
            logger.info("%s of %s goes from %s to %s", lmq, group, other.client_id, client_id)
            self._leave(other, lmq, resets=resets)

    def _reset(self, lmq: str, group: str, at: bodies.OffsetOption | None) -> None:
        """Let a group go on elsewhere in a lite topic (``resetOffset``)."""
        if at is None:
            return
        current = self._offsets.query(group, lmq, LMQ_QUEUE_ID)
        target = self._target(lmq, current, at)
        if target is not None and target != current:
            logger.info("%s goes on at %s of %s instead of %s", group, target, lmq, current)
            self._offsets.assign_reset(group, lmq, LMQ_QUEUE_ID, target)
            self._order.remove(lmq, group)

    def _target(self, lmq: str, current: int, at: bodies.OffsetOption) -> int | None:
        if at.type == "OFFSET":
            return at.value
        if at.type == "TAIL_N":
            return max(0, current - at.value) if current >= 0 else None
        if at.type == "POLICY" and at.value == _POLICY_MIN:
            return 0
        if at.type == "POLICY" and at.value == _POLICY_MAX:
            return self._topics.max_offset(lmq)
        return None


def _wildcard(topic: str, group: str) -> str:
    return f"{topic}@{group}"


def _names(own: Subscription) -> tuple[str, str]:
    return own.group, own.topic
