"""The native lane's slots beside the Python's, which are the reference."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.store.index.index_keys import KeyHasher
from rmqwire.store.index.slots import (
    PAGE_SLOTS,
    KeyColumns,
    KeyRows,
    PythonSlots,
    changed_runs,
    slots_lane,
)
from tests.store.index.test_index_keys import log_of, message
from tests.store.index.test_slots import SLOTS, append, made


@pytest.fixture(scope="module")
def native():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RMQWIRE_LANE", "native")
        found = slots_lane()
    assert found is not PythonSlots
    return found


key = st.tuples(
    st.integers(0, 0x7FFFFFFF) | st.integers(0, 40),
    st.integers(0, 1 << 62),
    st.integers(0, 1 << 43),
)


@settings(max_examples=100)
@given(
    st.lists(st.lists(key, max_size=20), max_size=6),
    st.integers(0, 1 << 43),
    st.dictionaries(st.integers(0, 3), st.binary(max_size=20)),
    st.booleans(),
)
def test_both_lanes_append_the_same(native, runs, begin, known, empty):
    python, ours = made(empty=empty), made(native, empty=empty)
    number = 1
    for keys in runs:
        for page, data in known.items():
            for slots in (python, ours):
                slots.load(page, data[: len(data) // 4 * 4])
        done = append(python, keys, number, begin)
        assert append(ours, keys, number, begin) == done
        number += len(done[0]) // 20
    assert list(changed_runs(python)) == list(changed_runs(ours))
    some = range(0, SLOTS, PAGE_SLOTS // 3)
    assert [python.get(slot) for slot in some] == [ours.get(slot) for slot in some]


def test_a_run_has_its_limit(native):
    ours = native(300 * PAGE_SLOTS, True)
    append(ours, [(page * PAGE_SLOTS, 0, 0) for page in range(300)])
    assert [len(data) // (4 * PAGE_SLOTS) for _, data in changed_runs(ours)] == [256, 44]
    ours.written()
    assert list(changed_runs(ours)) == []


def test_keys_of_a_walk_are_a_sequence_and_appended_as_others(native, monkeypatch):
    monkeypatch.setenv("RMQWIRE_LANE", "native")
    data = log_of(message(properties=b"UNIQ_KEY\x01U\x02KEYS\x01a b\x02"))
    walked = KeyHasher(tags=True).walk(data, 0, 1000, 9)[0]
    keys = list(walked)
    assert (len(walked), walked[2]) == (3, keys[2])
    one, other = made(native), made(native)
    assert one.append(walked, 1, 3, 7, 0) == other.append(keys, 1, 3, 7, 0)
    for stop in (0, 4):
        with pytest.raises(IndexError):
            one.append(walked, 1, stop, 1, 0)


hashes = st.lists(st.integers(0, 0x7FFFFFFF) | st.integers(0, 40), min_size=1, max_size=6)


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.lists(hashes, min_size=1, max_size=3), st.integers(1, 6)), max_size=4),
    st.lists(st.integers(0, 1 << 43), min_size=1, max_size=3),
    st.booleans(),
    st.data(),
)
def test_rows_of_keys_are_appended_as_the_keys_alone(native, some, times, empty, data):
    keys = KeyColumns()
    for lists, count in some:
        columns = [one * count if len(one) < count else one for one in lists]
        rows = [one[:count] if data.draw(st.booleans()) else one[:1] for one in columns]
        keys.rows.append(
            KeyRows(rows, [*range(5, 5 + count)], [times[n % len(times)] for n in range(count)])
        )
    first = data.draw(st.integers(0, len(keys)))
    stop = data.draw(st.integers(first, len(keys)))
    python, alone, ours = made(empty=empty), made(empty=empty), made(native, empty=empty)
    for slots in (python, alone, ours):
        slots.load(0, b"\0\0\0\7" * PAGE_SLOTS)
    done = python.append(keys, first, stop, 9, 4000)
    assert alone.append([*keys], first, stop, 9, 4000) == done
    assert ours.append([*keys], first, stop, 9, 4000) == done
    assert [*changed_runs(python)] == [*changed_runs(alone)] == [*changed_runs(ours)]
