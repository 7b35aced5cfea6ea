"""Timers checked: Java's and ours fit, and what doesn't is found."""

from __future__ import annotations

import pytest

from rmqwire.codec.timer import UNIT_SIZE
from rmqwire.inspector.verify import verify_store
from tests.store.timer.test_java_timers import PENDING, unpack
from tests.support import requests
from tests.support.broker import MemoryBroker


def texts(root, **options):
    report = verify_store(root, slots=100, **options)
    return [one.text for one in report.findings if one.part == "timers"], report


@pytest.mark.parametrize("name", [*PENDING, "timer_after_run"])
def test_timers_of_java_fit(tmp_path, name):
    found, report = texts(unpack(name, tmp_path))
    assert found == []
    assert report.timers >= 9


@pytest.fixture
def store(tmp_path):
    broker = MemoryBroker(tmp_path, mapped_file_size_timer_log=UNIT_SIZE * 20)
    for seconds in (5, 5, 9):
        text = f"UNIQ_KEY\x01K\x02TIMER_DELAY_SEC\x01{seconds}\x02"
        broker.connect().call(requests.send(properties=text))
    broker.pass_time(0)
    broker.close()
    return tmp_path


def test_ours_fit(store):
    found, report = texts(store)
    assert found == []
    assert report.timers == 3
    assert report.row()["timers"] == 3


def change(path, at, data):
    content = bytearray(path.read_bytes())
    content[at : at + len(data)] = data
    path.write_bytes(content)


def test_what_does_not_fit_is_found(store):
    first = store / "timerlog" / ("0" * 20)
    change(first, UNIT_SIZE + 28, (1 << 40).to_bytes(8, "big"))
    ((text,), _) = texts(store)
    assert text.startswith(f"names a record at {1 << 40}, the commit log ends at ")


def test_a_unit_that_is_none_and_slots_that_lead_nowhere_are_found(store):
    change(store / "timerlog" / ("0" * 20), UNIT_SIZE, bytes(UNIT_SIZE))
    found, report = texts(store)
    assert report.timers == 1
    assert [text.split(", ")[1] for text in found] == ["no unit of that tick"]


def test_a_missing_or_cut_wheel_and_a_check_point_that_is_none_are_found(store):
    wheel = store / "timerwheel"
    wheel.write_bytes(wheel.read_bytes()[:-5])
    (store / "config" / "timercheck").write_bytes(b"short")
    found, _ = texts(store)
    assert found[0] == "timer checkpoint of 5 bytes"
    assert "a slot is cut off" in found[1]
    wheel.unlink()
    (store / "config" / "timercheck").unlink()
    assert texts(store)[0] == ["there is a log but no wheel"]


def test_a_damaged_log_is_found(store):
    change(store / "timerlog" / ("0" * 20), UNIT_SIZE, b"\0\0\0\7")
    assert "timer log unit of 7 bytes" in texts(store)[0][0]
    (store / "timerlog" / ("0" * 20)).unlink()
    assert "no unit of that tick" in texts(store)[0][0]
    (store / "timerlog").rmdir()
    wheel = store / "timerwheel"
    assert wheel.exists()
    wheel.unlink()
    assert texts(store)[0] == []
