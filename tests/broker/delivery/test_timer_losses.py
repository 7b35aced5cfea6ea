"""Kills at two moments, and every mixture of the timers' files from both, or without them."""

from __future__ import annotations

import itertools
import shutil
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from rmqwire.codec import message_const as const
from rmqwire.codec.record import iter_messages
from tests.support import requests
from tests.support.broker import START_MS, MemoryBroker

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = {"mapped_file_size_timer_log": 52 * 12, "timer_roll_window_slot": 30}
FILES = ("timerwheel", "timerlog", "config/timercheck")
DUE_S = (2, 3, 7, 12, 13, 18, 22, 29, 33, 35, 45, 61, 62, 80)
KILLS_S = (5.0, 15.5)
MIXTURES = list(itertools.product((0, 1, None), repeat=3))


def send(broker: MemoryBroker, seconds: float) -> None:
    text = f"UNIQ_KEY\x01K{seconds}\x02TIMER_DELAY_MS\x01{int(seconds * 1000)}\x02"
    body = b"%d" % (broker.clock.ms + seconds * 1000)
    assert broker.connect().call(requests.send(body=body, properties=text)).code == 0


def flush(broker: MemoryBroker) -> None:
    plan = broker.state.timers.flush_plan()
    if plan is not None:
        plan.run(broker.state.store.files)
        broker.state.timers.flushed(plan)


def delivered(broker: MemoryBroker) -> Counter[int]:
    """Count deliveries by due time; none may be early."""
    found, offset = Counter[int](), 0
    while (result := broker.state.store.get_message("T", 0, offset, 32)).body:
        for message in iter_messages(result.body):
            assert int(message.body) <= message.store_timestamp
            found[int(message.body)] += 1
        offset = result.next_begin_offset
    return found


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> list[Path]:
    """Return folders as kills at two moments leave them."""
    root = tmp_path_factory.mktemp("run")
    broker = MemoryBroker(root / "store", **SETTINGS)
    for seconds in DUE_S:
        send(broker, seconds)
    copies = []
    for kill_s in KILLS_S:
        while broker.clock.ms < START_MS + kill_s * 1000:
            broker.pass_time(500)
            flush(broker)
        send(broker, 20.25)
        broker.pass_time(0)
        if kill_s == KILLS_S[0]:
            flush(broker)  # the other kill comes before the flush
        for queue in broker.state.store.queues.topics[const.TIMER_TOPIC].queues.values():
            queue.write_tail()
        copies.append(root / f"killed-{kill_s}")
        shutil.copytree(root / "store", copies[-1])
    broker.close()
    return copies


@pytest.mark.parametrize("mixture", MIXTURES, ids=str)
def test_each_is_delivered_and_none_early_whatever_is_left(tmp_path, killed, mixture):
    store = tmp_path / "store"
    shutil.copytree(killed[1], store)
    for name, kept in zip(FILES, mixture, strict=True):
        path = store / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        if kept is not None:
            source = killed[kept] / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, path)
    broker = MemoryBroker(store, now_ms=START_MS + 17_000, **SETTINGS)
    before = delivered(broker)
    for _ in range(90):
        broker.pass_time(1_000)
    found = delivered(broker)
    due = {START_MS + int(s * 1000) for s in DUE_S}
    due |= {START_MS + int(kill_s * 1000) + 20_250 for kill_s in KILLS_S}
    assert set(found) == due
    if mixture == (1, 1, 1):
        again = [key for key in found if found[key] > 1]
        assert again == []
    if mixture[2] == 1:  # what was delivered by the noted time isn't delivered again
        assert all(found[key] == before[key] for key in before if key < START_MS + 15_000)
    broker.close()


def test_a_cut_commit_log_leaves_no_reference_behind_it(tmp_path, killed):
    """apache/rocketmq #10668: a timer that is stuck on what the commit log has lost."""
    store = tmp_path / "store"
    shutil.copytree(killed[1], store)
    log = store / "commitlog" / ("0" * 20)
    data = bytearray(log.read_bytes())
    at, records = 0, []
    while size := int.from_bytes(data[at : at + 4], "big"):
        records.append((at, size))
        at += size
    cut = records[-1][0]  # the last timer's record
    data[cut:] = bytes(len(data) - cut)
    log.write_bytes(data)
    shutil.rmtree(store / "consumequeue")
    (store / "rmqwire.mark").unlink()
    broker = MemoryBroker(store, now_ms=START_MS + 17_000, **SETTINGS)
    assert broker.state.store.max_phy_offset == cut
    for seconds in (5, 6):
        send(broker, seconds)
    for _ in range(90):
        broker.pass_time(1_000)
    found = delivered(broker)
    assert START_MS + 22_000 in found
    assert START_MS + 23_000 in found
    assert broker.state.timers.check_point().last_read_time_ms == START_MS + 107_000
    assert broker.state.timers.runtime_info()["timerOffsetBehind"] == "0"
    broker.close()


def test_a_promoted_slave_goes_on_where_its_master_was(tmp_path):
    """It has the master's log and what that told of its timers; a wheel of its own is an older one."""
    master = MemoryBroker(tmp_path / "master", **SETTINGS)
    send(master, 40)
    master.pass_time(0)
    flush(master)
    slave = tmp_path / "slave"
    shutil.copytree(master.core.state.store.config.store_path_root_dir, slave)
    for seconds in DUE_S:
        send(master, seconds)
    for _ in range(34):
        master.pass_time(1_000)
    counted = master.state.timers.metrics.encode()
    told = master.state.timers.check_point().encode()
    for queue in master.state.store.queues.topics[const.TIMER_TOPIC].queues.values():
        queue.write_tail()
    for name in ("commitlog", "consumequeue"):
        shutil.rmtree(slave / name, ignore_errors=True)
        shutil.copytree(tmp_path / "master" / name, slave / name)
    promoted = MemoryBroker(slave, now_ms=master.clock.ms, broker_role="SLAVE", **SETTINGS)
    assert promoted.state.timers.check_point() is None
    promoted.state.timer_progress.take_checkpoint(told)
    promoted.state.timer_progress.take_metrics(counted)
    promoted.state.store.config.broker_role = "ASYNC_MASTER"
    promoted.core.take_role()
    assert promoted.state.timers.is_running
    before = delivered(promoted)
    assert set(before) == {START_MS + s * 1000 for s in DUE_S if s < 34}
    for _ in range(60):
        promoted.pass_time(1_000)
    assert delivered(promoted) == Counter(START_MS + s * 1000 for s in (*DUE_S, 40))
    # What waited was counted once, not again because the wheel was made again.
    assert {one.count for one in promoted.state.timers.metrics.counts.values()} == {0}
    promoted.state.store.config.broker_role = "SLAVE"
    promoted.core.take_role()
    assert not promoted.state.timers.is_running
    promoted.close()
    master.close()
