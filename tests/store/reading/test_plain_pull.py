"""Plain pulls beside ``get_message``: the same records, or none where it takes more to tell."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.codec.record import MIN_RECORD_SIZE
from rmqwire.store.reading.pull import MAX_PULL_MSG_SIZE, Bounds, Pull, get_message, plain_pull
from rmqwire.store.results import GetStatus
from tests.support.stores import ROOT, make_store, message, put, small_config

SIZES = {"mapped_file_size_commit_log": 1 << 14, "mapped_file_size_consume_queue": 2_000}
HIGHEST = 1 << 60


def filled(count, **changes):
    store = make_store(config=small_config(**(SIZES | changes)))
    store.open()
    for at in range(0, count, 7):
        put(
            store,
            *[
                message(
                    queue_id=n * n % 3 % 2,
                    body=bytes([n % 256]) * (n * 37 % 300),
                    properties=b"TAGS\x01TagA\x02" if n % 3 else b"",
                )
                for n in range(at, min(at + 7, count))
            ],
        )
    return store


STORE = filled(600)


def general(store, queue, offset, most, max_bytes):
    pull = Pull(store.config, store.log, queue, most, max_bytes, None, store.memory_bytes)
    return get_message(queue, offset, store.config, pull)


def bounds_of(store, **changes):
    config = store.config
    most = (
        config.max_transfer_bytes_on_message_in_memory,
        config.max_transfer_count_on_message_in_memory,
    )
    bounds = Bounds(max(store.log.min_offset, store.memory_from), 0, *most)
    return msgspec.structs.replace(bounds, **changes)


@settings(deadline=None, max_examples=150)
@given(
    queue_id=st.integers(0, 1),
    offset=st.integers(0, 140),
    most=st.integers(-3, 50),
    trusted_from=st.sampled_from([0, HIGHEST]),
)
def test_records_are_those_of_the_general_way(queue_id, offset, most, trusted_from):
    queue = STORE.queues.find("T", queue_id)
    bounds = bounds_of(STORE, trusted_from=trusted_from)
    found = plain_pull(STORE.log, queue, offset, most, bounds)
    result = general(STORE, queue, offset, most, MAX_PULL_MSG_SIZE)
    assert result.status == GetStatus.FOUND
    assert found == (result.body, result.count)
    assert result.next_begin_offset == offset + result.count


def test_what_has_other_limits_is_not_plain():
    queue = STORE.queues.find("T", 0)
    for changes in ({"most_bytes": MIN_RECORD_SIZE}, {"memory_from": HIGHEST}):
        assert plain_pull(STORE.log, queue, 0, 8, bounds_of(STORE, **changes)) is None


@pytest.mark.parametrize("crc", [False, True])
def test_no_damage_is_served_that_the_general_way_finds(crc):
    store = filled(80, enabled_append_prop_crc=crc)
    queue, bounds, rng = (
        store.queues.find("T", 0),
        bounds_of(store, trusted_from=HIGHEST),
        random.Random(1),
    )
    places = [queue.unit(offset) for offset in range(24)]
    for _ in range(1500):
        place, size, _ = rng.choice(places)
        data = store.files.data[f"{ROOT}/commitlog/{place - place % (1 << 14):020d}"]
        position, before = place % (1 << 14) + rng.randrange(size), bytes(data)
        data[position] ^= 1 << rng.randrange(8)
        store.log.window.forget()
        found = plain_pull(store.log, queue, 0, 24, bounds)
        if found is not None:
            store.log.opened_at = HIGHEST  # nothing is this process's own
            assert found == (general(store, queue, 0, 24, MAX_PULL_MSG_SIZE).body, 24)
        data[:] = before
    store.log.window.forget()
    assert (plain_pull(store.log, queue, 0, 24, bounds) is None) == crc


@pytest.mark.parametrize("wrong", [{"queue_id": 7}, {"topic": "U"}, {"topic": "TT"}])
def test_records_of_another_queue_are_not_served(wrong):
    store = filled(30)
    queue = store.queues.find("T", 0)
    for name, value in wrong.items():
        setattr(queue, name, value)
    assert plain_pull(store.log, queue, 0, 8, bounds_of(store)) is not None
    assert plain_pull(store.log, queue, 0, 8, bounds_of(store, trusted_from=HIGHEST)) is None
