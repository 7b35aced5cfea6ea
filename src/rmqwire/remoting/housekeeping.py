"""Which connections are looked at when: a wheel of seconds (Java: Netty's ``HashedWheelTimer``).

A connection of which something may soon be due is looked at each second: a request of ours without
an answer, a frame that hasn't arrived whole, a handshake. One that is quiet is looked at a few times within
the silence after which it is closed. So thousands of quiet connections cost next to nothing.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rmqwire.remoting.connection import Connection

PERIOD_S = 1.0  # of one slot
LOOKS = 8  # at a quiet connection within its longest silence


class Connected(Protocol):
    """Whatever serves a connection."""

    @property
    def connection(self) -> Connection:
        """The connection."""


C = TypeVar("C", bound=Connected)


class Housekeeping(Generic[C]):
    """The channels of one listening socket, on a wheel.

    Args:
        idle_ms: silence after which a connection is closed.
        came: called when a channel comes where there was none.
    """

    def __init__(self, idle_ms: int, came: Callable[[], None]) -> None:
        self._came = came
        self._far = max(1, idle_ms // round(LOOKS * PERIOD_S * 1000))  # slots to the next look
        self._slots: list[dict[C, None]] = [{} for _ in range(self._far + 1)]
        self._now = 0
        self._slot_of: dict[C, int] = {}

    def __len__(self) -> int:
        """Return how many channels there are: with none, there is nothing to tick for."""
        return len(self._slot_of)

    def __iter__(self) -> Iterator[C]:
        """Give every channel."""
        return iter(self._slot_of)

    def add(self, channel: C) -> None:
        """Look at a channel from now on, for the first time in the next slot."""
        channel.connection.on_deadline = partial(self._look_soon, channel)
        if not self._slot_of:
            self._came()
        self._put(channel, 1)

    def discard(self, channel: C) -> None:
        """Look at a channel no more."""
        channel.connection.on_deadline = None
        slot = self._slot_of.pop(channel, None)
        if slot is not None:
            self._slots[slot].pop(channel, None)  # it isn't there while it is looked at

    def tick(self, mono_ms: int) -> int:
        """Look at those whose slot has come; called each ``PERIOD_S``. Return how many they were."""
        self._now = (self._now + 1) % len(self._slots)
        due, self._slots[self._now] = self._slots[self._now], {}
        for channel in due:
            connection = channel.connection
            connection.expire(mono_ms)
            if channel in self._slot_of:  # closing may have taken it out
                self._put(channel, 1 if connection.restless or connection.closed else self._far)
        return len(due)

    def _look_soon(self, channel: C) -> None:
        slot = self._slot_of[channel]
        self._slots[slot].pop(channel, None)
        self._put(channel, 1)

    def _put(self, channel: C, ahead: int) -> None:
        slot = (self._now + ahead) % len(self._slots)
        self._slots[slot][channel] = None
        self._slot_of[channel] = slot
