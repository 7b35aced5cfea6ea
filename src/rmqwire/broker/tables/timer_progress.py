"""A master's timer progress, as its slave keeps it (``TimerCheckpoint``, ``TimerMetrics``, 5.x).

``config/timercheck`` says up to which time timer messages were delivered; ``config/timermetrics``
counts those that wait by topic. There is no timer store here. The two files are kept up to date
for the Java broker that opens the folder next: without them it would deliver again what the master
has delivered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec import bodies
from rmqwire.codec.checkpoint import FILE_SIZE, TIMER_CHECKPOINT_SIZE, TimerCheckpoint
from rmqwire.disk.table_file import TableWriter, at_once

if TYPE_CHECKING:
    from rmqwire.disk.files import FileLayer
    from rmqwire.disk.table_file import ConfigFile


class TimerProgress:
    """Both files of one slave.

    Args:
        path: ``config/timercheck``.
        metrics: ``config/timermetrics``.
        files: the disk.
    """

    def __init__(self, path: str, metrics: ConfigFile, files: FileLayer) -> None:
        self._path = path
        self._files = files
        self._metrics = b""
        self.metrics_writer = TableWriter(metrics, at_once(lambda: self._metrics))

    def take_checkpoint(self, data: bytes) -> None:
        """Take over what a slave takes of its master's check point; the rest is its own.

        It isn't synced: an older one is a safe one, and the next comes in seconds.

        Args:
            data: the answer of GET_TIMER_CHECK_POINT.

        Raises:
            BadRecord: it isn't one.
            OSError: the disk refused.
        """
        told = TimerCheckpoint.decode(data)
        files = self._files
        files.makedirs(self._path.rpartition("/")[0])
        handle = files.open(self._path, create=True)
        try:
            page = files.pread(handle, FILE_SIZE, 0).ljust(FILE_SIZE, b"\0")
            ours = TimerCheckpoint.decode(page)
            told.last_timer_log_flush_pos = ours.last_timer_log_flush_pos
            told.last_timer_queue_offset = ours.last_timer_queue_offset
            if told != ours:
                files.pwrite(handle, told.encode() + page[TIMER_CHECKPOINT_SIZE:], 0)
        finally:
            files.close(handle)

    def take_metrics(self, data: bytes) -> None:
        """Take over a master's counters, byte for byte as Java would write them.

        Args:
            data: the answer of GET_TIMER_METRICS.

        Raises:
            BadBody: it isn't one; nothing has changed.
            OSError: the disk refused.
        """
        bodies.TimerMetricsSerializeWrapper.decode(data)
        if data != self._metrics:
            self._metrics = data
            self.metrics_writer.write()
