"""Pulls that wait for messages (``PullRequestHoldService``): a pure table with a deadline heap.

A pull that found nothing stays here until a matching message arrives in its queue or its deadline
passes; then its ``wake`` runs it again, and that time it is answered whatever it finds. The store
tells an arrival once per queue, pass and tags code, so a pull wakes for its own tags only; what came for
a pull with an expression is looked at in the queue. ``check`` compares all queues with the store,
in case an arrival was never told (a slave, a recovered queue); without a tags code every pull that
has something new is woken, and its read filters: so its consumer's offset goes on, as in Java.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.codec.command import RemotingCommand
    from rmqwire.filter.message_filter import Filter
    from rmqwire.remoting.handler import Peer

_HEAP_SLACK = 256  # ended entries that may stay in the heap before it is rebuilt


class HeldPull:
    """One waiting pull request.

    Args:
        connection: where the answer goes.
        request: the pull as it came.
        key: topic and queue id.
        offset: queue offset that it waits for.
        deadline_ms: when it is answered in any case.
        wake: runs it again; it may hold a new pull, not the same one.
        wanted: what it asks for; None takes every message.

    Attributes:
        passed: up to which queue offset there was nothing for it.
    """

    __slots__ = (
        "connection",
        "deadline_ms",
        "key",
        "offset",
        "passed",
        "request",
        "waiting",
        "wake",
        "wanted",
    )

    def __init__(
        self,
        connection: Peer,
        request: RemotingCommand,
        key: tuple[str, int],
        offset: int,
        deadline_ms: int,
        wake: Callable[[HeldPull], None],
        wanted: Filter | None = None,
    ) -> None:
        self.connection = connection
        self.request = request
        self.key = key
        self.offset = offset
        self.deadline_ms = deadline_ms
        self.wake = wake
        self.passed = offset
        self.wanted = wanted
        self.waiting = True


class LongPolling:
    """All waiting pulls of one broker.

    Args:
        max_offset: gives the end (exclusive) of a queue: ``max_offset(topic, queue_id)``.
        next_wanted: ``MessageStore.next_wanted``.
    """

    def __init__(
        self,
        max_offset: Callable[[str, int], int],
        next_wanted: Callable[[str, int, int, Filter], int],
    ) -> None:
        self._max_offset = max_offset
        self._next_wanted = next_wanted
        self._queues: dict[tuple[str, int], list[HeldPull]] = {}
        self._heap: list[tuple[int, int, HeldPull]] = []
        self._order = count()
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def hold(self, pull: HeldPull) -> None:
        """Keep a pull until something arrives or its deadline passes."""
        self._queues.setdefault(pull.key, []).append(pull)
        heappush(self._heap, (pull.deadline_ms, next(self._order), pull))
        self._waiting += 1
        if len(self._heap) > 2 * self._waiting + _HEAP_SLACK:
            self._heap = [entry for entry in self._heap if entry[2].waiting]
            heapify(self._heap)

    def arrived(self, topic: str, queue_id: int, max_offset: int, tags_code: int | None) -> None:
        """Wake the pulls of a queue that grew to ``max_offset`` (exclusive).

        Args:
            topic: topic of the queue.
            queue_id: id of the queue.
            max_offset: end of the queue now, in messages.
            tags_code: one that came; None when unknown.
        """
        key = (topic, queue_id)
        pulls = self._queues.get(key)
        if not pulls:
            return
        ready = [pull for pull in pulls if self._is_ready(pull, max_offset, tags_code)]
        if ready:
            self._end(key, ready)

    def _is_ready(self, pull: HeldPull, max_offset: int, tags_code: int | None) -> bool:
        """Return whether the queue's new end brought something for the pull."""
        if max_offset <= pull.offset:
            return False
        wanted = pull.wanted
        if tags_code is None or wanted is None:
            return True
        if wanted.wants_code is not None and not wanted.wants_code(tags_code):
            return False
        if wanted.wants is None:
            return True
        pull.passed = self._next_wanted(*pull.key, pull.passed, wanted)
        return pull.passed < max_offset

    def expire(self, mono_ms: int) -> None:
        """Wake every pull whose deadline has passed."""
        heap = self._heap
        due: list[HeldPull] = []
        while heap and (heap[0][0] <= mono_ms or not heap[0][2].waiting):
            pull = heappop(heap)[2]
            if pull.waiting:
                due.append(pull)
        for pull in due:
            if pull.waiting:
                self._end(pull.key, [pull])

    def next_deadline(self) -> int | None:
        """Return the time in ms at which ``expire`` has something to do, or None."""
        heap = self._heap
        while heap and not heap[0][2].waiting:
            heappop(heap)
        return heap[0][0] if heap else None

    def check(self) -> None:
        """Compare every queue that is waited for with the store."""
        for topic, queue_id in list(self._queues):
            self.arrived(topic, queue_id, self._max_offset(topic, queue_id), None)

    def wake_all(self) -> None:
        """Answer every pull now (``notifyMasterOnline``, or the broker stops)."""
        for key, pulls in list(self._queues.items()):
            self._end(key, list(pulls))

    def connection_closed(self, connection: Peer) -> None:
        """Forget the pulls of a connection that closed."""
        for key, pulls in list(self._queues.items()):
            gone = [pull for pull in pulls if pull.connection is connection]
            if gone:
                self._remove(key, gone)

    def _end(self, key: tuple[str, int], pulls: list[HeldPull]) -> None:
        self._remove(key, pulls)
        for pull in pulls:
            pull.wake(pull)

    def _remove(self, key: tuple[str, int], pulls: list[HeldPull]) -> None:
        for pull in pulls:
            pull.waiting = False
        self._waiting -= len(pulls)
        rest = [pull for pull in self._queues[key] if pull.waiting]
        if rest:
            self._queues[key] = rest
        else:
            del self._queues[key]
