"""Search by store time against the plain reading of the rule."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.codec.release import DEFAULT_RELEASE, V4_9_7
from rmqwire.store.reading.time_search import LOWER, UPPER
from tests.support.stores import START_MS, Clock, make_store, message, put, small_config


def store_at(times, release=DEFAULT_RELEASE, **changes):
    clock = Clock()
    config = small_config(mapped_file_size_commit_log=1 << 16, **changes)
    store = make_store(clock=clock, config=config, release=release)
    store.open()
    for at in times:
        clock.now_ms = START_MS + at
        put(store, message())
    return store


@pytest.mark.parametrize(
    ("at", "lower", "upper"),
    [(-5, 0, 0), (0, 0, 2), (5, 3, 2), (10, 3, 4), (15, 5, 4), (20, 5, 5), (21, 6, 5)],
)
def test_between_and_beyond(at, lower, upper):
    """Three at 0, two at 10, one at 20."""
    store = store_at([0, 0, 0, 10, 10, 20])
    assert store.offset_by_time("T", 0, START_MS + at) == lower
    assert store.offset_by_time("T", 0, START_MS + at, UPPER) == upper


def test_unknown_and_empty_queues_say_0():
    store = store_at([])
    assert store.offset_by_time("T", 0, START_MS) == 0
    store.puts.put(message(), lambda result: result)
    assert store.offset_by_time("T", 0, START_MS) == 0


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.integers(0, 3), min_size=1, max_size=45),
    at=st.integers(-2, 100),
)
def test_any_times_over_several_files(steps, at):
    times = [sum(steps[: n + 1]) for n in range(len(steps))]
    store = store_at(times)
    lower = next((n for n, time in enumerate(times) if time >= at), len(times))
    upper = max((n for n, time in enumerate(times) if time <= at), default=0)
    assert store.offset_by_time("T", 0, START_MS + at, LOWER) == lower
    assert store.offset_by_time("T", 0, START_MS + at, UPPER) == upper


def test_the_first_file_is_named_from_its_start():
    """Java's answer before all messages is the file's first offset, even below the minimum."""
    store = store_at(range(0, 250, 10))
    queue = store.queues.find("T", 0)
    queue.min = 3 * 20
    assert store.offset_by_time("T", 0, START_MS) == 0
    assert store.offset_by_time("T", 0, START_MS + 30) == 3


@pytest.mark.parametrize(
    ("at", "found"), [(-5, [0]), (0, [2]), (4, [2]), (5, [2]), (6, [3]), (10, [3, 4]), (99, [5])]
)
def test_4_9_finds_the_nearest(at, found):
    """Three at 0, two at 10, one at 20. In the middle of two the earlier wins."""
    store = store_at([0, 0, 0, 10, 10, 20], release=V4_9_7)
    assert store.offset_by_time("T", 0, START_MS + at) in found


@settings(max_examples=60)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=40), st.integers(-3, 40))
def test_4_9_finds_no_message_farther_than_another_in_one_file(steps, at):
    times = sorted(steps)
    store = store_at(times, release=V4_9_7, mapped_file_size_consume_queue=2000)
    found = store.offset_by_time("T", 0, START_MS + at)
    assert abs(times[found] - at) == min(abs(time - at) for time in times)
