"""How many timers wait for each topic: ``config/timermetrics`` (``TimerMetrics``)."""

from __future__ import annotations

from rmqwire.broker.tables.topic_metrics import TopicMetrics
from rmqwire.broker.tables.versions import assign
from rmqwire.codec import bodies


class TimerMetrics(TopicMetrics):
    """The file ``config/timermetrics``. Recalls count down until their tick, as in Java."""

    def decode(self, data: bytes) -> None:
        """Take over counters as the file, or a master, gives them."""
        wrapper = bodies.TimerMetricsSerializeWrapper.decode(data, self._release)
        self.counts.update(wrapper.timing_count)
        if wrapper.data_version is not None:
            assign(self.data_version, wrapper.data_version)

    def encode(self) -> bytes:
        """Return the table as Java writes it."""
        return bodies.TimerMetricsSerializeWrapper(
            timing_count=dict(self.counts), data_version=self.data_version
        ).encode(self._release)
