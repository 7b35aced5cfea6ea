"""Settings of consumers: what all have, what those have that read for a group, and a push consumer's.

Java's names and defaults (``DefaultMQPushConsumer``). Those of pull consumers stand in
``pull_config``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rmqwire.client.config import ClientConfig, ClientOptions, check_range
from rmqwire.errors import UsageError

DEFAULT_MAX_RECONSUME_TIMES = 16
NO_RECONSUME_LIMIT = 0x7FFFFFFF
CONSUME_TIMESTAMP_FORMAT = "%Y%m%d%H%M%S"
HALF_AN_HOUR_MS = 30 * 60 * 1000


class ConsumeFromWhere(StrEnum):
    """Where a group starts that a queue has no offset of."""

    CONSUME_FROM_LAST_OFFSET = "CONSUME_FROM_LAST_OFFSET"
    CONSUME_FROM_FIRST_OFFSET = "CONSUME_FROM_FIRST_OFFSET"
    CONSUME_FROM_TIMESTAMP = "CONSUME_FROM_TIMESTAMP"


class MessageModel(StrEnum):
    """Whether the members of a group share the messages or each get all."""

    CLUSTERING = "CLUSTERING"
    BROADCASTING = "BROADCASTING"


@dataclass(slots=True, kw_only=True)
class ConsumerConfig(ClientConfig):
    """What any consumer is set to, besides what ``ClientConfig`` has.

    Args:
        message_model: CLUSTERING, or BROADCASTING: each member gets all messages, once, and what
            isn't consumed is lost.
        local_offset_store_dir: folder of a broadcasting consumer's offsets; None for Java's,
            ``.rocketmq_offsets`` in the home folder. They stand under the client id, so a program
            that shares a ``Client`` has to give that an ``instance_name``.
    """

    message_model: str = MessageModel.CLUSTERING
    local_offset_store_dir: str | None = None

    def check(self) -> None:
        """Refuse settings that can't work.

        Raises:
            UsageError: which one, and what it may be.
        """
        ClientConfig.check(self)
        if self.message_model not in MessageModel.__members__:
            raise UsageError(f"messageModel {self.message_model!r}: CLUSTERING or BROADCASTING")

    def most_pull_bytes(self) -> int | None:
        """Return the bytes of a pull that isn't to be limited, None for releases that don't say."""
        return None if self.release.client.pull_batch_size_in_bytes is None else 0x7FFFFFFF

    @property
    def broadcasting(self) -> bool:
        """Whether each member of the group gets all messages."""
        return self.message_model == MessageModel.BROADCASTING

    @property
    def lasting_client_id(self) -> bool:
        """Whether the client id is to be the same after a restart: offsets are kept under it."""
        return self.broadcasting


@dataclass(slots=True, kw_only=True)
class SubscriberConfig(ConsumerConfig):
    """What a consumer is set to whose queues are read before their messages are asked for.

    Args:
        consume_from_where: where a new group starts. On a topic whose first message is still in
            memory a broker answers 0 whatever is set.
        consume_timestamp: ``yyyyMMddHHmmss``, local time, for CONSUME_FROM_TIMESTAMP; None is half
            an hour before the start.
        pull_threshold_for_queue: messages of a queue waiting here before pulling pauses.
        pull_threshold_size_for_queue: MiB of the same.
    """

    consume_from_where: str = ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET
    consume_timestamp: str | None = None
    pull_threshold_for_queue: int = 1_000
    pull_threshold_size_for_queue: int = 100

    def check(self) -> None:
        """Refuse settings that can't work.

        Raises:
            UsageError: which one, and what it may be.
        """
        ConsumerConfig.check(self)
        if self.consume_from_where not in ConsumeFromWhere.__members__:
            known = ", ".join(ConsumeFromWhere)
            raise UsageError(f"consumeFromWhere {self.consume_from_where!r}: one of {known}")
        self.consume_timestamp_ms(HALF_AN_HOUR_MS)
        check_range(self, "pull_threshold_for_queue", 1, 65_535)
        check_range(self, "pull_threshold_size_for_queue", 1, 1_024)

    def consume_timestamp_ms(self, wall_ms: int) -> int:
        """Return where CONSUME_FROM_TIMESTAMP starts, ms since the epoch.

        Raises:
            UsageError: the text is no time.
        """
        if self.consume_timestamp is None:
            return wall_ms - HALF_AN_HOUR_MS
        try:
            text = self.consume_timestamp
            moment = datetime.strptime(text, CONSUME_TIMESTAMP_FORMAT).astimezone()
            return int(moment.timestamp() * 1000)
        except (ValueError, OverflowError, OSError):
            raise UsageError(
                "consumeTimestamp is invalid, the valid format is yyyyMMddHHmmss, "
                f"but received {self.consume_timestamp}"
            ) from None


@dataclass(slots=True, kw_only=True)
class PushConsumerConfig(SubscriberConfig):
    """What one push consumer is set to, besides what ``SubscriberConfig`` has.

    Args:
        consume_orderly: consume each queue's messages one after the other, as they were stored.
        suspend_current_queue_time_millis: ms until an orderly listener gets messages again that it
            could not consume.
        consume_thread_max: listeners running at the same time.
        consume_in_threads: run plain listener functions in worker threads, so that they may block.
            Off, a plain function runs in the event loop and must return soon.
        consume_message_batch_max_size: messages per call of the listener.
        consume_timeout: minutes after which a message still being consumed is sent back.
        max_reconsume_times: deliveries after the first, then a message goes to the dead letters; -1
            for 16, for no limit where consume_orderly is set.
        pull_threshold_for_topic: messages waiting here, divided by the number of queues that this member
            reads, instead of ``pull_threshold_for_queue``; -1 for none.
        pull_threshold_size_for_topic: MiB of the same.
        pull_batch_size: messages per pull.
        pull_batch_size_in_bytes: bytes per pull, None for the release's.
        pull_interval: ms between two pulls of a queue.
        consume_concurrently_max_span: distance of the oldest to the newest message of a queue that
            waits here, before pulling pauses.
        post_subscription_when_pull: put the expression in each pull.
        await_termination_millis_when_shutdown: ms that running listeners get to finish when the
            consumer is closed. Java's default is 0; messages cut off are delivered again.
        client_rebalance: divide the queues among the members here. Off, brokers of 5.x are asked, and
            may say that the group pops a topic (``mqadmin setConsumeMode``); orderly and broadcasting
            consumers divide them here all the same.
        pop_invisible_time: ms that nobody else gets a popped message; what takes longer comes again.
        pop_batch_nums: messages per pop.
        pop_threshold_for_queue: popped messages waiting here before popping pauses.
    """

    consume_orderly: bool = False
    suspend_current_queue_time_millis: int = 1_000
    consume_thread_max: int = 20
    consume_in_threads: bool = False
    consume_message_batch_max_size: int = 1
    consume_timeout: int = 15
    max_reconsume_times: int = -1
    pull_threshold_for_topic: int = -1
    pull_threshold_size_for_topic: int = -1
    pull_batch_size: int = 32
    pull_batch_size_in_bytes: int | None = None
    pull_interval: int = 0
    consume_concurrently_max_span: int = 2_000
    post_subscription_when_pull: bool = False
    await_termination_millis_when_shutdown: int = 5_000
    client_rebalance: bool = True
    pop_invisible_time: int = 60_000
    pop_batch_nums: int = 32
    pop_threshold_for_queue: int = 96

    def check(self) -> None:
        """Refuse settings that can't work (``DefaultMQPushConsumerImpl.checkConfig``).

        Raises:
            UsageError: which one, and what it may be.
        """
        SubscriberConfig.check(self)
        for name, low, high in _RANGES:
            check_range(self, name, low, high)
        for name, most in (
            ("pull_threshold_for_topic", 6_553_500),
            ("pull_threshold_size_for_topic", 102_400),
        ):
            if getattr(self, name) != -1:
                check_range(self, name, 1, most)
        if self.pull_batch_size_in_bytes is not None:
            check_range(self, "pull_batch_size_in_bytes", 1, 0x7FFFFFFF)

    @property
    def asks_brokers(self) -> bool:
        """Whether brokers say which queues are this member's (``RebalancePushImpl.clientRebalance``)."""
        return not (self.client_rebalance or self.consume_orderly or self.broadcasting)

    def reconsume_limit(self) -> int:
        """Return how often a message is delivered again before it goes to the dead letters."""
        if self.max_reconsume_times != -1:
            return self.max_reconsume_times
        return NO_RECONSUME_LIMIT if self.consume_orderly else DEFAULT_MAX_RECONSUME_TIMES

    def queue_thresholds(self, queues: int) -> tuple[int, int]:
        """Return how many messages and MiB of a queue may wait here (``messageQueueChanged``).

        Args:
            queues: how many this member reads.
        """
        count, size = self.pull_threshold_for_queue, self.pull_threshold_size_for_queue
        if self.pull_threshold_for_topic != -1:
            count = max(1, self.pull_threshold_for_topic // queues)
        if self.pull_threshold_size_for_topic != -1:
            size = max(1, self.pull_threshold_size_for_topic // queues)
        return count, size

    def pull_bytes(self) -> int | None:
        """Return the bytes to ask for in one pull, None for as many as the broker likes."""
        release_bytes = self.release.client.pull_batch_size_in_bytes
        if release_bytes is None or self.pull_batch_size_in_bytes is None:
            return release_bytes
        return self.pull_batch_size_in_bytes


_RANGES = (
    ("consume_thread_max", 1, 1_000),
    ("consume_concurrently_max_span", 1, 65_535),
    ("pull_interval", 0, 65_535),
    ("consume_message_batch_max_size", 1, 1_024),
    ("pull_batch_size", 1, 1_024),
    ("consume_timeout", 1, 0x7FFFFFFF),
    ("max_reconsume_times", -1, 0x7FFFFFFF),
    ("suspend_current_queue_time_millis", 0, 0x7FFFFFFF),
    ("await_termination_millis_when_shutdown", 0, 0x7FFFFFFF),
    ("pop_invisible_time", 5_000, 300_000),
    ("pop_batch_nums", 1, 32),
    ("pop_threshold_for_queue", 1, 0x7FFFFFFF),
)


class ConsumerOptions(ClientOptions, total=False):
    """The keywords of any consumer: each is told of in ``ConsumerConfig``."""

    message_model: str
    local_offset_store_dir: str | None


class SubscriberOptions(ConsumerOptions, total=False):
    """The keywords of a consumer that reads ahead: each is told of in ``SubscriberConfig``."""

    consume_from_where: str
    consume_timestamp: str | None
    pull_threshold_for_queue: int
    pull_threshold_size_for_queue: int


class PushConsumerOptions(SubscriberOptions, total=False):
    """The keywords of a ``PushConsumer``: each is told of in ``PushConsumerConfig``."""

    consume_orderly: bool
    suspend_current_queue_time_millis: int
    consume_thread_max: int
    consume_in_threads: bool
    consume_message_batch_max_size: int
    consume_timeout: int
    max_reconsume_times: int
    pull_threshold_for_topic: int
    pull_threshold_size_for_topic: int
    pull_batch_size: int
    pull_batch_size_in_bytes: int | None
    pull_interval: int
    consume_concurrently_max_span: int
    post_subscription_when_pull: bool
    await_termination_millis_when_shutdown: int
    client_rebalance: bool
    pop_invisible_time: int
    pop_batch_nums: int
    pop_threshold_for_queue: int
