"""Pops and notifications that wait for messages (``PopLongPollingService``).

They wait by topic, group and queue; -1 stands for all queues. A message wakes one of them: it runs
again, and wakes the next if it left something. They stand in the order in which their times are up
(``PopRequest.COMPARATOR``): who was woken for what another had taken is the next one again, and not
behind all who came later.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from enum import Enum, auto
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeAlias, TypeVar

from rmqwire.broker.clients.held import HeldRequest, HeldRequests
from rmqwire.codec.message_const import RETRY_GROUP_TOPIC_PREFIX
from rmqwire.codec.pop import pop_retry_topic

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.clock import MonoMs, WallMs
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.filter.message_filter import Filter
    from rmqwire.remoting.handler import Peer

ALL_QUEUES = -1
EARLY_MS = 50  # a pop is answered so long before its time is up (PopRequest.isTimeout)


class PollingKey(NamedTuple):
    """What a pop waits for."""

    topic: str
    group: str
    queue_id: int


HeldPop: TypeAlias = HeldRequest[PollingKey]


class PollingResult(Enum):
    """Whether a request waits."""

    HELD = auto()
    FULL = auto()
    TIMEOUT = auto()
    NOT_POLLING = auto()


K = TypeVar("K", bound="Hashable")


def _deadline(held: HeldRequest[K]) -> int:
    return held.deadline_ms


class WaitingPops(HeldRequests[HeldRequest[K]], Generic[K]):
    """Pops that wait, so many and no more.

    Args:
        config: how many may wait.
        wall_ms: wall clock: a request says when it was born.
        mono_ms: clock of the deadlines.
    """

    def __init__(self, config: BrokerConfig, wall_ms: WallMs, mono_ms: MonoMs) -> None:
        super().__init__()
        self._config = config
        self._wall_ms = wall_ms
        self._mono_ms = mono_ms
        self._ready: deque[HeldRequest[K]] = deque()
        self._draining = False
        self._stopped = False

    def count(self, key: K) -> int:
        """Return how many wait for exactly that."""
        return len(self._by_key.get(key, ()))

    def poll(
        self,
        connection: Peer,
        request: RemotingCommand,
        key: K,
        born_and_poll_ms: tuple[int, int],
        wake: Callable[[HeldRequest[K]], None],
        wanted: Filter | None,
    ) -> PollingResult:
        """Keep a request that found nothing, if it may wait (``polling``).

        Args:
            connection: where it came from.
            request: it.
            key: what it waits for.
            born_and_poll_ms: when it was born, by the wall clock, and how long it waits from then.
            wake: runs it again.
            wanted: which messages it wants.
        """
        born_ms, poll_ms = born_and_poll_ms
        if poll_ms <= 0 or self._stopped:
            return PollingResult.NOT_POLLING
        if len(self) >= self._config.max_pop_polling_size:
            return PollingResult.FULL
        left_ms = born_ms + poll_ms - EARLY_MS - self._wall_ms()
        if left_ms < 0:
            return PollingResult.TIMEOUT
        if self.count(key) > self._config.pop_polling_size:
            return PollingResult.FULL
        deadline = self._mono_ms() + left_ms + 1
        self.hold(HeldRequest(connection, request, key, deadline, wake, wanted))
        return PollingResult.HELD

    def hold(self, held: HeldRequest[K]) -> None:
        """Keep a request in its place among those that wait for the same."""
        super().hold(held)
        waiting = self._by_key[held.key]
        waiting.pop()
        insort(waiting, held, key=_deadline)

    def wake_first(self, key: K) -> bool:
        """Wake the one that waits for something and whose time is up first; False when none does."""
        waiting = self._by_key.get(key)
        if waiting:
            self._end(key, waiting[:1])
        return bool(waiting)

    def _end(self, key: object, ended: list[HeldRequest[K]]) -> None:
        """Run requests again, one after the other: each may wake more."""
        self._remove(key, ended)
        self._ready.extend(ended)
        if self._draining:
            return
        self._draining = True
        try:
            while self._ready:
                held = self._ready.popleft()
                held.wake(held)
        finally:
            self._draining = False

    def stop(self) -> None:
        """Answer all, and keep nobody from now on."""
        self._stopped = True
        self.wake_all()


class PopLongPolling(WaitingPops[PollingKey]):
    """The waiting pops of one broker, or its waiting notifications.

    Args:
        config: how many may wait.
        wall_ms: wall clock: a request says when it was born.
        mono_ms: clock of the deadlines.
        newest_first: the one whose time is up last is woken first.
    """

    def __init__(
        self, config: BrokerConfig, wall_ms: WallMs, mono_ms: MonoMs, *, newest_first: bool = False
    ) -> None:
        super().__init__(config, wall_ms, mono_ms)
        self._newest_first = newest_first
        self._groups: dict[str, set[str]] = {}  # topic -> groups that waited for it
        self._origins: dict[str, tuple[str, str]] = {}  # retry topic -> topic, group

    def poll(
        self,
        connection: Peer,
        request: RemotingCommand,
        key: PollingKey,
        born_and_poll_ms: tuple[int, int],
        wake: Callable[[HeldPop], None],
        wanted: Filter | None,
    ) -> PollingResult:
        """Keep a request that found nothing, if it may wait."""
        if born_and_poll_ms[1] > 0 and not self._stopped:
            self._remember(key)
        return super().poll(connection, request, key, born_and_poll_ms, wake, wanted)

    def _remember(self, key: PollingKey) -> None:
        groups = self._groups.setdefault(key.topic, set())
        if key.group not in groups:
            groups.add(key.group)
            for v2 in (False, True):
                name = pop_retry_topic(key.topic, key.group, v2=v2)
                self._origins[name] = (key.topic, key.group)

    # --- waking

    def arrived(self, topic: str, queue_id: int, tags_code: int) -> None:
        """Wake those that a message is for (``notifyMessageArrivingWithRetryTopic``)."""
        if topic.startswith(RETRY_GROUP_TOPIC_PREFIX):
            origin = self._origins.get(topic)
            if origin is not None:
                self.notify(*origin, queue_id, None)
                self.notify(*origin, ALL_QUEUES, None)
            return
        for group in self._groups.get(topic, ()):
            self.notify(topic, group, ALL_QUEUES, tags_code)
            self.notify(topic, group, queue_id, tags_code)

    def notify(self, topic: str, group: str, queue_id: int, tags_code: int | None) -> bool:
        """Wake one that waits for a queue; False when none does.

        Args:
            topic: the topic.
            group: the group.
            queue_id: the queue, or -1.
            tags_code: of the message that came; None wakes whatever it wants.
        """
        key = PollingKey(topic, group, queue_id)
        waiting = self._by_key.get(key)
        if not waiting:
            return False
        for held in reversed(waiting) if self._newest_first else waiting:
            test = None if held.wanted is None else held.wanted.wants_code
            if tags_code is None or test is None or test(tags_code):
                self._end(key, [held])
                return True
        return False

    def keys(self) -> list[PollingKey]:
        """Return what is waited for."""
        return [held[0].key for held in self._by_key.values()]

    def forget(self, topics: Callable[[str], bool], groups: Callable[[str], bool]) -> None:
        """Forget topics and groups that are gone (``cleanUnusedResource``).

        Args:
            topics: whether a topic is there.
            groups: whether a group is.
        """
        for topic, names in list(self._groups.items()):
            for group in [name for name in names if not (topics(topic) and groups(name))]:
                names.discard(group)
                for v2 in (False, True):
                    self._origins.pop(pop_retry_topic(topic, group, v2=v2), None)
            if not names:
                del self._groups[topic]
