"""Queues with extension units, as Java writes them: filtered by the tags code in the unit."""

from __future__ import annotations

import pytest

from rmqwire.codec.consume_queue import (
    EXT_END_SIZE,
    UNIT,
    UNIT_STRUCT,
    ConsumeQueueExtUnit,
    ext_address,
    pack_ext_unit,
)
from rmqwire.codec.record import iter_messages
from rmqwire.disk.files import RealFiles
from rmqwire.filter.message_filter import Filter
from rmqwire.inspector.verify import verify_store
from rmqwire.store.message_store import GetStatus
from tests.support.memory_files import MemoryFiles
from tests.support.stores import ROOT, START_MS, make_store, message, put, small_config

EXT_FILE = 1000  # bytes of an extension file: some units, then the mark of its end
TAGS = {"A": 65, "B": 66}  # their hashes


def write(files, path, data):
    files.makedirs(path.rpartition("/")[0])
    handle = files.open(path, create=True)
    files.pwrite(handle, data, 0)
    files.close(handle)


def ext_files(codes, bits=b""):
    """Return ({file's first offset: bytes}, address of each code's unit) as Java lays them out."""
    found, addresses, data, start = {}, [], b"", 0
    for code in codes:
        unit = pack_ext_unit(ConsumeQueueExtUnit(code, START_MS, bits))
        if len(data) + len(unit) > EXT_FILE - 4:
            end = EXT_END_SIZE.to_bytes(2, "big", signed=True)
            found[start] = (data + end).ljust(EXT_FILE, b"\0")
            data, start = b"", start + EXT_FILE
        addresses.append(ext_address(start + len(data)))
        data += unit
    found[start] = data.ljust(EXT_FILE, b"\0")
    return found, addresses


def java_store(files, root=ROOT, count=60):
    """Make a store whose queue T 0 has addresses in place of its tags codes."""
    config = small_config(root, mapped_file_size_consume_queue=100 * UNIT)
    store = make_store(files, config=config)
    store.open()
    for number in range(count):
        tag = "AB"[number % 2]
        put(store, message("T", 0, tag.encode(), properties=b"TAGS\x01" + tag.encode() + b"\x02"))
    found, addresses = ext_files([TAGS["AB"[number % 2]] for number in range(count)], b"\1" * 8)
    queue = store.queues.find("T", 0)
    units = [queue.unit(offset) for offset in range(count)]
    store.close()
    for start, data in found.items():
        write(files, f"{root}/consumequeue_ext/T/0/{start:020}", data)
    both = zip(units, addresses, strict=True)
    data = b"".join(UNIT_STRUCT.pack(unit[0], unit[1], address) for unit, address in both)
    handle = files.open(f"{root}/consumequeue/T/0/{0:020}")
    files.pwrite(handle, data, 0)
    files.close(handle)
    mark = f"{root}/rmqwire.mark"
    if files.exists(mark):
        files.unlink(mark)
    again = make_store(files, config=config)
    again.open()
    return again


def wanted(store, tag):
    found, offset = [], 0
    while True:
        result = store.get_message("T", 0, offset, 32, wanted=Filter(TAGS[tag].__eq__))
        if result.status == GetStatus.OFFSET_OVERFLOW_ONE:
            return found
        found += [one.body for one in iter_messages(result.body)] if result.body else []
        offset = result.next_begin_offset


@pytest.mark.parametrize("tag", ["A", "B"])
def test_messages_are_filtered_by_the_code_in_the_unit(tag):
    store = java_store(MemoryFiles())
    assert wanted(store, tag) == [tag.encode()] * 30
    assert store.get_message("T", 0, 0, 32).count == 32


def test_our_own_units_go_on_behind_java_s():
    store = java_store(MemoryFiles())
    put(store, message("T", 0, b"ours", tags_code=TAGS["A"]))
    assert wanted(store, "A")[-1] == b"ours"
    assert b"ours" not in wanted(store, "B")


def test_a_unit_that_is_not_there_lets_its_message_through():
    store = java_store(MemoryFiles())
    queue = store.queues.find("T", 0)
    queue.ext.clear()
    assert len(wanted(store, "A")) == 60


@pytest.mark.parametrize("which", ["all", "last", "first"])
def test_extension_files_that_are_gone_are_made_good_from_the_log(which):
    files = MemoryFiles()
    store = java_store(files)
    store.close()
    folder = f"{ROOT}/consumequeue_ext/T/0"
    names = files.list(folder)
    for name in {"all": names, "last": names[-1:], "first": names[:1]}[which]:
        files.unlink(f"{folder}/{name}")
    again = make_store(files, config=store.config)
    again.open()
    assert wanted(again, "A") == [b"A"] * 30
    assert wanted(again, "B") == [b"B"] * 30


def test_such_a_store_verifies(tmp_path):
    java_store(RealFiles(), str(tmp_path)).close()
    assert verify_store(tmp_path).problems == []
    file = tmp_path / "consumequeue_ext" / "T" / "0" / f"{EXT_FILE:020}"
    data = bytearray(file.read_bytes())
    data[9] ^= 1
    file.write_bytes(data)
    (problem,) = verify_store(tmp_path).problems
    assert "the log has" in problem.text
