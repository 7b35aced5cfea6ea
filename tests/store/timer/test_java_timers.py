"""Folders with timers that Java 5.5.0 left behind: the same bytes from the same input, and delivered."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from rmqwire.codec import message_const as const
from rmqwire.codec.bodies import TimerMetricsSerializeWrapper
from rmqwire.codec.checkpoint import TimerCheckpoint
from rmqwire.codec.java_hash import string_hash
from rmqwire.codec.record import iter_messages
from rmqwire.codec.release import V5_5_0
from rmqwire.codec.timer import MAGIC_DELETE
from rmqwire.disk.files import RealFiles
from rmqwire.store.timer.timer_store import TimerFiles
from tests.support.broker import MemoryBroker
from tests.support.golden import GOLDEN
from tests.support.stores import small_config

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = GOLDEN / "5.5.0" / "timer"
WINDOWS = {"timer_clean": 30, "timer_kill9": 30, "timer_snapshot_kill9": 30, "timer_after_run": 12}
SIZES = {
    "mapped_file_size_commit_log": 1_048_576,
    "mapped_file_size_consume_queue": 2000,
    "mapped_file_size_timer_log": 65_536,
    "max_hash_slot_num": 100,
    "max_index_num": 400,
}
PENDING = ["timer_clean", "timer_kill9", "timer_snapshot_kill9"]


def unpack(name: str, folder: Path) -> Path:
    """Unpack a recorded store; return its root."""
    with tarfile.open(FOLDER / f"{name}.tar.gz") as tar:
        for member in tar.getmembers():
            if "rocksdbstore" not in member.name:
                tar.extract(member, folder, filter="data")
    return folder / "store"


def config(root: Path, name: str):
    return small_config(str(root), timer_roll_window_slot=WINDOWS[name], **SIZES)


@pytest.mark.parametrize("name", WINDOWS)
def test_the_same_messages_make_the_same_bytes_in_log_and_wheel(tmp_path, name):
    root = unpack(name, tmp_path)
    java = TimerFiles(config(root, name), RealFiles())
    java.log.load()
    ours = TimerFiles(config(tmp_path / "ours", name), RealFiles())
    (tmp_path / "ours").mkdir()
    commit_log = (root / "commitlog" / ("0" * 20)).read_bytes()
    for _, unit in java.log.scan(0):
        record = commit_log[unit.offset_py : unit.offset_py + unit.size_py]
        (message,) = iter_messages(record)
        ours.put(
            unit.offset_py,
            unit.size_py,
            int(message.properties[const.PROPERTY_TIMER_OUT_MS]),
            unit.curr_write_time,
            string_hash(message.properties[const.PROPERTY_REAL_TOPIC]),
            delete=bool(unit.magic & MAGIC_DELETE),
        )
    ours.write()
    ours.wheel.write()
    first = "timerlog/" + "0" * 20
    assert (tmp_path / "ours" / first).read_bytes() == (root / first).read_bytes()
    wheel = (tmp_path / "ours" / "timerwheel").read_bytes()
    snapshots = sorted(root.glob("timerwheel.*"))
    assert wheel == (snapshots[-1] if snapshots else root / "timerwheel").read_bytes()
    java.close()
    ours.close()


@pytest.mark.parametrize("snapshot_flush", [False, True])
@pytest.mark.parametrize("name", PENDING)
def test_what_java_left_waiting_is_delivered_as_java_delivers_it(tmp_path, name, snapshot_flush):
    root = unpack(name, tmp_path)
    told = json.loads((FOLDER / f"{name}.json").read_text())
    stopped = TimerCheckpoint.decode((root / "config" / "timercheck").read_bytes())
    broker = MemoryBroker(
        root,
        now_ms=stopped.last_read_time_ms + 2_000,
        timer_roll_window_slot=30,
        timer_wheel_snapshot_flush=snapshot_flush,
        **SIZES,
    )
    for _ in range(90):
        broker.pass_time(1_000)
    found = list(iter_messages(broker.state.store.get_message("ts", 0, 0, 32).body))
    java = {entry["body"]: entry["props"] for entry in told["delivered"]}
    assert [message.body.decode() for message in found] == list(java)
    for message in found:
        theirs = java[message.body.decode()]
        out_ms = int(message.properties[const.PROPERTY_TIMER_OUT_MS])
        assert message.store_timestamp >= out_ms + 1_000
        for key in (const.PROPERTY_TIMER_OUT_MS, const.PROPERTY_TIMER_ROLL_TIMES):
            assert message.properties.get(key) == theirs.get(key)
    assert broker.state.timers.metrics.counts["ts"].count == 0
    broker.close()


def test_the_counters_are_read_and_written_as_java_writes_them(tmp_path):
    data = (unpack("timer_after_run", tmp_path) / "config" / "timermetrics").read_bytes()
    assert TimerMetricsSerializeWrapper.decode(data, V5_5_0).encode(V5_5_0) == data
