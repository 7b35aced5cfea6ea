"""Stores that unmodified Java brokers left behind: opened, read, written on, compared by byte."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rmqwire.codec.record import check_record, decode_message, iter_messages, pack_host
from rmqwire.codec.release import release_named
from rmqwire.disk.files import RealFiles
from rmqwire.store.folder.file_queue import FileQueue, HandleCache
from rmqwire.store.message_store import GetStatus, MessageInner
from rmqwire.store.recovery.log_scan import LogScan
from tests.support.golden import store_archives, store_files
from tests.support.memory_files import MemoryFiles
from tests.support.stores import ROOT, Clock, make_store, message, put, small_config

LOG_SIZE = 1_048_576
SIZES = {
    "mapped_file_size_commit_log": LOG_SIZE,
    "mapped_file_size_consume_queue": 2000,
    "max_hash_slot_num": 100,
    "max_index_num": 400,
}
ARCHIVES = store_archives()
IDS = [f"{path.parent.parent.name}-{path.name.split('.')[0]}" for path in ARCHIVES]


def on_disk(archive: Path) -> MemoryFiles:
    """Put a Java store on a disk in memory."""
    files = MemoryFiles()
    for name, data in store_files(archive).items():
        path = f"{ROOT}/{name.removeprefix('store/')}"
        files.makedirs(path.rpartition("/")[0])
        files.put(path, data)
    return files


def recorded_offsets(archive: Path) -> dict[str, dict[str, dict[str, int]]]:
    name = archive.name.split(".")[0].removesuffix("_v2topic")
    return json.loads((archive.parent / "offsets.json").read_text()).get(name, {})


def open_java(archive: Path, files=None, **changes):
    release = release_named(archive.parent.parent.name)
    config = small_config(**(SIZES | changes))
    store = make_store(files or on_disk(archive), config=config, release=release)
    return store, store.open()


def read_all(store, topic, queue_id):
    """Pull a whole queue the way a consumer does."""
    offset, found = store.min_offset(topic, queue_id), []
    while True:
        result = store.get_message(topic, queue_id, offset, 32)
        if result.status != GetStatus.FOUND:
            assert result.status == GetStatus.OFFSET_OVERFLOW_ONE
            return found
        messages = list(iter_messages(result.body))
        assert [m.queue_offset for m in messages] == list(range(offset, result.next_begin_offset))
        found += messages
        offset = result.next_begin_offset


@pytest.mark.parametrize("archive", ARCHIVES, ids=IDS)
def test_every_queue_has_java_s_offsets(archive):
    store, report = open_java(archive)
    offsets = recorded_offsets(archive)
    for topic, queues in offsets.items():
        for queue_id, seen in queues.items():
            assert store.max_offset(topic, int(queue_id)) == seen["max"], (topic, queue_id)
            assert store.min_offset(topic, int(queue_id)) == seen.get("min", 0)
    assert report.clean == ("abort" not in {n.split("/")[-1] for n in store_files(archive)})
    assert report.bytes_zeroed == 0
    assert report.cut_reason == ""
    assert report.units_cut == 0
    complaints = [note for note in report.notes if not note.startswith("index file")]
    assert (complaints, report.read_only) == ([], "")  # killed or not; an index may be built again
    assert offsets or "ipv6" in archive.name
    store.close()


@pytest.mark.parametrize("archive", ARCHIVES, ids=IDS)
def test_every_message_is_read_and_is_in_a_queue(archive):
    store, _ = open_java(archive)
    read = {}
    for topic in store.topics():
        for queue_id in store.queue_ids(topic):
            for one in read_all(store, topic, queue_id):
                assert (one.topic, one.queue_id) == (topic, queue_id)
                read[one.physical_offset] = one
    scan = LogScan(store.log.queue, 0, check_crc=True)
    offsets = {found.physical_offset for found in scan}
    assert set(read) == offsets
    assert scan.end == store.max_phy_offset
    assert len(read) > 10
    for offset in list(read)[::37]:
        record = store.look_message(offset)
        assert record is not None
        assert decode_message(record).queue_offset == read[offset].queue_offset
    store.close()


@pytest.mark.parametrize("archive", ARCHIVES, ids=IDS)
def test_queues_rebuilt_from_the_log_are_java_s_byte_for_byte(archive):
    files = on_disk(archive)
    prefix = f"{ROOT}/consumequeue/"
    java = {path: bytes(data) for path, data in files.data.items() if path.startswith(prefix)}
    for path in java:
        del files.data[path]
    files.folders = {folder for folder in files.folders if not folder.startswith(prefix[:-1])}
    store, report = open_java(archive, files)
    store.close()
    ours = {path: bytes(data) for path, data in files.data.items() if path.startswith(prefix)}
    java = {path: data for path, data in java.items() if any(data)}  # Java makes empty ones too
    if "kill9" in archive.name and "recovered" not in archive.name:
        assert set(java) <= set(ours)  # what had not been dispatched when Java was killed
        java = {path: data for path, data in java.items() if path in ours}
        for path, data in java.items():
            used = len(data.rstrip(b"\0"))
            assert ours[path][:used] == data[:used]
    else:
        assert ours == java
    assert report.units_added > 10


@pytest.mark.parametrize("archive", ARCHIVES, ids=IDS)
def test_the_same_messages_make_java_s_log_byte_for_byte(archive):
    """Put what Java put: same records, same BLANK at the same place, same segments."""
    java = on_disk(archive)
    queue = FileQueue(f"{ROOT}/commitlog", LOG_SIZE, java, HandleCache(java, 8))
    queue.load()
    records = list(LogScan(queue, 0, check_crc=True))
    raw = [queue.read(found.physical_offset, found.total_size) for found in records]
    release = release_named(archive.parent.parent.name)
    first = decode_message(raw[0])
    clock = Clock()
    crc = b"__CRC32#" in raw[0]
    config = small_config(
        **SIZES, enabled_append_prop_crc=crc, os_page_cache_busy_time_out_mills=1 << 40
    )
    store = make_store(
        config=config, clock=clock, release=release, host=pack_host(*first.store_host)
    )
    store.open()
    results = []
    for found, record in zip(records, raw, strict=True):
        clock.now_ms = found.store_timestamp
        one = decode_message(record)
        properties = found.properties[:-20] if crc else found.properties
        store.puts.put(
            MessageInner(
                one.topic,
                one.queue_id,
                one.flag,
                one.sys_flag,
                properties,
                one.body,
                0,
                one.born_timestamp,
                pack_host(*one.born_host),
                one.reconsume_times,
                one.prepared_transaction_offset,
            ),
            results.append,
        )
        if found.queue_offset % 7 == 0:
            store.puts.end_pass()
    store.close()
    assert [r.physical_offset for r in results] == [found.physical_offset for found in records]
    ours = {k: bytes(v) for k, v in store.files.data.items() if "/commitlog/" in k}
    theirs = {k: bytes(v) for k, v in java.data.items() if "/commitlog/" in k}
    assert list(ours) == list(theirs)
    for name, data in theirs.items():
        assert ours[name] == data, name


@pytest.mark.parametrize("archive", ARCHIVES, ids=IDS)
def test_writing_on_keeps_java_s_bytes(archive):
    files = on_disk(archive)
    before = {path: bytes(data) for path, data in files.data.items()}
    store, _ = open_java(archive, files)
    end = store.max_phy_offset
    assert f"{ROOT}/abort" in files.data
    topic = store.topics()[0]
    results = put(store, *[message(topic, 0, b"x" * 5000) for _ in range(250)])
    assert [r.status for r in results] == [0] * 250
    assert results[0].physical_offset == end
    store.close()
    assert f"{ROOT}/abort" not in files.data
    log_names = [path for path in files.data if "/commitlog/" in path]
    assert all(len(files.data[path]) == LOG_SIZE for path in log_names)
    for path, data in before.items():
        if "/commitlog/" in path:
            start = int(path.rpartition("/")[2])
            assert files.data[path][: max(end - start, 0)] == data[: max(end - start, 0)]
    again, second = open_java(archive, files)
    assert second.clean
    assert second.notes == []
    assert again.max_offset(topic, 0) == results[-1].queue_offset + 1
    assert read_all(again, topic, 0)[-1].body == b"x" * 5000
    again.close()


def test_a_java_store_on_the_real_disk(tmp_path):
    archive = ARCHIVES[0]
    for name, data in store_files(archive).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    root = str(tmp_path / "store") if (tmp_path / "store").exists() else str(tmp_path)
    config = small_config(root, **SIZES)
    store = make_store(RealFiles(), config=config, release=release_named("4.9.7"))
    store.open()
    assert store.max_offset("gsst1", 0) == recorded_offsets(archive)["gsst1"]["0"]["max"]
    (result,) = put(store, message("gsst1", 0, b"ours"))
    store.close()
    again = make_store(RealFiles(), config=config, release=release_named("4.9.7"))
    assert again.open().clean
    record = again.look_message(result.physical_offset)
    assert record is not None
    assert decode_message(record).body == b"ours"
    assert not check_record(record).is_blank
    again.close()
