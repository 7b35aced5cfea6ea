from __future__ import annotations

import pytest

from rmqwire.codec import index_file, layouts
from rmqwire.codec.index_file import IndexEntry, IndexHeader, find_key, index_key
from rmqwire.codec.record import read_position
from rmqwire.errors import BadRecord
from tests.support import golden

SLOTS, ENTRIES = 100, 400  # maxHashSlotNum, maxIndexNum of the recorded stores


def sample():
    for _, entry in golden.vectors("store_files"):
        if entry["name"].startswith("IndexFile"):
            return bytes.fromhex(entry["hex"])
    raise AssertionError


def test_java_s_file_is_read_and_written():
    data = sample()
    assert len(data) == index_file.file_size(4, 8)
    parsed = layouts.index_file(4, 8).parse(data)
    assert layouts.index_file(4, 8).build(parsed) == data
    header = IndexHeader.decode(data)
    assert header.encode() == data[:40]
    assert (header.begin_phy_offset, header.end_phy_offset, header.index_count) == (1000, 1400, 4)
    again = b"".join(
        [
            header.encode(),
            *map(index_file.pack_slot, parsed["slots"]),
            *(index_file.pack_entry(IndexEntry(**entry)) for entry in parsed["entries"]),
        ]
    )
    assert again == data


def test_a_key_is_found_newest_first():
    found = list(find_key(sample(), 4, index_key("TopicTest", "k1")))
    assert [entry.phy_offset for entry in found] == [1400, 1000]
    assert [entry.time_diff for entry in found] == [9, 0]
    assert list(find_key(sample(), 4, "TopicTest#none")) == []


def test_a_loop_in_a_damaged_chain_ends():
    data = bytearray(sample())
    at = index_file.entry_position(1, 4)
    entry = index_file.unpack_entry(data, at)
    data[at : at + 20] = index_file.pack_entry(entry._replace(previous=3))
    assert len(list(find_key(data, 4, "TopicTest#k1"))) == 2


@pytest.mark.parametrize(
    "archive", golden.store_archives(), ids=lambda p: f"{p.parts[-3]}-{p.name}"
)
def test_every_index_file_of_a_java_store_leads_to_its_messages(archive):
    logs = dict(golden.commit_log_files(archive))
    size = len(next(iter(logs.values())))
    found = 0
    for name, data in golden.store_files(archive).items():
        if not name.startswith("index/"):
            continue
        layout = layouts.index_file(SLOTS, ENTRIES)
        parsed = layout.parse(data)
        assert layout.build(parsed) == data
        assert IndexHeader.decode(data).encode() == data[:40]
        for entry in parsed["entries"][1 : parsed["header"]["index_count"]]:
            start = entry["phy_offset"] % size
            record = read_position(logs[entry["phy_offset"] - start], start)
            key = record.properties.partition(b"UNIQ_KEY\x01")[2].partition(b"\x02")[0].decode()
            if not key:
                continue
            offsets = [e.phy_offset for e in find_key(data, SLOTS, index_key(record.topic, key))]
            found += entry["phy_offset"] in offsets
    assert found > 10


def test_keys_with_a_type_have_three_parts():
    assert index_key("T", "a", "T") == "T#T#a"


@pytest.mark.parametrize(
    "call",
    [
        lambda: IndexHeader.decode(bytes(39)),
        lambda: IndexHeader(begin_timestamp=1 << 63).encode(),
        lambda: index_file.unpack_slot(bytes(3)),
        lambda: index_file.unpack_entry(bytes(19)),
        lambda: list(find_key(bytes(40), 4, "T#k")),
    ],
)
def test_what_is_no_index_is_refused(call):
    with pytest.raises(BadRecord):
        call()
