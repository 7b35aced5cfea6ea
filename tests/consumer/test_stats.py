import pytest

from rmqwire.consumer.stats import ConsumerStats


class Clock:
    ms = 1_000_000_000

    def __call__(self):
        return self.ms


def test_rates_are_of_the_last_minute_and_failures_of_the_last_hour():
    clock = Clock()
    stats = ConsumerStats(clock)
    for _ in range(6):
        stats.pulled("T", 10, 4)
        stats.consumed("T", 6, ok=10, failed=0)
        stats.consumed("T", 2, ok=0, failed=5)
        clock.ms += 5_000
    status = stats.status("T")
    assert status.pull_tps == status.consume_oktps == pytest.approx(1.0)
    assert status.consume_failed_tps == pytest.approx(0.5)
    assert (status.pull_rt, status.consume_rt) == (4.0, 4.0)
    assert status.consume_failed_msgs == 30
    clock.ms += 120_000
    status = stats.status("T")
    assert (status.pull_tps, status.pull_rt, status.consume_failed_msgs) == (0.0, 0.0, 30)
    clock.ms += 3_600_000
    assert stats.status("T").consume_failed_msgs == 0


def test_unknown_topic_is_zero():
    assert ConsumerStats(Clock()).status("T").consume_failed_msgs == 0
