"""Headers of pulls: one that is known by its bytes says what the codec reads in it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.broker.processors.known_headers import LEARN_EVERY
from rmqwire.broker.processors.plain_pulls import PULLS, PullHeaders
from rmqwire.codec.command import RemotingCommand, encode_command
from rmqwire.codec.headers import PullMessageRequestHeader

LARGE = 10**17


def pull_frame(*, serialize_type=1, opaque=60, flag=0, code=PULLS[0], **fields):
    values = {
        "consumer_group": "g", "topic": "T", "queue_id": 3, "queue_offset": 1200,
        "max_msg_nums": 32, "sys_flag": 7, "commit_offset": 1100, "suspend_timeout_millis": 15_000,
        "subscription": "*", "sub_version": 0, "expression_type": "TAG",
    }  # fmt: skip
    header = PullMessageRequestHeader(**(values | fields))
    command = RemotingCommand.request(code, header, serialize_type=serialize_type)
    command.opaque, command.flag = opaque, flag
    return encode_command(command)


def read(headers, frame):
    word = int.from_bytes(frame[4:8], "big")
    return headers.read(frame, 8, 8 + (word & 0xFFFFFF), word)


def knowing(*frames):
    headers = PullHeaders(PULLS)
    for frame in frames:
        for _ in range(LEARN_EVERY):
            assert read(headers, frame) is not None
    assert headers._known
    return headers


def said(pull):
    """Return what a header says, comparable: a kind is known by its identity."""
    if pull is None:
        return None
    kind, *others = pull
    return [getattr(kind, name) for name in kind.__struct_fields__], others


@settings(max_examples=30)
@given(
    st.sampled_from([0, 1]),
    st.integers(0, 9),
    st.integers(LARGE, 10 * LARGE - 1),
    st.integers(LARGE, 10 * LARGE - 1),
    st.integers(-(2**31), 2**31 - 1),
)
def test_the_fields_that_differ_are_read(serialize_type, queue_id, offset, commit, opaque):
    large = {"queue_offset": LARGE, "commit_offset": LARGE, "serialize_type": serialize_type}
    headers = knowing(pull_frame(**large))
    values = {"queue_id": queue_id, "queue_offset": offset, "commit_offset": commit}
    _, *others = read(headers, pull_frame(**large | values, opaque=opaque))
    assert others == [opaque, queue_id, offset, commit, serialize_type]


@pytest.mark.parametrize("serialize_type", [0, 1])
def test_known_headers_are_not_read_again(serialize_type):
    headers = knowing(pull_frame(serialize_type=serialize_type))
    headers._read_slowly = None
    for offset in range(1000, 1040):
        frame = pull_frame(serialize_type=serialize_type, queue_offset=offset)
        assert read(headers, frame)[3] == offset


@pytest.mark.parametrize("serialize_type", [0, 1])
def test_a_byte_that_is_changed_is_never_overlooked(serialize_type):
    frame = pull_frame(serialize_type=serialize_type)
    headers = knowing(frame)
    for at in range(8, len(frame)):
        for byte in b'\0"0-1\\\xff':
            changed = frame[:at] + bytes([byte]) + frame[at + 1 :]
            found, expected = said(read(headers, changed)), said(read(PullHeaders(PULLS), changed))
            if expected is None and byte == ord("0") and frame[at] in b"123456789":
                continue  # Java reads zeros in front of a number, too
            assert found == expected, (at, byte)


def test_what_does_not_commit_is_another_kind():
    headers = knowing(pull_frame(), pull_frame(sys_flag=6))
    assert read(headers, pull_frame())[0].commits
    assert not read(headers, pull_frame(sys_flag=6))[0].commits


@pytest.mark.parametrize("serialize_type", [0, 1])
def test_consumers_are_told_apart(serialize_type):
    frames = [
        pull_frame(serialize_type=serialize_type, consumer_group="g" * n, topic="T" * (10 - n))
        for n in range(1, 10)
    ]
    headers = knowing(*frames)
    for frame in frames * 2:
        assert said(read(headers, frame)) == said(read(PullHeaders(PULLS), frame))


def test_headers_without_an_offset_to_commit_are_read_each_time():
    headers = PullHeaders(PULLS)
    frame = pull_frame(sys_flag=6, commit_offset=None)
    for _ in range(2 * LEARN_EVERY):
        assert read(headers, frame)[4] is None
    assert not headers._known
