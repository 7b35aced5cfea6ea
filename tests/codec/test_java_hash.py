from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec.java_hash import (
    continue_hash,
    index_key_hash,
    positive_hash,
    string_hash,
    tags_code,
)
from tests.support import golden

ENTRIES = {
    entry["name"] + entry["input"]: entry for _, entry in golden.vectors("ids") if "input" in entry
}


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_hashes_are_java_s(entry):
    if entry["name"].startswith("String.hashCode"):
        assert string_hash(entry["input"]) == entry["value"]
        assert tags_code(entry["input"]) == entry["tagsString2tagsCode"]
    elif entry["name"].startswith("IndexFile"):
        assert index_key_hash(entry["input"]) == entry["value"]


def test_no_tags_are_zero():
    assert tags_code(None) == 0


def test_the_smallest_int_has_the_index_hash_zero():
    text = "polygenelubricants"  # its hash code is Integer.MIN_VALUE
    assert string_hash(text) == -(1 << 31)
    assert index_key_hash(text) == 0
    assert index_key_hash("order-created") == 392709271


@given(st.lists(st.text(max_size=300), max_size=3))
def test_a_hash_goes_on_over_more_text(parts):
    value = 0
    for part in parts:
        value = continue_hash(value, part.encode())
    assert value == string_hash("".join(parts)) & 0xFFFFFFFF
    assert positive_hash(value) == index_key_hash("".join(parts))


@pytest.mark.parametrize("length", [255, 256, 257, 600])
def test_long_texts_are_hashed_in_chunks(length):
    text = "ab%" * length
    assert continue_hash(0, text[:length].encode()) == string_hash(text[:length]) & 0xFFFFFFFF


def test_positive_hashes_at_the_borders():
    assert positive_hash(0x7FFFFFFF) == 0x7FFFFFFF
    assert positive_hash(0x80000000) == 0
    assert positive_hash(0xFFFFFFFF) == 1


def test_what_is_no_utf_8_counts_as_u_fffd():
    assert continue_hash(0, b"a\xff") == string_hash("a\ufffd") & 0xFFFFFFFF
