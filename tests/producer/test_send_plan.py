from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.client.fault_strategy import FaultStrategy
from rmqwire.client.route_table import TopicPublishInfo
from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.release import V5_5_0
from rmqwire.errors import (
    BrokerError,
    ConnectFailed,
    RemotingTimeout,
    RouteNotFound,
    SendAttempt,
    SendFailed,
)
from rmqwire.producer.config import ProducerConfig
from rmqwire.producer.results import SendResult, SendStatus
from rmqwire.producer.send_plan import SendPlan

ERRORS = [
    BrokerError(2, "busy"),
    BrokerError(13, "illegal"),
    ConnectFailed("no"),
    SendFailed("no"),
    RemotingTimeout("no"),
    RouteNotFound("no"),
]


def plan(brokers=("a", "b"), started=0, timeout=3000, **config):
    info = TopicPublishInfo([MessageQueue("T", b, n) for b in brokers for n in (0, 1)])
    faults = FaultStrategy(V5_5_0, lambda: 0, Random(1))
    return SendPlan(info, faults, ProducerConfig(**config), started, timeout)


def stored(status=SendStatus.SEND_OK):
    return SendResult(status, "id", "offset id", MessageQueue("T", "a", 0), 0)


outcomes = st.lists(
    st.tuples(st.sampled_from([*ERRORS, *SendStatus]), st.integers(0, 1500)), max_size=8
)


@given(outcomes, st.integers(0, 4), st.integers(1, 4000), st.booleans())
def test_attempts_and_time_are_never_exceeded(outcomes, retries, timeout, another):
    sending = plan(
        timeout=timeout,
        retry_times_when_send_failed=retries,
        retry_another_broker_when_not_store_ok=another,
    )
    now, attempts = 0, 0
    for outcome, took in outcomes:
        attempt = sending.next_attempt(now)
        if attempt is None:
            break
        attempts += 1
        assert 0 < attempt.timeout_ms <= timeout - now
        now += min(took, attempt.timeout_ms)
        if isinstance(outcome, SendStatus):
            last_word = sending.stored(stored(outcome), now)
            assert last_word == (outcome is SendStatus.SEND_OK or not another)
            if last_word:
                break
        elif not sending.failed(outcome, now):
            assert isinstance(outcome, BrokerError)
            assert outcome.code == 13
            break
    assert attempts <= retries + 1
    assert len(sending.brokers) == attempts
    assert all(x != y for x, y in zip(sending.brokers, sending.brokers[1:], strict=False))


def test_last_error_is_told_with_all_brokers():
    sending = plan(retry_times_when_send_failed=1)
    for number in range(2):
        sending.next_attempt(number * 10)
        assert sending.failed(ConnectFailed("no", "a:1"), number * 10)
    assert sending.next_attempt(20) is None
    error = sending.failure("T", 20)
    assert isinstance(error, ConnectFailed)
    (note,) = error.__notes__
    assert note == (
        "Send [2] times, still failed, cost [20]ms, Topic: T, "
        f"BrokersSent: [{', '.join(sending.brokers)}]"
    )


def test_every_attempt_is_told_with_its_broker_error_and_time():
    sending = plan(retry_times_when_send_failed=2)
    errors = [SendFailed("gone", "a:1"), BrokerError(2, "busy", "b:1"), RouteNotFound("no")]
    for number, error in enumerate(errors):
        sending.next_attempt(number * 100)
        sending.failed(error, number * 100 + 10 + number)
    failure = sending.failure("T", 300)
    assert failure is errors[-1]
    assert failure.attempts == tuple(
        SendAttempt(broker, addr, error, ms)
        for broker, addr, error, ms in zip(
            sending.brokers, ["a:1", "b:1", ""], errors, [10, 11, 12], strict=True
        )
    )


@pytest.mark.parametrize(
    ("errors", "maybe"),
    [
        ([ConnectFailed("no"), BrokerError(2, "busy")], False),
        ([SendFailed("no", maybe_stored=False), RouteNotFound("no")], False),
        ([RemotingTimeout("no"), BrokerError(13, "illegal")], True),
        ([BrokerError(2, "busy"), SendFailed("no")], True),
    ],
)
def test_one_attempt_that_may_be_stored_is_enough(errors, maybe):
    sending = plan(retry_times_when_send_failed=1)
    for error in errors:
        sending.next_attempt(0)
        sending.failed(error, 1)
    assert sending.failure("T", 2).maybe_stored is maybe


@pytest.mark.parametrize(
    ("error", "maybe"), [(ConnectFailed("no"), False), (SendFailed("no"), True)]
)
def test_time_runs_out(error, maybe):
    sending = plan(timeout=100)
    sending.next_attempt(0)
    sending.failed(error, 100)
    assert sending.next_attempt(100) is None
    failure = sending.failure("T", 100)
    assert isinstance(failure, RemotingTimeout)
    assert [attempt.error for attempt in failure.attempts] == [error]
    assert failure.maybe_stored is maybe


def test_one_attempt_does_not_take_all_the_time():
    sending = plan(send_msg_max_timeout_per_request=500, retry_times_when_send_failed=1)
    assert sending.next_attempt(0).timeout_ms == 500
    sending.failed(RemotingTimeout("no"), 500)
    assert sending.next_attempt(500).timeout_ms == 2500  # the last one may


def test_earlier_result_stands():
    sending = plan(retry_another_broker_when_not_store_ok=True)
    sending.next_attempt(0)
    result = stored(SendStatus.FLUSH_DISK_TIMEOUT)
    assert not sending.stored(result, 1)
    sending.next_attempt(1)
    assert not sending.failed(BrokerError(13, "no"), 2)
    assert sending.result is result


@pytest.mark.parametrize("error", ERRORS)
def test_failures_teach_the_fault_strategy(error):
    info = TopicPublishInfo([MessageQueue("T", "a", 0)])
    faults = FaultStrategy(V5_5_0, lambda: 0, Random(1), enabled=True)
    config = ProducerConfig(start_detector_enable=True)
    sending = SendPlan(info, faults, config, 0, 3000)
    sending.next_attempt(0)
    sending.failed(error, 5)
    item = faults.items["a"]
    isolated = not isinstance(error, RouteNotFound)
    assert (item.available_from_ms > 0) == isolated
    assert item.reachable == (not isinstance(error, (BrokerError, ConnectFailed)))
