"""Answers to sends: the ready-made frames are those of the general encoder, and Java's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec.codes import LanguageCode
from rmqwire.codec.command import JSON, ROCKETMQ, decode_command
from rmqwire.codec.headers import SendMessageResponseHeader
from rmqwire.codec.release import RELEASES, V4_9_7, V5_5_0
from rmqwire.codec.send_answer import SendAnswers
from tests.support.golden import frame_files, frames

NAMES = {
    "SEND_MESSAGE",
    "SEND_MESSAGE_V2",
    "SEND_BATCH_MESSAGE",
    "SEND_REPLY_MESSAGE",
    "SEND_REPLY_MESSAGE_V2",
}
TEXTS = st.one_of(
    st.text("0123456789ABCDEF", max_size=60),
    st.text(max_size=300),
    st.sampled_from(['a"b', "a\\b", "a%sb", "\x7f\x85", "é", "x" * 128, "x" * 255, "x" * 256]),
)
INTS, LONGS = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)


def recorded_answers():
    for path in frame_files():
        release = path.parent.parent.name
        for entry, frame in frames(path):
            if entry["kind"] == "response" and entry["name"] in NAMES and b"msgId" in frame:
                yield release, frame


@pytest.mark.parametrize(("release", "count"), [("4.9.7", 193), ("5.5.0", 350)])
def test_every_recorded_answer_is_written_as_java_wrote_it(release, count):
    answers = SendAnswers(
        RELEASES[release], "DefaultRegion", trace_on=True, language=LanguageCode.JAVA.value
    )
    seen = 0
    for recorded_release, frame in recorded_answers():
        if recorded_release != release:
            continue
        command = decode_command(frame)
        header = command.decode_header(SendMessageResponseHeader)
        asked = (frame[4], command.opaque)
        assert answers.encode_header(*asked, command.code, header) == frame
        if header.recall_handle is None:
            assert frame == answers.encode(
                *asked,
                command.code,
                header.msg_id,
                header.queue_id,
                header.queue_offset,
                header.transaction_id,
            )
        seen += 1
    assert seen == count


@given(
    release=st.sampled_from([V4_9_7, V5_5_0]),
    region=st.one_of(st.just("DefaultRegion"), TEXTS),
    trace_on=st.booleans(),
    serialize_type=st.sampled_from([JSON, ROCKETMQ]),
    opaque=INTS,
    code=st.sampled_from([0, 10, 11, 12]),
    message_id=TEXTS.filter(lambda text: text.isalnum() and text.isascii()),
    queue_id=INTS,
    queue_offset=LONGS,
    unique_key=st.one_of(st.none(), TEXTS),
)
def test_a_ready_made_answer_is_the_one_of_the_general_encoder(
    *, release, region, trace_on, serialize_type, opaque, code, message_id, queue_id,
    queue_offset, unique_key,
):  # fmt: skip
    answers = SendAnswers(release, region, trace_on=trace_on)
    asked = (serialize_type, opaque)
    header = SendMessageResponseHeader(
        msg_id=message_id,
        queue_id=queue_id,
        queue_offset=queue_offset,
        transaction_id=unique_key if release is V5_5_0 else None,
    )
    written = answers.encode(*asked, code, message_id, queue_id, queue_offset, unique_key)
    assert written == answers.encode_header(*asked, code, header)


@pytest.mark.parametrize("serialize_type", [JSON, ROCKETMQ])
@pytest.mark.parametrize("count", [1, 7, 8, 400])
def test_the_ids_of_a_batch_of_any_length_come_back(serialize_type, count):
    answers = SendAnswers(V5_5_0, "DefaultRegion", trace_on=False)
    ids = ",".join(["7F00000100002A9F0000000000000000"] * count)
    answer = decode_command(answers.encode(serialize_type, 5, 0, ids, 3, 77, "AB"))
    assert (answer.opaque, answer.flag, answer.code, answer.version) == (5, 1, 0, 513)
    assert answer.ext_fields == {
        "msgId": ids,
        "queueId": "3",
        "queueOffset": "77",
        "transactionId": "AB",
        "TRACE_ON": "false",
        "MSG_REGION": "DefaultRegion",
    }


def test_a_batch_queues_answer_has_its_key_twice_in_the_places_of_java():
    answers = SendAnswers(V5_5_0, "R", trace_on=True)
    header = SendMessageResponseHeader(
        msg_id="M", queue_id=0, queue_offset=1, transaction_id="K", batch_uniq_id="K"
    )
    fields = decode_command(answers.encode_header(ROCKETMQ, 1, 0, header)).ext_fields
    assert list(fields) == [
        "msgId", "queueId", "queueOffset", "transactionId", "batchUniqId", "TRACE_ON", "MSG_REGION",
    ]  # fmt: skip
