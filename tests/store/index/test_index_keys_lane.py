"""The native walk over records' keys beside the Python's, which is the reference."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.mutate import mutate
from rmqwire.codec.record import read_position
from rmqwire.errors import BadRecord
from rmqwire.store.index.index_keys import KeyHasher
from tests.store.index.test_index_keys import log_of, message
from tests.support.golden import commit_log_files, store_archives

LOGS = [data for archive in store_archives() for _, data in commit_log_files(archive)]


def all_keys(walk: str, data: bytes, *, tags: bool) -> tuple[list[tuple[int, int, int]], int]:
    """Return all keys of a log as the index gets them, and where it ends or is damaged."""
    hasher = KeyHasher(tags=tags)
    hasher.walk = hasher.walk_in_python if walk == "python" else hasher.walk
    keys, pos = [], 0
    while True:
        some, pos, count = hasher.walk(data, pos, 5_000, 7)
        keys += some
        if count:
            continue
        try:
            found = read_position(data, pos)
        except BadRecord:
            return keys, pos
        if found.is_blank:
            return keys, pos
        keys += [(h, 5_000 + pos, found.store_timestamp) for h in hasher.hashes(found)]
        pos += found.total_size


@pytest.fixture(autouse=True)
def _native(monkeypatch):
    monkeypatch.setenv("RMQWIRE_LANE", "native")
    hasher = KeyHasher(tags=True)
    assert hasher.walk != hasher.walk_in_python


@pytest.mark.parametrize("tags", [True, False])
def test_recorded_logs_have_the_same_keys(tags):
    assert len(LOGS) > 10
    found = 0
    for log in LOGS:
        data = log[:200_000]
        keys = all_keys("python", data, tags=tags)
        assert all_keys("native", data, tags=tags) == keys
        found += len(keys[0])
    assert found > 1000


def test_damaged_logs_have_the_same_keys():
    rng = Random(5)
    pool = [log_of(*[message() for _ in range(4)])] + [log[:1500] for log in LOGS]
    for _ in range(1500):
        data = mutate(rng, pool)
        assert all_keys("native", data, tags=True) == all_keys("python", data, tags=True)


_TEXT = st.text(st.characters(codec="utf-8", categories=["L", "N", "Z"]), max_size=9)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["KEYS", "TAGS", "UNIQ_KEY", "A", "XKEYS", ""]),
            st.one_of(_TEXT, st.sampled_from(["a b  c", "\x01", "\x01KEYS\x01z", ""])),
        ),
        max_size=6,
    )
)
@settings(max_examples=300)
def test_any_properties_have_the_same_keys(entries):
    text = "\x02".join(f"{name}\x01{value}" for name, value in entries)
    data = log_of(message(properties=text.encode()))
    assert all_keys("native", data, tags=True) == all_keys("python", data, tags=True)
