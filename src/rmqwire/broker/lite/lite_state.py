"""Everything that one broker keeps about lite topics, and what is done about it in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.broker.lite.events import LiteEventDispatcher
from rmqwire.broker.lite.lag import LiteLag
from rmqwire.broker.lite.lifecycle import LiteLifecycle
from rmqwire.broker.lite.lite_topics import LiteTopics
from rmqwire.broker.lite.notices import UnsubscribeNotices
from rmqwire.broker.lite.sharding import LiteSharding
from rmqwire.broker.lite.subscriptions import ClientGroup, LiteSubscriptionRegistry
from rmqwire.broker.pop.order_info import MemoryConsumerOrderInfoManager
from rmqwire.broker.pop.polling import WaitingPops
from rmqwire.codec.lite_topic import is_lite

if TYPE_CHECKING:
    from random import Random

    from rmqwire.broker.clients.topic_routes import TopicRoutes
    from rmqwire.broker.lite.metadata import LiteMetadata
    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.broker.tables.offsets import ConsumerOffsetManager
    from rmqwire.clock import MonoMs
    from rmqwire.codec.release import Release
    from rmqwire.remoting.handler import Peer
    from rmqwire.store.message_store import MessageStore


class LiteState:
    """The lite topics of one broker.

    Args:
        config: the broker's settings.
        release: which RocketMQ it is.
        store: where the messages are.
        metadata: parent topics, and groups that consume lite topics.
        offsets: how far they are.
        routes: which brokers have a parent topic.
        rng: chooses clients.
        mono_ms: clock of waits and rounds.

    Attributes:
        metadata: what topics and groups are.
        notices: tells clients that they have lost a lite topic.
        topics: the lite topics.
        order: blocks of groups, lost with the process: their messages are delivered again.
        polling: pops that wait, by client.
        subscriptions: who subscribes what.
        events: who is to pop what.
        lag: how far groups are behind.
        lifecycle: the end of lite topics.
    """

    def __init__(
        self,
        config: BrokerConfig,
        release: Release,
        store: MessageStore,
        metadata: LiteMetadata,
        offsets: ConsumerOffsetManager,
        routes: TopicRoutes,
        rng: Random,
        mono_ms: MonoMs,
    ) -> None:
        self._config = config
        self._mono_ms = mono_ms
        self.metadata = metadata
        self.notices = UnsubscribeNotices(release)
        self.topics = LiteTopics(store, LiteSharding(config.broker_name, routes.write_queues))
        self.order = MemoryConsumerOrderInfoManager(store.wall_ms)
        self.polling: WaitingPops[str] = WaitingPops(config, store.wall_ms, mono_ms)
        self.subscriptions = LiteSubscriptionRegistry(
            config,
            metadata,
            self.topics,
            offsets,
            self.order,
            self.notices,
            self,
            mono_ms,
        )
        self.events = LiteEventDispatcher(
            config,
            metadata,
            self.subscriptions,
            self.topics,
            offsets,
            self.polling.wake_first,
            rng,
            mono_ms,
        )
        self.lag = LiteLag(config, store, self.topics, offsets)
        self.lifecycle = LiteLifecycle(
            config,
            store,
            self.topics,
            metadata,
            offsets,
            self.order,
            self.subscriptions,
            mono_ms,
        )
        self._next_scan_ms = mono_ms() + config.lite_event_check_interval
        self._next_expiry_ms = mono_ms() + config.lite_subscription_check_interval

    # --- what clients tell

    def registered(self, client: ClientGroup, lmq: str) -> None:
        """Hear that a client has subscribed a light queue."""
        self.events.registered(client, lmq)

    def removed_all(self, client_id: str) -> None:
        """Hear that a client has left."""
        self.events.removed_all(client_id)

    # --- what connections and the store tell

    def arrived(self, topic: str) -> None:
        """Hear of a message that can be read now."""
        if self.subscriptions.active and is_lite(topic):
            self.events.arrived(topic)

    def connection_closed(self, connection: Peer) -> None:
        """Forget the requests of a connection that closed."""
        self.polling.connection_closed(connection)
        self.notices.connection_closed(connection)

    # --- time

    def tick(self, *, is_master: bool) -> None:
        """Do what is due: waits, blocks that are over, looks, ends.

        Args:
            is_master: lite topics go at the master; a slave may not have heard of their last messages.
        """
        now = self._mono_ms()
        self.polling.expire(now)
        for lmq, group, _ in self.order.take_free():
            self.events.dispatch(group, lmq)
        if now >= self._next_scan_ms:
            self._next_scan_ms = now + self._config.lite_event_check_interval
            self.events.scan()
        if now >= self._next_expiry_ms:
            self._next_expiry_ms = now + self._config.lite_subscription_check_interval
            self.subscriptions.expire()
        if is_master:
            self.lifecycle.tick()

    @property
    def at_rest(self) -> bool:
        """Return whether ``tick`` has nothing to do before the next request but its rounds."""
        return not self.polling.waiting and self.order.at_rest and not self.lifecycle.in_round

    def stop(self) -> None:
        """Answer everybody who waits."""
        self.polling.stop()
