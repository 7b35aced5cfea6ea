from __future__ import annotations

import pytest

from rmqwire.codec import timer
from rmqwire.codec.record import read_position
from rmqwire.errors import BadRecord
from tests.support import golden

STORES = [path for path in golden.store_archives() if "5.5.0" in path.parts]


def test_java_s_wheel_is_read_and_written():
    for _, entry in golden.vectors("store_files"):
        if not entry["name"].startswith("TimerWheel"):
            continue
        data = bytes.fromhex(entry["hex"])
        at = timer.slot_position(1700000003000, slots_total=10)
        slot = timer.unpack_slot(data, at)
        assert slot == timer.TimerSlot(1700000003, 0, 52, 1, timer.MAGIC_DEFAULT)
        assert timer.pack_slot(slot) == data[at : at + 32]
        assert not data.replace(timer.pack_slot(slot), b"").strip(b"\0")


@pytest.mark.parametrize("archive", STORES, ids=lambda p: p.name)
def test_java_s_timer_log_points_to_its_messages(archive):
    logs = dict(golden.commit_log_files(archive))
    size = len(next(iter(logs.values())))
    data = golden.store_files(archive)["timerlog/00000000000000000000"]
    pos = 0
    while data[pos : pos + 4] != bytes(4):
        unit = timer.unpack_unit(data, pos)
        assert timer.pack_unit(unit) == data[pos : pos + 52]
        assert unit.deliver_time_ms == unit.curr_write_time + unit.delayed_time
        start = unit.offset_py % size
        record = read_position(logs[unit.offset_py - start], start)
        assert record.topic == "rmq_sys_wheel_timer"
        assert record.total_size == unit.size_py
        pos += 52
    assert pos
    with pytest.raises(BadRecord):
        timer.unpack_unit(data, pos)


@pytest.mark.parametrize(
    "call",
    [
        lambda: timer.unpack_unit(bytes(15)),
        lambda: timer.unpack_unit(timer.pack_blank(16)[:15]),
        lambda: timer.unpack_slot(bytes(31)),
        lambda: timer.pack_slot(timer.TimerSlot(1 << 63)),
        lambda: timer.pack_unit(timer.TimerLogUnit(0, 1 << 31, 0, 0, 0, 0)),
    ],
)
def test_what_is_no_unit_is_refused(call):
    with pytest.raises(BadRecord):
        call()
