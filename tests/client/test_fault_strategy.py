from random import Random

import pytest

from rmqwire.client.fault_strategy import FaultStrategy
from rmqwire.client.route_table import TopicPublishInfo
from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.release import V4_9_7, V5_5_0


class Clock:
    ms = 1_000_000

    def __call__(self):
        return self.ms


def info(*brokers):
    return TopicPublishInfo([MessageQueue("T", b, n) for b in brokers for n in (0, 1)])


@pytest.fixture
def clock():
    return Clock()


def strategy(clock, release=V5_5_0, *, enabled=True):
    return FaultStrategy(release, clock, Random(1), enabled=enabled)


@pytest.mark.parametrize(
    ("release", "latency", "pause"),
    [
        (V4_9_7, 49, 0),
        (V4_9_7, 549, 0),
        (V4_9_7, 550, 30_000),
        (V4_9_7, 1000, 60_000),
        (V4_9_7, 3000, 180_000),
        (V4_9_7, 99_999, 600_000),
        (V5_5_0, 549, 0),
        (V5_5_0, 550, 2_000),
        (V5_5_0, 1_800, 5_000),
        (V5_5_0, 3_000, 6_000),
        (V5_5_0, 5_000, 10_000),
        (V5_5_0, 15_000, 30_000),
    ],
)
def test_tables_of_the_releases(clock, release, latency, pause):
    assert strategy(clock, release).not_available_ms(latency) == pause


def test_a_table_of_the_users_own(clock):
    faults = FaultStrategy(V5_5_0, clock, Random(1), enabled=True, table=[(100, 0), (200, 7)])
    assert [faults.not_available_ms(latency) for latency in (99, 199, 200, 99_999)] == [0, 0, 7, 7]


def test_an_unreachable_broker_is_asked_once_an_interval(clock):
    faults = strategy(clock)
    faults.update("a", 10, reachable=False)
    faults.update("b", 10)
    assert faults.to_ask(5_000) == ["a"]
    assert faults.to_ask(5_000) == []
    clock.ms += 4_999
    assert faults.to_ask(5_000) == []
    clock.ms += 1
    assert faults.to_ask(5_000) == ["a"]
    faults.reachable_again("a")
    clock.ms += 9_999
    assert faults.to_ask(5_000) == []


def test_disabled_it_remembers_nothing(clock):
    faults = strategy(clock, enabled=False)
    faults.update("a", 99_999, isolate=True, reachable=False)
    assert faults.is_available("a")
    assert not faults.items


def test_disabled_it_avoids_only_the_last_broker(clock):
    faults = strategy(clock, enabled=False)
    queues = info("a", "b")
    assert {faults.select(queues, "a").broker_name for _ in range(8)} == {"b"}
    assert {faults.select(queues, None).broker_name for _ in range(8)} == {"a", "b"}
    assert faults.select(info("a"), "a").broker_name == "a"


def test_slow_broker_is_left_alone_for_a_while(clock):
    faults, queues = strategy(clock), info("a", "b")
    faults.update("a", 600)
    assert {faults.select(queues, None).broker_name for _ in range(8)} == {"b"}
    clock.ms += 2_000
    assert {faults.select(queues, None).broker_name for _ in range(8)} == {"a", "b"}


def test_failed_broker_counts_as_very_slow(clock):
    faults = strategy(clock)
    faults.update("a", 5, isolate=True)
    clock.ms += 9_999
    assert not faults.is_available("a")
    clock.ms += 1
    assert faults.is_available("a")


def test_a_fast_answer_does_not_end_a_pause(clock):
    faults = strategy(clock)
    faults.update("a", 600)
    faults.update("a", 5)
    assert not faults.is_available("a")


def test_all_slow_a_reachable_one_is_better(clock):
    faults, queues = strategy(clock), info("a", "b")
    faults.update("a", 600, isolate=True, reachable=False)
    faults.update("b", 600)
    assert {faults.select(queues, None, retry=True).broker_name for _ in range(8)} == {"b"}


def test_none_usable_any_is_better_than_none(clock):
    faults, queues = strategy(clock), info("a", "b")
    for name in "ab":
        faults.update(name, 600, isolate=True, reachable=False)
    assert faults.select(queues, None) in queues.queues
