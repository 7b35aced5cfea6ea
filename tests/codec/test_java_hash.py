from __future__ import annotations

import pytest

from rmqwire.codec.java_hash import index_key_hash, string_hash, tags_code
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
