"""The native twin of ``append_keys`` beside the Python's, which is the reference."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.store.index.slots import append_keys, append_keys_lane
from tests.store.index.test_slots import append, made


@pytest.fixture(scope="module")
def native():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RMQWIRE_LANE", "native")
        found = append_keys_lane()
    assert found is not append_keys
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
    st.sets(st.integers(0, 3)),
    st.booleans(),
)
def test_both_lanes_append_the_same(native, runs, begin, known, empty):
    pair = made(empty=empty), made(empty=empty)
    number = 1
    for keys in runs:
        for page in known:
            for slots in pair:
                slots.load(page)
        python = append(pair[0], keys, number, begin)
        assert append(pair[1], keys, number, begin, native) == python
        number += len(python[0]) // 20
    assert bytes(pair[0].values) == bytes(pair[1].values)
    assert pair[0].changed == pair[1].changed


def test_a_buffer_that_cannot_be_written_to_is_refused(native):
    slots = made()
    with pytest.raises(RuntimeError, match="read-only"):
        native([], slots.values.toreadonly(), slots.known, slots.changed, 1, 0)
