"""``enableConsumeQueueExt``: extension units as Java lays them out, whatever happens meanwhile."""

from __future__ import annotations

import errno
import logging

import pytest

from rmqwire.codec.consume_queue import EXT_MIN_UNIT, ext_address
from rmqwire.disk.files import RealFiles
from rmqwire.filter.message_filter import Filter
from rmqwire.inspector.verify import verify_store
from rmqwire.store.message_store import GetStatus
from rmqwire.store.queues.ext_queue import ExtConsumeQueue
from tests.support.memory_files import MemoryFiles
from tests.support.stores import ROOT, Clock, make_store, message, put, small_config

EXT_FILE = 500  # bytes: 24 units of 20 and the mark of the end
PER_FILE = (EXT_FILE - 4) // EXT_MIN_UNIT
FOLDER = f"{ROOT}/consumequeue_ext/T/0"
TAGS = {"A": 65, "B": 66}  # their hashes


def ext_config(root=ROOT, **changes):
    values = {"enable_consume_queue_ext": True, "mapped_file_size_consume_queue_ext": EXT_FILE}
    return small_config(root, **(values | changes))


def open_store(files, config=None, clock=None):
    store = make_store(files, config=config or ext_config(), clock=clock)
    store.open()
    return store


def fill(store, count=60):
    for number in range(count):
        tag = "AB"[number % 2]
        store.wall_ms.now_ms += 1000
        one = message("T", 0, b"%s%d" % (tag.encode(), number), tags_code=TAGS[tag])
        one.properties = b"TAGS\x01" + tag.encode() + b"\x02"
        put(store, one)


def wanted(store, tag):
    """Return how many messages of a tag are found, and that no others are."""
    count, offset = 0, store.min_offset("T", 0)
    while True:
        result = store.get_message("T", 0, offset, 32, wanted=Filter(TAGS[tag].__eq__))
        if result.status == GetStatus.OFFSET_OVERFLOW_ONE:
            return count
        count += result.count
        offset = result.next_begin_offset


def check_all(store, count, *, times=True):
    """Each unit leads to an extension unit of its own with its tags code and store time."""
    queue = store.queues.find("T", 0)
    assert isinstance(queue, ExtConsumeQueue)
    assert queue.max_offset == count
    for offset in range(queue.min_offset, count):
        place, size, address = queue.unit(offset)
        unit = queue.ext.unit(address)
        assert (unit.tags_code, unit.bit_map) == (TAGS["AB"[offset % 2]], b"")
        assert not times or unit.msg_store_time == store.log.store_timestamp(place, size)
    assert wanted(store, "A") + wanted(store, "B") == count - queue.min_offset


def test_units_are_laid_out_as_java_does():
    store = open_store(MemoryFiles())
    fill(store, 60)
    store.queues.write_tails()
    addresses = [store.queues.find("T", 0).unit(offset)[2] for offset in range(60)]
    places = [
        ext_address(number // PER_FILE * EXT_FILE + number % PER_FILE * EXT_MIN_UNIT)
        for number in range(60)
    ]
    assert addresses == places
    names = store.files.list(FOLDER)
    assert names == [f"{start:020}" for start in (0, 500, 1000)]
    first = bytes(store.files.data[f"{FOLDER}/{names[0]}"])
    assert len(first) == EXT_FILE
    assert first[PER_FILE * EXT_MIN_UNIT :] == b"\xff\xff" + bytes(18)
    check_all(store, 60)


@pytest.mark.parametrize("clean", [True, False], ids=["stopped", "killed"])
def test_a_store_goes_on_where_it_was(clean):
    store = open_store(MemoryFiles())
    fill(store, 50)
    if clean:
        store.close()
    else:
        store.queues.write_tails()
        fill(store, 2)  # in the log and the extension file, not in the queue's file
    again = open_store(store.files.copy(), clock=store.wall_ms)
    count = 50 if clean else 52
    check_all(again, count)
    fill(again, 8)
    check_all(again, count + 8)


def test_what_a_power_cut_took_is_made_good():
    """Queue units are on the disk, extension units are not (or half of them)."""
    store = open_store(MemoryFiles())
    fill(store, 60)
    store.queues.write_tails()
    for zeroed in (slice(0, None), slice(100, 110), slice(133, 400), slice(19, 30)):
        for start in (0, 500, 1000):
            files = store.files.copy()
            data = files.data[f"{FOLDER}/{start:020}"]
            data[zeroed] = bytes(len(data[zeroed]))
            again = open_store(files)
            check_all(again, 60, times=False)  # a time may be half of one: a filter needs none


def test_units_behind_the_log_go_with_their_extensions():
    store = open_store(MemoryFiles())
    fill(store, 30)
    store.queues.write_tails()
    files = store.files.copy()
    place = store.physical_offset("T", 0, 20)
    name = f"{ROOT}/commitlog/{place - place % 4096:020}"
    files.data[name][place % 4096] ^= 1
    again = open_store(files)
    check_all(again, 20)
    queue = again.queues.find("T", 0)
    assert queue.ext.written == 20 * EXT_MIN_UNIT
    assert files.list(FOLDER) == [f"{0:020}"]
    assert not any(files.data[f"{FOLDER}/{0:020}"][20 * EXT_MIN_UNIT :])


def test_switched_off_old_units_are_read_and_new_ones_keep_their_codes():
    store = open_store(MemoryFiles())
    fill(store, 30)
    store.close()
    off = open_store(store.files, ext_config(enable_consume_queue_ext=False), store.wall_ms)
    fill(off, 10)
    assert (wanted(off, "A"), wanted(off, "B")) == (20, 20)
    assert off.queues.find("T", 0).unit(30)[2] == TAGS["A"]
    off.close()
    on = open_store(store.files, None, store.wall_ms)
    fill(on, 10)
    assert (wanted(on, "A"), wanted(on, "B")) == (25, 25)
    assert on.queues.find("T", 0).ext.written == EXT_FILE + 16 * EXT_MIN_UNIT


def test_files_of_another_size_are_gone_on_with():
    store = open_store(MemoryFiles())
    fill(store, 30)
    store.close()
    again = open_store(
        store.files, ext_config(mapped_file_size_consume_queue_ext=9000), store.wall_ms
    )
    fill(again, 30)
    check_all(again, 60)
    assert store.files.list(FOLDER) == [f"{start:020}" for start in (0, 500, 1000)]


def test_on_a_full_disk_a_unit_keeps_its_tags_code(caplog):
    store = open_store(MemoryFiles())
    fill(store, 10)
    store.files.fail("pwrite", "consumequeue_ext", errno.ENOSPC, times=2)
    with caplog.at_level(logging.WARNING):
        fill(store, 2)
    assert "keeps its tags codes" in caplog.text
    fill(store, 10)
    queue = store.queues.find("T", 0)
    assert [queue.unit(offset)[2] for offset in (10, 11)] == [65, 66]
    assert queue.ext.written == 20 * EXT_MIN_UNIT
    assert (wanted(store, "A"), wanted(store, "B")) == (11, 11)
    store.close()
    again = open_store(store.files, None, store.wall_ms)
    assert (wanted(again, "A"), wanted(again, "B")) == (11, 11)


def test_files_before_the_log_s_beginning_go():
    clock = Clock()
    store = open_store(MemoryFiles(), ext_config(mapped_file_size_commit_log=1024), clock)
    fill(store, 90)
    store.flushes.log_flush_plan(thorough=True)
    store.flushes.run_flush(store.flushes.log_flush_plan(thorough=True))
    store.queues.write_tails()
    store.cleaner.delete_manually()
    clock.now_ms += 80 * 3_600_000
    for _ in range(3):
        store.cleaner.begin()
        while (segment := store.cleaner.take_file()) is not None:
            store.cleaner.remove(segment)
        list(store.cleaner.trim())
    low = store.min_offset("T", 0)
    assert low > 2 * PER_FILE
    first = low // PER_FILE * EXT_FILE
    assert store.files.list(FOLDER)[0] in {f"{first:020}", f"{first - EXT_FILE:020}"}
    check_all(store, 90)
    store.close()
    check_all(open_store(store.files, store.config, clock), 90)


def test_a_deleted_topic_leaves_no_extension_files():
    store = open_store(MemoryFiles())
    fill(store, 30)
    store.queues.write_tails()
    assert store.delete_topics(["T"]) == 1
    assert [path for path in store.files.data if "/T/" in path] == []
    fill(store, 5)
    check_all(store, 5)


def test_extension_files_that_do_not_fit_cost_only_a_rebuild():
    store = open_store(MemoryFiles())
    fill(store, 60)
    store.close()
    del store.files.data[f"{FOLDER}/{500:020}"]
    again = open_store(store.files, None, store.wall_ms)
    check_all(again, 60)


def test_each_flush_syncs_them():
    store = open_store(MemoryFiles())
    fill(store, 30)
    plan = store.flushes.queue_flush_plan(thorough=True)
    store.files.calls.clear()
    plan.run(store.files)
    store.flushes.queues_flushed(plan, thorough=True)
    synced = {path for name, path in store.files.calls if name == "datasync"}
    assert {f"{FOLDER}/{start:020}" for start in (0, 500)} <= synced
    assert ("fsync_dir", FOLDER) in store.files.calls
    queue = store.queues.find("T", 0)
    assert queue.ext.flushed == queue.ext.written


def test_light_queues_have_none():
    store = open_store(MemoryFiles(), ext_config(enable_lmq=True, enable_multi_dispatch=True))
    names = b"TAGS\x01A\x02INNER_MULTI_DISPATCH\x01%LMQ%a\x02"
    put(store, message("T", 0, tags_code=65, properties=names))
    assert store.queues.find("%LMQ%a", 0).unit(0)[2] == 65
    assert store.queues.find("T", 0).unit(0)[2] == ext_address(0)


def test_such_a_store_verifies(tmp_path):
    store = open_store(RealFiles(), ext_config(str(tmp_path)))
    fill(store, 60)
    store.close()
    assert verify_store(tmp_path).problems == []
    assert (tmp_path / "consumequeue_ext/T/0" / f"{0:020}").stat().st_size == EXT_FILE
    assert (tmp_path / "consumequeue/T/0" / f"{0:020}").read_bytes()[12:20] == bytes(
        [128, *[0] * 7]
    )
