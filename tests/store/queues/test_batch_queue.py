"""BatchCQ queues: units as Java's layout has them, pulls, searches, recovery, cuts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec.batch import encode_batch
from rmqwire.codec.consume_queue import (
    BATCH_UNIT,
    BatchConsumeQueueUnit,
    pack_batch_unit,
    unpack_batch_unit,
)
from rmqwire.codec.message import Message
from rmqwire.codec.properties import decode_properties
from rmqwire.codec.record import decode_message, iter_messages
from rmqwire.codec.sys_flag import INNER_BATCH_FLAG
from rmqwire.filter.message_filter import Filter
from rmqwire.store.log.commit_log import CommitLog
from rmqwire.store.message_store import GetStatus, PutStatus
from rmqwire.store.queues.batch_queue import BatchConsumeQueue, inner_batch, messages_in
from tests.support.memory_files import MemoryFiles
from tests.support.stores import ROOT, Clock, make_store, message, put, small_config

SIZES = {"mapper_file_size_batch_consume_queue": 3 * BATCH_UNIT}


def batch(number, queue_id=0, tags_code=0, topic="B", **changes):
    """Return an inner batch of ``number`` messages, as a broker hands it to the store."""
    body = encode_batch([Message("B", b"m%d" % n) for n in range(number)])
    properties = b"INNER_NUM\x01%d\x02UNIQ_KEY\x01K\x02" % number
    flags = {"sys_flag": INNER_BATCH_FLAG, "properties": properties, "tags_code": tags_code}
    return message(topic, queue_id, body, **(flags | changes))


def open_store(files=None, clock=None, **changes):
    store = make_store(files, clock=clock, config=small_config(**(SIZES | changes)))
    store.queues.is_batch_topic = "B".__eq__
    report = store.open()
    return store, report


def filled(*numbers, files=None, clock=None, tagged=True):
    """Return a store with batches of these sizes, each stored 10 ms after the one before."""
    clock = clock or Clock()
    store, _ = open_store(files, clock)
    start = clock.now_ms
    for index, number in enumerate(numbers):
        clock.now_ms = start + 10 * index
        tags = {"tags_code": number} if tagged else {}
        (result,) = put(store, batch(number, **tags))
        assert result.status == PutStatus.PUT_OK
    return store


def no_disk(_):
    raise OSError("no disk")


def units(files, folder=f"{ROOT}/batchconsumequeue/B/0"):
    data = b"".join(bytes(files.data[f"{folder}/{name}"]) for name in files.list(folder))
    data = data[: -(-len(data.rstrip(b"\0")) // BATCH_UNIT) * BATCH_UNIT]
    return [unpack_batch_unit(data, at) for at in range(0, len(data), BATCH_UNIT)]


def test_units_records_and_offsets_are_java_s():
    store = filled(3, 1, 5)
    store.close()
    files = store.files
    found = units(files)
    assert [(u.msg_base_offset, u.batch_num, u.tags_code) for u in found] == [
        (0, 3, 3),
        (3, 1, 1),
        (4, 5, 5),
    ]
    assert [(u.compacted_offset, u.reserved) for u in found] == [(-1, 0)] * 3
    assert files.list(f"{ROOT}/consumequeue") == []
    again, _ = open_store(files)
    for unit in found:
        record = decode_message(again.look_message(unit.physical_offset))
        assert record.total_size == unit.size
        assert record.store_timestamp == unit.store_time
        assert record.queue_offset == unit.msg_base_offset
        assert record.properties["INNER_BASE"] == str(unit.msg_base_offset)
        assert record.properties["INNER_NUM"] == str(unit.batch_num)
        assert record.sys_flag & INNER_BATCH_FLAG
    assert (again.min_offset("B", 0), again.max_offset("B", 0)) == (0, 9)
    again.close()


def test_a_single_message_of_such_a_topic_is_a_batch_of_one():
    store = filled(2)
    (result,) = put(store, message("B", 0, b"one"))
    assert (result.status, result.queue_offset) == (PutStatus.PUT_OK, 2)
    assert "INNER_BASE" not in decode_message(store.look_message(result.physical_offset)).properties
    assert store.max_offset("B", 0) == 3
    results = []
    store.puts.put_batch([message("B", 0, b"a"), message("B", 0, b"b")], results.append)
    store.puts.end_pass()
    assert results[0].queue_offset == 3
    assert store.max_offset("B", 0) == 5


def test_an_inner_batch_elsewhere_is_refused():
    store, _ = open_store()
    (result,) = put(store, batch(2, topic="T"))
    assert result.status == PutStatus.MESSAGE_ILLEGAL
    assert "not BatchCQ" in result.remark
    assert store.max_offset("T", 0) == 0
    for wrong in ({"properties": b"INNER_NUM\x010\x02"}, {"sys_flag": 0}):
        (result,) = put(store, batch(2, **wrong))
        assert result.status == PutStatus.MESSAGE_ILLEGAL
    assert store.max_offset("B", 0) == 0


@pytest.mark.parametrize(
    ("offset", "wanted", "bases", "following"),
    [
        (0, 32, [0, 3, 4, 9], 10),
        (0, 1, [0], 3),
        (1, 4, [0, 3], 4),
        (2, 3, [0], 3),
        (5, 32, [4, 9], 10),
        (9, 32, [9], 10),
    ],
)
def test_a_pull_gives_whole_records(offset, wanted, bases, following):
    store = filled(3, 1, 5, 1)
    result = store.get_message("B", 0, offset, wanted)
    assert result.status == GetStatus.FOUND
    assert [m.queue_offset for m in iter_messages(result.body)] == bases
    assert result.next_begin_offset == following
    assert result.count == sum({0: 3, 3: 1, 4: 5, 9: 1}[base] for base in bases)
    assert (result.min_offset, result.max_offset) == (0, 10)


def test_pulls_that_find_nothing():
    store = filled(3, 2)
    assert store.get_message("B", 0, 5, 8).status == GetStatus.OFFSET_OVERFLOW_ONE
    assert store.get_message("B", 0, 6, 8).status == GetStatus.OFFSET_OVERFLOW_BADLY
    assert store.get_message("B", 1, 0, 8).status == GetStatus.NO_MATCHED_LOGIC_QUEUE
    none = store.get_message("B", 0, 0, 8, wanted=Filter(lambda _: False))
    assert (none.status, none.next_begin_offset) == (GetStatus.NO_MATCHED_MESSAGE, 5)
    one = store.get_message("B", 0, 0, 8, wanted=Filter(lambda code: code == 2))
    assert [m.queue_offset for m in iter_messages(one.body)] == [3]


def test_times_are_searched_as_java_does():
    clock = Clock()
    start = clock.now_ms
    store = filled(3, 1, 5, 1, 2, clock=clock)  # bases 0 3 4 | 9 10, files of three units
    lower = [store.offset_by_time("B", 0, start + ms) for ms in (-5, 0, 5, 10, 25, 30, 35, 99)]
    assert lower == [0, 0, 3, 3, 4, 9, 10, 10]
    upper = [store.offset_by_time("B", 0, start + ms, "UPPER") for ms in (0, 10, 20, 30, 40)]
    assert upper == [0, 3, 4, 9, 10]
    assert store.offset_by_time("B", 9, start) == 0
    assert store.store_timestamp("B", 0, 6) == start + 20
    assert store.earliest_store_timestamp("B", 0) == start


@given(st.lists(st.integers(1, 9), min_size=1, max_size=20), st.booleans())
def test_queues_are_rebuilt_from_the_log_byte_for_byte(numbers, forget_topic):
    files = MemoryFiles()
    store = filled(*numbers, files=files, tagged=False)
    store.close()
    before = {k: bytes(v) for k, v in files.data.items() if "batchconsumequeue" in k}
    for path in before:
        del files.data[path]
    files.data.pop(f"{ROOT}/rmqwire.mark", None)
    again = make_store(files, config=small_config(**SIZES))
    again.queues.is_batch_topic = (lambda _: False) if forget_topic else "B".__eq__
    again.open()
    assert again.max_offset("B", 0) == sum(numbers)
    again.close()
    assert {k: bytes(v) for k, v in files.data.items() if "batchconsumequeue" in k} == before


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_file_that_is_lost_is_made_good_from_the_log(clean, lost):
    store = filled(*[2, 3, 1] * 3, tagged=False)
    store.close()
    files, folder = store.files, f"{ROOT}/batchconsumequeue/B/0"
    before = units(files)
    names = files.list(folder)
    assert len(names) == 3
    del files.data[f"{folder}/{names[lost]}"]
    if not clean:
        files.put(f"{ROOT}/abort")
    again, _ = open_store(files)
    assert (again.min_offset("B", 0), again.max_offset("B", 0)) == (0, 18)
    again.close()
    assert units(files) == before


def test_units_of_torn_records_are_cut():
    store = filled(3, 1, 5)
    end = store.max_phy_offset
    store.close()
    files = store.files
    last = units(files)[-1]
    name = f"{ROOT}/commitlog/{0:020}"
    files.data[name][last.physical_offset : end] = bytes(end - last.physical_offset)
    files.put(f"{ROOT}/abort")
    files.data.pop(f"{ROOT}/rmqwire.mark", None)
    again, report = open_store(files)
    assert report.units_cut == 1
    assert again.max_offset("B", 0) == 4
    (result,) = put(again, batch(2))
    assert result.queue_offset == 4


def test_a_failed_pass_takes_the_offsets_back(monkeypatch):
    store = filled(3)
    queue = store.queues.find("B", 0)
    results = []
    store.puts.put(batch(4), results.append)
    assert queue.next_offset == 7
    monkeypatch.setattr(CommitLog, "write", no_disk)
    store.puts.end_pass()
    assert results[0].status == PutStatus.SERVICE_NOT_AVAILABLE
    assert (queue.next_offset, queue.max_offset) == (3, 3)


def test_the_beginning_moves_with_the_log():
    store = filled(3, 1, 5)
    queue = store.queues.find("B", 0)
    assert isinstance(queue, BatchConsumeQueue)
    places = [unit.physical_offset for unit in queue.units_from(0)]
    queue.correct_min(places[1])
    assert (queue.min_offset, queue.max_offset) == (3, 9)
    assert store.get_message("B", 0, 0, 9).status == GetStatus.OFFSET_TOO_SMALL
    queue.correct_min(places[2] + 1)
    assert (queue.min_offset, queue.max_offset, queue.next_offset) == (9, 9, 9)


def test_waiting_pulls_hear_of_each_tags_code_once():
    store, _ = open_store()
    heard = []
    store.events.arrived = lambda *what: heard.append(what)
    put(store, batch(2, tags_code=7), batch(3, tags_code=7), batch(1, tags_code=8))
    assert heard == [("B", 0, 6, 7), ("B", 0, 6, 8)]


def test_base_and_number_of_a_record():
    assert inner_batch(b"INNER_NUM\x013\x02INNER_BASE\x0140\x02", 7) == (40, 3)
    assert inner_batch(b"INNER_NUM\x013\x02", 7) == (7, 1)
    assert inner_batch(b"INNER_NUM\x01x\x02INNER_BASE\x0140\x02", 7) == (7, 1)
    assert messages_in(b"INNER_NUM\x0112\x02") == 12
    assert messages_in(b"") == 1
    assert decode_properties(b"INNER_NUM\x0112\x02") == {"INNER_NUM": "12"}
    unit = BatchConsumeQueueUnit(1, 2, 3, 4, 5, 6)
    assert unpack_batch_unit(pack_batch_unit(unit)) == unit


def test_a_deleted_topic_leaves_no_folder():
    store = filled(3, 1, 5)
    store.close()
    again, _ = open_store(store.files)
    assert again.delete_topics(["B"]) == 1
    assert store.files.list(f"{ROOT}/batchconsumequeue") == []


def test_a_put_counts_the_messages_it_holds():
    store, _ = open_store()
    (result,) = put(store, batch(3))
    assert (result.count, store.stats.put_times) == (3, 3)


@pytest.mark.parametrize("member", [batch(2), message("B", 0, properties=b"INNER_NUM\x012\x02")])
def test_a_batch_of_batches_is_refused_as_a_whole(member):
    store, _ = open_store()
    results = []
    store.puts.put_batch([message("B", 0), member], results.append)
    store.puts.end_pass()
    assert [one.status for one in results] == [PutStatus.MESSAGE_ILLEGAL]
    assert (store.max_phy_offset, store.max_offset("B", 0)) == (0, 0)
