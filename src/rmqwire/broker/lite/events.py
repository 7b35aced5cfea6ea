"""Which client is to pop which lite topic (``LiteEventDispatcher``).

A message in a lite topic is an event for one client of each group that subscribes it. Clients pop by
their events alone, so none may be lost: one that finds no room makes everything that its client
subscribes be looked through later, and those of a client that seems to hang go to others.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.broker.lite.client_events import ClientEvents
from rmqwire.codec.lite_topic import belongs_to, is_lite
from rmqwire.store.queues.light_queues import LMQ_QUEUE_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from random import Random

    from rmqwire.broker.lite.lite_topics import LiteTopics
    from rmqwire.broker.lite.metadata import LiteMetadata
    from rmqwire.broker.lite.subscriptions import ClientGroup, LiteSubscriptionRegistry
    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.broker.tables.offsets import ConsumerOffsetManager
    from rmqwire.clock import MonoMs

logger = logging.getLogger(__name__)
BLACKLIST_MS = 10_000
LEAST_DELAY_MS = 50
WILDCARD_REGISTERED_MS = 5_000
SPREAD_MS = 15_000  # a client that doesn't ask is looked at again at some time within it
WAKE_EACH = 10  # events of a look at everything for which a waiting pop is woken


class LiteEventDispatcher:
    """The events of one broker.

    Args:
        config: ``enableLiteEventMode``, delays.
        metadata: what the groups are.
        subscriptions: who subscribes what.
        topics: which lite topics there are.
        offsets: how far groups are.
        wake: runs a pop of this client that waits.
        rng: chooses clients.
        mono_ms: clock of delays.
    """

    def __init__(
        self,
        config: BrokerConfig,
        metadata: LiteMetadata,
        subscriptions: LiteSubscriptionRegistry,
        topics: LiteTopics,
        offsets: ConsumerOffsetManager,
        wake: Callable[[str], object],
        rng: Random,
        mono_ms: MonoMs,
    ) -> None:
        self._config = config
        self._metadata = metadata
        self._subscriptions = subscriptions
        self._topics = topics
        self._offsets = offsets
        self._wake = wake
        self._rng = rng
        self._mono_ms = mono_ms
        self._by_client: dict[str, ClientEvents] = {}
        self._blacklist: dict[str, int] = {}  # client -> until when; monotonic clock
        self._looks: dict[str, tuple[int, str]] = {}  # client or group -> when to look, its group

    def __len__(self) -> int:
        return len(self._by_client)

    def accessed_ms(self, client_id: str) -> int | None:
        """Return when a client last asked, monotonic clock; None if it has no events."""
        events = self._by_client.get(client_id)
        return None if events is None else events.accessed_ms

    # --- one lite topic

    def arrived(self, lmq: str) -> None:
        """Hear of a message in a lite topic."""
        if not self._config.enable_lite_event_mode:
            return
        for clients in self._subscriptions.subscribers_by_group(lmq).values():
            self._select(lmq, clients, None)

    def dispatch(self, group: str, lmq: str, without: str | None = None) -> None:
        """Let one client of a group pop a lite topic (``doDispatch``).

        Args:
            group: the group.
            lmq: the light queue.
            without: the client that is to get it only if there is no other.
        """
        if self._config.enable_lite_event_mode and is_lite(lmq):
            self._select(lmq, self._subscriptions.subscribers(group, lmq), without)

    def _select(self, lmq: str, clients: Sequence[ClientGroup], without: str | None) -> bool:
        """Give a light queue to one of the clients (``selectAndDispatch``); False if none has room."""
        if not clients:
            return True
        group = clients[0].group
        wildcard = self._metadata.is_wildcard(group)
        start = self._rng.randrange(len(clients))
        turn = [client.client_id for client in (*clients[start:], *clients[:start])]
        hanging = {one for one in turn if one != without and self._is_blacklisted(one)}
        last = [one for one in turn if one == without or (one in hanging and not wildcard)]
        first = [one for one in turn if one != without and one not in hanging]
        for client_id in (*first, *last):
            if self._offer(lmq, client_id, group, look_later=not wildcard):
                self._wake(client_id)
                return True
        if wildcard:
            delay = self._config.lite_event_full_dispatch_delay_time_for_wildcard_group
            self._note_look(_of_group(group), group, delay)
        return False

    def _is_blacklisted(self, client_id: str) -> bool:
        return self._blacklist.get(client_id, 0) > self._mono_ms()

    def _offer(self, lmq: str, client_id: str, group: str, *, look_later: bool) -> bool:
        if self._events(client_id, group).offer(lmq, self._metadata.max_events(group)):
            return True
        logger.warning("client %s has as many events as it may have", client_id)
        if look_later:
            hangs = self._is_blacklisted(client_id)
            self._look_at_client_later(client_id, group, SPREAD_MS if hangs else 0)
        return False

    def _events(self, client_id: str, group: str) -> ClientEvents:
        events = self._by_client.get(client_id)
        if events is None:
            events = self._by_client[client_id] = ClientEvents(group, self._mono_ms())
        return events

    def take(self, client_id: str) -> Iterator[str]:
        """Return the light queues that wait for a client, one by one (``getEventIterator``)."""
        if not self._config.enable_lite_event_mode:
            own = self._subscriptions.find(client_id)
            yield from list(own.lmqs) if own is not None else ()
            return
        events = self._by_client.get(client_id)
        while events is not None and events:
            lmq = events.poll(self._mono_ms())
            if lmq is not None:
                yield lmq

    # --- clients that come and go

    def registered(self, client: ClientGroup, lmq: str) -> None:
        """Hear that a client has subscribed a light queue, which may have messages."""
        if self._metadata.is_wildcard(client.group):
            self._note_look(_of_group(client.group), client.group, WILDCARD_REGISTERED_MS)
        elif self._topics.exists(lmq):
            self.dispatch(client.group, lmq)

    def removed_all(self, client_id: str) -> None:
        """Hear that a client has left: others get its events."""
        self._hand_over(client_id)

    def _hand_over(self, client_id: str) -> None:
        events = self._by_client.pop(client_id, None)
        while events is not None and events:
            lmq = events.poll(self._mono_ms())
            if lmq is not None:
                self.dispatch(events.group, lmq, client_id)

    # --- looks at everything

    def look_at_client(self, client_id: str, group: str) -> None:
        """Find what a client may pop (``doFullDispatchForClient``)."""
        own = self._subscriptions.find(client_id)
        if not self._config.enable_lite_event_mode or own is None or not own.lmqs:
            return
        now, events = self._mono_ms(), self._events(client_id, group)
        most, consuming = self._metadata.max_events(group), events.is_consuming(now)
        if events.may_hang(now):
            self._look_at_client_later(client_id, group, SPREAD_MS)
            return
        if not events.is_low(most):
            self._look_at_client_later(client_id, group, 0 if consuming else 10_000)
            return
        found = 0
        for lmq in list(own.lmqs):
            if not self._is_behind(group, lmq):
                continue
            if not events.offer(lmq, most):
                self._look_at_client_later(client_id, group, 0 if consuming else SPREAD_MS)
                break
            if found % WAKE_EACH == 0:
                self._wake(client_id)
            found += 1
        self._wake(client_id)
        logger.info("client %s has %d lite topics to pop", client_id, found)

    def look_at_group(self, group: str) -> None:
        """Find what the clients of a group may pop (``doFullDispatchByGroup``)."""
        if self._metadata.is_wildcard(group):
            self._look_at_wildcard(group)
            return
        for client_id in self._subscriptions.clients_of(group):
            self.look_at_client(client_id, group)

    def _look_at_wildcard(self, group: str) -> None:
        topic = self._metadata.bind_topic(group)
        if topic is None or not self._config.enable_lite_event_mode:
            return
        clients = self._subscriptions.wildcard_clients(topic, group)
        for lmq in self._topics.all() if clients else ():
            if not belongs_to(lmq, topic) or not self._is_behind(group, lmq):
                continue
            if not self._select(lmq, clients, None):
                return

    def _is_behind(self, group: str, lmq: str) -> bool:
        end = self._topics.max_offset(lmq)
        return end > 0 and self._offsets.query(group, lmq, LMQ_QUEUE_ID) < end

    def _look_at_client_later(self, client_id: str, group: str, spread_ms: int) -> None:
        delay = self._config.lite_event_full_dispatch_delay_time
        spread = self._rng.randrange(spread_ms) if spread_ms else 0
        self._note_look(client_id, group, delay + spread)

    def _note_look(self, key: str, group: str, delay_ms: int) -> None:
        at = self._mono_ms() + max(delay_ms, LEAST_DELAY_MS)
        self._looks.setdefault(key, (at, group))

    def look_later(self, client_id: str, group: str) -> None:
        """Find later what a client may pop that has failed now."""
        self._look_at_client_later(client_id, group, 0)

    # --- time

    def scan(self) -> None:
        """Give the events of clients that hang to others, look at what is due."""
        now = self._mono_ms()
        self._blacklist = {one: until for one, until in self._blacklist.items() if until > now}
        for client_id in [one for one, own in self._by_client.items() if own.may_hang(now)]:
            logger.warning("client %s asks for no lite topics, others get them", client_id)
            self._blacklist[client_id] = now + BLACKLIST_MS
            self._hand_over(client_id)
        due = sorted((at, key, group) for key, (at, group) in self._looks.items() if at <= now)
        for _, key, group in due:
            del self._looks[key]
            if self._metadata.is_wildcard(group):
                self._look_at_wildcard(group)
            else:
                self.look_at_client(key, group)


def _of_group(group: str) -> str:
    return f"${group}$"
