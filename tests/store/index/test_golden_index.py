"""Index files that unmodified Java brokers left behind: asked, and built again byte for byte."""

from __future__ import annotations

import pytest

from rmqwire.codec.index_file import IndexHeader
from rmqwire.codec.record import decode_message, iter_messages
from rmqwire.codec.release import release_named
from rmqwire.store.recovery.log_scan import LogScan
from tests.store.test_golden_stores import ARCHIVES, IDS, SIZES, on_disk, open_java
from tests.support.golden import store_files
from tests.support.stores import ROOT

INDEX = f"{ROOT}/index/"
FOR_EVER = 1 << 62
LEFT_BY_A_KILL = ("kill9.tar.gz",)


def index_files(files) -> list[bytes]:
    return [bytes(data) for path, data in sorted(files.data.items()) if path.startswith(INDEX)]


def messages(store):
    """Return every message of the log."""
    for found in LogScan(store.log.queue, store.min_phy_offset, check_crc=True):
        yield decode_message(store.look_message(found.physical_offset))


def offsets(store, topic, key, **changes) -> set[int]:
    """Ask for a key and leave out what only has the same hash, as clients do."""
    found = store.lookup.query_message(topic, key, 64, 0, FOR_EVER, **changes)
    return {
        one.physical_offset
        for one in iter_messages(found.body)
        if key in {one.unique_key, one.tags, *(one.keys or "").split(" ")} and one.topic == topic
    }


@pytest.mark.parametrize("archive", ARCHIVES, ids=IDS)
def test_every_key_leads_to_its_messages(archive):
    store, _ = open_java(archive)
    files_kept = len(store.index.files)
    wanted: dict[tuple[str, str], set[int]] = {}
    for one in messages(store):
        for key in {one.unique_key, *(one.keys or "").split(" ")} - {None, ""}:
            wanted.setdefault((one.topic, key), set()).add(one.physical_offset)
    assert len(wanted) > 10
    for (topic, key), places in wanted.items():
        found = offsets(store, topic, key)
        assert found <= places
        assert found == places or len(places) > 32, (topic, key)
    if archive.name not in LEFT_BY_A_KILL:
        assert files_kept == len(index_files(store.files))
    store.close()


@pytest.mark.parametrize("archive", ARCHIVES, ids=IDS)
def test_tags_are_keys_of_5_5_0(archive):
    release = release_named(archive.parent.parent.name)
    store, _ = open_java(archive)
    for one in list(messages(store))[::7]:
        if one.tags:
            found = offsets(store, one.topic, one.tags, index_type="T")
            assert bool(found) is release.store.index_tags
    store.close()


@pytest.mark.parametrize("archive", ARCHIVES, ids=IDS)
def test_an_index_built_from_the_log_is_java_s_byte_for_byte(archive):
    files = on_disk(archive)
    java = index_files(files)
    for path in [path for path in files.data if path.startswith(INDEX)]:
        del files.data[path]
    store, _ = open_java(archive, files)
    store.close()
    ours = index_files(files)
    if "kill9" not in archive.name:
        assert ours == java
        return
    # Java had not written all when it was killed, and its recovery indexes records twice.
    assert _places(ours) >= _places(java)
    assert ours[0] == java[0]


def _places(files: list[bytes]) -> set[tuple[int, int]]:
    """Return (hash, offset of the record) of every entry."""
    found = set()
    for data in files:
        header = IndexHeader.decode(data)
        for number in range(1, header.index_count):
            at = 40 + 4 * SIZES["max_hash_slot_num"] + 20 * number
            entry = data[at : at + 12]
            found.add((int.from_bytes(entry[:4], "big"), int.from_bytes(entry[4:], "big")))
    return found


@pytest.mark.parametrize("archive", ARCHIVES, ids=IDS)
def test_java_s_files_are_written_on(archive):
    files = on_disk(archive)
    store, report = open_java(archive, files)
    before = {path: bytes(files.data[path]) for path in files.data if path.startswith(INDEX)}
    while store.build_index():
        pass
    clean = "abort" not in store_files(archive)
    assert clean == (not [note for note in report.notes if "index" in note])
    store.close()
    full = [data for data in before.values() if IndexHeader.decode(data).index_count == 400]
    assert [data for data in index_files(files) if data in full] == full
