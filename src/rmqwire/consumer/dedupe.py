"""Windows of what was consumed: a message that comes twice within one isn't handed out again.

RocketMQ delivers at least once. A message comes again when a send was repeated by hand with the same
UNIQ_KEY, when a member of the group died before its commit, when queues change hands, when a popped
message took too long. Give a window to a consumer's ``dedupe``; a listener that failed gets its message
again all the same. Two deliveries at the same moment are both handed out.
"""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections import OrderedDict
from typing import TYPE_CHECKING

from rmqwire import clock
from rmqwire.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    from rmqwire.clock import WallMs

DAY_MS = 24 * 3600 * 1000
CLEAN_EACH = 1_000  # additions


class Dedupe(ABC):
    """What was consumed lately; to be called in one thread at a time."""

    @abstractmethod
    def seen(self, group: str, key: str) -> bool:
        """Return whether a group has consumed the message with this UNIQ_KEY."""

    @abstractmethod
    def add(self, group: str, keys: Iterable[str]) -> None:
        """Remember messages that a group has consumed."""


class MemoryDedupe(Dedupe):
    """The newest ones, in memory: repeats within one life of the program.

    Args:
        most: how many keys are kept, about 200 bytes each.

    Raises:
        UsageError: less than one.
    """

    def __init__(self, most: int = 100_000) -> None:
        if most < 1:
            raise UsageError("most < 1")
        self._most = most
        self._keys: OrderedDict[tuple[str, str], None] = OrderedDict()

    def seen(self, group: str, key: str) -> bool:
        """Return whether a group has consumed the message with this UNIQ_KEY."""
        return (group, key) in self._keys

    def add(self, group: str, keys: Iterable[str]) -> None:
        """Remember messages that a group has consumed."""
        for key in keys:
            self._keys[group, key] = None
            self._keys.move_to_end((group, key))
            if len(self._keys) > self._most:
                self._keys.popitem(last=False)


class SqliteDedupe(Dedupe):
    """All of some time, in a file: repeats over restarts, and among processes of one machine.

    Keys are written when the listener has succeeded, without waiting for the disk: a crash of the
    program loses none, one of the machine may lose the newest.

    Args:
        path: the file; made if it isn't there. Members of the group on this machine may share it.
        window_ms: how long a key is kept, ms.
        wall_ms: the wall clock, ms since the epoch.

    Raises:
        UsageError: no time at all, or the file can't be used.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        window_ms: int = DAY_MS,
        *,
        wall_ms: WallMs = clock.wall_ms,
    ) -> None:
        if window_ms < 1:
            raise UsageError("window_ms < 1")
        self._window_ms = window_ms
        self._wall_ms = wall_ms
        self._added = 0
        try:
            self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute("PRAGMA synchronous=OFF")
            self._file.execute(
                "CREATE TABLE IF NOT EXISTS consumed"
                " (consumer_group TEXT, unique_key TEXT, at_ms INTEGER,"
                " PRIMARY KEY (consumer_group, unique_key)) WITHOUT ROWID"
            )
        except sqlite3.Error as error:
            raise UsageError(f"{path} can't be used: {error}") from None

    def seen(self, group: str, key: str) -> bool:
        """Return whether a group has consumed the message with this UNIQ_KEY."""
        found = self._file.execute(
            "SELECT at_ms FROM consumed WHERE consumer_group = ? AND unique_key = ?", (group, key)
        ).fetchone()
        return found is not None and found[0] > self._wall_ms() - self._window_ms

    def add(self, group: str, keys: Iterable[str]) -> None:
        """Remember messages that a group has consumed."""
        now = self._wall_ms()
        rows = [(group, key, now) for key in keys]
        self._file.executemany("INSERT OR REPLACE INTO consumed VALUES (?, ?, ?)", rows)
        self._added += len(rows)
        if self._added >= CLEAN_EACH:
            self._added = 0
            self._file.execute("DELETE FROM consumed WHERE at_ms <= ?", (now - self._window_ms,))

    def close(self) -> None:
        """Close the file."""
        self._file.close()
