"""The answers to sends read by the buffer, on both lanes: what each says when it is read alone."""

from __future__ import annotations

import os
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec import native
from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.command import RemotingCommand, decode_frame, encode_command
from rmqwire.codec.stored_answers import stored_reader
from rmqwire.producer.results import SendResult, SendStatus, send_result

LANES = [
    pytest.param(native.PYTHON),
    pytest.param(
        native.NATIVE, marks=pytest.mark.skipif(bool(native.module_fault()), reason="not installed")
    ),
]
MAX_FRAME = 4096
PLAIN = {
    "queueId": "3",
    "TRACE_ON": "true",
    "MSG_REGION": "DefaultRegion",
    "msgId": "7F00000100002A9F0000000000000001",
    "queueOffset": "12",
}


def reader(lane):
    with mock.patch.dict(os.environ, {native.SWITCH: lane}):
        return stored_reader(MAX_FRAME)


def answer(fields=PLAIN, code=0, body=b"", **more):
    values = {"opaque": 7, "flag": 1} | more
    return encode_command(RemotingCommand(code, dict(fields), body, **values))


numbers = st.sampled_from(
    ["0", "7", "-1", "007", "", "x", "1_0", " 1", "2147483648", "9223372036854775808"]
)
changes = st.fixed_dictionaries(
    {},
    optional={
        "queueId": numbers,
        "queueOffset": numbers,
        "msgId": st.text(max_size=4),
        "transactionId": st.text(max_size=4),
        "MSG_REGION": st.sampled_from(["", "é", 'a"b']),
        "TRACE_ON": st.sampled_from(["false", "true", "", "no"]),
        "recallHandle": st.just("h"),
        "other": st.just("x"),
    },
)
frames = st.builds(
    answer,
    st.builds(
        lambda fields, without: {k: v for k, v in (PLAIN | fields).items() if k not in without},
        changes,
        st.sets(st.sampled_from(sorted(PLAIN)), max_size=1),
    ),
    code=st.sampled_from([0, 0, 0, 1, 10]),
    body=st.sampled_from([b"", b"", b"x"]),
    opaque=st.integers(0, 2**31 - 1),
    flag=st.sampled_from([1, 1, 1, 0, 3]),
    remark=st.sampled_from([None, None, "", "x"]),
    language=st.sampled_from([0, 12, None]),
    serialize_type=st.sampled_from([0, 1]),
)


@pytest.mark.parametrize("lane", LANES)
@given(sent=st.lists(frames, max_size=4), cut=st.integers(0, 300))
def test_a_plain_answer_says_what_it_says_alone_and_others_are_found(lane, sent, cut):
    whole = b"".join(sent)
    data = whole + answer()[:cut]
    complete = len(answer()) <= cut
    found, end = reader(lane)(data)
    assert len(found) == len(sent) + complete
    assert end == len(whole) + complete * len(answer())
    position = 0
    for one, frame in zip(found, sent, strict=False):
        assert one[:2] == (position + 4, position + len(frame))
        position += len(frame)
        if len(one) > 2:
            assert result_of(one) == alone(frame)


def alone(frame):
    command = decode_frame(frame[4:])
    return command.opaque, send_result(command, "addr", "id", MessageQueue("T", "a", 3))


def result_of(stored):
    _, _, opaque, queue_id, offset, offset_id, transaction_id, region, trace_on = stored
    queue = MessageQueue("T", "a", queue_id)
    region = region or "DefaultRegion"
    result = SendResult(
        SendStatus.SEND_OK, "id", offset_id, queue, offset, transaction_id, region, trace_on
    )
    return opaque, result


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("serialize_type", [0, 1])
def test_what_brokers_answer_is_plain(lane, serialize_type):
    plain = answer(serialize_type=serialize_type, language=0)
    newer = answer(PLAIN | {"transactionId": "K"}, serialize_type=serialize_type, opaque=8)
    found, _ = reader(lane)(plain + newer)
    region = "DefaultRegion"
    assert [one[2:] for one in found] == [
        (7, 3, 12, PLAIN["msgId"], None, region, True),
        (8, 3, 12, PLAIN["msgId"], "K", region, True),
    ]


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize(
    "odd",
    [
        answer(PLAIN | {"recallHandle": "h"}),
        answer(code=10),
        answer(remark="x"),
        answer(body=b"x"),
        answer(flag=0),
        answer({"msgId": "x", "queueId": "1"}),
        answer(PLAIN | {"queueOffset": "01"}),
        b"\0\0\0\x05\0\0\0\x01{",
        b"\0\0\0\x05\x02\0\0\x01{",
        b"\0\0\0\x05\0\0\0\x09{",
    ],
)
def test_odd_frames_are_left_to_others(lane, odd):
    assert reader(lane)(odd + answer())[0][0] == (4, len(odd))


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("word", [b"\0\0\0\x03", b"\x00\x10\0\0", b"\xff\xff\xff\xff", b"\0\0"])
def test_nothing_is_found_behind_a_length_that_is_none(lane, word):
    found, end = reader(lane)(answer() + word + answer())
    assert (len(found), end) == (1, len(answer()))
