"""``rmqwire.mark``: what it promises, when it moves, and that it never runs ahead of the disk."""

from __future__ import annotations

from zlib import crc32

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.store.folder.mark import NAME, SLOT, DurableMark, MarkFile
from tests.support.memory_files import MemoryFiles
from tests.support.stores import ROOT, make_store, message, put, small_config

PATH = f"{ROOT}/{NAME}"


def files_with_folder():
    files = MemoryFiles()
    files.makedirs(ROOT)
    return files


def flushed_store(**changes):
    store = make_store(config=small_config(**changes))
    store.open()
    put(store, message(body=b"a" * 100), message(body=b"b" * 100))
    flush(store)
    return store


def flush(store):
    plan = store.flushes.log_flush_plan(thorough=True)
    assert plan is not None
    store.flushes.run_flush(plan)


marks = st.builds(
    lambda number, at, size, more, crc, stamp, queues, closed: DurableMark(
        number, at + size + more, at, size, crc, stamp, queues, closed
    ),
    st.integers(0, 2**63 - 1),
    st.integers(0, 2**61),
    st.integers(0, 2**31 - 1),
    st.integers(0, 2**61),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**63 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 1),
)


@given(marks, st.integers(0, 59), st.integers(1, 255))
def test_a_slot_comes_back_and_no_damaged_one_counts(mark, at, bits):
    slot = mark.encode()
    assert len(slot) == SLOT
    assert DurableMark.decode(slot) == mark
    damaged = bytearray(slot)
    damaged[at] ^= bits
    assert DurableMark.decode(bytes(damaged)) is None


@given(st.binary(max_size=SLOT))
def test_any_bytes_are_a_mark_or_none(data):
    assert DurableMark.decode(data) is None


def test_slots_take_turns_and_a_torn_one_leaves_the_other():
    files = files_with_folder()
    file = MarkFile(PATH, files)
    for synced in (10, 20, 30):
        file.write(DurableMark(synced=synced))
    assert MarkFile(PATH, files).load() == DurableMark(number=3, synced=30)
    files.data[PATH][SLOT : SLOT + 20] = bytes(20)  # number 3 stood there
    assert MarkFile(PATH, files).load() == DurableMark(number=2, synced=20)
    files.data[PATH][:] = b"\xff" * 1024
    assert MarkFile(PATH, files).load() is None
    assert MarkFile(f"{ROOT}/none", files).load() is None


def test_a_write_that_fails_is_no_failure_of_the_store():
    store = flushed_store()
    before = store.mark.mark
    put(store, message())
    store.files.fail("pwrite", NAME)
    flush(store)
    assert store.is_writable
    assert store.mark.mark == before
    assert NAME in store.mark.fault
    put(store, message())
    flush(store)
    assert store.mark.fault == ""
    assert store.mark.mark.synced == store.max_phy_offset


def test_lowering_leaves_no_slot_that_promises_more():
    files = files_with_folder()
    file = MarkFile(PATH, files)
    file.write(DurableMark(synced=100, record_at=50, record_size=50))
    file.write(DurableMark(synced=200, record_at=150, record_size=50))
    files.calls.clear()
    file.lower(80)
    slots = [DurableMark.decode(bytes(files.data[PATH][at : at + SLOT])) for at in (0, SLOT)]
    assert [slot.synced for slot in slots if slot] == [80, 80]
    assert files.calls.count(("datasync", PATH)) == 2
    file.lower(90)
    assert file.mark.synced == 80
    files.fail("datasync", NAME)
    with pytest.raises(OSError, match="injected"):
        file.lower(70)


def test_a_flush_moves_it_to_the_last_record_synced():
    store = flushed_store()
    mark = store.mark.mark
    size = mark.record_size
    assert mark.synced == mark.promised == store.log.flushed == store.max_phy_offset
    record = bytes(store.files.data[f"{ROOT}/commitlog/{0:020d}"][size : 2 * size])
    assert (mark.record_at, mark.record_crc) == (size, crc32(record))
    assert MarkFile(PATH, store.files).load() == mark


@pytest.mark.parametrize("flush_type", ["ASYNC_FLUSH", "SYNC_FLUSH"])
def test_it_is_written_after_the_sync_and_only_then(flush_type):
    store = flushed_store(flush_disk_type=flush_type)
    before = store.mark.mark
    store.files.calls.clear()
    put(store, message())
    plan = store.flushes.log_flush_plan(thorough=True)
    assert plan is not None
    put(store, message(body=b"later"))
    assert store.mark.mark == before
    plan.run(store.files)
    assert store.mark.mark.synced == plan.end < store.max_phy_offset
    names = [(kind, path.rpartition("/")[2]) for kind, path in store.files.calls]
    log = f"{0:020d}"
    synced = names.index(("datasync", log))
    assert names[synced:] == [("datasync", log), ("pread", log), ("pwrite", NAME)]
    store.flushes.flushed(plan)


def test_a_failed_sync_does_not_move_it():
    store = flushed_store()
    before = store.mark.mark
    put(store, message())
    store.files.fail("datasync", "commitlog")
    flush(store)
    assert store.mark.mark == before
    store.close()
    assert MarkFile(PATH, store.files).load() == before


def test_a_clean_stop_says_so_and_names_the_queues():
    store = flushed_store()
    store.close()
    mark = MarkFile(PATH, store.files).load()
    assert mark is not None
    assert (mark.closed, mark.synced) == (1, store.max_phy_offset)
    assert mark.queues_crc == crc32(b"T/0:40")
    assert ("datasync", PATH) in store.files.calls
    assert msgspec.structs.replace(mark, closed=0) != mark
