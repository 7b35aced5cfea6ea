"""C5: one index file: what stands in it, and that no damage makes a query crash or loop."""

from __future__ import annotations

import errno

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.codec.index_file import HEADER_SIZE, IndexHeader, file_size, find_key
from rmqwire.codec.java_hash import index_key_hash
from rmqwire.errors import BadRecord
from rmqwire.store.index import index_file
from rmqwire.store.index.index_file import IndexFile
from tests.support.memory_files import MemoryFiles

PATH = "/index/20260101000000000"
SLOTS, ROOM = 7, 30
T0 = 1_700_000_000_000
ALL = (0, 1 << 62)


def new_file(files=None, previous=None) -> IndexFile:
    files = files or MemoryFiles()
    files.makedirs("/index")
    file = IndexFile(PATH, SLOTS, ROOM, files)
    file.create(previous)
    return file


def loaded(files) -> IndexFile:
    file = IndexFile(PATH, SLOTS, ROOM, files)
    file.load()
    return file


def select(file, key, begin=ALL[0], end=ALL[1], limit=100) -> list[int]:
    found: list[int] = []
    file.select(index_key_hash(key), begin, end, limit, found)
    return found


def add(file, key, place, seconds=0) -> None:
    file.extend([(index_key_hash(key), place, T0 + seconds * 1000)])


keys = st.lists(st.tuples(st.sampled_from("abcdefghij"), st.integers(0, 9), st.booleans()))


@settings(max_examples=60)
@given(keys)
def test_a_file_is_a_list_of_keys(steps):
    files = MemoryFiles()
    file, model = new_file(files), []
    for place, (key, seconds, write) in enumerate(steps[: ROOM - 1]):
        add(file, key, place * 100, seconds)
        model.append((key, place * 100))
        if write:
            file.write()
    for key in "abcdefghijk":
        wanted = [place for name, place in reversed(model) if name == key]
        assert select(file, key) == wanted
    file.write()
    again = loaded(files)
    assert again.header == file.header
    data = bytes(files.data[PATH])
    assert len(data) == file_size(SLOTS, ROOM)
    for key in "abcdefghijk":
        assert select(again, key) == [place for name, place in reversed(model) if name == key]
        assert [entry.phy_offset for entry in find_key(data, SLOTS, key)] == select(again, key)
    header = IndexHeader.decode(data)
    if model:
        assert (header.begin_phy_offset, header.end_phy_offset) == (0, model[-1][1])
        assert header.index_count == len(model) + 1
        assert header.hash_slot_count == len({index_key_hash(key) % SLOTS for key, _ in model})


def test_a_file_is_full_with_one_entry_unused():
    file = new_file()
    for place in range(ROOM - 1):
        assert not file.is_full
        add(file, "a", place)
    assert file.is_full


def test_times_are_whole_seconds_from_the_first_key():
    file = new_file()
    for place, seconds in enumerate((0, 1, 1, 5, 3)):
        add(file, "a", place, seconds)
    assert select(file, "a", T0 + 1000, T0 + 3000) == [4, 2, 1]
    assert select(file, "a", T0 + 1001, T0 + 4000) == [4]
    assert select(file, "a", limit=2) == [4, 3]
    assert select(file, "a", limit=0) == []


def test_the_next_file_s_first_key_counts_from_the_end_of_the_one_before():
    """As Java leaves it: that entry's time is of the file before."""
    previous = IndexHeader(T0, T0 + 9000, 100, 4000, 3, ROOM)
    file = new_file(previous=previous)
    assert (file.header.begin_phy_offset, file.header.begin_timestamp) == (4000, T0 + 9000)
    add(file, "a", 5000, 12)
    add(file, "a", 6000, 13)
    assert file.header.begin_phy_offset == 5000
    assert file.header.begin_timestamp == T0 + 12_000
    assert file._entry(1).time_diff == 3
    assert file._entry(2).time_diff == 1


@pytest.mark.parametrize(
    ("begin", "end", "matched"),
    [(0, 1, False), (0, 10, True), (15, 16, True), (0, 99, True), (20, 30, True), (21, 30, False)],
)
def test_times_matched(begin, end, matched):
    file = new_file()
    file.header.begin_timestamp, file.header.end_timestamp = 10, 20
    assert file.is_time_matched(begin, end) is matched


def filled() -> MemoryFiles:
    files = MemoryFiles()
    file = new_file(files)
    for place in range(20):
        add(file, "abcde"[place % 5], place * 10, place)
    file.write()
    file.close()
    return files


@pytest.mark.parametrize(
    "size", [0, 1, HEADER_SIZE - 1, HEADER_SIZE, 100, file_size(SLOTS, ROOM) + 1]
)
def test_a_file_of_another_size_is_refused(size):
    files = filled()
    data = files.data[PATH]
    files.put(PATH, data[:size].ljust(size, b"\0"))
    with pytest.raises(BadRecord):
        loaded(files)


@pytest.mark.parametrize("cut", range(HEADER_SIZE))
def test_a_half_written_header_is_refused_or_harmless(cut):
    files = filled()
    files.data[PATH][cut:HEADER_SIZE] = b"\xff" * (HEADER_SIZE - cut)
    with pytest.raises(BadRecord):
        loaded(files)


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(0, file_size(SLOTS, ROOM) - 1), st.integers(0, 255))))
def test_damage_never_loops_or_crashes(damage):
    files = filled()
    for position, value in damage:
        files.data[PATH][position] = value
    try:
        file = loaded(files)
    except BadRecord:
        return
    for key in "abcdefg":
        assert len(select(file, key)) < ROOM
    if not file.is_full:
        add(file, "a", 1 << 40, 30)
        assert len(select(file, "a")) <= ROOM


def test_slots_out_of_range_and_hash_loops():
    files = filled()
    slots = slice(HEADER_SIZE, HEADER_SIZE + 4 * SLOTS)
    for value in (
        b"\x7f\xff\xff\xff",
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x15",
        b"\x00\x00\x00\x00",
    ):
        files.data[PATH][slots] = value * SLOTS
        assert select(loaded(files), "a") == []
    files.data[PATH][slots] = b"\x00\x00\x00\x05" * SLOTS
    entry = HEADER_SIZE + 4 * SLOTS + 20 * 5
    files.data[PATH][entry + 16 : entry + 20] = b"\x00\x00\x00\x05"  # its own predecessor
    assert len(select(loaded(files), "e")) <= 1


def test_long_chains_are_left_after_a_while(monkeypatch):
    monkeypatch.setattr(index_file, "MAX_WALK", 10)
    file = new_file()
    for place in range(25):
        add(file, "a", place)
    assert len(select(file, "a")) == 10


@pytest.mark.parametrize("operation", ["pwrite"])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_failed_write_is_done_again(operation, times):
    files = MemoryFiles()
    file = new_file(files)
    for place in range(9):
        add(file, "abc"[place % 3], place)
    files.fail(operation, PATH, errno.ENOSPC, times)
    for _ in range(times):
        with pytest.raises(OSError, match="injected"):
            file.write()
        assert file.unwritten
    assert select(file, "a") == [6, 3, 0]
    file.write()
    assert select(loaded(files), "a") == [6, 3, 0]
    assert not file.unwritten


def test_a_failed_read_appends_nothing():
    files = filled()
    file = loaded(files)
    files.fail("pread", PATH)
    with pytest.raises(OSError, match="injected"):
        add(file, "a", 999)
    assert file.header.index_count == 21
    add(file, "a", 999)
    assert select(file, "a", limit=1) == [999]


def test_syncs_once_for_what_was_written():
    files = MemoryFiles()
    file = new_file(files)
    add(file, "a", 1)
    file.write()
    files.calls.clear()
    file.sync()
    file.sync()
    assert files.calls == [("datasync", PATH)]
