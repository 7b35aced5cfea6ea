"""Whether the store takes writes, and why not (Java ``RunningFlags``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rmqwire.clock import MonoMs
    from rmqwire.store.events import StoreEvents

DISK_FULL_RETRY_MS = 1_000  # ours: a full disk is tried again that often, without a restart
NOT_OPEN = "message store has shutdown, so putMessage is forbidden"
IS_SLAVE = "message store is in slave mode, so putMessage is forbidden"


class StoreHealth:
    """The reason why writes are refused, empty while they are not.

    Args:
        mono_ms: clock of the retries.
        events: told once when a write or flush has failed for good.
    """

    __slots__ = ("_events", "_mono_ms", "_retry_at", "broken", "reason")

    def __init__(self, mono_ms: MonoMs, events: StoreEvents) -> None:
        self.reason = NOT_OPEN
        self.broken = False  # a write or flush failed for good: only a restart helps
        self._events = events
        self._mono_ms = mono_ms
        self._retry_at = 0

    def refuses(self) -> bool:
        """Return whether a put is refused now; after a full disk one is let through to try."""
        if not self.reason:
            return False
        if self._retry_at and self._mono_ms() >= self._retry_at:
            self.allow()
            return False
        return True

    def allow(self) -> None:
        """Take writes again."""
        self.reason = ""
        self._retry_at = 0

    def refuse(self, reason: str) -> None:
        """Refuse writes by decision: shut down, or a slave."""
        self.reason = reason
        self._retry_at = 0

    def become_slave(self) -> None:
        """Refuse puts as a slave does, unless they're refused for good."""
        if not self.broken:
            self.refuse(IS_SLAVE)

    def become_master(self) -> None:
        """Take puts if being a slave was all that spoke against it."""
        if self.reason == IS_SLAVE:
            self.allow()

    def disk_full(self, reason: str) -> None:
        """Refuse writes for a while."""
        if self.broken:
            return
        self.reason = reason
        self._retry_at = self._mono_ms() + DISK_FULL_RETRY_MS

    def fail(self, reason: str) -> None:
        """Refuse writes until the next start. The first reason stays: others follow from it."""
        if self.broken:
            return
        self.broken = True
        self.refuse(reason)
        self._events.broken()
