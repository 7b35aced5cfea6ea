"""The end of an open log is saved and cut: nothing is lost, nothing of it comes back."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from rmqwire.codec.record import iter_messages
from rmqwire.inspector.commitlog import commit_log_rows
from rmqwire.store.replica.truncate import last_boundary, truncate_dirty_files
from tests.ha.support import fill, log_bytes, units
from tests.support.crash_states import Run, crash_states, new_disk
from tests.support.faulty_files import Fault, FaultyFiles
from tests.support.memory_files import MemoryFiles
from tests.support.recording_files import RecordingFiles
from tests.support.stores import Clock, make_store, message, put, small_config

KEPT, CUT = 12, 30


def filled(files=None, kept=KEPT, cut=CUT, **changes):
    """Return a store, its log and queues as they were, and then with more."""
    store = make_store(files or MemoryFiles(), config=small_config(**changes))
    store.open()
    fill(store, kept)
    before = log_bytes(store), units(store)
    fill(store, cut, first=kept)
    return store, before


def flush(store):
    store.flushes.run_flush(store.flushes.log_flush_plan(thorough=True))
    plan = store.flushes.queue_flush_plan(thorough=True)
    plan.run(store.files)
    store.flushes.queues_flushed(plan, thorough=True)


def index_all(store):
    while store.build_index():
        pass


def cut_at(store, end):
    return truncate_dirty_files(store, last_boundary(store, 0, end))


@pytest.mark.parametrize("kept", [1, 12, 19, 20, 40])
def test_log_queues_and_index_are_as_if_the_rest_had_never_been(kept):
    store, (log, queues) = filled(kept=kept)
    flush(store)
    index_all(store)
    end = len(log) + 50  # inside the first record that goes
    tail = cut_at(store, end)
    assert (log_bytes(store), units(store)) == (log, queues)
    assert (tail.begin, tail.messages) == (len(log), CUT)
    assert store.log.flushed == store.log.end == len(log)
    assert store.mark.mark.synced <= len(log)
    index_all(store)
    found = store.lookup.query_message("T", "A", 64, 0, 2**60)
    assert len(list(iter_messages(found.body))) == kept
    fill(store, 5, first=5000)
    store.close()
    again = make_store(store.files)
    report = again.open()
    assert (report.bytes_zeroed, report.units_cut, report.units_added) == (0, 0, 0)
    assert log_bytes(again)[: len(log)] == log


def test_what_is_cut_can_be_read_from_where_it_is_saved(tmp_path):
    from rmqwire.disk.files import RealFiles  # noqa: PLC0415  the one test with a disk

    store = make_store(RealFiles(), config=small_config(root=str(tmp_path)))
    store.open()
    fill(store, KEPT)
    end = store.max_phy_offset
    fill(store, CUT, first=KEPT)
    gone = log_bytes(store)[end:]
    tail = cut_at(store, end)
    assert len(tail.files) > 2
    rows = [
        row
        for path in sorted((tmp_path / "diverged").rglob("0*"))
        for row in commit_log_rows(path)
        if row["kind"] == "message"
    ]
    assert [row["body"][:6] for row in rows] == [f"{n:06d}" for n in range(KEPT, KEPT + CUT)]
    assert rows[0]["offset"] == tail.begin == end
    saved = b"".join(Path(path).read_bytes() for path in tail.files)
    assert saved == gone
    store.close()


def test_a_boundary_needs_a_whole_record_in_the_range():
    store, (log, _) = filled()
    size = len(log) // KEPT
    assert last_boundary(store, size - 1, 2 * size - 1) is None
    found = last_boundary(store, size - 1, 2 * size)
    assert (found.physical_offset, found.total_size) == (size, size)
    assert last_boundary(store, 0, size - 1) is None
    store.queues.topics.clear()  # without queues it is found all the same, by a longer scan
    assert last_boundary(store, size * 3, len(log)).physical_offset == size * (KEPT - 1)


def test_a_full_disk_saves_and_cuts_nothing():
    files = FaultyFiles(MemoryFiles(), Fault("write", "diverged", first=2))
    store, _ = filled(files)
    whole = log_bytes(store)
    with pytest.raises(OSError, match="injected"):
        cut_at(store, len(whole) // 3)
    assert log_bytes(store) == whole
    assert files.list("/store/diverged") == []
    assert store.is_writable
    cut_at(store, len(whole) // 3)
    assert len(log_bytes(store)) <= len(whole) // 3


def test_a_disk_that_fails_while_cutting_takes_no_more_writes():
    files = FaultyFiles(MemoryFiles())
    store, (log, _) = filled(files)
    flush(store)
    files.faults = (Fault("datasync", "rmqwire.mark"),)
    with pytest.raises(OSError, match="injected"):
        cut_at(store, len(log))
    assert store.health.broken


def test_flushes_are_counted_until_they_are_booked():
    store, _ = filled()
    log_plan = store.flushes.log_flush_plan(thorough=True)
    queue_plan = store.flushes.queue_flush_plan(thorough=True)
    assert store.flushes.running == 2
    store.flushes.run_flush(log_plan)
    queue_plan.release(succeeded=False)
    assert store.flushes.running == 0


def test_n7_d4_no_ghost_after_a_power_cut():
    """The power goes at any change of the cut and of what is written then, of the same sizes."""
    disk = new_disk()
    files = RecordingFiles(disk)
    before, (kept, _) = filled(files)
    theirs = log_bytes(before)
    flush(before)
    disk.settle()
    files.trace.clear()
    run = Run(before.config, disk.copy(), files.trace)
    cut_at(before, len(kept))
    fill(before, CUT, first=7000)
    ours = log_bytes(before)
    flush(before)
    assert len(ours) == len(theirs)
    done = len(files.trace)
    seen = set()
    for state in crash_states(run, random.Random(1), per_boundary=12):
        store = make_store(state.files)
        report = store.open()
        found = log_bytes(store)
        # Either log, cut behind some record; never a mixture, and never less than what both have.
        assert found.startswith(kept), (state.at, state.name)
        assert theirs.startswith(found) or ours.startswith(found), (state.at, state.name)
        assert not report.read_only
        seen.add(theirs.startswith(found) and found != kept)
        put(store, message(body=b"goes on"))
    assert seen == {True, False}
    assert done > 20


def test_clock_names_the_folder():
    store, (log, _) = filled()
    clock = Clock()
    store.wall_ms = clock
    first = cut_at(store, len(log))
    fill(store, 3, first=100)
    clock.now_ms += 1
    second = cut_at(store, len(log))
    folders = [path.split("/")[-2] for path in (first.files[0], second.files[0])]
    assert folders[0] < folders[1]
    assert [len(name) for name in folders] == [17, 17]


def test_what_was_not_flushed_is_not_taken_for_flushed():
    store, (log, _) = filled()
    cut_at(store, len(log))
    assert store.log.flushed == 0
    assert store.flushes.log_flush_plan(thorough=True).end == len(log)
