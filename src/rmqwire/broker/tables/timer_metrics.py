"""How many timers wait for each topic: ``config/timermetrics`` (``TimerMetrics``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.broker.tables.versions import advance, assign, first_version
from rmqwire.codec.bodies import TimerMetricsSerializeWrapper
from rmqwire.codec.bodies.broker_files import Metric
from rmqwire.disk.table_file import TableWriter, at_once

if TYPE_CHECKING:
    from rmqwire.clock import WallMs
    from rmqwire.codec.release import Release
    from rmqwire.disk.table_file import ConfigFile


class TimerMetrics:
    """The counters of one broker.

    Args:
        file: ``config/timermetrics``.
        release: whose JSON is written.
        wall_ms: wall clock.

    Attributes:
        counts: topic -> messages that wait. Recalls count down until their tick, as in Java.
    """

    def __init__(self, file: ConfigFile, release: Release, wall_ms: WallMs) -> None:
        self._file = file
        self._release = release
        self._wall_ms = wall_ms
        self.counts: dict[str, Metric] = {}
        self.data_version = first_version(wall_ms())
        self.writer = TableWriter(file, at_once(self.encode))
        self._written = 0  # counter of the version that was written last

    def add(self, topic: str, number: int) -> None:
        """Count messages of a topic that began (or, below 0, ceased) to wait."""
        now = self._wall_ms()
        metric = self.counts.get(topic)
        if metric is None:
            metric = self.counts[topic] = Metric()
        metric.count += number
        metric.time_stamp = now
        advance(self.data_version, now)

    def remove(self, topic: str) -> None:
        """Forget a topic that was deleted."""
        self.counts.pop(topic, None)

    def load(self) -> None:
        """Read the file, if there is one.

        Raises:
            StoreError: neither it nor its backup can be read.
        """
        self._file.load(self.decode)

    def decode(self, data: bytes) -> None:
        """Take over counters as the file, or a master, gives them.

        Raises:
            BadBody: they aren't; nothing has changed.
        """
        wrapper = TimerMetricsSerializeWrapper.decode(data, self._release)
        self.counts.update(wrapper.timing_count)
        if wrapper.data_version is not None:
            assign(self.data_version, wrapper.data_version)

    def encode(self) -> bytes:
        """Return the table as Java writes it."""
        return TimerMetricsSerializeWrapper(
            timing_count=dict(self.counts), data_version=self.data_version
        ).encode(self._release)

    def persist(self) -> None:
        """Write the file if anything has changed since the last time.

        Raises:
            OSError: the disk refused.
        """
        if self.data_version.counter != self._written:
            self._written = self.data_version.counter
            self.writer.write()
