"""How many timers wait for each topic, counted again from the timer log."""

from __future__ import annotations

import logging
import time

import pytest

from rmqwire.codec import message_const as const
from rmqwire.codec.bodies.broker_files import Metric
from rmqwire.codec.java_hash import string_hash
from tests.support import requests
from tests.support.broker import START_MS, MemoryBroker

HOUR = f"{time.localtime(START_MS // 1000).tm_hour:02}"
OTHER_HOUR = f"{(int(HOUR) + 12) % 24:02}"


@pytest.fixture
def broker(tmp_path):
    made = MemoryBroker(
        tmp_path,
        mapped_file_size_timer_log=52 * 40,
        timer_check_metrics_when=f"{OTHER_HOUR};{HOUR}",
    )
    yield made
    made.close()


def send(broker, topic="T", key="K", seconds=100, **more):
    text = "".join(f"{name}\x01{value}\x02" for name, value in more.items())
    text += f"UNIQ_KEY\x01{key}\x02TIMER_DELAY_SEC\x01{seconds}\x02"
    assert broker.connect().call(requests.send(topic, body=b"x", properties=text)).code == 0


def counts(broker):
    return {topic: metric.count for topic, metric in broker.state.timers.metrics.counts.items()}


def recount(broker):
    steps = broker.state.timers.recount()
    assert steps is not None
    for _ in steps:
        pass


def test_counts_that_a_kill_left_behind_are_put_right(broker, caplog):
    for number in range(60):
        send(broker, "AB"[number % 2], f"K{number}", 10 + number)
    broker.pass_time(0)
    broker.pass_time(30_000)
    right = counts(broker)
    assert 0 < right["A"] < 30
    broker.state.timers.metrics.counts |= {"A": Metric(count=7), "gone": Metric(count=-2)}
    with caplog.at_level(logging.INFO):
        recount(broker)
    assert counts(broker) == right | {"gone": 0}
    assert f"timers of topic A: {right['A']} wait, not 7" in caplog.text


def test_what_comes_and_goes_meanwhile_is_counted_once(broker, monkeypatch):
    monkeypatch.setattr("rmqwire.broker.delivery.timer_recount.AT_ONCE", 1)
    for number in range(6):
        send(broker, "T", f"K{number}", 5 + 100 * (number % 2))
    broker.pass_time(0)
    steps = broker.state.timers.recount()
    next(steps)
    broker.pass_time(20_000)
    send(broker, "T", "later", 60)
    broker.pass_time(0)
    assert counts(broker) == {"T": 4}
    list(steps)
    assert counts(broker) == {"T": 4}


def test_one_that_takes_another_out_counts_down_until_its_tick(broker):
    send(broker, "T", "A")
    send(broker, "T", "B")
    send(broker, "T", "C", **{const.PROPERTY_TIMER_DEL_UNIQKEY: "A"})
    broker.pass_time(0)
    before = counts(broker)
    broker.state.timers.metrics.counts["T"].count = 99
    recount(broker)
    assert counts(broker) == before


def test_topics_of_one_hash_are_told_apart_by_their_messages(broker):
    assert string_hash("Aa") == string_hash("BB")
    for number in range(5):
        send(broker, "Aa" if number < 2 else "BB", f"K{number}")
    broker.pass_time(0)
    for metric in broker.state.timers.metrics.counts.values():
        metric.count = 0
    recount(broker)
    assert counts(broker) == {"Aa": 2, "BB": 3}


def test_large_topics_stay_as_they_are_and_so_do_those_that_look_like_them(broker):
    for topic in ("Aa", "BB", "T"):
        send(broker, topic, topic)
    broker.pass_time(0)
    metrics = broker.state.timers.metrics.counts
    metrics["Aa"].count, metrics["BB"].count, metrics["T"].count = 1_000_000, 5, 5
    recount(broker)
    assert counts(broker) == {"Aa": 1_000_000, "BB": 5, "T": 1}


@pytest.mark.parametrize(
    "setting",
    [{"timer_check_metrics_when": OTHER_HOUR}, {"timer_enable_check_metrics": False}],
)
def test_it_is_done_only_in_its_hours_and_where_it_is_wanted(broker, setting):
    for name, value in setting.items():
        setattr(broker.state.store.config, name, value)
    assert broker.state.timers.recount() is None


def test_it_is_done_once_in_an_hour(broker):
    recount(broker)
    broker.clock.ms += 40 * 60 * 1_000
    assert broker.state.timers.recount() is None
    broker.clock.ms += 24 * 3_600_000
    broker.state.store.config.timer_check_metrics_when = (
        f"{time.localtime(broker.clock.ms // 1000).tm_hour}"
    )
    recount(broker)


def test_nothing_is_counted_where_no_timers_are_delivered(broker):
    broker.state.timers.stop()
    assert broker.state.timers.recount() is None
    assert broker.state.timers.progress() == ""


def test_a_tick_that_is_being_delivered_is_waited_for(broker, monkeypatch):
    monkeypatch.setattr("rmqwire.broker.delivery.timer_dequeue.BATCH", 2)
    for number in range(5):
        send(broker, "T", f"K{number}", 5)
    broker.pass_time(0)
    timers = broker.state.timers
    assert not timers.is_in_tick
    broker.clock.ms += 6_000
    timers.step()
    assert timers.is_in_tick
    broker.pass_time(0)
    assert not timers.is_in_tick
    assert counts(broker) == {"T": 0}
    timers.stop()
    assert not timers.is_in_tick
