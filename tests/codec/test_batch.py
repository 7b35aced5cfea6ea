from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec.batch import (
    BatchEntry,
    columns_of,
    decode_batch,
    encode_batch,
    encode_entry,
    split_batch,
)
from rmqwire.codec.command import decode_command
from rmqwire.codec.message import Message
from rmqwire.codec.properties import decode_properties
from rmqwire.codec.release import release_named
from rmqwire.errors import BadBody
from tests.support import golden


@pytest.mark.parametrize(("release", "entry"), golden.vectors("send_batch_body"))
def test_java_s_batch_is_read_and_written(release, entry):
    body = bytes.fromhex(entry["body_hex"])
    found = decode_batch(memoryview(body))
    assert b"".join(encode_entry(*one) for one in found) == body
    messages = []
    for one, java in zip(found, entry["messages"], strict=True):
        assert one.body.decode() == java["body"]
        assert one.flag == java["flag"]
        assert decode_properties(one.properties) == java["properties"]
        message = Message("T", one.body, flag=one.flag)
        message.properties = decode_properties(one.properties)
        messages.append(message)
    assert encode_batch(messages, release_named(release)) == body


def test_every_recorded_batch_is_understood():
    count = 0
    for path in golden.frame_files("b_send_batch"):
        for entry, frame in golden.frames(path):
            if entry["name"] == "SEND_BATCH_MESSAGE" and entry["kind"] == "request":
                body = bytes(decode_command(frame).body)
                found = decode_batch(body)
                assert b"".join(encode_entry(*one) for one in found) == body
                count += len(found)
    assert count


def test_the_first_three_fields_are_ignored_as_java_s_broker_does():
    entry = encode_entry(1, b"b", b"")
    assert decode_batch(b"\xff" * 12 + entry[12:]) == [BatchEntry(1, b"b", b"")]


@pytest.mark.parametrize(
    "make",
    [
        lambda: encode_entry(1 << 31, b"", b""),
        lambda: encode_entry(0, b"", bytes(32768)),
        lambda: decode_batch(encode_entry(0, b"body", b"p")[:-1]),
        lambda: decode_batch(bytes(16) + b"\xff\xff\xff\xff" + bytes(8)),
        lambda: decode_batch(bytes(20) + b"\xff\xff"),
        lambda: decode_batch(b"\0"),
    ],
)
def test_what_is_no_batch_is_refused(make):
    with pytest.raises(BadBody):
        make()


def test_an_empty_body_has_no_messages():
    assert decode_batch(b"") == []


_FLAGS = st.integers(-(1 << 31), (1 << 31) - 1)


@given(
    st.tuples(st.integers(0, 9), st.integers(0, 9)).flatmap(
        lambda sizes: st.lists(
            st.tuples(_FLAGS, *[st.binary(min_size=size, max_size=size) for size in sizes]),
            min_size=1,
        )
    ),
    st.lists(st.tuples(_FLAGS, st.binary(max_size=40), st.binary(max_size=40)), max_size=3),
)
def test_entries_of_one_length_are_split_as_others_are(alike, others):
    for rows in (alike, alike + others, others + alike):
        body = b"".join(encode_entry(*row) for row in rows)
        found = split_batch(memoryview(body))
        assert [*zip(*found[:3], strict=True)] == rows
        assert found.lengths in {None, columns_of(*zip(*rows, strict=True)).lengths}


@given(st.binary(max_size=90), st.integers(1, 4))
def test_what_looks_like_entries_of_one_length_may_be_none(one, count):
    for body in (one * count, encode_entry(1, b"ab", b"c") * count + one):
        try:
            found = decode_batch(body)
        except BadBody:
            continue
        assert [entry[12:] for entry in _entries(found)] == [entry[12:] for entry in _cut(body)]


def _entries(found):
    return [encode_entry(*one) for one in found]


def _cut(body):
    """Cut a body into its entries by their lengths."""
    while body:
        size = 22 + int.from_bytes(body[16:20], "big")
        size += int.from_bytes(body[size - 2 : size], "big")
        yield body[:size]
        body = body[size:]
