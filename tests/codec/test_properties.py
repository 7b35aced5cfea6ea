from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec.command import decode_command
from rmqwire.codec.properties import (
    decode_properties,
    encode_properties,
    find_in_each,
    find_property,
)
from rmqwire.codec.release import V4_9_7, V5_5_0, release_named
from rmqwire.errors import BadProperties
from tests.codec.record_strategies import properties
from tests.support import golden

PARSED = [
    entry for _, entry in golden.vectors("ids") if entry["name"] == "string2messageProperties"
]


@pytest.mark.parametrize("entry", PARSED, ids=lambda e: repr(e["input"]))
def test_it_reads_what_java_reads(entry):
    found = decode_properties(entry["input"].encode())
    assert "{" + ", ".join(f"{n}={v}" for n, v in found.items()) + "}" == entry["value"]


def test_it_writes_what_java_writes():
    value = {"KEYS": "a b", "TAGS": "t", "empty": "", "中": "值"}
    for release, entry in golden.vectors("ids"):
        if entry["name"].startswith("messageProperties2String"):
            ours = encode_properties(value, V5_5_0 if release == "5.5.0" else V4_9_7)
            assert ours.decode() == entry["value"]


@given(properties)
def test_either_release_reads_the_other(value):
    for release in (V4_9_7, V5_5_0):
        data = encode_properties(value, release)
        assert decode_properties(data) == value
        assert data.endswith(b"\x02") == (release is V5_5_0 and bool(value))


@given(
    st.lists(st.sampled_from([b"A", b"B", b"AB", b"\x01", b"\x02", b"x"]), max_size=14).map(
        b"".join
    )
)
def test_one_property_is_found_without_a_dict(data):
    for name in (b"A", b"B", b"AB"):
        wanted = decode_properties(data).get(name.decode())
        found = find_property(memoryview(data), name)
        assert (found.decode() if found is not None else None) == wanted
        inside = find_property(b"A\x01" + data + b"\x01B", name, 2, 2 + len(data))
        assert inside == found


@given(
    st.binary(max_size=60)
    | st.lists(st.sampled_from([b"\x01", b"\x02", b"a", b"b", b"\xff", "é".encode()])).map(b"".join)
)
def test_what_is_read_of_any_bytes_can_be_written_read_again_and_found(data):
    found = decode_properties(data)
    assert decode_properties(encode_properties(found)) == found
    for name, value in found.items():
        if "\ufffd" not in name + value:  # else the bytes were others
            assert find_property(data, name.encode()) == value.encode()
    assert find_property(data, b"no such name") is None


@pytest.mark.parametrize("bad", [{"": "v"}, {"a\x01": "v"}, {"a\x02": "v"}, {"a": "v\x02w"}])
def test_separators_in_names_and_values_are_refused(bad):
    with pytest.raises(BadProperties, match="property"):
        encode_properties({"good": "x", **bad})


def test_a_lone_surrogate_becomes_a_question_mark_as_in_java():
    assert encode_properties({"a": "\ud800"}) == b"a\x01?\x02"


def test_bytes_that_are_no_utf_8_are_replaced():
    assert decode_properties(b"a\x01\xff\x02") == {"a": "\ufffd"}


@pytest.mark.parametrize("release", golden.RELEASE_NAMES)
def test_every_recorded_send_s_properties_are_written_as_the_client_wrote_them(release):
    checked = 0
    for path in golden.frame_files("b_send*"):
        if release not in path.parts:
            continue
        for entry, frame in golden.frames(path):
            if entry["name"] != "SEND_MESSAGE_V2" or entry["kind"] == "response":
                continue
            sent = (decode_command(frame).ext_fields or {}).get("i") or ""
            value = decode_properties(sent)
            assert encode_properties(value, release_named(release)).decode() == sent
            assert find_property(sent.encode(), b"UNIQ_KEY") == value["UNIQ_KEY"].encode()
            checked += 1
    assert checked > 20


_ENTRIES = st.lists(
    st.sampled_from(
        ["TAGS\x01a", "TAGS\x01b", "TAGS\x01", "XTAGS\x01c", "A\x01TAGS\x01d", "A\x01b", "TAGS", ""]
    ),
    max_size=4,
)


@given(st.lists(_ENTRIES, min_size=1, max_size=3), st.integers(0, 12), st.booleans())
def test_one_property_of_many_strings_is_that_of_each(some, count, ends):
    kinds = [("\x02".join(entries) + "\x02" * ends).encode() for entries in some]
    texts = [kinds[number % len(kinds)] for number in range(count)]
    assert find_in_each(texts, b"TAGS") == [find_property(text, b"TAGS") for text in texts]
