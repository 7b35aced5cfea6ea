"""Tables a broker keeps beside its log, where they hold more than an answer does."""

from msgspec import field

from rmqwire.codec.bodies.base import Body, ConcurrentMapOf, Int, Long
from rmqwire.codec.bodies.common import DataVersion


class Metric(Body):
    """A count and when it changed."""

    count: Long = 0
    time_stamp: Long = 0


class TransactionMetricsSerializeWrapper(Body):
    """Half messages per topic (``transactionMetrics``)."""

    transaction_count: ConcurrentMapOf[str, Metric] = field(default_factory=dict)
    data_version: DataVersion = field(default_factory=DataVersion)


class TimerMetricsSerializeWrapper(Body):
    """Delayed messages per topic (``timermetrics``)."""

    timing_count: ConcurrentMapOf[str, Metric] = field(default_factory=dict)
    data_version: DataVersion | None = None


class CheckRocksdbCqWriteResult(Body):
    """Progress of a move to RocksDB."""

    check_result: str | None = None
    check_status: Int = 0


class KVConfigSerializeWrapper(Body):
    """A name server's ``kvConfig.json``: {namespace: {key: value}}."""

    config_table: dict[str, dict[str, str]] = field(default_factory=dict)
