"""Settings of a producer (Java ``DefaultMQProducer``): Java's names in snake_case, its defaults."""

from __future__ import annotations

from collections.abc import Sequence  # noqa: TC003  its hints are looked up
from dataclasses import dataclass

from rmqwire.client.config import ClientConfig, ClientOptions, check_range
from rmqwire.client.validators import check_topic
from rmqwire.codec.compression import CompressionType
from rmqwire.codec.message_const import AUTO_CREATE_TOPIC_KEY_TOPIC
from rmqwire.errors import BadBody, UsageError


@dataclass(slots=True, kw_only=True)
class ProducerConfig(ClientConfig):
    """What one producer is set to, besides what ``ClientConfig`` has.

    Args:
        create_topic_key: the topic whose brokers make topics that don't exist yet.
        default_topic_queue_nums: queues of such a topic on each broker.
        send_msg_timeout: ms for one send, look-ups and retries included.
        send_msg_max_timeout_per_request: ms for one attempt while others are left, -1 for no limit.
        compress_msg_body_over_howmuch: bytes from which on a body is compressed.
        compress_level: 0 to 9 for ZLIB, 1 to 22 for ZSTD.
        compress_type: ``ZLIB``, ``LZ4`` or ``ZSTD``; older brokers and clients know ZLIB only.
        retry_times_when_send_failed: attempts after the first.
        retry_times_when_send_async_failed: the same for sends that nobody waits for at once.
        retry_another_broker_when_not_store_ok: try again when a broker stored the message but
            could not flush or replicate it in time; it may then be there twice.
        max_message_size: bytes of a body at most, before compression.
        enable_backpressure_for_async_mode: let such a send wait until fewer are under way.
        back_pressure_for_async_send_num: how many may be under way; ``Producer.ready`` waits for it.
        back_pressure_for_async_send_size: how many bytes of bodies.
        auto_batch: put single messages together to batches; each send waits a little for others.
            Sends with a time limit of their own go alone.
        batch_max_delay_ms: ms that a message waits for others at most.
        batch_max_bytes: bytes of bodies at which a batch is sent at once.
        total_batch_max_bytes: bytes of all batches under way, from which on messages go alone.
        retry_response_codes: answers that another broker may do better on; None for the release's.
        topics: looked up, and their brokers connected to, before the producer is open; one without a
            route is logged.
        latency_max: with ``send_latency_enable``: ms of a send from which on a broker is left alone, in
            rising order; None for the release's.
        not_available_duration: for how many ms, one for each of ``latency_max``.
    """

    create_topic_key: str = AUTO_CREATE_TOPIC_KEY_TOPIC
    default_topic_queue_nums: int = 4
    send_msg_timeout: int = 3_000
    send_msg_max_timeout_per_request: int = -1
    compress_msg_body_over_howmuch: int = 4_096
    compress_level: int = 5
    compress_type: str = "ZLIB"
    retry_times_when_send_failed: int = 2
    retry_times_when_send_async_failed: int = 2
    retry_another_broker_when_not_store_ok: bool = False
    max_message_size: int = 4 * 1024 * 1024
    enable_backpressure_for_async_mode: bool = False
    back_pressure_for_async_send_num: int = 1_024
    back_pressure_for_async_send_size: int = 100 * 1024 * 1024
    auto_batch: bool = False
    batch_max_delay_ms: int = 10
    batch_max_bytes: int = 32 * 1024
    total_batch_max_bytes: int = 32 * 1024 * 1024
    retry_response_codes: frozenset[int] | None = None
    topics: Sequence[str] | None = None
    latency_max: Sequence[int] | None = None
    not_available_duration: Sequence[int] | None = None

    def check(self) -> None:
        """Refuse settings that can't work.

        Raises:
            UsageError: which one, and what it may be.
        """
        ClientConfig.check(self)
        self.compression()
        for topic in self.topics or ():
            check_topic(topic)
        if len(self.latency_max or ()) != len(self.not_available_duration or ()):
            raise UsageError("latencyMax and notAvailableDuration: a duration for each latency")
        for name in ("default_topic_queue_nums", "send_msg_timeout", "max_message_size"):
            check_range(self, name, 1, 0x7FFFFFFF)
        check_range(self, "retry_times_when_send_failed", 0, 0x7FFFFFFF)
        check_range(self, "retry_times_when_send_async_failed", 0, 0x7FFFFFFF)
        check_range(self, "back_pressure_for_async_send_num", 10, 0x7FFFFFFF)
        check_range(self, "back_pressure_for_async_send_size", 1024 * 1024, 0x7FFFFFFF)
        check_range(self, "batch_max_delay_ms", 1, 30_000)
        check_range(self, "batch_max_bytes", 1, 2 * 1024 * 1024)
        check_range(self, "total_batch_max_bytes", 1, 0x7FFFFFFF)
        check_range(self, "compress_msg_body_over_howmuch", 0, 0x7FFFFFFF)
        check_range(self, "compress_level", 0, 22 if self.compress_type.upper() == "ZSTD" else 9)

    def compression(self) -> CompressionType:
        """Return how bodies are compressed.

        Raises:
            UsageError: no such type.
        """
        try:
            return CompressionType.named(self.compress_type)
        except BadBody as error:
            raise UsageError(str(error)) from None

    def fault_table(self) -> list[tuple[int, int]]:
        """Return what is set of (ms of a send, ms that a broker is left alone then)."""
        return list(zip(self.latency_max or (), self.not_available_duration or (), strict=True))

    def retry_codes(self) -> frozenset[int]:
        """Return the answers after which another broker is tried."""
        codes = self.retry_response_codes
        return self.release.client.retry_response_codes if codes is None else codes


@dataclass(slots=True, kw_only=True)
class TransactionProducerConfig(ProducerConfig):
    """What a producer with transactions is set to, besides what ``ProducerConfig`` has.

    Args:
        check_thread_pool_max_size: checks that are answered at the same time.
        check_request_hold_max: checks that wait for their turn; a broker that asks more is not
            answered, and asks again.
        check_in_threads: call a plain ``check`` in a thread, because it blocks.
    """

    check_thread_pool_max_size: int = 1
    check_request_hold_max: int = 2_000
    check_in_threads: bool = False

    def check(self) -> None:
        """Refuse settings that can't work.

        Raises:
            UsageError: which one, and what it may be.
        """
        ProducerConfig.check(self)
        for name in ("check_thread_pool_max_size", "check_request_hold_max"):
            check_range(self, name, 1, 0x7FFFFFFF)


class ProducerOptions(ClientOptions, total=False):
    """The keywords of a ``Producer``: each is told of in ``ProducerConfig``."""

    create_topic_key: str
    default_topic_queue_nums: int
    send_msg_timeout: int
    send_msg_max_timeout_per_request: int
    compress_msg_body_over_howmuch: int
    compress_level: int
    compress_type: str
    retry_times_when_send_failed: int
    retry_times_when_send_async_failed: int
    retry_another_broker_when_not_store_ok: bool
    max_message_size: int
    enable_backpressure_for_async_mode: bool
    back_pressure_for_async_send_num: int
    back_pressure_for_async_send_size: int
    auto_batch: bool
    batch_max_delay_ms: int
    batch_max_bytes: int
    total_batch_max_bytes: int
    retry_response_codes: frozenset[int] | None
    topics: Sequence[str] | None
    latency_max: Sequence[int] | None
    not_available_duration: Sequence[int] | None


class TransactionProducerOptions(ProducerOptions, total=False):
    """The keywords of a ``TransactionProducer``: each is told of in ``TransactionProducerConfig``."""

    check_thread_pool_max_size: int
    check_request_hold_max: int
    check_in_threads: bool
