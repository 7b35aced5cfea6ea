"""Half messages that wait for the end of their transaction, by topic (``TransactionMetrics``, 5.x)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.broker.tables.versions import advance, assign, first_version
from rmqwire.codec.bodies import Metric, TransactionMetricsSerializeWrapper
from rmqwire.disk.table_file import TableWriter, at_once

if TYPE_CHECKING:
    from rmqwire.clock import WallMs
    from rmqwire.codec.release import Release
    from rmqwire.disk.table_file import ConfigFile


class TransactionMetrics:
    """The table ``config/transactionMetrics``.

    Args:
        file: it.
        release: whether there is one.
        wall_ms: wall clock.
    """

    def __init__(self, file: ConfigFile, release: Release, wall_ms: WallMs) -> None:
        self.counts: dict[str, Metric] = {}
        self.data_version = first_version(wall_ms())
        self.writer = TableWriter(file, at_once(self.encode))
        self._file = file
        self._release = release
        self._wall_ms = wall_ms
        self._changed = False

    def add(self, topic: str, number: int) -> None:
        """Count half messages of a real topic, or uncount them."""
        metric = self.counts.setdefault(topic, Metric())
        metric.count += number
        metric.time_stamp = self._wall_ms()
        advance(self.data_version, metric.time_stamp)
        self._changed = True

    def recount(self, counts: dict[str, int]) -> None:
        """Take over what the half queue says: a file may be older, or another broker's."""
        for topic in self.counts.keys() | counts.keys():
            difference = counts.get(topic, 0) - (
                self.counts[topic].count if topic in self.counts else 0
            )
            if difference:
                self.add(topic, difference)

    def load(self) -> bool:
        """Read the file; False when there is none.

        Raises:
            StoreError: neither it nor its backup can be read.
        """
        return self._release.broker.counts_half_messages and self._file.load(self.decode)

    def decode(self, data: bytes) -> None:
        """Take over the text of a file.

        Raises:
            BadBody: it isn't one.
        """
        wrapper = TransactionMetricsSerializeWrapper.decode(data, self._release)
        self.counts.update(wrapper.transaction_count)
        assign(self.data_version, wrapper.data_version)

    def encode(self) -> bytes:
        """Return the text of the file."""
        return TransactionMetricsSerializeWrapper(
            transaction_count=self.counts, data_version=self.data_version
        ).encode(self._release)

    def persist(self) -> None:
        """Write the file if a count has changed, in a release that has one.

        Raises:
            OSError: the disk refused.
        """
        if self._changed and self._release.broker.counts_half_messages:
            self._changed = False
            self.writer.write()
