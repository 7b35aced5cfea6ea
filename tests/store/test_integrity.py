"""Rows D5, D6, D8, C3, C4 of the faults: the store alone, on disks that fail, lose power and rot."""

from __future__ import annotations

import errno
import random

import pytest

from rmqwire.codec.record import iter_messages
from rmqwire.errors import CorruptLog
from rmqwire.store.message_store import GetStatus, PutStatus
from tests.support.memory_files import MemoryFiles
from tests.support.sim_files import SimFiles
from tests.support.stores import ROOT, Clock, make_store, message, put, small_config

FIRST = f"{ROOT}/commitlog/{0:020d}"
QUEUES = f"{ROOT}/consumequeue"


def opened(files=None, **changes):
    store = make_store(files, config=small_config(**changes))
    store.open()
    return store


def flush(store):
    plan = store.flushes.log_flush_plan(thorough=True)
    assert plan is not None
    store.flushes.run_flush(plan)


def bodies(store, queue_id=0):
    found, offset = [], store.min_offset("T", queue_id)
    while (result := store.get_message("T", queue_id, offset, 32)).status == GetStatus.FOUND:
        found += [one.body for one in iter_messages(result.body)]
        offset = result.next_begin_offset
    assert offset == store.max_offset("T", queue_id)
    return found


def power_cut(files):
    """Lose all that was never synced."""
    pending = files.pending()
    return files.crash(pending, [0] * len(pending))


# --- D5 --------------------------------------------------------------------------------------


def test_the_tail_beyond_the_mark_is_written_again_before_it_is_served():
    """After the failed sync the kernel says yes and writes nothing: a sync alone is not enough."""
    files = SimFiles()
    files.makedirs(f"{ROOT}/commitlog")
    files.settle()
    store = opened(files, flush_disk_type="SYNC_FLUSH")
    put(store, message(body=b"safe"))
    flush(store)
    results = put(store, message(body=b"doubt"))
    files.fail("datasync", "commitlog")
    files.datasync_failed(FIRST)
    flush(store)
    assert [result.status for result in results] == [PutStatus.FLUSH_DISK_TIMEOUT]
    (refused,) = put(store, message())
    assert refused.status == PutStatus.SERVICE_NOT_AVAILABLE
    assert "flush of the store failed" in refused.remark
    assert bodies(store) == [b"safe"]  # SYNC_FLUSH: what is not on the disk is not seen
    store.close()
    assert f"{ROOT}/abort" in files.data
    again = opened(files, flush_disk_type="SYNC_FLUSH")
    assert bodies(again) == [b"safe", b"doubt"]
    files.locked.clear()
    after = opened(power_cut(files), flush_disk_type="SYNC_FLUSH")
    assert bodies(after) == [b"safe", b"doubt"]


def test_a_failed_sync_is_told_once():
    store, told = opened(), []
    store.events.broken = lambda: told.append(store.read_only_reason)
    put(store, message())
    store.files.fail("datasync", "commitlog", times=5)
    flush(store)
    store.health.fail("later")
    store.health.disk_full("later")
    assert told == [store.read_only_reason]
    assert "injected" in told[0]
    assert store.flushes.log_flush_plan(thorough=True) is None


# --- D6 and D8 -------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_write_without_room_is_tried_again_and_leaves_no_hole(code):
    clock = Clock()
    store = make_store(clock=clock)
    store.open()
    put(store, message(body=b"one"))
    end = store.max_phy_offset
    store.files.fail("pwrite", "commitlog", code=code)
    (result,) = put(store, message(body=b"two"))
    assert (result.status, store.max_phy_offset) == (PutStatus.SERVICE_NOT_AVAILABLE, end)
    assert f"{ROOT}/commitlog" in result.remark
    assert bodies(store) == [b"one"]
    assert not store.health.broken
    clock.now_ms += 1_000
    (result,) = put(store, message(body=b"three"))
    assert (result.status, result.physical_offset, result.queue_offset) == (0, end, 1)


def test_a_failed_read_is_an_error_of_that_pull():
    store = opened()
    put(store, message(body=b"one"))
    store.files.fail("pread", "commitlog")
    with pytest.raises(OSError, match="injected"):
        store.get_message("T", 0, 0, 1)
    assert bodies(store) == [b"one"]
    assert put(store, message())[0].status == 0


# --- a pass that takes too long --------------------------------------------------------------


def test_a_slow_pass_takes_no_more_puts_until_it_is_over():
    clock = Clock()
    store = make_store(clock=clock, config=small_config(os_page_cache_busy_time_out_mills=1_000))
    store.open()
    results = []
    store.puts.put(message(), results.append)
    clock.now_ms += 1_000
    store.puts.put(message(), results.append)
    assert (results, store.is_busy) == ([], False)
    clock.now_ms += 1
    assert store.is_busy
    store.puts.put(message(), results.append)
    store.puts.put_batch([message(), message()], results.append)
    assert [result.status for result in results] == [PutStatus.OS_PAGE_CACHE_BUSY] * 2
    store.puts.end_pass()
    assert [result.queue_offset for result in results[2:]] == [0, 1]
    assert not store.is_busy
    assert put(store, message())[0].status == 0


# --- C3 --------------------------------------------------------------------------------------


def closed_disk(count=60, *, close=True):
    store = opened()
    for n in range(count):
        put(store, message(queue_id=n % 3, body=b"%03d" % n * 30))
    store.queues.write_tails()
    if close:
        store.close()
    return store.files.copy()


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("damage", ["short", "middle", "extra", "name"])
def test_files_of_the_log_that_do_not_fit_are_refused(clean, damage):
    files = closed_disk()
    if not clean:
        files.put(f"{ROOT}/abort")
    logs = sorted(path for path in files.data if "/commitlog/" in path)
    assert len(logs) >= 3
    if damage == "short":
        del files.data[logs[1]][4000:]
    elif damage == "middle":
        del files.data[logs[1]]
    else:
        name = f"{1 << 30:020d}" if damage == "extra" else "0000000000000409x"
        files.put(f"{ROOT}/commitlog/{name}", bytes(4096))
    with pytest.raises(CorruptLog):
        make_store(files).open()
    assert files.locked == {}


# --- C4 --------------------------------------------------------------------------------------


def units(files):
    return {p: bytes(d).rstrip(b"\0") for p, d in files.data.items() if p.startswith(QUEUES)}


def queue_damages(files):
    """Name each way to spoil the queues of a disk, as a change of a copy."""
    rng = random.Random(2)
    paths = sorted(units(files))
    for path in paths:
        size = len(files.data[path])
        yield lambda disk, path=path: disk.data.pop(path)
        for cut in (0, 1, 19, 20, 21, size // 2, size - 1):
            yield lambda disk, path=path, cut=cut: disk.data[path].__delitem__(slice(cut, None))
        yield lambda disk, path=path, size=size: disk.put(path, bytes(size))
        at = rng.randrange(0, size, 20)
        yield lambda disk, path=path, at=at: disk.data[path].__setitem__(
            slice(at, at + 40), bytes(len(disk.data[path][at : at + 40]))
        )
    yield lambda disk: [disk.data.pop(path) for path in paths]
    yield lambda disk: [disk.data.pop(path) for path in paths if "/T/1/" in path]


@pytest.mark.parametrize("clean", [True, False])
def test_spoilt_queues_are_rebuilt_as_they_were(clean):
    files = closed_disk()
    if not clean:
        files.put(f"{ROOT}/abort")
    right = units(files)
    for number, spoil in enumerate(queue_damages(files)):
        disk = files.copy()
        spoil(disk)
        store = make_store(disk)
        store.open()
        store.close()
        spoilt_within = clean and units(disk) != right
        assert not spoilt_within or _is_seen_when_served(disk), number
        if not clean:
            assert units(disk) == right, number


def _is_seen_when_served(disk):
    """A clean start looks at the ends of the queues: what is wrong within them is not served."""
    store = make_store(disk)
    store.open()
    try:
        for queue_id in range(3):
            bodies(store, queue_id)
    except CorruptLog:
        return True
    return False


def test_stale_units_beyond_the_log_go():
    files = closed_disk(close=False)
    path = max(path for path in units(files) if "/T/0/" in path)
    used = len(units(files)[path]) // 20 * 20
    for n in range(1, 4):
        unit = (1 << 20).to_bytes(8, "big") + (100 * n).to_bytes(4, "big") + bytes(8)
        files.data[path][used : used + 20] = unit
        used += 20
    store = make_store(files)
    report = store.open()
    assert report.units_cut + len(report.notes) > 0
    assert len(bodies(store)) == 20


def test_a_healthy_clean_stop_is_not_scanned_again():
    files: MemoryFiles = closed_disk()
    report = make_store(files).open()
    assert (report.notes, report.units_added) == ([], 0)
    assert report.scanned_from > 0
