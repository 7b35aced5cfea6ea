"""Settings of a consumer of lite topics (``LitePushConsumerBuilder`` of Apache's gRPC client)."""

from __future__ import annotations

from dataclasses import dataclass

from rmqwire.client.config import check_range
from rmqwire.consumer.config import (
    DEFAULT_MAX_RECONSUME_TIMES,
    ConsumerConfig,
    ConsumerOptions,
)
from rmqwire.errors import UsageError


@dataclass(slots=True, kw_only=True)
class LitePushConsumerConfig(ConsumerConfig):
    """What one consumer of lite topics is set to, besides what ``ConsumerConfig`` has.

    Args:
        consume_thread_max: lite topics whose messages are consumed at the same time.
        consume_in_threads: run plain listener functions in worker threads, so that they may block.
            Off, a plain function runs in the event loop and must return soon.
        consume_message_batch_max_size: messages of one lite topic per call of the listener.
        max_reconsume_times: deliveries after the first, then a message goes to the dead letters; -1
            for 16.
        await_termination_millis_when_shutdown: ms that running listeners get to finish when the
            consumer is closed; messages cut off are delivered again.
        pop_invisible_time: ms that nobody else gets a popped message; what takes longer comes again.
        pop_batch_nums: messages per pop.
        pop_threshold_for_queue: messages of one broker waiting here before popping pauses.
        suspend_lite_topic_time_millis: ms that a lite topic stands still when a message of it could
            not be consumed.
        sync_interval_millis: ms between two times that brokers are told all that is subscribed: they
            keep it in memory, and forget who doesn't say it again.
    """

    consume_thread_max: int = 20
    consume_in_threads: bool = False
    consume_message_batch_max_size: int = 1
    max_reconsume_times: int = -1
    await_termination_millis_when_shutdown: int = 5_000
    pop_invisible_time: int = 60_000
    pop_batch_nums: int = 32
    pop_threshold_for_queue: int = 96
    suspend_lite_topic_time_millis: int = 10_000
    sync_interval_millis: int = 30_000

    def check(self) -> None:
        """Refuse settings that can't work.

        Raises:
            UsageError: which one, and what it may be.
        """
        ConsumerConfig.check(self)
        if self.broadcasting:
            raise UsageError("messageModel BROADCASTING: lite topics are shared by their group")
        for name, low, high in (
            ("consume_thread_max", 1, 1_000),
            ("consume_message_batch_max_size", 1, 1_024),
            ("max_reconsume_times", -1, 0x7FFFFFFF),
            ("await_termination_millis_when_shutdown", 0, 0x7FFFFFFF),
            ("pop_invisible_time", 5_000, 300_000),
            ("pop_batch_nums", 1, 32),
            ("pop_threshold_for_queue", 1, 0x7FFFFFFF),
            ("suspend_lite_topic_time_millis", 1, 300_000),
            ("sync_interval_millis", 1_000, 0x7FFFFFFF),
        ):
            check_range(self, name, low, high)

    def reconsume_limit(self) -> int:
        """Return how often a message is delivered again before it goes to the dead letters."""
        return (
            DEFAULT_MAX_RECONSUME_TIMES
            if self.max_reconsume_times == -1
            else self.max_reconsume_times
        )


class LitePushConsumerOptions(ConsumerOptions, total=False):
    """The keywords of a ``LitePushConsumer``: each is told of in ``LitePushConsumerConfig``."""

    consume_thread_max: int
    consume_in_threads: bool
    consume_message_batch_max_size: int
    max_reconsume_times: int
    await_termination_millis_when_shutdown: int
    pop_invisible_time: int
    pop_batch_nums: int
    pop_threshold_for_queue: int
    suspend_lite_topic_time_millis: int
    sync_interval_millis: int
