"""Counts of messages that wait, by topic, in a file of the config folder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from rmqwire.broker.tables.versions import advance, first_version
from rmqwire.codec import bodies
from rmqwire.disk.table_file import TableWriter, at_once

if TYPE_CHECKING:
    from rmqwire.clock import WallMs
    from rmqwire.codec.release import Release
    from rmqwire.disk.table_file import ConfigFile


class TopicMetrics(ABC):
    """The counters of one broker.

    Args:
        file: in the config folder.
        release: whose JSON is written.
        wall_ms: wall clock.
        kept: whether ``release`` has the file; without it the counts are in memory alone.

    Attributes:
        counts: topic -> messages that wait.
    """

    def __init__(
        self, file: ConfigFile, release: Release, wall_ms: WallMs, *, kept: bool = True
    ) -> None:
        self._file = file
        self._release = release
        self._wall_ms = wall_ms
        self._kept = kept
        self.counts: dict[str, bodies.Metric] = {}
        self.data_version = first_version(wall_ms())
        self.writer = TableWriter(file, at_once(self.encode))
        self._changed = False

    def add(self, topic: str, number: int) -> None:
        """Count messages of a topic that began (or, below 0, ceased) to wait."""
        metric = self.counts.get(topic)
        if metric is None:
            metric = self.counts[topic] = bodies.Metric()
        metric.count += number
        metric.time_stamp = self._wall_ms()
        advance(self.data_version, metric.time_stamp)
        self._changed = True

    def recount(self, counts: dict[str, int]) -> None:
        """Take over what the messages themselves say: a file may be older, or another broker's."""
        for topic in self.counts.keys() | counts.keys():
            before = self.counts[topic].count if topic in self.counts else 0
            if difference := counts.get(topic, 0) - before:
                self.add(topic, difference)

    def remove(self, topic: str) -> None:
        """Forget a topic that was deleted."""
        self.counts.pop(topic, None)

    def load(self) -> bool:
        """Read the file; False when there is none to read."""
        return self._kept and self._file.load(self.decode)

    @abstractmethod
    def decode(self, data: bytes) -> None:
        """Take over counters as the file, or a master, gives them.

        Raises:
            BadBody: they aren't; nothing has changed.
        """

    @abstractmethod
    def encode(self) -> bytes:
        """Return the table as Java writes it."""

    def persist(self) -> None:
        """Write the file if anything has changed since the last time.

        Raises:
            OSError: the disk refused.
        """
        if self._changed and self._kept:
            self._changed = False
            self.writer.write()
