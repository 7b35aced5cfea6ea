"""The native heads of records beside the Python's, which are the reference."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.codec import native
from rmqwire.codec.message import StoredMessage
from rmqwire.codec.record import encode_message
from rmqwire.codec.record_head import heads_in_python, heads_reader
from rmqwire.errors import BadRecord
from tests.codec.record_strategies import damaged, messages


@pytest.fixture(scope="module")
def read():
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(native.SWITCH, native.NATIVE)
        reader = heads_reader()
    assert reader is not heads_in_python
    return reader


def answer(reader, data):
    try:
        return reader(data, "a", 3, 9)
    except BadRecord as error:
        return error.args


@settings(max_examples=200, deadline=None)
@given(st.lists(messages(), max_size=4))
def test_records_have_the_same_heads(read, found):
    body = b"".join(map(encode_message, found))
    heads = read(body, "a", 3, 9)
    assert heads == heads_in_python(body, "a", 3, 9)
    assert len(heads[0]) == len(found)


@settings(max_examples=400, deadline=None)
@given(st.lists(messages(), min_size=1, max_size=2), st.data())
def test_damaged_records_have_the_same_heads_or_the_same_error(read, found, data):
    body = data.draw(damaged(b"".join(map(encode_message, found))))
    assert answer(read, body) == answer(heads_in_python, body)


def test_a_topic_that_is_no_text_is_read_alike(read):
    body = encode_message(StoredMessage("topic", b"x")).replace(b"topic", b"to\xff\xe2\x82")
    assert read(body, "a", 3, 9) == heads_in_python(body, "a", 3, 9)
    assert read(body, "a", 3, 9)[0][0][0] == "to\ufffd\ufffd"
