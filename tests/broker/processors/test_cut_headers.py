"""Headers that are known by all but the fields that differ."""

from __future__ import annotations

import pytest

from rmqwire.broker.processors.cut_headers import CutHeaders
from rmqwire.broker.processors.known_headers import LEARN_EVERY
from rmqwire.codec.command import RemotingCommand, encode_command

VARYING = ("offset", "extraInfo", "mark")


def read(headers, serialize_type, opaque, fields):
    """Return what is read of the header of a request with these fields."""
    command = RemotingCommand(code=200, opaque=opaque, ext_fields=fields)
    command.serialize_type = serialize_type
    frame = encode_command(command)
    word = int.from_bytes(frame[4:8], "big")
    return headers.read(frame, 8, 8 + (word & 0xFFFFFF), word)


def fields(number, **more):
    return {"extraInfo": f"{number:03} a", "topic": "T", "offset": f"{number:04}", **more}


@pytest.fixture
def headers():
    return CutHeaders(VARYING, lambda values, is_binary: (values[6]["topic"], is_binary))


def known(headers, serialize_type, **more):
    for number in range(LEARN_EVERY):
        read(headers, serialize_type, number, fields(number, **more))


@pytest.mark.parametrize("serialize_type", [0, 1])
@pytest.mark.parametrize("more", [{}, {"mark": "x"}], ids=["two of three", "all"])
def test_what_differs_is_read_where_the_rest_is_known(headers, serialize_type, more, monkeypatch):
    known(headers, serialize_type, **more)
    monkeypatch.setattr(headers, "_read_slowly", None)
    kind, opaque, values = read(headers, serialize_type, 9, fields(77, **more))
    assert kind == ("T", bool(serialize_type))
    assert opaque == 9
    assert values == (b"0077", b"077 a", *[value.encode() for value in more.values()])


@pytest.mark.parametrize("serialize_type", [0, 1])
def test_another_header_of_the_same_length_is_not_taken_for_a_known_one(headers, serialize_type):
    known(headers, serialize_type)
    found = read(headers, serialize_type, 9, fields(77, topic="U"))
    assert found == (("U", bool(serialize_type)), 9, (b"0077", b"077 a"))


def test_a_text_with_escapes_is_read_as_any_other(headers):
    known(headers, 0)
    odd = {"extraInfo": '"\\ a', "topic": "T", "offset": "0"}
    assert read(headers, 0, 9, odd) == (("T", False), 9, (b"0", b'"\\ a'))


@pytest.mark.parametrize("serialize_type", [0, 1])
def test_a_header_with_none_of_the_fields_is_never_known(headers, serialize_type):
    for number in range(2 * LEARN_EVERY):
        found = read(headers, serialize_type, number, {"topic": "T"})
        assert found == (("T", bool(serialize_type)), number, ())
