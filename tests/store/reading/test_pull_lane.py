"""Pulls by the native lane beside the Python, which is the reference: the same result, or none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.codec.consume_queue import pack_unit
from rmqwire.filter.message_filter import Filter, TagFilter
from rmqwire.store.message_store import GetStatus
from rmqwire.store.reading.pull_lane import PullLane
from tests.support.stores import make_store, message, put, small_config

LARGE = {"mapped_file_size_commit_log": 1 << 14, "mapped_file_size_consume_queue": 2_000}


def lanes(store):
    """Return a get of each lane, with the same arguments."""
    lane = PullLane(store.config, store.log)

    def get(*args, in_python=False):
        store._pull_lane = None if in_python else lane
        return store.get_message("T", 0, args[0], args[1], max_bytes=args[2], wanted=args[3])

    def native(offset, count, max_bytes, wanted):
        queue = store.queues.find("T", 0)
        return lane.get(queue, offset, count, max_bytes, wanted, store.memory_bytes)

    return get, native


def filled(count, seed=0, **changes):
    store = make_store(config=small_config(**(LARGE | changes)))
    store.open()
    messages = [
        message(
            queue_id=(n * n + seed) % 3 % 2,
            body=bytes([n % 256]) * (n * 37 % 300),
            tags_code=n % 5,
            topic="T",
            born_host=b"\xfe" * 20 if n % 41 == 40 else bytes(8),
        )
        for n in range(count)
    ]
    for at in range(0, count, 7):
        put(store, *messages[at : at + 7])
    return store


LIMITS = st.one_of(st.none(), st.integers(-5, 3000))


@settings(deadline=None, max_examples=150)
@given(
    offset=st.integers(-2, 320),
    count=st.integers(-1, 50),
    max_bytes=LIMITS,
    codes=st.one_of(st.none(), st.lists(st.integers(0, 6), max_size=3)),
    limits=st.tuples(*[st.integers(0, 3000), st.integers(0, 40)] * 2),
    memory=st.integers(0, 40_000),
    trusted=st.booleans(),
)
def test_a_pull_is_the_same_on_both_lanes(
    shared, offset, count, max_bytes, codes, limits, memory, trusted
):
    config = shared.config
    config.max_transfer_bytes_on_message_in_memory = limits[0]
    config.max_transfer_count_on_message_in_memory = limits[1]
    config.max_transfer_bytes_on_message_in_disk = limits[2]
    config.max_transfer_count_on_message_in_disk = limits[3]
    shared.memory_bytes = memory
    shared.log.opened_at = 0 if trusted else shared.log.end
    wanted = None if codes is None else TagFilter(codes)
    get, _ = lanes(shared)
    mine = get(offset, count, max_bytes, wanted)
    theirs = get(offset, count, max_bytes, wanted, in_python=True)
    mine.queue_offsets, theirs.queue_offsets = list(mine.queue_offsets), list(theirs.queue_offsets)
    assert mine == theirs


@pytest.fixture(scope="module")
def shared():
    return filled(600)


def test_a_usual_pull_is_plain_and_so_is_one_by_tags():
    store = filled(200)
    _, native = lanes(store)
    assert native(3, 32, 10_000, None).status == GetStatus.FOUND
    found = native(3, 32, 100_000, TagFilter([1, 4]))
    assert found.count == len(found.queue_offsets) > 3
    store.log.opened_at = store.log.end
    assert native(3, 10, 10_000, None).status == GetStatus.FOUND  # each record is looked at


def test_what_is_not_plain_is_the_pythons():
    store = filled(200)
    _, native = lanes(store)
    end = store.queues.find("T", 0).max_offset
    assert native(end, 32, 10_000, None) is None
    assert native(-1, 32, 10_000, None) is None
    assert native(0, 32, 10_000, TagFilter([77])) is None  # nothing is found
    assert native(0, 32, 10_000, Filter(lambda _: True)) is None
    store.log.opened_at = store.log.end
    odd = next(n for n in range(end) if native(n, 1, 10_000, None) is None)
    assert store.get_message("T", 0, odd, 1).count == 1  # an IPv6 host


@pytest.mark.parametrize("place", [0, 4, 12, 20, 28, 84, 88])
def test_a_damaged_record_is_found_by_both(place):
    store = filled(60)
    queue = store.queues.find("T", 0)
    at, size, _ = queue.unit(5)
    record = bytearray(store.log.read(at, size))
    record[place] ^= 0x41
    store.log.queue.write(record, at)
    store.log.opened_at = store.log.end
    get, native = lanes(store)
    assert native(3, 8, 10_000, None) is None
    assert get(3, 8, 10_000, None) == get(3, 8, 10_000, None, in_python=True)


@pytest.mark.parametrize("unit", [(1 << 62, 200, 0), (-5, 200, 0), (0, -1, 0), (0, 0x7FFFFFFF, 0)])
def test_a_damaged_unit_is_survived(unit):
    store = filled(60)
    queue = store.queues.find("T", 0)
    units = queue.tail.read(0, queue.end)
    queue.tail.restart(0)
    queue.tail.append(units[:60] + pack_unit(*unit) + units[80:])
    store.log.opened_at = store.log.end
    get, _ = lanes(store)
    mine = get(0, 8, 10_000, None)
    theirs = get(0, 8, 10_000, None, in_python=True)
    assert (mine.status, mine.body, mine.next_begin_offset) == (
        theirs.status,
        theirs.body,
        theirs.next_begin_offset,
    )


def test_the_pythons_short_way_is_its_long_one():
    store = filled(400)
    get, _ = lanes(store)
    everything = Filter(lambda _: True)
    for offset in range(0, 150, 3):
        for count in (1, 5, 32, 64):
            for max_bytes in (None, 300, 2000):
                short = get(offset, count, max_bytes, None, in_python=True)
                assert short == get(offset, count, max_bytes, everything, in_python=True)
