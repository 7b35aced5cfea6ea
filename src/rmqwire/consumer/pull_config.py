"""Settings of consumers that ask for messages (``DefaultLitePullConsumer``, ``DefaultMQPullConsumer``).

Java's names and defaults. Times are ms.
"""

from __future__ import annotations

from dataclasses import dataclass

from rmqwire.client.config import check_range
from rmqwire.codec.message_const import MASTER_ID
from rmqwire.consumer.config import (
    DEFAULT_MAX_RECONSUME_TIMES,
    ConsumerConfig,
    ConsumerOptions,
    SubscriberConfig,
    SubscriberOptions,
)
from rmqwire.errors import UsageError

MIN_AUTO_COMMIT_INTERVAL_MS = 1_000


@dataclass(slots=True, kw_only=True)
class LitePullConsumerConfig(SubscriberConfig):
    """What one lite pull consumer is set to, besides what ``SubscriberConfig`` has.

    Args:
        enable_stream_request_type: say in each request, and at the end of the client id, that this
            client reads a stream.
        broker_suspend_max_time_millis: ms that a broker holds an empty answer back.
        consumer_timeout_millis_when_suspend: ms to wait for the answer to such a pull.
        auto_commit: let ``poll`` commit what the polls before it have given.
        auto_commit_interval_millis: ms between two of these commits.
        pull_batch_size: messages per pull, and so per poll.
        pull_threshold_for_all: messages of all queues waiting here before pulling pauses.
        consume_max_span: distance of the oldest to the newest message of a queue that waits here,
            before pulling pauses.
        poll_timeout_millis: ms that ``poll`` waits for messages.
        topic_metadata_check_interval_millis: ms between two looks at the queues of topics whose
            changes are listened to.
        connect_broker_by_user: always read from the member of a broker that ``default_broker_id`` names,
            while there is one, whatever the broker suggests.
        default_broker_id: 0 for the master, others for slaves.
    """

    enable_stream_request_type: bool = True
    broker_suspend_max_time_millis: int = 20_000
    consumer_timeout_millis_when_suspend: int = 30_000
    auto_commit: bool = True
    auto_commit_interval_millis: int = 5_000
    pull_batch_size: int = 10
    pull_threshold_for_all: int = 10_000
    consume_max_span: int = 2_000
    poll_timeout_millis: int = 5_000
    topic_metadata_check_interval_millis: int = 30_000
    connect_broker_by_user: bool = False
    default_broker_id: int = MASTER_ID

    def check(self) -> None:
        """Refuse settings that can't work (``DefaultLitePullConsumerImpl.checkConfig``).

        Raises:
            UsageError: which one, and what it may be.
        """
        SubscriberConfig.check(self)
        _check_suspend(self)
        for name, low, high in (
            ("pull_batch_size", 1, 1_024),
            ("pull_threshold_for_all", 1, 0x7FFFFFFF),
            ("consume_max_span", 1, 65_535),
            ("poll_timeout_millis", 0, 0x7FFFFFFF),
            ("topic_metadata_check_interval_millis", 1, 0x7FFFFFFF),
            ("auto_commit_interval_millis", MIN_AUTO_COMMIT_INTERVAL_MS, 0x7FFFFFFF),
            ("default_broker_id", 0, 0x7FFFFFFF),
        ):
            check_range(self, name, low, high)

    def broker_id(self) -> int | None:
        """Return the id of the member that is always read from; None for the one the broker suggests."""
        return self.default_broker_id if self.connect_broker_by_user else None


@dataclass(slots=True, kw_only=True)
class PullConsumerConfig(ConsumerConfig):
    """What one pull consumer is set to, besides what ``ConsumerConfig`` has.

    Args:
        enable_stream_request_type: say in each request, and at the end of the client id, that this
            client reads a stream.
        broker_suspend_max_time_millis: ms that a broker holds an empty answer back, where asked to.
        consumer_timeout_millis_when_suspend: ms to wait for the answer to such a pull.
        consumer_pull_timeout_millis: ms to wait for the answer to any other pull.
        max_reconsume_times: deliveries after the first of a message that is sent back, then it goes
            to the dead letters.
        enable_rebalance: divide the queues of registered topics with the group's other members. Off, no
            queue is this member's, and brokers know of the topics all the same.
        pull_thread_nums: calls of pull tasks at the same time (``MQPullConsumerScheduleService``).
    """

    enable_stream_request_type: bool = True
    broker_suspend_max_time_millis: int = 20_000
    consumer_timeout_millis_when_suspend: int = 30_000
    consumer_pull_timeout_millis: int = 10_000
    max_reconsume_times: int = DEFAULT_MAX_RECONSUME_TIMES
    enable_rebalance: bool = True
    pull_thread_nums: int = 20

    def check(self) -> None:
        """Refuse settings that can't work (``DefaultMQPullConsumerImpl.checkConfig``).

        Raises:
            UsageError: which one, and what it may be.
        """
        ConsumerConfig.check(self)
        _check_suspend(self)
        for name in ("consumer_pull_timeout_millis", "pull_thread_nums"):
            check_range(self, name, 1, 0x7FFFFFFF)
        check_range(self, "max_reconsume_times", 0, 0x7FFFFFFF)

    def reconsume_limit(self) -> int:
        """Return how often a message is delivered again before it goes to the dead letters."""
        return self.max_reconsume_times


def _check_suspend(config: LitePullConsumerConfig | PullConsumerConfig) -> None:
    check_range(config, "broker_suspend_max_time_millis", 0, 0x7FFFFFFF)
    if config.consumer_timeout_millis_when_suspend < config.broker_suspend_max_time_millis:
        raise UsageError(
            "Long polling mode, the consumer consumerTimeoutMillisWhenSuspend must greater than "
            "brokerSuspendMaxTimeMillis"
        )


class LitePullConsumerOptions(SubscriberOptions, total=False):
    """The keywords of a ``LitePullConsumer``: each is told of in ``LitePullConsumerConfig``."""

    broker_suspend_max_time_millis: int
    consumer_timeout_millis_when_suspend: int
    auto_commit: bool
    auto_commit_interval_millis: int
    pull_batch_size: int
    pull_threshold_for_all: int
    consume_max_span: int
    poll_timeout_millis: int
    topic_metadata_check_interval_millis: int
    connect_broker_by_user: bool
    default_broker_id: int


class PullConsumerOptions(ConsumerOptions, total=False):
    """The keywords of a ``PullConsumer``: each is told of in ``PullConsumerConfig``."""

    broker_suspend_max_time_millis: int
    consumer_timeout_millis_when_suspend: int
    consumer_pull_timeout_millis: int
    max_reconsume_times: int
    enable_rebalance: bool
    pull_thread_nums: int
