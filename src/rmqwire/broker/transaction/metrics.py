"""Half messages that wait for the end of their transaction, by topic (``TransactionMetrics``, 5.x)."""

from __future__ import annotations

from rmqwire.broker.tables.topic_metrics import TopicMetrics
from rmqwire.broker.tables.versions import assign
from rmqwire.codec import bodies


class TransactionMetrics(TopicMetrics):
    """The file ``config/transactionMetrics``."""

    def decode(self, data: bytes) -> None:
        """Take over the text of a file."""
        wrapper = bodies.TransactionMetricsSerializeWrapper.decode(data, self._release)
        self.counts.update(wrapper.transaction_count)
        assign(self.data_version, wrapper.data_version)

    def encode(self) -> bytes:
        """Return the text of the file."""
        return bodies.TransactionMetricsSerializeWrapper(
            transaction_count=dict(self.counts), data_version=self.data_version
        ).encode(self._release)
