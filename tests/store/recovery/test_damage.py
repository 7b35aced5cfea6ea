"""C2, C3: any damage of any file: the store refuses with its own error or serves what is right."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.codec.record import iter_messages
from rmqwire.errors import CorruptLog
from rmqwire.store.message_store import GetStatus, PutStatus
from tests.support.stores import Clock, make_store, message, put, small_config

SMALL = {"mapped_file_size_commit_log": 2048, "mapped_file_size_consume_queue": 100}
QUEUES = 3


def body_of(queue_id: int, offset: int) -> bytes:
    return b"%d-%d;" % (queue_id, offset) * 20


def make_disk():
    clock = Clock()
    store = make_store(clock=clock, config=small_config(**SMALL))
    store.open()
    for offset in range(12):
        clock.now_ms += 2000
        put(store, *[message(queue_id=q, body=body_of(q, offset)) for q in range(QUEUES)])
    store.queues.write_tails()
    return store.files


DISK = make_disk()
PATHS = sorted(path for path, data in DISK.data.items() if data)


def check(store):
    """Everything that is served is what was put there, in order, without gaps."""
    for queue_id in range(QUEUES):
        offset = store.min_offset("T", queue_id)
        end = store.max_offset("T", queue_id)
        while offset < end:
            result = store.get_message("T", queue_id, offset, 32)
            assert result.status == GetStatus.FOUND
            for one in iter_messages(result.body):
                assert one.body == body_of(queue_id, offset)
                offset += 1


@settings(max_examples=250, deadline=None)
@given(
    path=st.sampled_from(PATHS),
    at=st.integers(0, 4095),
    bits=st.integers(1, 255),
    clean=st.booleans(),
)
def test_one_damaged_byte_anywhere(path, at, bits, clean):
    files = DISK.copy()
    data = files.data[path]
    data[at % len(data)] ^= bits
    if clean:
        del files.data["/store/abort"]
    store = make_store(files, config=small_config(**SMALL))
    with contextlib.suppress(CorruptLog):
        end = store.open().log_end
        check(store)
        store.close()
        again = make_store(files, config=store.config)
        assert again.open().log_end == end  # a second recovery finds nothing new
        (result,) = put(again, message(queue_id=9))
        assert (result.status, result.physical_offset >= end) == (0, True)
        again.close()


@settings(max_examples=60, deadline=None)
@given(path=st.sampled_from(PATHS), size=st.integers(0, 4096), remove=st.booleans())
def test_shortened_and_removed_files(path, size, remove):
    files = DISK.copy()
    if remove:
        del files.data[path]
    else:
        del files.data[path][size:]
    store = make_store(files, config=small_config(**SMALL))
    with contextlib.suppress(CorruptLog):
        store.open()
        check(store)
        store.close()
    assert files.locked == {}


# --- corruptionPolicy ------------------------------------------------------------------------

FIRST = f"/store/commitlog/{0:020d}"


def synced_disk(*, close=False, count=12, **changes):
    """A killed store (or a closed one) all of whose messages are below the mark."""
    clock = Clock()
    store = make_store(clock=clock, config=small_config(**changes))
    store.open()
    for offset in range(count):
        clock.now_ms += 2000
        put(store, *[message(queue_id=q, body=body_of(q, offset)) for q in range(QUEUES)])
    store.flushes.run_flush(store.flushes.log_flush_plan(thorough=True))
    store.queues.write_tails()
    place = store.physical_offset("T", 1, count // 2)
    if close:
        store.close()
    return store.files.copy(), place


def damage(files, place, data=b"\xff" * 8, size=4096):
    file = files.data[f"/store/commitlog/{place - place % size:020d}"]
    file[place % size : place % size + len(data)] = data


def policy_store(files, policy):
    return make_store(files, config=small_config(corruption_policy=policy))


@pytest.mark.parametrize("at", [0, 4, 8, 28, 84, 88, 140])
def test_damage_below_the_mark_refuses_to_start_and_changes_nothing(at):
    files, place = synced_disk()
    file = files.data[f"/store/commitlog/{place - place % 4096:020d}"]
    file[place % 4096 + at] ^= 0x55
    before = {path: bytes(data) for path, data in files.data.items() if "commitlog" in path}
    with pytest.raises(CorruptLog, match="corruptionPolicy") as caught:
        policy_store(files, "refuse").open()
    assert caught.value.offset == place
    assert caught.value.file in files.data
    assert {path: bytes(files.data[path]) for path in before} == before
    assert (files.locked, files.handles) == ({}, {})


def test_the_first_byte_of_all_no_longer_costs_the_log():
    files, _ = synced_disk(count=3)
    files.data[FIRST][0] ^= 1
    with pytest.raises(CorruptLog) as caught:
        policy_store(files, "refuse").open()
    assert (caught.value.file, caught.value.offset) == (FIRST, 0)


def test_zeros_below_the_mark_are_damage_too():
    files, place = synced_disk()
    damage(files, place, bytes(4096 - place % 4096))
    with pytest.raises(CorruptLog, match="bytes were on the disk"):
        policy_store(files, "refuse").open()


def test_the_last_files_of_the_log_are_missed():
    files, _ = synced_disk()
    logs = sorted(path for path in files.data if "/commitlog/" in path)
    assert len(logs) > 1
    del files.data[logs[-1]]
    with pytest.raises(CorruptLog) as caught:
        policy_store(files, "refuse").open()
    assert caught.value.file == logs[-1]
    del files.data[logs[0]]
    for path in logs[1:-1]:
        del files.data[path]
    with pytest.raises(CorruptLog):
        policy_store(files, "refuse").open()


def test_readonly_serves_all_but_the_damaged_message_and_writes_nothing():
    files, place = synced_disk()
    damage(files, place)
    before = {path: bytes(data) for path, data in files.data.items()}
    store = policy_store(files, "readonly")
    report = store.open()
    assert str(place) in report.read_only
    (result,) = put(store, message())
    assert (result.status, "damaged" in result.remark) == (PutStatus.SERVICE_NOT_AVAILABLE, True)
    for queue_id in range(QUEUES):
        for offset in range(12):
            if (queue_id, offset) == (1, 6):
                with pytest.raises(CorruptLog):
                    store.get_message("T", queue_id, offset, 1)
                continue
            (one,) = iter_messages(store.get_message("T", queue_id, offset, 1).body)
            assert one.body == body_of(queue_id, offset)
    store.close()
    after = {path: bytes(files.data[path]) for path in before}
    changed = {path for path in before if before[path] != after[path]}
    assert not [path for path in changed if "commitlog" in path or "mark" in path]
    assert "/store/abort" in files.data
    with pytest.raises(CorruptLog):
        policy_store(files, "refuse").open()


def test_java_cuts_says_so_and_the_next_start_agrees():
    files, place = synced_disk()
    damage(files, place)
    store = policy_store(files, "java")
    report = store.open()
    assert report.log_end == place
    assert any("as Java does" in note for note in report.notes)
    check(store)
    (result,) = put(store, message(queue_id=1))
    assert (result.status, result.physical_offset, result.queue_offset) == (0, place, 6)
    again = policy_store(files.copy(), "refuse")
    assert again.open().log_end == place + result.size


def test_beyond_the_mark_it_is_a_torn_tail():
    files, _ = synced_disk()
    store = policy_store(files, "refuse")
    end = store.open().log_end
    results = put(store, *[message(queue_id=0, body=b"tail" * 9) for _ in range(3)])
    torn = store.files.copy()
    damage(torn, results[1].physical_offset)
    again = policy_store(torn, "refuse")
    report = again.open()
    assert report.log_end == results[1].physical_offset > end
    assert report.cut_reason
    assert again.max_offset("T", 0) == 13


def test_a_clean_stop_leaves_no_torn_tail_even_without_a_mark():
    files, place = synced_disk(close=True, count=4, mapped_file_size_commit_log=1 << 16)
    del files.data["/store/rmqwire.mark"]
    damage(files, place, size=1 << 16)
    config = small_config(mapped_file_size_commit_log=1 << 16)
    with pytest.raises(CorruptLog, match="no whole record"):
        make_store(files, config=config).open()


def test_a_mark_that_java_has_overtaken_says_nothing():
    """Java cut below the mark and wrote on: other records, later times."""
    files, place = synced_disk(count=4, mapped_file_size_commit_log=1 << 16)
    config = small_config(mapped_file_size_commit_log=1 << 16)
    java = make_store(files.copy(), clock=Clock(1_800_000_000_000), config=config)
    mark = bytes(java.files.data.pop("/store/rmqwire.mark"))
    damage(java.files, place, size=1 << 16)
    assert java.open().log_end == place
    put(java, message(queue_id=1, body=b"java" * 11))
    left = java.files.copy()
    left.put("/store/rmqwire.mark", mark)
    store = make_store(left, config=config)
    report = store.open()
    assert any("another broker" in note for note in report.notes)
    assert report.log_end == java.max_phy_offset
    assert store.mark.mark.synced == report.log_end


def test_the_last_record_below_the_mark_is_compared():
    """Nothing but the mark covers a flag: it is seen that the record is not as it was synced."""
    files, _ = synced_disk(count=4, mapped_file_size_commit_log=1 << 16)
    config = small_config(mapped_file_size_commit_log=1 << 16)
    store = make_store(files.copy(), config=config)
    store.open()
    at = store.mark.mark.record_at
    files.data[FIRST][at + 16] ^= 1
    with pytest.raises(CorruptLog, match="not as it was synced") as caught:
        make_store(files, config=config).open()
    assert caught.value.offset == at
