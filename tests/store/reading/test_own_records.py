"""A pull is looked at as soon as one of its units leads below what this process wrote."""

from __future__ import annotations

import pytest

from rmqwire.codec.consume_queue import UNIT, pack_unit
from rmqwire.codec.record import iter_messages
from rmqwire.errors import CorruptLog
from rmqwire.filter.message_filter import Filter, TagFilter
from rmqwire.store.reading.pull import Bounds, plain_pull
from rmqwire.store.reading.pull_lane import PullLane
from tests.support.stores import make_store, message, put, small_config

SIZES = {"mapped_file_size_commit_log": 1 << 14, "mapped_file_size_consume_queue": 2_000}
OWN, OLD, COUNT = 0, 1, 8  # queues of this process's messages and of an earlier one's
DAMAGED = 3


@pytest.fixture
def store():
    """A store whose queue OWN is all of this process, but for a unit that leads to an old record."""
    config = small_config(**SIZES)
    before = make_store(config=config)
    before.open()
    put(before, *[message(queue_id=OLD, body=b"old") for _ in range(COUNT)])
    before.close()
    store = make_store(before.files, config=config)
    store.open()
    put(store, *[message(queue_id=OWN, body=b"own") for _ in range(COUNT)])
    queue = store.queues.find("T", OWN)
    units = queue.tail.read(0, queue.end)
    old = pack_unit(*store.queues.find("T", OLD).unit(DAMAGED))
    queue.tail.restart(0)
    queue.tail.append(units[: DAMAGED * UNIT] + old + units[(DAMAGED + 1) * UNIT :])
    assert store.physical_offset("T", OWN, 0) >= store.log.trusted_from
    assert store.physical_offset("T", OWN, DAMAGED) < store.log.trusted_from
    return store


@pytest.mark.parametrize(
    "wanted", [None, TagFilter([0]), Filter(None, lambda _: True)], ids=["all", "tags", "full test"]
)
def test_the_general_way_serves_what_is_before_it(store, wanted):
    store._pull_lane = None
    result = store.get_message("T", OWN, 0, COUNT, wanted=wanted)
    assert (result.count, result.next_begin_offset) == (DAMAGED, DAMAGED)
    assert [one.body for one in iter_messages(result.body)] == [b"own"] * DAMAGED
    with pytest.raises(CorruptLog, match="not message 3 of T 0"):
        store.get_message("T", OWN, DAMAGED, COUNT, wanted=wanted)


def test_it_is_no_plain_pull(store):
    log, queue = store.log, store.queues.find("T", OWN)
    bounds = Bounds(0, log.trusted_from, 1 << 20, 32)
    assert plain_pull(log, queue, 0, COUNT, bounds) is None
    assert plain_pull(log, queue, 0, DAMAGED, bounds) is not None


@pytest.mark.parametrize("wanted", [None, TagFilter([0])], ids=["all", "tags"])
def test_the_native_lane_leaves_it_to_the_general_way(store, wanted):
    lane, queue = PullLane(store.config, store.log), store.queues.find("T", OWN)
    assert lane.get(queue, 0, COUNT, 1 << 20, wanted, store.memory_bytes) is None
    assert lane.get(queue, 0, DAMAGED, 1 << 20, wanted, store.memory_bytes).count == DAMAGED
