"""Answers to pulls: the ready-made frames are those of the general encoder, and Java's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec.codes import LanguageCode
from rmqwire.codec.command import (
    JSON,
    ROCKETMQ,
    RemotingCommand,
    decode_command,
    encode_command,
)
from rmqwire.codec.headers import PullMessageResponseHeader
from rmqwire.codec.pull_answer import PullAnswers
from rmqwire.codec.release import RELEASES, V4_9_7, V5_5_0
from tests.support.golden import frame_files, frames

INTS, LONGS = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)
NAMES = {"PULL_MESSAGE", "LITE_PULL_MESSAGE"}


def numbers_of(command):
    header = command.decode_header(PullMessageResponseHeader)
    return (
        header.suggest_which_broker_id,
        header.next_begin_offset,
        header.min_offset,
        header.max_offset,
        header.topic_sys_flag,
        header.group_sys_flag,
    )


@pytest.mark.parametrize("release", ["4.9.7", "5.5.0"])
def test_every_recorded_answer_is_written_as_java_wrote_it(release):
    answers = PullAnswers(RELEASES[release], language=LanguageCode.JAVA.value)
    seen = 0
    for path in frame_files():
        if path.parent.parent.name != release:
            continue
        for entry, frame in frames(path):
            if entry["kind"] == "response" and entry["name"] in NAMES and b"FOUND" in frame:
                command = decode_command(frame)
                if (
                    command.code
                    or command.remark != "FOUND"
                    or (command.ext_fields or {}).get("offsetDelta")
                ):
                    continue
                body = bytes(command.body)
                assert answers.encode(frame[4], command.opaque, numbers_of(command), body) == frame
                seen += 1
    assert seen > 20


@given(
    st.sampled_from([V4_9_7, V5_5_0]),
    st.sampled_from([JSON, ROCKETMQ]),
    INTS,
    st.tuples(LONGS, LONGS, LONGS, LONGS, INTS, INTS),
    st.binary(max_size=50),
)
def test_an_answer_is_that_of_the_general_encoder(release, serialize_type, opaque, numbers, body):
    request = RemotingCommand(11, opaque=opaque, serialize_type=serialize_type)
    header = PullMessageResponseHeader(
        suggest_which_broker_id=numbers[0],
        next_begin_offset=numbers[1],
        min_offset=numbers[2],
        max_offset=numbers[3],
    )
    if release is V5_5_0:
        header.topic_sys_flag, header.group_sys_flag = numbers[4:]
    answer = request.create_response(0, "FOUND", header, body)
    answer.version = release.mq_version
    answer.language = LanguageCode.PYTHON.value
    assert PullAnswers(release).encode(serialize_type, opaque, numbers, body) == encode_command(
        answer
    )
