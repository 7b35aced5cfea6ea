from __future__ import annotations

import base64
import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec.command import RemotingCommand, encode_command
from rmqwire.errors import ProtocolError
from rmqwire.inspector.frame import frame_bytes, frame_rows
from tests.support import golden

REQUEST = encode_command(RemotingCommand(310, {"b": "T"}, b"body", opaque=7))
RESPONSE = encode_command(
    RemotingCommand(17, None, b"\xff\0", opaque=7, flag=1, remark="no route", serialize_type=1)
)


def dumps(frames):
    encoded = base64.b64encode(frames)
    spaced = b" ".join(frames.hex()[i : i + 8].encode() for i in range(0, 2 * len(frames), 8))
    recording = json.dumps({"frame_b64": encoded.decode()}).encode()
    return [
        frames,
        frames.hex().encode(),
        spaced + b"\n",
        b"0x" + frames.hex().encode(),
        encoded,
        recording,
    ]


@pytest.mark.parametrize("number", range(6))
def test_a_dump_is_read_in_whatever_form_it_comes(number):
    rows = list(frame_rows(dumps(REQUEST + RESPONSE)[number]))
    assert [row["offset"] for row in rows] == [0, len(REQUEST)]
    first, second = rows
    assert (first["kind"], first["name"], first["body"]) == ("request", "SEND_MESSAGE_V2", "body")
    assert first["extFields"] == {"b": "T"}
    assert (second["kind"], second["code"], second["name"]) == ("response", 17, "TOPIC_NOT_EXIST")
    assert (second["remark"], second["body"], second["bodyEncoding"]) == ("no route", "ff00", "hex")
    assert second["serializeType"] == "ROCKETMQ"


def test_reading_begins_at_an_offset():
    assert next(frame_rows(REQUEST + RESPONSE, len(REQUEST)))["code"] == 17


def test_a_pull_answer_shows_its_messages():
    shown = 0
    for path in golden.frame_files("c_pull"):
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
        shown += sum(len(row.get("messages", ())) for row in frame_rows(data))
    assert shown > 4


def test_a_oneway_of_an_unknown_language():
    frame = encode_command(RemotingCommand(10, flag=2, language=99, serialize_type=1))
    row = next(frame_rows(frame))
    assert (row["kind"], row["language"]) == ("oneway", 99)


@pytest.mark.parametrize("data", [b"", b"nonsense!", b"{}", b'{"frame_b64": 1}', b"\xff\xff"])
def test_what_is_no_dump_is_refused(data):
    with pytest.raises(ProtocolError):
        frame_bytes(data)


@pytest.mark.parametrize("cut", [1, 3, 10])
def test_a_cut_frame_is_named_after_the_rows_before_it(cut):
    seen = []
    with pytest.raises(ProtocolError) as caught:
        seen.extend(frame_rows(REQUEST + RESPONSE[:-cut]))
    assert caught.value.offset == len(REQUEST)


@given(st.binary(max_size=60))
def test_any_bytes_end_in_rows_or_an_error_of_the_protocol(data):
    try:
        list(frame_rows(data))
    except ProtocolError:
        return
