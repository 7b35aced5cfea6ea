"""Pulls: statuses, limits, filters, ranges."""

from __future__ import annotations

import pytest

from rmqwire.codec.record import iter_messages
from rmqwire.filter.message_filter import Filter
from rmqwire.store.message_store import GetStatus
from tests.support.stores import Clock, make_store, message, put, small_config

LARGE = {"mapped_file_size_commit_log": 1 << 20, "mapped_file_size_consume_queue": 20_000}


def store_with(count, size=10, queues=1, tags=lambda n: n, **changes):
    store = make_store(config=small_config(**(LARGE | changes)))
    store.open()
    put(
        store,
        *[
            message(queue_id=n % queues, body=bytes([n % 256]) * size, tags_code=tags(n))
            for n in range(count)
        ],
    )
    return store


def offsets(result):
    return [one.queue_offset for one in iter_messages(result.body)]


@pytest.mark.parametrize(
    ("offset", "status", "next_offset"),
    [
        (-1, GetStatus.OFFSET_TOO_SMALL, 0),
        (5, GetStatus.OFFSET_OVERFLOW_ONE, 5),
        (6, GetStatus.OFFSET_OVERFLOW_BADLY, 5),
        (1 << 60, GetStatus.OFFSET_OVERFLOW_BADLY, 5),
    ],
)
def test_offsets_out_of_range(offset, status, next_offset):
    store = store_with(5)
    result = store.get_message("T", 0, offset, 32)
    assert (result.status, result.next_begin_offset) == (status, next_offset)
    assert (result.min_offset, result.max_offset, result.body) == (0, 5, b"")
    store.config.broker_role = "SLAVE"
    assert store.get_message("T", 0, offset, 32).next_begin_offset == offset


def test_unknown_and_empty_queues():
    store = store_with(5)
    result = store.get_message("T", 1, 7, 32)
    assert (result.status, result.next_begin_offset) == (GetStatus.NO_MATCHED_LOGIC_QUEUE, 0)
    assert store.get_message("U", 0, 0, 32).status == GetStatus.NO_MATCHED_LOGIC_QUEUE
    store.puts.put(message(queue_id=3), lambda result: result)  # not written yet
    result = store.get_message("T", 3, 7, 32)
    assert (result.status, result.next_begin_offset) == (GetStatus.NO_MESSAGE_IN_QUEUE, 0)


def test_count_and_byte_limits():
    store = store_with(100, size=1000)
    assert offsets(store.get_message("T", 0, 10, 5)) == [10, 11, 12, 13, 14]
    assert store.get_message("T", 0, 0, 64).count == 32
    one = len(store.get_message("T", 0, 0, 1).body)
    assert store.get_message("T", 0, 0, 32, max_bytes=3 * one).count == 3
    assert store.get_message("T", 0, 0, 32, max_bytes=3 * one - 1).count == 2
    assert store.get_message("T", 0, 0, 32, max_bytes=1).count == 1
    assert store.get_message("T", 0, 0, 0).count == 1  # one always comes, as in Java


def test_the_memory_byte_limit():
    store = store_with(40, size=20_000)
    result = store.get_message("T", 0, 0, 32)
    assert (result.count, result.next_begin_offset) == (13, 13)
    assert len(result.body) <= 262_144
    assert not result.suggest_pulling_from_slave


def test_old_messages_have_tighter_limits_and_hint_at_the_slave():
    store = store_with(100, access_message_in_memory_max_ratio=0)
    result = store.get_message("T", 0, 0, 32)
    assert (result.count, result.suggest_pulling_from_slave) == (8, True)


def test_a_filter_skips_and_moves_on():
    store = store_with(100, tags=lambda n: n % 10)
    result = store.get_message("T", 0, 0, 32, wanted=Filter(lambda code: code == 3))
    assert offsets(result) == [3, 13, 23, 33, 43, 53, 63, 73, 83, 93]
    assert result.next_begin_offset == 100
    result = store.get_message("T", 0, 0, 4, wanted=Filter(lambda code: code == 3))
    assert (offsets(result), result.next_begin_offset) == ([3, 13, 23, 33], 34)
    result = store.get_message("T", 0, 50, 32, wanted=Filter(lambda code: code == 77))
    assert (result.status, result.next_begin_offset) == (GetStatus.NO_MATCHED_MESSAGE, 100)


def test_a_filter_looks_at_800_units_at_most():
    store = store_with(1900, size=1)
    result = store.get_message("T", 0, 0, 32, wanted=Filter(lambda _: False))
    assert (result.status, result.next_begin_offset) == (GetStatus.NO_MATCHED_MESSAGE, 800)
    result = store.get_message("T", 0, 800, 32, wanted=Filter(lambda _: False))
    assert result.next_begin_offset == 1000  # the end of the file, as in Java
    store.config.travel_cq_file_num_when_get_message = 2
    assert (
        store.get_message("T", 0, 800, 32, wanted=Filter(lambda _: False)).next_begin_offset == 1600
    )


def test_reads_come_from_file_and_tail():
    store = store_with(900, size=1)
    queue = store.queues.find("T", 0)
    queue.write_tail()
    assert queue.tail.start == 500 * 20
    put(store, *[message()] * 50)
    for begin in (0, 480, 495, 500, 890, 899, 949):
        expected = list(range(begin, min(begin + 32, 950)))
        assert offsets(store.get_message("T", 0, begin, 32)) == expected


def test_neighbours_are_fetched_together():
    store = store_with(200, queues=8)
    store.files.calls.clear()
    assert store.get_message("T", 3, 0, 25).count == 25
    assert [call[0] for call in store.files.calls] == ["pread"]


def test_removed_log_files_are_skipped():
    store = make_store(config=small_config())
    store.open()
    put(store, *[message(body=b"x" * 900)] * 12)
    store.log.queue.drop(store.log.queue.segments[0])
    first = store.get_message("T", 0, 0, 2)
    assert (first.status, first.next_begin_offset) == (GetStatus.MESSAGE_WAS_REMOVING, 3)
    assert offsets(store.get_message("T", 0, 0, 9)) == [4, 5, 6, 7, 8, 9]


def test_a_failed_read_is_that_pull_s_alone():
    store = store_with(10)
    store.files.fail("pread", "commitlog")
    with pytest.raises(OSError, match="injected"):
        store.get_message("T", 0, 0, 32)
    assert store.get_message("T", 0, 0, 32).count == 10


def test_a_queue_file_that_vanished_is_told():
    store = store_with(900, size=1)
    queue = store.queues.find("T", 0)
    queue.write_tail()
    queue.files.drop(queue.files.segments[0])
    result = store.get_message("T", 0, 7, 32)
    assert (result.status, result.next_begin_offset) == (GetStatus.OFFSET_FOUND_NULL, 1000)


def test_records_by_physical_offset():
    store = store_with(10, size=5000)
    unit = store.queues.find("T", 0).unit(4)
    record = store.look_message(unit[0])
    assert record is not None
    assert len(record) == unit[1]
    assert store.physical_offset("T", 0, 4) == unit[0]
    assert store.physical_offset("T", 0, 10) == 0
    for wrong in (-1, unit[0] + 1, store.max_phy_offset, 1 << 60):
        assert store.look_message(wrong) is None


def test_store_times():
    clock = Clock()
    store = make_store(clock=clock)
    store.open()
    put(store, message())
    clock.now_ms += 5
    put(store, message())
    assert store.earliest_store_timestamp("T", 0) == clock.now_ms - 5
    assert store.store_timestamp("T", 0, 1) == clock.now_ms
    assert store.store_timestamp("T", 0, 2) == -1
    assert store.store_timestamp("U", 0, 0) == -1
    assert store.earliest_store_timestamp("T", 9) == -1
