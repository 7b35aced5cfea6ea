"""Requests that wait until something arrives or their time is up: a table with a deadline heap."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from rmqwire.codec.command import RemotingCommand
    from rmqwire.filter.message_filter import Filter
    from rmqwire.remoting.handler import Peer

_HEAP_SLACK = 256  # ended entries that may stay in the heap before it is rebuilt


K = TypeVar("K", bound="Hashable")


class HeldRequest(Generic[K]):
    """One waiting request.

    Args:
        connection: where the answer goes.
        request: the request as it came.
        key: what it waits for.
        deadline_ms: when it is answered in any case; monotonic clock.
        wake: runs it again; it may hold a new one, not the same one.
        wanted: which messages it asks for; None takes every message.
    """

    __slots__ = ("connection", "deadline_ms", "key", "request", "waiting", "wake", "wanted")

    def __init__(
        self,
        connection: Peer,
        request: RemotingCommand,
        key: K,
        deadline_ms: int,
        wake: Callable[[Any], None],
        wanted: Filter | None = None,
    ) -> None:
        self.connection = connection
        self.request = request
        self.key = key
        self.deadline_ms = deadline_ms
        self.wake = wake
        self.wanted = wanted
        self.waiting = True


H = TypeVar("H", bound=HeldRequest[Any])


class HeldRequests(Generic[H]):
    """Waiting requests by what they wait for.

    Attributes:
        waiting: how many there are.
    """

    def __init__(self) -> None:
        self._by_key: dict[Any, list[H]] = {}
        self._heap: list[tuple[int, int, H]] = []
        self._order = count()
        self.waiting = 0

    def __len__(self) -> int:
        return self.waiting

    def hold(self, held: H) -> None:
        """Keep a request until it is ended or its deadline passes."""
        self._by_key.setdefault(held.key, []).append(held)
        heappush(self._heap, (held.deadline_ms, next(self._order), held))
        self.waiting += 1
        if len(self._heap) > 2 * self.waiting + _HEAP_SLACK:
            self._heap = [entry for entry in self._heap if entry[2].waiting]
            heapify(self._heap)

    def expire(self, mono_ms: int) -> None:
        """Wake every request whose deadline has passed."""
        heap = self._heap
        due: list[H] = []
        while heap and (heap[0][0] <= mono_ms or not heap[0][2].waiting):
            held = heappop(heap)[2]
            if held.waiting:
                due.append(held)
        for held in due:
            if held.waiting:
                self._end(held.key, [held])

    def next_deadline(self) -> int | None:
        """Return the time in ms at which ``expire`` has something to do, or None."""
        heap = self._heap
        while heap and not heap[0][2].waiting:
            heappop(heap)
        return heap[0][0] if heap else None

    def wake_all(self) -> None:
        """Answer every request now (``notifyMasterOnline``, or the broker stops)."""
        for key, waiting in list(self._by_key.items()):
            self._end(key, list(waiting))

    def connection_closed(self, connection: Peer) -> None:
        """Forget the requests of a connection that closed."""
        for key, waiting in list(self._by_key.items()):
            gone = [held for held in waiting if held.connection is connection]
            if gone:
                self._remove(key, gone)

    def _end(self, key: Hashable, ended: list[H]) -> None:
        self._remove(key, ended)
        for held in ended:
            held.wake(held)

    def _remove(self, key: Hashable, ended: list[H]) -> None:
        for held in ended:
            held.waiting = False
        self.waiting -= len(ended)
        rest = [held for held in self._by_key[key] if held.waiting]
        if rest:
            self._by_key[key] = rest
        else:
            del self._by_key[key]
