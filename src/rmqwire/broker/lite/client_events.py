"""The lite topics that wait for one client to pop them (``LiteEventDispatcher.ClientEventSet``)."""

from __future__ import annotations

INACTIVE_MS = 10_000  # who has so long left events where they are may hang
LONG_POLLING_MS = 35_000  # so long a client that is well doesn't ask at most
ACTIVE_MS = 5_000
LOW_WATER_MARK = 0.2


class ClientEvents:
    """Light queues, each once, in the order in which they got messages.

    Args:
        group: the client's.
        now: monotonic clock, ms.

    Attributes:
        accessed_ms: when the client last asked; monotonic clock.
    """

    __slots__ = ("_events", "accessed_ms", "group")

    def __init__(self, group: str, now: int) -> None:
        self.group = group
        self.accessed_ms = now
        self._events: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._events)

    def offer(self, lmq: str, most: int) -> bool:
        """Add a light queue; False if there are ``most`` already."""
        if len(self._events) >= most:
            return False
        self._events[lmq] = None
        return True

    def poll(self, now: int) -> str | None:
        """Take the first one."""
        self.accessed_ms = now
        lmq = next(iter(self._events), None)
        if lmq is not None:
            del self._events[lmq]
        return lmq

    def may_hang(self, now: int) -> bool:
        """Return whether the client seems to be gone (``maybeBlock``)."""
        idle = now - self.accessed_ms
        return idle > LONG_POLLING_MS or (bool(self._events) and idle > INACTIVE_MS)

    def is_low(self, most: int) -> bool:
        """Return whether there is room for a good many more."""
        return len(self._events) / max(most, 1) < LOW_WATER_MARK

    def is_consuming(self, now: int) -> bool:
        """Return whether the client has asked just now."""
        return now - self.accessed_ms < ACTIVE_MS
