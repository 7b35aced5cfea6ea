from __future__ import annotations

import pytest

from rmqwire.codec.timer import UNIT_SIZE, TimerSlot, pack_blank, pack_slot
from rmqwire.errors import CorruptLog, StoreError
from rmqwire.inspector.commitlog import commit_log_rows
from rmqwire.inspector.timer import timer_log_rows, timer_wheel_rows
from tests.inspector.stores import unpack


@pytest.fixture
def store(tmp_path):
    return unpack(tmp_path, "5.5.0", "clean_shutdown")


def test_units_of_java_s_timer_log_lead_to_its_records(store):
    rows = list(timer_log_rows(store))
    records = {row["offset"]: row for row in commit_log_rows(store)}
    assert len(rows) == 5
    assert [row["offset"] for row in rows] == [UNIT_SIZE * n for n in range(5)]
    for row in rows:
        record = records[row["offsetPy"]]
        assert record["size"] == row["sizePy"]
        assert record["topic"] == "rmq_sys_wheel_timer"
        assert row["deliverTime"] == row["currWriteTime"] + row["delayedTime"]
    assert [row["offset"] for row in timer_log_rows(store / "timerlog", UNIT_SIZE * 3)] == [
        156,
        208,
    ]


def test_what_is_no_timer_log(store):
    with pytest.raises(StoreError, match="not in this timer log"):
        list(timer_log_rows(store, 10**9))
    file = store / "timerlog" / f"{0:020}"
    data = bytearray(file.read_bytes())
    data[UNIT_SIZE + 3] = 7
    file.write_bytes(data)
    rows = timer_log_rows(file)
    assert next(rows)["prevPos"] == -1
    with pytest.raises(CorruptLog) as error:
        next(rows)
    assert error.value.offset == UNIT_SIZE


def test_a_blank_ends_a_file_and_the_next_goes_on(store):
    file = store / "timerlog" / f"{0:020}"
    data = bytearray(file.read_bytes())
    data[UNIT_SIZE : 2 * UNIT_SIZE] = pack_blank(len(data) - UNIT_SIZE).ljust(UNIT_SIZE, b"\0")
    (store / "timerlog" / f"{len(data):020}").write_bytes(data)
    file.write_bytes(data)
    assert [row["offset"] for row in timer_log_rows(store)] == [0, len(data)]


def test_slots_come_by_time(tmp_path):
    slots = [TimerSlot()] * 10
    slots[7] = TimerSlot(1_700_000_000, 52, 104, 2)
    slots[2] = TimerSlot(1_700_000_005, 0, 0, 1, 4)
    file = tmp_path / "timerwheel"
    file.write_bytes(b"".join(map(pack_slot, slots)))
    rows = list(timer_wheel_rows(tmp_path))
    assert [(row["slot"], row["time"], row["num"]) for row in rows] == [
        (7, 1_700_000_000_000, 2),
        (2, 1_700_000_005_000, 1),
    ]
    assert [row["slot"] for row in timer_wheel_rows(file, 1_700_000_000_001)] == [2]
    assert next(timer_wheel_rows(file, precision_ms=100))["time"] == 170_000_000_000
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(CorruptLog, match="a slot is cut off"):
        list(timer_wheel_rows(file))
