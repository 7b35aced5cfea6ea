from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.errors import UsageError
from rmqwire.filter.bloom import BloomFilter, mask
from tests.filter import recordings
from tests.support.golden import RELEASE_NAMES


@pytest.mark.parametrize("version", RELEASE_NAMES)
def test_sizes_and_bits_are_javas(version):
    for recorded in recordings.drawn(version)["bits"]:
        bloom = BloomFilter(recorded["f"], recorded["n"])
        assert bloom.bits == recorded["m"]
        assert bloom.positions(recorded["name"]) == recorded["bits"]
        assert bloom.hashes == len(recorded["bits"])


@given(st.lists(st.integers(0, 111), min_size=1))
def test_a_mask_has_the_bits_of_javas_bytes(positions):
    data = bytearray(14)
    for position in positions:
        data[position // 8] |= 1 << position % 8
    assert mask(positions).to_bytes(14, "little") == data


@pytest.mark.parametrize(("error_rate", "expected"), [(0, 32), (100, 32), (20, 0)])
def test_sizes_that_java_refuses_are_refused(error_rate, expected):
    with pytest.raises(UsageError):
        BloomFilter(error_rate, expected)
