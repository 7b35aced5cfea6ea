"""Messages with a time of their own: in time, in order, once, and after a restart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from rmqwire.codec import message_const as const
from rmqwire.codec.record import iter_messages
from rmqwire.codec.release import V4_9_7
from tests.support import requests
from tests.support.broker import START_MS, MemoryBroker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SMALL = {"mapped_file_size_timer_log": 52 * 40}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[MemoryBroker]:
    made = MemoryBroker(tmp_path, **SMALL)
    yield made
    made.close()


def timer(body: bytes = b"later", key: str = "K", topic: str = "T", **times: object):
    text = "".join(f"TIMER_{name.upper()}\x01{value}\x02" for name, value in times.items())
    return requests.send(topic, body=body, properties=f"UNIQ_KEY\x01{key}\x02{text}TAGS\x01A\x02")


def messages(broker: MemoryBroker, topic: str = "T") -> list:
    found, offset = [], 0
    while (result := broker.state.store.get_message(topic, 0, offset, 32)).body:
        found += iter_messages(result.body)
        offset = result.next_begin_offset
    return found


def bodies(broker: MemoryBroker, topic: str = "T") -> list[bytes]:
    return [message.body for message in messages(broker, topic)]


@pytest.mark.parametrize(
    ("times", "due_ms"),
    [
        ({"delay_sec": 3}, 3_000),
        ({"delay_ms": 2_500}, 2_500),
        ({"deliver_ms": START_MS + 4_001}, 4_001),
        ({"delay_sec": 2, "delay_ms": 9_000, "deliver_ms": START_MS + 8_000}, 2_000),
        ({"delay_ms": 3_000, "deliver_ms": START_MS + 8_000}, 3_000),
    ],
)
def test_a_message_is_delivered_at_its_time_within_a_tick(broker, times, due_ms):
    assert broker.connect().call(timer(**times)).code == 0
    broker.pass_time(0)
    broker.pass_time(due_ms - 1)
    assert bodies(broker) == []
    broker.pass_time(1_000)
    assert bodies(broker) == [b"later"]
    broker.pass_time(100_000)
    assert bodies(broker) == [b"later"]


def test_it_keeps_what_java_keeps(broker):
    broker.connect("10.0.0.9:1").call(timer(delay_ms=2_500))
    broker.pass_time(0)
    broker.pass_time(3_050)
    (found,) = messages(broker)
    properties = found.properties
    assert properties[const.PROPERTY_REAL_TOPIC] == "T"
    assert properties[const.PROPERTY_REAL_QUEUE_ID] == "0"
    assert properties[const.PROPERTY_TIMER_OUT_MS] == str(START_MS + 2_000)
    assert properties[const.PROPERTY_TIMER_ENQUEUE_MS] == str(START_MS)
    assert properties[const.PROPERTY_TIMER_DEQUEUE_MS] == str(START_MS + 3_050)
    assert properties[const.PROPERTY_TIMER_DELAY_MS] == "2500"
    assert found.tags == "A"
    assert found.born_host[0] == "10.0.0.9"
    assert found.store_timestamp == START_MS + 3_050


@pytest.mark.parametrize(
    "times", [{"delay_sec": 0}, {"delay_sec": -5}, {"delay_ms": 0}, {"deliver_ms": START_MS}]
)
def test_one_whose_time_has_come_is_a_plain_message(broker, times):
    answer = broker.connect().call(timer(**times))
    assert answer.code == 0
    assert "recallHandle" not in answer.ext_fields
    (found,) = messages(broker)
    assert const.PROPERTY_TIMER_OUT_MS not in found.properties


@pytest.mark.parametrize(
    "times",
    [
        {"delay_sec": 61},
        {"delay_ms": 60_001},
        {"deliver_ms": START_MS + 60_001},
        {"delay_ms": "x"},
        {"deliver_ms": ""},
    ],
)
def test_a_time_that_makes_no_sense_is_refused_in_javas_words(tmp_path, times):
    broker = MemoryBroker(tmp_path, timer_max_delay_sec=60)
    answer = broker.connect().call(timer(**times))
    if times == {"deliver_ms": ""}:  # a property without a value is none
        assert answer.code == 0
    else:
        assert (answer.code, answer.remark) == (
            13,
            (
                "timer message illegal, the delay time should not be bigger than the max delay "
                "60000ms; or if set del msg, the delay time should be bigger than the current time"
            ),
        )
    assert broker.state.store.max_offset(const.TIMER_TOPIC, 0) == 0
    broker.close()


def test_a_delay_level_beats_a_time(broker):
    request = requests.send(
        body=b"level", properties="UNIQ_KEY\x01K\x02DELAY\x011\x02TIMER_DELAY_SEC\x019\x02"
    )
    answer = broker.connect().call(request)
    assert "recallHandle" not in answer.ext_fields
    broker.pass_time(1_000)
    (found,) = messages(broker)
    assert const.PROPERTY_TIMER_DELAY_SEC not in found.properties


@pytest.mark.parametrize(("delay_s", "rolled"), [(11, 0), (13, 1), (20, 1), (25, 2), (30, 2)])
def test_what_is_beyond_the_window_is_rolled_as_often_as_java_rolls_it(tmp_path, delay_s, rolled):
    broker = MemoryBroker(tmp_path, timer_roll_window_slot=12, **SMALL)
    broker.pass_time(300)
    broker.connect().call(timer(delay_sec=delay_s))
    for _ in range(delay_s * 10 - 1):
        broker.pass_time(100)
        assert bodies(broker) == []
    for _ in range(10):
        broker.pass_time(100)
    (found,) = messages(broker)
    assert found.properties.get(const.PROPERTY_TIMER_ROLL_TIMES) == (
        str(rolled) if rolled else None
    )
    assert broker.state.timers.metrics.counts["T"].count == 0
    broker.close()


def test_crowded_ticks_are_refused_in_javas_words(tmp_path):
    broker = MemoryBroker(tmp_path, timer_congest_num_each_slot=5, **SMALL)
    client = broker.connect()
    codes = []
    for number in range(40):
        answer = client.call(timer(b"%d" % number, delay_ms=5_000))
        codes.append(answer.code)
        broker.pass_time(0)
    assert codes[:6] == [0] * 6
    assert codes[-1] == 1
    assert answer.remark == (
        "timer message is under flow control, max num limit is 10 or the current value is greater "
        "than 5 and less than 10, trigger random flow control"
    )
    broker.pass_time(7_000)
    assert len(bodies(broker)) == codes.count(0) == 10
    broker.close()


def test_a_release_without_timers_stores_them_as_they_are(tmp_path):
    broker = MemoryBroker(tmp_path, V4_9_7)
    assert broker.connect().call(timer(delay_sec=60)).code == 0
    assert bodies(broker) == [b"later"]
    assert not broker.state.timers.is_running
    assert broker.state.timers.check_point() is None
    broker.close()


def test_without_a_wheel_they_are_refused(tmp_path):
    broker = MemoryBroker(tmp_path, timer_wheel_enable=False)
    answer = broker.connect().call(timer(delay_sec=60))
    assert (answer.code, answer.remark) == (
        1,
        "accurate timer message is not enabled, timerWheelEnable is false",
    )
    broker.close()


def test_what_waits_survives_restarts_and_comes_once_whenever_it_fell_due(tmp_path):
    broker = MemoryBroker(tmp_path, **SMALL)
    client = broker.connect()
    for seconds in (2, 20, 40, 60):
        client.call(timer(b"%d" % seconds, delay_sec=seconds))
    broker.pass_time(0)
    broker.pass_time(5_000)
    for step_s in (0, 20, 1, 50):
        now = broker.clock.ms
        broker.close()
        broker = MemoryBroker(tmp_path, now_ms=now + step_s * 1_000, **SMALL)
        broker.pass_time(0)
    broker.pass_time(1_000)
    assert bodies(broker) == [b"2", b"20", b"40", b"60"]
    assert broker.state.timers.metrics.counts["T"].count == 0
    broker.close()


def test_the_answer_has_a_handle_to_recall_it(broker):
    answer = broker.connect().call(timer(delay_sec=3))
    handle = answer.ext_fields["recallHandle"]
    assert re.fullmatch("[A-Za-z0-9_=-]+", handle)


def test_none_is_early_when_the_clock_is_set_back(broker):
    client = broker.connect()
    client.call(timer(b"before", delay_sec=5))
    broker.pass_time(6_000)
    assert bodies(broker) == [b"before"]
    broker.clock.ms -= 3_600_000
    client.call(timer(b"behind", "B", delay_sec=5))
    client.call(timer(b"soon", "S", delay_ms=1_500))
    broker.pass_time(1_000)
    assert bodies(broker) == [b"before"]
    broker.pass_time(1_000)
    assert bodies(broker) == [b"before", b"soon"]
    assert broker.state.timers.check_point().last_timer_queue_offset == 1
    broker.pass_time(4_000)
    assert bodies(broker) == [b"before", b"soon", b"behind"]
    assert broker.state.timers.check_point().last_timer_queue_offset == 3


def test_what_waits_for_a_clock_that_was_set_back_survives_a_restart_once(tmp_path):
    broker = MemoryBroker(tmp_path, **SMALL)
    broker.pass_time(10_000)
    broker.connect().call(timer(b"first", delay_sec=1))
    broker.pass_time(3_000)
    broker.clock.ms -= 8_000
    broker.connect().call(timer(b"held", "H", delay_sec=2))
    broker.pass_time(0)
    now = broker.clock.ms
    broker.close()
    broker = MemoryBroker(tmp_path, now_ms=now + 1_000, **SMALL)
    broker.pass_time(20_000)
    assert bodies(broker) == [b"first", b"held"]
    broker.close()


def test_after_two_weeks_down_what_waited_is_delivered(tmp_path):
    broker = MemoryBroker(tmp_path, **SMALL)
    broker.connect().call(timer(b"old", delay_sec=100))
    broker.pass_time(0)
    now = broker.clock.ms
    broker.close()
    broker = MemoryBroker(tmp_path, now_ms=now + 15 * 86_400_000, **SMALL)
    broker.connect().call(timer(b"new", "N", delay_sec=3))
    broker.pass_time(0)
    assert bodies(broker) == [b"old"]
    broker.pass_time(4_000)
    assert bodies(broker) == [b"old", b"new"]
    broker.close()


def test_a_message_without_a_time_in_the_timers_queue_holds_up_none(broker, caplog):
    client = broker.connect()
    client.call(requests.send(const.TIMER_TOPIC, body=b"none"))
    client.call(timer(b"behind", delay_sec=1))
    broker.pass_time(0)
    broker.pass_time(2_000)
    assert bodies(broker) == [b"behind"]
    assert "has no time" in caplog.text


def test_a_delivery_that_is_refused_is_tried_again_until_it_is_stored(broker):
    broker.connect().call(timer(delay_sec=1))
    broker.pass_time(0)
    broker.state.store.health.refuse("no room")
    for _ in range(10):
        broker.pass_time(1_000)
    assert bodies(broker) == []
    broker.state.store.health.allow()
    broker.pass_time(1_000)
    assert bodies(broker) == [b"later"]


def test_many_of_one_tick_come_in_their_order(broker):
    client = broker.connect()
    for number in range(300):
        client.call(timer(b"%d" % number, f"K{number}", deliver_ms=START_MS + 2_500))
    broker.pass_time(0)
    assert broker.state.timers.runtime_info()["timerCongestNum"] == "300"
    assert broker.state.timers.metrics.counts["T"].count == 300
    broker.pass_time(3_000)
    assert bodies(broker) == [b"%d" % number for number in range(300)]
    assert broker.state.timers.runtime_info()["timerCongestNum"] == "0"


def test_a_disk_that_fails_for_a_while_costs_nothing(broker, monkeypatch):
    broker.connect().call(timer(delay_sec=1))
    files = broker.state.store.files
    failing = pytest.MonkeyPatch()

    def fail(*_: object) -> None:
        raise OSError(5, "injected")

    failing.setattr(files, "pwrite", fail)
    assert broker.state.timers.step() == broker.clock.ms + 1_000
    failing.undo()
    broker.pass_time(0)
    broker.pass_time(3_000)
    assert bodies(broker) == [b"later"]


def test_timers_stand_while_they_are_switched_off_and_nobody_is_busy(broker):
    config = broker.state.store.config
    broker.connect().call(timer(b"first", delay_sec=1))
    broker.pass_time(0)
    config.timer_stop_dequeue = True
    broker.pass_time(5_000)
    assert broker.state.timers.step() == broker.clock.ms + 1_000
    assert bodies(broker) == []
    config.timer_stop_dequeue, config.timer_stop_enqueue = False, True
    broker.connect().call(timer(b"second", "S", delay_sec=1))
    broker.pass_time(3_000)
    assert bodies(broker) == [b"first"]
    assert broker.state.timers.runtime_info()["timerOffsetBehind"] == "1"
    config.timer_stop_enqueue = False
    broker.pass_time(10_000)
    assert bodies(broker) == [b"first", b"second"]
