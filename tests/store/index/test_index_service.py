"""C5: the index of a store follows the log, survives stops and kills, and is built again."""

from __future__ import annotations

import errno
import time

import pytest

from rmqwire.codec.index_file import HEADER_SIZE, file_size
from rmqwire.codec.record import iter_messages
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.codec.sys_flag import (
    TRANSACTION_COMMIT_TYPE,
    TRANSACTION_PREPARED_TYPE,
    TRANSACTION_ROLLBACK_TYPE,
)
from tests.support.stores import ROOT, START_MS, Clock, make_store, message, put, small_config

INDEX = f"{ROOT}/index"
FOR_EVER = 1 << 62


def keyed(number: int, topic="T", **changes):
    text = f"UNIQ_KEY\x01U{number}\x02KEYS\x01k{number} all\x02TAGS\x01tag{number % 3}\x02"
    return message(
        topic, number % 2, f"body {number}".encode(), properties=text.encode(), **changes
    )


def opened(files=None, release=V5_5_0, clock=None, **changes):
    store = make_store(files, config=small_config(**changes), release=release, clock=clock)
    store.report = store.open()
    return store


def filled(count=30, **changes):
    store = opened(**changes)
    for number in range(count):
        put(store, keyed(number))
    return store


def numbers(store, key, topic="T", index_type=None, limit=1000, begin=0, end=FOR_EVER):
    found = store.lookup.query_message(topic, key, limit, begin, end, index_type)
    return [int(one.unique_key[1:]) for one in iter_messages(found.body)]


def kill(store):
    return store.files.copy()


def index_paths(files) -> list[str]:
    return sorted(path for path in files.data if path.startswith(INDEX))


def built(store):
    while store.build_index():
        pass
    store.index.write()
    return store


def check_all(store, count=30):
    for number in range(count):
        assert numbers(store, f"k{number}") == [number]
        assert numbers(store, f"U{number}") == [number]
    assert numbers(store, "k1", "other") == []
    assert numbers(store, f"k{count}") == []


def test_every_key_finds_its_message_at_once():
    store = filled()
    check_all(store)
    assert numbers(store, "all") == list(range(30))
    assert numbers(store, "all", limit=4) == [26, 27, 28, 29]
    assert numbers(store, "all", limit=0) == []


@pytest.mark.parametrize(("release", "found"), [(V5_5_0, [1, 4, 7]), (V4_9_7, [])])
def test_tags_are_keys_in_5_5_0(release, found):
    store = opened(release=release)
    put(store, *map(keyed, range(9)))
    assert numbers(store, "tag1", index_type="T") == found
    assert numbers(store, "tag1") == []
    assert numbers(store, "k1", index_type="K") == [1]


def test_the_answer_tells_how_far_the_index_is():
    clock = Clock()
    store = opened(clock=clock)
    put(store, keyed(1))
    clock.now_ms += 5000
    (last,) = put(store, keyed(2))
    found = store.lookup.query_message("T", "k1", 32, 0, FOR_EVER)
    assert found.index_last_update_timestamp == clock.now_ms
    assert found.index_last_update_phyoffset == last.physical_offset
    found = store.lookup.query_message("T", "no such key", 32, 0, FOR_EVER)
    assert (found.index_last_update_timestamp, found.index_last_update_phyoffset) == (0, 0)


def test_times_limit_the_answer():
    clock = Clock()
    store = opened(clock=clock, max_index_num=20)
    for number in range(30):
        put(store, keyed(number))
        clock.now_ms += 1000
    assert len(store.index.files) == 0  # nobody asked yet
    assert numbers(store, "all", begin=START_MS + 7000, end=START_MS + 11_000) == [7, 8, 9, 10, 11]
    assert len(store.index.files) > 4
    assert numbers(store, "all", end=START_MS - 1) == []
    assert numbers(store, "all", begin=clock.now_ms) == []


def test_no_more_than_max_msgs_num_batch():
    store = filled(40, max_msgs_num_batch=10)
    assert len(numbers(store, "all", limit=64)) == 10


@pytest.mark.parametrize(
    ("kind", "indexed"),
    [
        (TRANSACTION_PREPARED_TYPE, True),
        (TRANSACTION_COMMIT_TYPE, True),
        (TRANSACTION_ROLLBACK_TYPE, False),
    ],
)
def test_rolled_back_messages_are_left_out(kind, indexed):
    store = opened()
    put(store, keyed(1, sys_flag=kind))
    assert numbers(store, "k1") == ([1] if indexed else [])


def test_messages_without_keys_take_no_entry():
    store = opened()
    put(store, message(properties=b""), message(properties=b"KEYS\x01  \x02"))
    built(store)
    assert store.index.files == []
    assert store.index.position == store.max_phy_offset


def test_topics_and_keys_beyond_ascii():
    store = opened()
    topic, key = "Tß", "schlüssel-中文-🚀-" * 30
    put(store, message(topic, properties=f"UNIQ_KEY\x01U7\x02KEYS\x01{key}\x02".encode()))
    assert numbers(store, key, topic) == [7]


def test_nothing_is_indexed_when_it_is_switched_off_and_all_when_on_again():
    store = filled(message_index_enable=False)
    assert numbers(store, "k1") == []
    store.close()
    assert index_paths(store.files) == []
    check_all(opened(store.files))


def test_reading_can_be_switched_off():
    assert numbers(filled(index_file_read_enable=False), "k1") == []


def test_a_sync_flush_store_indexes_only_what_is_on_the_disk():
    store = opened(flush_disk_type="SYNC_FLUSH")
    put(store, keyed(1))
    assert numbers(store, "k1") == []
    store.flushes.run_flush(store.flushes.log_flush_plan(thorough=True))
    assert numbers(store, "k1") == [1]


def test_files_are_named_by_local_time_one_a_millisecond():
    store = built(filled(max_index_num=20))
    names = [path.rpartition("/")[2] for path in index_paths(store.files)]
    local = time.strftime("%Y%m%d%H%M%S", time.localtime(START_MS // 1000))
    assert names[:2] == [f"{local}000", f"{local}001"]
    sizes = {len(store.files.data[path]) for path in index_paths(store.files)}
    assert sizes == {file_size(50, 20)}


# --- stops and kills ---------------------------------------------------------------------------


@pytest.mark.parametrize("room", [20, 21, 22, 200])
def test_a_stopped_store_goes_on_where_it_was(room):
    store = filled(15, max_index_num=room)
    store.close()
    before = {path: bytes(store.files.data[path]) for path in index_paths(store.files)}
    again = opened(store.files, max_index_num=room)
    assert again.report.notes == []
    for number in range(15, 30):
        put(again, keyed(number))
    check_all(again)
    again.close()
    assert list(before) == index_paths(again.files)[: len(before)]


@pytest.mark.parametrize("room", [20, 21, 22, 200])
def test_a_killed_store_builds_it_again(room):
    store = filled(15, max_index_num=room)
    built(store)
    for number in range(15, 30):
        put(store, keyed(number))
    again = opened(kill(store), max_index_num=room)
    assert len([note for note in again.report.notes if "index" in note]) == 1
    check_all(again)


def test_full_files_on_the_disk_outlive_a_kill():
    store = built(filled(max_index_num=20))
    full = store.index.full_files()
    assert len(full) > 2
    for file in full:
        file.sync()
    store.index.full_files_synced(full)
    store.checkpoint.write(sync=False)
    before = {file.path: bytes(store.files.data[file.path]) for file in full}
    again = opened(kill(store), max_index_num=20)
    kept = [file.path for file in again.index.files]
    assert kept == list(before)
    check_all(again)
    for path in kept:
        assert bytes(again.files.data[path]) == before[path]


def test_a_checkpoint_that_promises_too_much_is_not_believed():
    store = built(filled(max_index_num=20))
    store.checkpoint.values.index_msg_timestamp = FOR_EVER
    store.checkpoint.write(sync=False)
    files = kill(store)
    for path in index_paths(files)[1:]:
        files.data[path][:] = bytes(len(files.data[path]))
    check_all(opened(files, max_index_num=20))


# --- damage --------------------------------------------------------------------------------------


def stopped(count=30, **changes):
    store = filled(count, **changes)
    store.close()
    return store.files


@pytest.mark.parametrize("which", range(4))
def test_a_file_that_is_missing_or_damaged_is_built_again(which):
    files = stopped(max_index_num=20)
    assert len(index_paths(files)) > 4
    files.data[index_paths(files)[which]][:HEADER_SIZE] = b"\xee" * HEADER_SIZE
    store = opened(files, max_index_num=20)
    assert len(store.report.notes) == 1
    check_all(store)


@pytest.mark.parametrize("size", [0, 17, 40, 1000])
def test_a_file_of_a_wrong_size_is_built_again(size):
    files = stopped()
    (path,) = index_paths(files)
    files.put(path, files.data[path][:size])
    store = opened(files)
    check_all(store)
    assert f"{size} bytes" in store.report.notes[0]


def test_without_its_folder_it_is_built_again():
    files = stopped()
    for path in index_paths(files):
        del files.data[path]
    files.folders.discard(INDEX)
    check_all(opened(files))


def test_other_sizes_in_the_settings_build_it_again():
    check_all(opened(stopped(), max_hash_slot_num=11, max_index_num=40))


@pytest.mark.parametrize("field", [0, 8, 16, 24, 32, 36])
@pytest.mark.parametrize("value", [1, 0x7FFFFFFF])
def test_a_header_with_a_wrong_number_is_noticed(field, value):
    """The count of slots and a smaller count of entries are the only ones that nothing shows."""
    files = stopped()
    (path,) = index_paths(files)
    files.data[path][field + 4 : field + 8] = value.to_bytes(4, "big")
    store = opened(files)
    if store.report.notes:
        check_all(store)
    else:
        assert field in {32, 36}
        assert set(numbers(store, "all")) <= set(range(30))


def test_other_files_in_the_folder_are_left_alone():
    files = stopped()
    files.put(f"{INDEX}/notes.txt", b"mine")
    check_all(opened(files))
    assert files.data[f"{INDEX}/notes.txt"] == b"mine"


def test_a_damaged_record_of_the_log_is_stepped_over(caplog):
    """What is damaged while the store runs costs the keys of its file's rest, not a crash."""
    store = opened()
    for number in range(60):
        put(store, keyed(number))
    first = f"{ROOT}/commitlog/{0:020d}"
    store.files.data[first][:4] = b"\x7f\x7f\x7f\x7f"
    assert numbers(store, "k0") == []
    assert numbers(store, "k59") == [59]
    assert "can not be indexed" in caplog.text


def test_records_larger_than_a_window_are_indexed():
    store = opened(mapped_file_size_commit_log=1 << 20)
    put(store, keyed(1), message(body=bytes(300_000), properties=b"UNIQ_KEY\x01U2\x02"), keyed(3))
    assert [numbers(store, key) for key in ("U1", "U2", "U3")] == [[1], [2], [3]]


# --- a disk that fails -----------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["open", "truncate", "pwrite"])
def test_a_full_disk_stops_the_index_and_nothing_else(operation):
    store = opened()
    store.files.fail(operation, INDEX, errno.ENOSPC, 3)
    put(store, keyed(1))
    failed = 0
    while True:
        try:
            built(store)
            break
        except OSError:
            failed += 1
    assert failed == 3
    assert put(store, keyed(2))[0].status == 0
    built(store)
    assert numbers(store, "k1") == [1]
    assert numbers(store, "k2") == [2]
    assert len(index_paths(store.files)) == 1
    store.close()
    check = opened(store.files)
    assert check.report.notes == []
    assert numbers(check, "k1") == [1]


def test_an_index_that_can_not_be_written_at_the_stop_is_not_trusted_later():
    store = filled()
    store.files.fail("pwrite", INDEX, errno.ENOSPC, 1)
    with pytest.raises(OSError, match="injected"):
        store.close()
    assert f"{ROOT}/abort" in store.files.data
    check_all(opened(store.files))


# --- cleaning --------------------------------------------------------------------------------------


def test_files_of_what_left_the_log_go_but_never_the_last():
    store = built(filled(60, max_index_num=20))
    paths = index_paths(store.files)
    assert store.index.delete_expired(store.index.files[2].header.end_phy_offset) == 0  # unsynced
    full = store.index.full_files()
    for file in full:
        file.sync()
    store.index.full_files_synced(full)
    assert store.index.delete_expired(store.index.files[2].header.end_phy_offset) == 2
    assert index_paths(store.files) == paths[2:]
    store.index.delete_expired(FOR_EVER)
    assert index_paths(store.files) == paths[-1:]
    assert numbers(store, "k59") == [59]
