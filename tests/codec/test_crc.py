from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec.crc import body_crc, crc_property, parse_crc_property
from tests.support import golden


def test_body_crcs_are_java_s():
    checked = 0
    for _, entry in golden.vectors("ids"):
        if entry["name"].startswith("UtilAll.crc32"):
            assert body_crc(entry["input"].encode()) == entry["value"]
            checked += 1
    assert checked == 8


@given(st.integers(0, 0x7FFFFFFF))
def test_the_crc_property_reads_back(value):
    data = crc_property(value)
    assert len(data) == 20
    assert parse_crc_property(data) == value


def test_the_digits_stand_least_significant_first():
    assert crc_property(1107142752) == b"__CRC32#\x012572417011\x02"
    assert crc_property(7) == b"__CRC32#\x017000000000\x02"


@pytest.mark.parametrize(
    "data", [b"", b"__CRC32#\x01123456789x\x02", b"__CRC32#\x010123456789\x03"]
)
def test_what_is_no_crc_property_is_none(data):
    assert parse_crc_property(data) is None
