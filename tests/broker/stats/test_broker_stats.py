"""Counters of what was put and got."""

from __future__ import annotations

import pytest

from rmqwire.broker.stats.broker_stats import BrokerStats
from rmqwire.broker.stats.names import (
    BROKER_PUT_NUMS,
    BROKER_PUT_NUMS_OF_USERS,
    CHANNEL_ACTIVITY,
    CLOSE,
    CONNECT,
    CONSUMER_REGISTER_TIME,
    GROUP_GET_LATENCY,
    GROUP_GET_NUMS,
    GROUP_GET_SIZE,
    QUEUE_GET_NUMS,
    QUEUE_PUT_NUMS,
    QUEUE_PUT_SIZE,
    SNDBCK2DLQ_TIMES,
    SNDBCK_PUT_NUMS,
    TOPIC_PUT_LATENCY,
    TOPIC_PUT_NUMS,
    TOPIC_PUT_SIZE,
)
from rmqwire.store.folder.file_queue import HandleCache
from rmqwire.store.queues.consume_queue import ConsumeQueue
from rmqwire.store.queues.queue_tail import PythonBrought
from rmqwire.store.stats import StoreStats
from tests.support.memory_files import MemoryFiles

SCHEDULE = "SCHEDULE_TOPIC_XXXX"


def test_puts_and_gets_are_summed_by_javas_keys():
    stats = BrokerStats("C")
    stats.put("T", 1, 2, 300, 4)
    stats.put("T", 1, 1, 100, 2)
    stats.put("T", 2, 1, 100, 7)
    stats.got("g", "T", 1, 3, 400, 5)
    stats.sent_back("g", "T")
    stats.sent_to_dlq(None, "g", "T")
    stats.registered(CONSUMER_REGISTER_TIME, 3)
    stats.channel(CONNECT)
    stats.channel(CLOSE)
    seen = {
        (name, key): (item.value, item.times)
        for name in (*stats.tables, "NO_SUCH")
        for key in (
            "T",
            "C",
            "T@g",
            "1@T",
            "2@T",
            "1@T@g",
            "null@T@g@SEND_BACK_TO_DLQ",
            CONNECT,
            CLOSE,
        )
        if (item := stats.find(name, key)) is not None
    }
    assert seen == {
        (TOPIC_PUT_NUMS, "T"): (4, 3),
        (TOPIC_PUT_SIZE, "T"): (500, 3),
        (TOPIC_PUT_LATENCY, "1@T"): (6, 2),
        (TOPIC_PUT_LATENCY, "2@T"): (7, 1),
        (BROKER_PUT_NUMS, "C"): (4, 0),  # Java counts no times there
        (BROKER_PUT_NUMS_OF_USERS, "C"): (4, 0),
        (GROUP_GET_NUMS, "T@g"): (3, 1),
        (GROUP_GET_SIZE, "T@g"): (400, 1),
        (GROUP_GET_LATENCY, "1@T@g"): (5, 1),
        ("BROKER_GET_NUMS", "C"): (3, 0),
        ("BROKER_GET_NUMS_WITHOUT_SYSTEM_TOPIC", "C"): (3, 0),
        (SNDBCK_PUT_NUMS, "T@g"): (1, 1),
        (SNDBCK2DLQ_TIMES, "null@T@g@SEND_BACK_TO_DLQ"): (1, 1),
        (CONSUMER_REGISTER_TIME, "C"): (3, 1),
        (CHANNEL_ACTIVITY, CONNECT): (1, 1),
        (CHANNEL_ACTIVITY, CLOSE): (1, 1),
    }


def test_what_a_lane_brings_many_queues_counts_as_its_sends_one_by_one():
    queues = [make_queue("T", 0), make_queue("T", 1), make_queue("U", 0)]
    stats, one_by_one = BrokerStats("C"), BrokerStats("C")
    for elapsed_ms in (0, 3, 70_000):
        rows = [
            (queue.tail, 0, bytes(20 * messages), 300 * messages, sends)
            for queue, messages, sends in zip(queues, (1, 5, 900), (1, 2, 900), strict=True)
        ]
        stats.put_all(PythonBrought(rows), elapsed_ms)
        for queue, (_, _, units, size, sends) in zip(queues, rows, strict=True):
            one_by_one.put(queue.topic, queue.queue_id, len(units) // 20, size, elapsed_ms, sends)
    for name in (TOPIC_PUT_NUMS, TOPIC_PUT_SIZE, TOPIC_PUT_LATENCY, BROKER_PUT_NUMS):
        for key in ("T", "U", "0@T", "1@T", "0@U", "C"):
            seen = [one.find(name, key) for one in (stats, one_by_one)]
            figures = [one and (one.value, one.times) for one in seen]
            assert figures[0] == figures[1], (name, key)
    assert [queue.tail.counted for queue in queues] == [0, 0, 0]


def make_queue(topic, queue_id):
    files = MemoryFiles()
    return ConsumeQueue(topic, queue_id, f"/{topic}/{queue_id}", 200, files, HandleCache(files, 1))


def test_totals_leave_the_system_s_topics_out_since_5():
    for of_5, total in ((True, 3), (False, 8)):
        stats = BrokerStats("C", of_5=of_5)
        stats.put("T", 0, 3, 30, 0)
        stats.put(SCHEDULE, 2, 5, 50, 0)
        stats.got("g", "T", 0, 2, 20, 0)
        stats.got("SCHEDULE_CONSUMER", SCHEDULE, 2, 5, 50, 0)
        assert stats.put_total == total
        assert stats.get_total == (2 if of_5 else 7)


def test_check_points_and_acks_are_counted_by_group_and_broker_since_5():
    stats = BrokerStats("C")
    stats.checked("g", "T")
    stats.acknowledged("g", "T", 3)
    stats.acknowledged("g", "T", 1)
    for name, key, seen in (
        ("GROUP_CK_NUMS", "T@g", (1, 1)),
        ("GROUP_ACK_NUMS", "T@g", (4, 2)),
        ("BROKER_CK_NUMS", "C", (1, 0)),
        ("BROKER_ACK_NUMS", "C", (4, 0)),
    ):
        item = stats.find(name, key)
        assert (item.value, item.times) == seen
    stats.delete_group("g")
    assert stats.find("GROUP_ACK_NUMS", "T@g") is None
    old = BrokerStats("C", of_5=False)
    old.acknowledged("g", "T", 1)
    assert old.find("BROKER_ACK_NUMS", "C") is None


def test_items_at_rest_are_forgotten_after_the_time_that_is_set():
    stats = BrokerStats("C")
    stats.put("T", 0, 1, 10, 0)
    stats.got("g", "T", 0, 1, 10, 0)
    minute = 60_000
    stats.forget_rested(0, 60)
    stats.forget_rested(40 * minute, 60)
    stats.put("T", 0, 1, 10, 0)
    stats.forget_rested(50 * minute, 60)
    stats.forget_rested(60 * minute, 60)
    assert stats.find(GROUP_GET_NUMS, "T@g") is not None  # for 60 minutes, not for more
    stats.forget_rested(61 * minute, 60)
    assert stats.find(GROUP_GET_NUMS, "T@g") is None
    assert stats.find(GROUP_GET_LATENCY, "0@T@g") is None
    assert stats.find(TOPIC_PUT_NUMS, "T").value == 2
    assert stats.find(BROKER_PUT_NUMS, "C") is not None


@pytest.mark.parametrize(("most", "kept"), [(-1, True), (0, False), (10, False), (11, False)])
def test_up_to_ten_minutes_are_thirty_and_less_than_none_is_for_ever(most, kept):
    stats = BrokerStats("C")
    stats.sent_back("g", "T")
    stats.forget_rested(0, most)
    stats.forget_rested(31 * 60_000, most)
    assert (stats.find(SNDBCK_PUT_NUMS, "T@g") is not None) == kept
    stats.sent_back("g", "T")
    stats.forget_rested(40 * 60_000, most)
    stats.forget_rested(60 * 60_000, most)
    assert (stats.find(SNDBCK_PUT_NUMS, "T@g") is not None) == (most != 11)


def test_totals_of_4_9_are_the_store_s():
    """The broker's own messages count, such as the event of a moved offset."""
    of_store = StoreStats(boot_ms=0)
    stats = BrokerStats("C", of_5=False, of_store=of_store)
    stats.put("T", 0, 3, 30, 0)
    of_store.put_times, of_store.get_messages = 4, 7
    assert (stats.put_total, stats.get_total) == (4, 7)


def test_delayed_messages_are_counted_by_level():
    stats = BrokerStats("C")
    stats.put(SCHEDULE, 2, 1, 90, 0)
    stats.put_delayed(2, 110)
    stats.delayed(2, "T", 1, 80)
    assert stats.find(QUEUE_PUT_NUMS, f"{SCHEDULE}@2").value == 2
    assert stats.find(QUEUE_PUT_SIZE, f"{SCHEDULE}@2").value == 200
    assert stats.find(QUEUE_GET_NUMS, f"{SCHEDULE}@2@SCHEDULE_CONSUMER").value == 1
    assert stats.find(GROUP_GET_NUMS, f"{SCHEDULE}@SCHEDULE_CONSUMER").value == 1
    assert stats.find(TOPIC_PUT_NUMS, "T").value == 1
    assert stats.find(TOPIC_PUT_NUMS, SCHEDULE).value == 2


def test_without_detail_no_queue_is_counted():
    stats = BrokerStats("C", by_queue=False)
    stats.put(SCHEDULE, 2, 1, 90, 0)
    stats.put_delayed(2, 90)
    stats.delayed(2, "T", 1, 80)
    stats.got("g", "T", 1, 1, 10, 6)
    assert QUEUE_PUT_NUMS not in stats.tables
    assert stats.find(GROUP_GET_LATENCY, "T@g").value == 6


def test_4_9_has_fewer_names():
    stats = BrokerStats("C", of_5=False)
    stats.put("T", 1, 1, 100, 4)
    stats.channel(CONNECT)
    stats.registered(CONSUMER_REGISTER_TIME, 3)
    stats.sent_to_dlq("o", "g", "T")
    assert stats.find(TOPIC_PUT_LATENCY, "1@T") is None
    assert {name for name, table in stats.tables.items() if table} == {
        TOPIC_PUT_NUMS, TOPIC_PUT_SIZE, BROKER_PUT_NUMS,
    }  # fmt: skip


def test_a_minute_is_the_difference_of_its_samples():
    stats = BrokerStats("C")
    for second in range(0, 90, 10):
        stats.put("T", 0, 5, 50, 0)
        for _ in stats.sample(1_000_000 + second * 1000, "minute"):
            pass
    item = stats.find(TOPIC_PUT_NUMS, "T")
    minute = item.minute.snapshot()
    assert (minute.sum, minute.times) == (30, 6)
    assert minute.tps == 0.5
    assert minute.avgpt == 5.0
    assert item.hour.snapshot().tps == 0.0


def test_many_counters_are_sampled_in_slices_and_may_be_made_meanwhile():
    stats = BrokerStats("C")
    for number in range(600):
        stats.put(f"T{number}", 0, 1, 10, 0)
    slices = 0
    for _ in stats.sample(1_000_000, "minute"):
        slices += 1
        stats.put(f"New{slices}", 0, 1, 10, 0)
        assert stats.find(TOPIC_PUT_NUMS, f"New{slices}").value == 1
    assert slices == 8  # three counters of each topic and two of the broker
    assert stats.find(TOPIC_PUT_NUMS, "T599").minute.snapshot().sum == 1
    assert stats.find(TOPIC_PUT_NUMS, "New1").minute.snapshot().sum == 0


def test_what_is_deleted_is_forgotten():
    stats = BrokerStats("C")
    stats.put("T", 0, 1, 1, 1)
    stats.got("g", "T", 0, 1, 1, 1)
    stats.got("T", "U", 0, 1, 1, 1)  # a group of the topic's name
    stats.got("h", "U", 0, 1, 1, 1)
    stats.sent_back("h", "U")
    stats.delete_topic("T")
    assert stats.find(TOPIC_PUT_NUMS, "T") is None
    assert stats.find(TOPIC_PUT_LATENCY, "0@T") is None
    assert set(stats.tables[GROUP_GET_SIZE]) == {"U@T", "U@h"}
    stats.delete_group("h")
    assert set(stats.tables[GROUP_GET_LATENCY]) == {"0@U@T"}
    assert stats.tables[SNDBCK_PUT_NUMS] == {}


def test_midnight_keeps_the_totals():
    stats = BrokerStats("C")
    stats.put("T", 0, 4, 1, 0)
    stats.record_midnight()
    stats.put("T", 0, 2, 1, 0)
    stats.record_midnight()
    assert (stats.put_total_yesterday_morning, stats.put_total_today_morning) == (4, 6)
