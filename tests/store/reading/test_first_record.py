"""The first record behind any byte of the log."""

from __future__ import annotations

import pytest

from rmqwire.store.reading.first_record import first_store_timestamp
from tests.support.stores import Clock, make_store, message, put


@pytest.fixture
def stored():
    """Return a log of several files and (offset, store time) of its records."""
    clock = Clock()
    store = make_store(clock=clock)
    store.open()
    places = []
    for number in range(40):
        clock.now_ms += 7
        # A body with the magic in it must not be taken for a record.
        body = b"\xda\xa3\x20\xa7" * 10 + b"%d" % number
        places.append((put(store, message(body=body))[0].physical_offset, clock.now_ms))
    return store, places


def test_every_offset_leads_to_the_next_record(stored):
    store, places = stored
    for offset in range(0, store.log.end, 37):
        expected = next((time for at, time in places if at >= offset), -1)
        assert first_store_timestamp(store.log, offset) == expected, offset
    assert len(store.log.queue.segments) > 1


def test_behind_the_end_is_nothing(stored):
    store, _ = stored
    assert first_store_timestamp(store.log, store.log.end) == -1
    assert first_store_timestamp(store.log, store.log.end + 10**9) == -1
