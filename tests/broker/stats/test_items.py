"""One counter and its windows."""

from __future__ import annotations

from rmqwire.broker.stats.items import StatsItem, Window


def test_the_first_sample_counts_from_one_step_before_as_javas():
    item = StatsItem()
    item.add(40, 4)
    item.sample("minute", 1_000_000)
    first = item.minute.snapshot()
    assert (first.sum, first.tps, first.times, first.avgpt) == (40, 4.0, 4, 10.0)


def test_a_counter_at_rest_keeps_no_samples_and_goes_on_where_it_was():
    window = Window(10_000, 7)
    for second in range(0, 200, 10):
        window.sample(second * 1000, 0, 0)
    assert window.snapshot().sum == 0
    window.sample(200_000, 3, 1)
    assert (window.snapshot().sum, window.snapshot().tps) == (3, 0.3)
    for second in range(210, 280, 10):
        window.sample(second * 1000, 3, 1)
    assert window.snapshot().sum == 0
    window.sample(280_000, 5, 2)
    assert (window.snapshot().sum, window.snapshot().times) == (2, 1)
