"""RegisterBrokerBody: Java's zlib form of both releases, and what must not be inflated."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.codec.bodies import RegisterBrokerBody, TopicConfig, TopicQueueMappingInfo
from rmqwire.codec.bodies.register import (
    MAX_INFLATED,
    decode_topic_line,
    encode_topic_line,
    inflate,
)
from rmqwire.codec.crc import body_crc
from rmqwire.codec.release import RELEASES, V4_9_7, V5_5_0
from rmqwire.errors import BadBody
from tests.support.golden import protocol_table

SAMPLES = list(protocol_table("bodies")["register_broker_body"].items())


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_javas_stream_is_read_and_written(name, sample):
    release = RELEASES[name]
    stream = bytes.fromhex(sample["compressed_zlib_hex"])
    body = RegisterBrokerBody.decode(stream, compressed=True, mq_version=release.mq_version)
    plain = RegisterBrokerBody.decode(sample["plain_json"].encode())
    plain.topic_config_serialize_wrapper.mapping_data_version = (
        body.topic_config_serialize_wrapper.mapping_data_version
    )
    assert body == plain
    assert zlib.decompress(body.encode_compressed(release)).hex() == sample["inflated_hex"]
    assert body_crc(stream) == sample["bodyCrc32_of_compressed"]


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_a_stream_is_known_by_its_first_byte(name, sample):
    stream = bytes.fromhex(sample["compressed_zlib_hex"])
    version = RELEASES[name].mq_version
    said = RegisterBrokerBody.decode(stream, compressed=True, mq_version=version)
    assert (
        RegisterBrokerBody.decode(memoryview(stream), compressed=False, mq_version=version) == said
    )


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_a_topic_line_comes_back(name, sample):
    line = sample["topicConfig_encode_line"].encode()
    assert encode_topic_line(decode_topic_line(line), RELEASES[name]) == line


def test_mappings_follow_for_5_x_only():
    body = RegisterBrokerBody(filter_server_list=["a:1"])
    wrapper = body.topic_config_serialize_wrapper
    wrapper.topic_config_table["t"] = TopicConfig(topic_name="t", attributes={"+a": "b c"})
    wrapper.topic_queue_mapping_info_map["t"] = TopicQueueMappingInfo(topic="t", bname="b")
    stream = body.encode_compressed(V5_5_0)
    assert RegisterBrokerBody.decode(stream, compressed=True, mq_version=V5_5_0.mq_version) == body
    old = RegisterBrokerBody.decode(
        body.encode_compressed(V4_9_7), compressed=True, mq_version=V4_9_7.mq_version
    )
    assert not old.topic_config_serialize_wrapper.topic_queue_mapping_info_map


def test_inflating_is_bounded():
    bomb = zlib.compress(bytes(MAX_INFLATED + 1), 9)
    with pytest.raises(BadBody, match="beyond"):
        RegisterBrokerBody.decode(bomb, compressed=True)
    assert inflate(zlib.compress(b"12345"), 5) == b"12345"
    with pytest.raises(BadBody):
        inflate(zlib.compress(b"123456"), 5)


def piece(data):
    return struct.pack(">i", len(data)) + data


@pytest.mark.parametrize(
    "inflated",
    [
        b"", b"\0\0\0\x05{}", piece(b"{}"), piece(b"{}") + struct.pack(">i", -1),
        piece(b"{}") + struct.pack(">i", 1 << 30), piece(b"[]"),
        piece(b"{}") + struct.pack(">i", 1) + piece(b"t 1 2"),
        piece(b"{}") + struct.pack(">i", 1) + piece(b"t 1 2 x SINGLE_TAG"),
        piece(b"{}") + struct.pack(">i", 1) + piece(b"t 1 2 6 SINGLE_TAG {nonsense"),
        piece(b"{}") + struct.pack(">i", 1) + piece(b"t 1 2 6 SINGLE_TAG [1]"),
        piece(b"{}") + struct.pack(">i", 1) + piece(b"\xff 1 2 6 SINGLE_TAG"),
        piece(b"{}") + struct.pack(">i", 0) + piece(b"{}"),
        piece(b"{}") + struct.pack(">i", 0) + piece(b"[1]"),
    ],
)  # fmt: skip
def test_a_damaged_stream_is_a_bad_body(inflated):
    with pytest.raises(BadBody):
        RegisterBrokerBody.decode(zlib.compress(inflated), compressed=True)


def test_what_is_no_stream_is_a_bad_body():
    stream = RegisterBrokerBody().encode_compressed()
    for data in (b"", b"{}", b"\x78", stream[:-5], b"\x78" + stream[2:]):
        with pytest.raises(BadBody):
            RegisterBrokerBody.decode(data, compressed=True)


@settings(max_examples=100)
@given(st.data())
def test_any_damage_is_a_bad_body_or_nothing(data):
    inflated = bytearray(bytes.fromhex(SAMPLES[1][1]["inflated_hex"]))
    at = data.draw(st.integers(0, len(inflated) - 1))
    inflated[at] = data.draw(st.integers(0, 255))
    try:
        body = RegisterBrokerBody.decode(zlib.compress(bytes(inflated)), compressed=True)
    except BadBody:
        return
    assert isinstance(body, RegisterBrokerBody)
