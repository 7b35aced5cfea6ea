from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec import RemotingCommand, decode_command, decode_frame, encode_command
from rmqwire.codec.codes import ONEWAY_FLAG, RESPONSE_FLAG, RequestCode
from rmqwire.codec.command import FRAME_MAX_LENGTH, HEADER_MAX_LENGTH, next_opaque
from rmqwire.codec.headers import GetRouteInfoRequestHeader, SendMessageRequestHeaderV2
from rmqwire.errors import BadHeader, FrameTooLarge, ProtocolError


def frame(header: bytes, body: bytes = b"", *, serialize_type: int = 0) -> bytes:
    words = (4 + len(header) + len(body)).to_bytes(4, "big")
    return words + bytes([serialize_type]) + len(header).to_bytes(3, "big") + header + body


HEADER = b'{"code":105,"extFields":{"topic":"T"},"flag":0,"language":"GO","opaque":1,"version":513}'
ODD_HEADERS = [
    b'{"version":513,"opaque":1,"code":105,"language":"GO","flag":0,"extFields":{"topic":"T"}}',
    b'{ "code": 105,\n "extFields": {"topic": "T", "n": null}, "flag": 0, "opaque": 1 }',
    b'{"code":1,"code":105,"extFields":{"topic":"X","topic":"T"},"flag":0,"opaque":1}',
    b'{"code":"105","extFields":{"queueId":3,"b":true},"flag":0,"language":3,"opaque":1}',
    b'{"code":105,"flag":0,"opaque":1,"zzUnknown":[1,{"a":null}]}',
    b'{"code":105,"flag":0,"opaque":1,"remark":"\\u4e2d\\ud83d\\ude00\\/"}',
    b'{"code":105,"flag":0,"opaque":1,"remark":"\\u007F\\u0080\\u2028\\u001F","version":407}',
    '{"code":105,"flag":0,"opaque":1,"remark":"\x7f\x80\u2028\\u001f","version":513}'.encode(),
    b'{"code":105,"flag":0,"opaque":1,"language":"NO_SUCH"}',
]


@pytest.mark.parametrize("header", ODD_HEADERS)
def test_received_bytes_stay_as_they_came(header):
    whole = frame(header, b"body")
    assert encode_command(decode_command(whole)) == whole


def test_a_new_body_leaves_the_header_bytes_alone():
    command = decode_command(frame(ODD_HEADERS[0], b"body"))
    command.body = b"another"
    assert encode_command(command) == frame(ODD_HEADERS[0], b"another")


CHANGES = {
    "code": 106,
    "language": 0,
    "version": 407,
    "opaque": 2,
    "flag": 1,
    "remark": "r",
    "ext_fields": {"topic": "U"},
    "serialize_type": 1,
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_field_is_written(name):
    command = decode_command(frame(ODD_HEADERS[0], b"body"))
    setattr(command, name, CHANGES[name])
    again = decode_command(encode_command(command))
    assert getattr(again, name) == CHANGES[name]
    assert again.values() == command.values()


def test_a_change_inside_the_ext_fields_is_seen():
    command = decode_command(frame(HEADER))
    command.ext_fields["queueId"] = "1"
    assert decode_command(encode_command(command)).ext_fields == {"topic": "T", "queueId": "1"}
    del command.ext_fields["queueId"]
    assert encode_command(command) == frame(HEADER)


def test_the_body_is_a_slice_of_what_was_given():
    whole = frame(HEADER, b"body")
    assert decode_frame(whole[4:]).body == b"body"
    view = decode_frame(memoryview(whole)[4:]).body
    assert isinstance(view, memoryview)
    assert view == b"body"


def test_a_new_command_is_written_as_java_does():
    command = RemotingCommand(105, {"topic": "T"}, b"x", opaque=4, remark="r")
    assert encode_command(command) == frame(
        b'{"code":105,"extFields":{"topic":"T"},"flag":0,"language":"PYTHON","opaque":4,'
        b'"remark":"r","serializeTypeCurrentRPC":"JSON","version":513}',
        b"x",
    )


def test_opaques_are_counted_up():
    first, second = RemotingCommand(1), RemotingCommand(1)
    assert second.opaque == first.opaque + 1
    assert next_opaque() == second.opaque + 1
    assert RemotingCommand(1, opaque=-5).opaque == -5


def test_flags():
    command = RemotingCommand(1)
    assert not command.is_oneway
    assert not command.is_response
    command.mark_oneway()
    assert command.is_oneway
    assert command.flag == ONEWAY_FLAG
    assert RemotingCommand(1, flag=RESPONSE_FLAG).is_response


@pytest.mark.parametrize("serialize_type", [0, 1])
def test_a_response_answers_its_request(serialize_type):
    request = RemotingCommand(105, opaque=77, serialize_type=serialize_type)
    response = request.create_response(17, "no route", body=b"b")
    assert response.is_response
    assert (response.opaque, response.serialize_type) == (77, serialize_type)
    assert (response.code, response.remark, response.body) == (17, "no route", b"b")


def test_typed_headers_go_out_and_come_in():
    header = GetRouteInfoRequestHeader(topic="T", accept_standard_json_only=True)
    command = RemotingCommand.request(RequestCode.GET_ROUTEINFO_BY_TOPIC, header)
    again = decode_command(encode_command(command))
    assert again.decode_header(GetRouteInfoRequestHeader) == header
    assert "GET_ROUTEINFO_BY_TOPIC" in repr(again)


def test_an_empty_value_is_absent_only_in_the_rocketmq_serialisation():
    fields = dict.fromkeys("abcdefgh", "1") | {"i": ""}
    for serialize_type, properties in ((0, ""), (1, None)):
        command = RemotingCommand(310, fields, serialize_type=serialize_type)
        again = decode_command(encode_command(command))
        assert again.ext_fields == fields
        assert again.decode_header(SendMessageRequestHeaderV2).properties == properties


BAD_FRAMES = {
    "no header length": b"\x00\x00\x00\x03\x00\x00\x00",
    "header longer than the frame": b"\x00\x00\x00\x06\x00\x00\x00\x05{}",
    "header length of 24 bits": b"\x00\x00\x00\x06\x00\xff\xff\xff{}",
    "no header": frame(b""),
    "no ROCKETMQ header": frame(b"", serialize_type=1),
    "serialize type 2": frame(HEADER, serialize_type=2),
    "serialize type 255": frame(HEADER, serialize_type=255),
}


@pytest.mark.parametrize("data", BAD_FRAMES.values(), ids=BAD_FRAMES)
def test_bad_frames_are_bad_headers(data):
    with pytest.raises(BadHeader):
        decode_command(data)


@pytest.mark.parametrize("length", [0, 1, 2, 3, 5, 10_000, -1, -(2**31)])
def test_a_length_word_that_lies(length):
    data = length.to_bytes(4, "big", signed=True) + frame(HEADER)[4:]
    with pytest.raises(ProtocolError):
        decode_command(data)


@pytest.mark.parametrize("size", [0, 1, 3])
def test_less_than_a_length_word(size):
    with pytest.raises(ProtocolError):
        decode_command(bytes(size))


def test_the_frame_limit_counts_the_length_word():
    too_long = (FRAME_MAX_LENGTH - 3).to_bytes(4, "big") + b"x"
    with pytest.raises(FrameTooLarge):
        decode_command(too_long)
    legal = (FRAME_MAX_LENGTH - 4).to_bytes(4, "big") + b"x"
    with pytest.raises(ProtocolError) as caught:
        decode_command(legal)
    assert not isinstance(caught.value, FrameTooLarge)


def test_a_header_that_the_length_word_can_not_describe():
    with pytest.raises(FrameTooLarge):
        encode_command(RemotingCommand(1, remark="r" * (HEADER_MAX_LENGTH + 1)))


@given(st.binary(max_size=100))
def test_any_bytes_give_a_command_or_a_protocol_error(data):
    try:
        command = decode_frame(data)
    except ProtocolError:
        return
    assert encode_command(command)[4:] == data
