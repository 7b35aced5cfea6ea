"""The attempts of one send (the loop of ``DefaultMQProducerImpl.sendDefaultImpl``).

A plan says which queue to try and how long, is told how it went, and says whether that was it. It
knows no socket and no clock: the producer performs it.

::

    next_attempt(now) -> Attempt | None      None: give up, ``failure()`` says why
    stored(result, now) -> bool              True: done, the result stands
    failed(error, now) -> bool               False: no other broker would do better
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmqwire.errors import (
    BrokerError,
    ConnectFailed,
    RemotingError,
    RemotingTimeout,
    RmqError,
    SendAttempt,
    TooManyRequests,
)
from rmqwire.producer.results import SendResult, SendStatus

if TYPE_CHECKING:
    from rmqwire.client.fault_strategy import FaultStrategy
    from rmqwire.client.route_table import TopicPublishInfo
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.producer.config import ProducerConfig


@dataclass(slots=True)
class Attempt:
    """Send to ``queue`` and wait ``timeout_ms`` for the answer."""

    queue: MessageQueue
    timeout_ms: int


class SendPlan:
    """The attempts of one send.

    Args:
        info: the topic's queues, at least one.
        faults: chooses among them and learns from each attempt.
        config: how often, how long, after which answers.
        started_ms: when the send began, on any clock that only goes forward.
        timeout_ms: for all attempts together, from ``started_ms`` on.
        soon: nobody waits at once: what a broker refuses or stores with less safety is the last word.
    """

    def __init__(
        self,
        info: TopicPublishInfo,
        faults: FaultStrategy,
        config: ProducerConfig,
        started_ms: int,
        timeout_ms: int,
        *,
        soon: bool = False,
    ) -> None:
        self._soon = soon
        self._info = info
        self._faults = faults
        self._config = config
        self._deadline_ms = started_ms + timeout_ms
        self._started_ms = started_ms
        retries = config.retry_times_when_send_failed
        self._left = 1 + (config.retry_times_when_send_async_failed if soon else retries)
        self._attempt_ms = started_ms
        self._error: RmqError | None = None
        self.brokers: list[str] = []
        self.attempts: list[SendAttempt] = []  # those that failed
        self.result: SendResult | None = None

    def next_attempt(self, mono_ms: int) -> Attempt | None:
        """Return what to try next; None when attempts or time are used up."""
        left_ms = self._deadline_ms - mono_ms
        if not self._left or left_ms <= 0:
            if self._left and self.result is None:
                self._error = self._out_of_time()
            return None
        last = self.brokers[-1] if self.brokers else None
        queue = self._faults.select(self._info, last, retry=bool(self.brokers))
        self.begun(queue, mono_ms)
        most = self._config.send_msg_max_timeout_per_request
        if most > -1 and self._left and not self._soon:
            left_ms = min(left_ms, most)
        return Attempt(queue, left_ms)

    def begun(self, queue: MessageQueue, mono_ms: int) -> None:
        """Take note of an attempt that is made."""
        self._left -= 1
        self.brokers.append(queue.broker_name)
        self._attempt_ms = mono_ms

    def stored(self, result: SendResult, mono_ms: int) -> bool:
        """Take the broker's answer; say whether it is the last word."""
        self._learn(mono_ms)
        self.result = result
        return (
            result.send_status is SendStatus.SEND_OK
            or self._soon
            or not self._config.retry_another_broker_when_not_store_ok
        )

    def failed(self, error: RmqError, mono_ms: int) -> bool:
        """Take a failure; say whether another attempt makes sense.

        A result of an earlier attempt stands when the later one is refused for good.
        """
        self._error = error
        refused = isinstance(error, BrokerError)
        broken = isinstance(error, RemotingError)
        unreachable = refused or (
            self._config.start_detector_enable and isinstance(error, ConnectFailed)
        )
        self._learn(mono_ms, isolate=refused or broken, reachable=not unreachable)
        addr = error.addr if isinstance(error, (BrokerError, RemotingError)) else ""
        self.attempts.append(SendAttempt(self.brokers[-1], addr, error, mono_ms - self._attempt_ms))
        if self._soon:
            return broken and not isinstance(error, TooManyRequests)
        return not isinstance(error, BrokerError) or error.code in self._config.retry_codes()

    def failure(self, topic: str, mono_ms: int) -> RmqError:
        """Return what to raise: the last error, which knows all attempts, with a note of them."""
        error = self._error or self._out_of_time()
        error.attempts = tuple(self.attempts)
        error.maybe_stored = any(attempt.error.maybe_stored for attempt in self.attempts)
        error.add_note(
            f"Send [{len(self.brokers)}] times, still failed, "
            f"cost [{mono_ms - self._started_ms}]ms, Topic: {topic}, "
            f"BrokersSent: [{', '.join(self.brokers)}]"
        )
        return error

    def _out_of_time(self) -> RemotingTimeout:
        return RemotingTimeout("sendDefaultImpl call timeout", maybe_stored=False)

    def _learn(self, mono_ms: int, *, isolate: bool = False, reachable: bool = True) -> None:
        self._faults.update(
            self.brokers[-1], mono_ms - self._attempt_ms, isolate=isolate, reachable=reachable
        )
