"""Counters and their windows."""

from __future__ import annotations

from rmqwire.broker.stats import (
    BROKER_PUT_NUMS,
    GROUP_GET_SIZE,
    SNDBCK_PUT_NUMS,
    TOPIC_PUT_NUMS,
    TOPIC_PUT_SIZE,
    BrokerStats,
    window,
)


def test_puts_and_gets_are_summed_by_javas_keys():
    stats = BrokerStats("C")
    stats.put("T", 2, 300)
    stats.put("T", 1, 100)
    stats.got("g", "T", 3, 400)
    stats.sent_back("g", "T")
    assert stats.find(TOPIC_PUT_NUMS, "T").value == 3
    assert stats.find(TOPIC_PUT_SIZE, "T").value == 400
    assert stats.find(BROKER_PUT_NUMS, "C").value == 3
    assert stats.find(GROUP_GET_SIZE, "T@g").value == 400
    assert stats.find(SNDBCK_PUT_NUMS, "T@g").value == 1
    assert stats.find("NO_SUCH", "T") is None


def test_a_minute_is_the_difference_of_its_samples():
    stats = BrokerStats("C")
    for second in range(0, 90, 10):
        stats.sample(1_000_000 + second * 1000, "minute")
        stats.put("T", 5, 50)
    item = stats.find(TOPIC_PUT_NUMS, "T")
    minute = window(item.minute)
    assert (minute.sum, minute.times) == (30, 6)
    assert minute.tps == 0.5
    assert minute.avgpt == 5.0
    assert window(item.hour).tps == 0.0


def test_what_is_deleted_is_forgotten():
    stats = BrokerStats("C")
    stats.put("T", 1, 1)
    stats.got("g", "T", 1, 1)
    stats.got("h", "U", 1, 1)
    stats.delete_topic("T")
    stats.delete_group("h")
    assert stats.find(TOPIC_PUT_NUMS, "T") is None
    assert stats.tables[GROUP_GET_SIZE] == {}


def test_midnight_keeps_the_totals():
    stats = BrokerStats("C")
    stats.put("T", 4, 1)
    stats.record_midnight()
    stats.put("T", 2, 1)
    stats.record_midnight()
    assert (stats.put_total_yesterday_morning, stats.put_total_today_morning) == (4, 6)
