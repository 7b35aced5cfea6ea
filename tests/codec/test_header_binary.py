from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec import header_binary
from rmqwire.codec.header_binary import (
    LEARN_EVERY,
    SHAPE_BYTES,
    SHAPES,
    decode_binary_header,
    encode_binary_header,
)
from rmqwire.errors import BadHeader, UsageError
from tests.support.golden import vectors


def header(remark=b"", entries=b"", *, remark_length=None, ext_length=None) -> bytes:
    return b"".join(
        (
            struct.pack(">hBhii", 105, 3, 513, 7, 0),
            struct.pack(">i", len(remark) if remark_length is None else remark_length),
            remark,
            struct.pack(">i", len(entries) if ext_length is None else ext_length),
            entries,
        )
    )


def entry(name: bytes, value: bytes) -> bytes:
    return struct.pack(">h", len(name)) + name + struct.pack(">i", len(value)) + value


def test_reads_every_field():
    data = header("é".encode(), entry(b"a", b"1") + entry(b"b", b""))
    assert decode_binary_header(data) == (105, 3, 513, 7, 0, "é", {"a": "1", "b": ""})


def test_nothing_is_none():
    assert decode_binary_header(header()) == (105, 3, 513, 7, 0, None, None)
    assert encode_binary_header((105, 3, 513, 7, 0, "", {})) == header()


def test_unknown_languages_keep_their_byte():
    known = [entry for _, entry in vectors("header_decode_leniency") if "header_json" not in entry]
    assert {entry["rocketmq_language_byte"] for entry in known} == {3, 9, 12, 13, 14, 99}
    data = header()[:2] + b"\x63" + header()[3:]
    assert decode_binary_header(data)[1] == 99
    assert encode_binary_header(decode_binary_header(data)) == data
    assert encode_binary_header((105, None, 513, 7, 0, None, None))[2] == 7  # OTHER


def test_codes_lose_all_but_16_bits_as_in_java():
    data = encode_binary_header((200050, 0, 513, -1, 0, None, None))
    assert data[:2] == bytes.fromhex("0D72")
    assert decode_binary_header(data)[0] == 3442


HOSTILE = {
    "empty": b"",
    "20 bytes": header()[:20],
    "remark of -1": header(remark_length=-1),
    "remark of INT_MIN": header(remark_length=-(2**31)),
    "remark over the end": header(remark_length=1000),
    "remark of INT_MAX": header(remark_length=2**31 - 1),
    "remark is not UTF-8": header(b"\xff"),
    "ext fields of -1": header(ext_length=-1),
    "ext fields over the end": header(ext_length=5),
    "bytes left over": header() + b"x",
    "ext fields too short": header(entries=entry(b"a", b"1"), ext_length=7),
    "one odd byte": header(entries=entry(b"a", b"1") + b"\x00"),
    "name over the end": header(entries=b"\x7f\xff" + b"a" * 10),
    "negative name": header(entries=b"\xff\xff" + b"a" * 10),
    "value over the end": header(entries=b"\x00\x01a\x00\x00\x00\x09b"),
    "value of -1": header(entries=b"\x00\x01a\xff\xff\xff\xff"),
    "value of INT_MIN": header(entries=b"\x00\x01a\x80\x00\x00\x00"),
    "value length cut": header(entries=b"\x00\x01a\x00\x00"),
    "name is not UTF-8": header(entries=entry(b"\xff", b"1")),
    "value is not UTF-8": header(entries=entry(b"a", b"\xc3")),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_headers_are_bad_headers(data):
    with pytest.raises(BadHeader):
        decode_binary_header(data)


@pytest.mark.parametrize("values", [(1, 0, 1, 2**31, 0), (1, 0, 1, 0, -(2**31) - 1)])
def test_numbers_of_ours_that_do_not_fit(values):
    with pytest.raises(UsageError):
        encode_binary_header((*values, None, None))


def test_a_field_name_of_ours_that_does_not_fit():
    with pytest.raises(UsageError):
        encode_binary_header((1, 0, 1, 0, 0, None, {"n" * 32768: "x"}))


INT16, INT32 = st.integers(-(2**15), 2**15 - 1), st.integers(-(2**31), 2**31 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
HEADERS = st.tuples(
    INT16,
    st.integers(0, 255),
    INT16,
    INT32,
    INT32,
    st.none() | TEXT.filter(bool),
    st.none() | st.dictionaries(TEXT, TEXT, min_size=1),
)


@given(HEADERS)
def test_values_come_back(values):
    assert decode_binary_header(encode_binary_header(values)) == values


@given(st.binary(max_size=200))
def test_any_bytes_give_values_or_a_bad_header(data):
    try:
        values = decode_binary_header(data)
    except BadHeader:
        return
    assert len(values) == 7


@given(HEADERS, st.data())
def test_a_cut_header_is_a_bad_header(values, data):
    whole = encode_binary_header(values)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(BadHeader):
        decode_binary_header(whole[:cut])


# ---- headers whose lengths and names are those of headers before

SENDS = {"a": "group", "b": "topic", "e": "3", "i": "KEYS\x01k\x02TAGS\x01t\x02", "m": "false"}


def written(fields):
    return encode_binary_header((310, 0, 513, 7, 0, None, fields))


def know(fields):
    """Read headers of these names and lengths until they are known."""
    for _ in range(LEARN_EVERY):
        decode_binary_header(written(fields))


def test_a_known_shape_gives_each_header_its_own_values():
    know(SENDS)
    for queue in "0123":
        fields = SENDS | {"e": queue, "b": f"top{queue}c"}
        assert decode_binary_header(written(fields))[6] == fields


def test_another_shape_of_the_same_length_is_read_as_it_is():
    know(SENDS)
    longer = SENDS | {"a": "groups", "b": "topi"}
    renamed = {name if name != "e" else "z": value for name, value in SENDS.items()}
    for fields in (longer, renamed, SENDS):
        assert list(decode_binary_header(written(fields))[6].items()) == list(fields.items())


def test_a_known_shape_with_bytes_that_are_no_text_is_a_bad_written():
    know(SENDS)
    with pytest.raises(BadHeader, match="not UTF-8"):
        decode_binary_header(written(SENDS).replace(b"topic", b"t\xffpic"))


def test_a_name_that_comes_twice_has_its_last_value_in_a_known_shape_too():
    twice = written({"x": "1", "y": "2"}).replace(b"\0\1y", b"\0\1x")
    assert {decode_binary_header(twice)[6]["x"] for _ in range(3 * LEARN_EVERY)} == {"2"}


@given(st.dictionaries(st.text(max_size=4), st.text(max_size=9), min_size=1, max_size=8), st.data())
def test_what_is_read_does_not_depend_on_what_was_read_before(fields, data):
    know(fields)
    good = written(fields)
    at = data.draw(st.integers(17, len(good) - 1))
    changed = good[:at] + data.draw(st.binary(min_size=1, max_size=1)) + good[at + 1 :]
    outcomes = []
    for known in (True, False):
        if not known:
            header_binary._shapes._known.clear()
        try:
            outcomes.append((decode_binary_header(good), decode_binary_header(changed)))
        except BadHeader as error:
            outcomes.append(str(error))
    assert outcomes[0] == outcomes[1]


def test_the_shapes_kept_are_bounded():
    for length in range(2 * SHAPES):
        for _ in range(LEARN_EVERY):
            decode_binary_header(written({"x": "y" * length}))
    assert len(header_binary._shapes._known) == SHAPES
    know({"x": "y" * SHAPE_BYTES})
    assert max(header_binary._shapes._known) <= SHAPE_BYTES
