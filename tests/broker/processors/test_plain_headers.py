"""Headers of sends: one that is known by its bytes says what the codec reads in it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.broker.processors.known_headers import LEARN_EVERY
from rmqwire.broker.processors.plain_headers import PlainHeaders
from rmqwire.broker.processors.send_lane import HARMLESS_SYS_FLAG
from rmqwire.codec.command import decode_command
from tests.support.lanes import KEY, send_frame

PROPERTIES = f"UNIQ_KEY\x01{KEY}\x02TAGS\x01TagA\x02"


def read(headers, frame):
    word = int.from_bytes(frame[4:8], "big")
    return headers.read(frame, 8, 8 + (word & 0xFFFFFF), word)


def knowing(*frames):
    headers = PlainHeaders(HARMLESS_SYS_FLAG)
    for frame in frames:
        for _ in range(LEARN_EVERY):
            read(headers, frame)
    return headers


@settings(max_examples=30)
@given(
    st.sampled_from([0, 1]),
    st.integers(0, 9),
    st.integers(10**12, 10**13 - 1),
    st.integers(-(2**31), 2**31 - 1),
    st.text(st.characters(codec="utf-8"), max_size=30),
)
def test_the_fields_that_differ_are_read(serialize_type, queue_id, born, opaque, text):
    properties = (text.encode() + b"x" * 120)[:120].decode("utf-8", "ignore")
    values = {"serialize_type": serialize_type, "properties": properties, "queue_id": 0}
    headers = knowing(send_frame(**values, born_timestamp=10**12))
    values |= {"queue_id": queue_id, "born_timestamp": born, "opaque": opaque}
    kind, read_opaque, *others = read(headers, send_frame(**values))
    assert kind.is_binary == (serialize_type == 1)
    if serialize_type:
        read_opaque = int.from_bytes(read_opaque, "big", signed=True)
    assert (read_opaque, *others) == (opaque, b"BenchmarkTest", queue_id, born, properties.encode())


@pytest.mark.parametrize("serialize_type", [0, 1])
def test_a_byte_that_is_changed_is_never_overlooked(serialize_type):
    values = {"properties": PROPERTIES, "queue_id": 3, "serialize_type": serialize_type}
    frame = send_frame(**values, opaque=60)
    headers = knowing(frame)
    assert headers._known
    size = int.from_bytes(frame[5:8], "big")
    for at in range(8, 8 + size):
        for byte in b'\0\x1f"01\\\xff':
            changed = frame[:at] + bytes([byte]) + frame[at + 1 :]
            found = read(headers, changed)
            if found is not None and not is_utf8(found[5]):
                found = None  # PlainProperties looks at that
            assert found == read(PlainHeaders(HARMLESS_SYS_FLAG), changed), (at, byte)


def is_utf8(data):
    return data.decode("utf-8", "replace").encode() == data


@pytest.mark.parametrize(
    "text", ["plain é", "\x01\x02", 'a"b', "a\\b", "\x03", "\\u0001", "\x7f", "\u2028"]
)
def test_texts_of_json_that_need_more_are_read_as_any_other(text):
    size = 20
    header = {"serialize_type": 0, "properties": text + "x" * size}
    found = read(knowing(send_frame(**header)), send_frame(**header))
    assert found[5] == header["properties"].encode()
    written = len(send_frame(**header)) - len(send_frame(**header | {"properties": ""}))
    known = knowing(send_frame(serialize_type=0, properties="y" * written))
    assert read(known, send_frame(**header))[5] == header["properties"].encode()


def test_headers_of_one_length_are_told_apart():
    frames = [
        send_frame(properties="A\x01" + "b" * (20 - n), producer_group="g" * n) for n in range(1, 4)
    ]
    assert len(set(map(len, frames))) == 1
    headers = knowing(*frames)
    for frame in frames * 2:
        assert read(headers, frame)[5] == decode_command(frame).ext_fields["i"].encode()


@pytest.mark.parametrize("serialize_type", [0, 1])
def test_what_is_known_is_bounded(serialize_type):
    headers = PlainHeaders(HARMLESS_SYS_FLAG, kept=5)
    for number in range(40):
        for topic in (f"T{number}", "T" * number):
            frame = send_frame(topic=topic, serialize_type=serialize_type)
            for _ in range(LEARN_EVERY):
                assert read(headers, frame)[2] == topic.encode()
    for table in (headers._cuts, headers._known, headers._kinds, headers._constant):
        assert len(table) <= 5


@pytest.mark.parametrize("serialize_type", [0, 1])
def test_topics_and_groups_of_one_length_share_what_is_known(serialize_type):
    headers = knowing(
        send_frame(topic="T00000", producer_group="G00000", serialize_type=serialize_type)
    )
    headers._read_slowly = None
    for number in range(500):
        topic = f"T{number:05}"
        frame = send_frame(
            topic=topic, producer_group=f"G{number:05}", serialize_type=serialize_type
        )
        assert read(headers, frame)[2] == topic.encode()
    assert len(headers._known) == 1


@pytest.mark.parametrize("serialize_type", [0, 1])
@pytest.mark.parametrize("name", ["é\\", 'a"b', "a\\b", "\\u0041\\u0041"])
def test_groups_and_topics_that_need_more_are_read_as_any_other(name, serialize_type):
    values = {"serialize_type": serialize_type}
    plain = "x" * (len(send_frame(topic=name, **values)) - len(send_frame(topic="", **values)))
    for field in ("topic", "producer_group"):
        headers = knowing(send_frame(**values | {field: plain}))
        frame = send_frame(**values | {field: name})
        assert read(headers, frame) == read(PlainHeaders(HARMLESS_SYS_FLAG), frame)
        assert read(headers, frame)[2].decode() == decode_command(frame).ext_fields["b"]
