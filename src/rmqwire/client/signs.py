"""How it went the last time: what a client asks of servers again and again, and what came of it.

A permanent refusal looks like an empty queue to whoever waits for messages; these tell them apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.clock import WallMs
    from rmqwire.errors import RmqError

Key = TypeVar("Key")


@dataclass(slots=True)
class Sign:
    """How one thing went when it was tried last.

    Args:
        at_ms: when it was answered, refused or given up, ms since the epoch.
        error: what was refused or failed; None when all went well.
    """

    at_ms: int
    error: RmqError | None = None


class Signs(Generic[Key]):
    """The last sign of each of several things.

    Args:
        wall_ms: the wall clock, ms since the epoch.
    """

    def __init__(self, wall_ms: WallMs) -> None:
        self._wall_ms = wall_ms
        self._signs: dict[Key, Sign] = {}

    def good(self, key: Key) -> None:
        """Note that it went well."""
        self._signs[key] = Sign(self._wall_ms())

    def bad(self, key: Key, error: RmqError) -> None:
        """Note what was refused or failed; the error's traceback is not kept."""
        self._signs[key] = Sign(self._wall_ms(), error.with_traceback(None))

    def forget(self, key: Key) -> None:
        """Note that it isn't tried any more."""
        self._signs.pop(key, None)

    def get(self, key: Key) -> Sign | None:
        """Return the last sign, None before the first."""
        return self._signs.get(key)

    def error(self, key: Key) -> RmqError | None:
        """Return what went wrong the last time, None if nothing did."""
        sign = self._signs.get(key)
        return sign.error if sign is not None else None

    def items(self) -> Iterator[tuple[Key, Sign]]:
        """Return each thing with its last sign."""
        return iter(list(self._signs.items()))
