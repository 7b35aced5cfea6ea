"""Commit log records: Java's bytes, values made here, and damaged ones."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.codec.command import decode_command
from rmqwire.codec.crc import CRC32_RESERVED_LEN
from rmqwire.codec.message import StoredMessage
from rmqwire.codec.record import (
    BLANK_MAGIC,
    MESSAGE_MAGIC_V1,
    MESSAGE_MAGIC_V2,
    append_blank,
    append_record,
    check_record,
    decode_message,
    encode_message,
    iter_messages,
    pack_host,
    peek,
    read_position,
    record_size,
)
from rmqwire.codec.release import V4_9_7, release_named
from rmqwire.errors import BadProperties, BadRecord, ProtocolError
from tests.codec.record_strategies import damaged, messages
from tests.support import golden

VECTORS = [
    pytest.param(release, entry, id=f"{release} {entry['name']}")
    for release, entry in golden.vectors("commitlog_records")
    if "record_hex" in entry
]
# Names of the vectors whose property string Java's own writer would write otherwise.
UNUSUAL_PROPERTIES = ("unicode topic", "without trailing STX")


def sample(**changes):
    message = StoredMessage(
        "TopicTest",
        b"body",
        {"KEYS": "k", "TAGS": "t"},
        queue_id=3,
        store_host=("127.0.0.1", 10911),
    )
    for name, value in changes.items():
        setattr(message, name, value)
    return message


@pytest.mark.parametrize(("release", "entry"), VECTORS)
def test_a_vector_decodes_to_what_java_decodes(release, entry):
    for message in iter_messages(bytes.fromhex(entry["record_hex"])):
        assert encode_message(message) == message.record
        java = entry.get("java_decoded")
        if java:
            assert message.message_id == java["msgId"]
            assert message.topic == java["topic"]
            assert message.properties == (java["properties"] or {})
            assert message.decompressed_body().hex() == (java["body_hex"] or "")
            assert message.total_size == java["storeSize"]
            assert message.body_crc == java["bodyCRC"]
            assert message.queue_offset == java["queueOffset"]
            assert message.physical_offset == java["commitLogOffset"]
            # 5.5.0 clears COMPRESSED_FLAG in what it hands out.
            assert message.sys_flag | 1 == java["sysFlag"] | 1
            assert message.reconsume_times == java["reconsumeTimes"]
            assert message.born_host[1] == int(java["bornHost"].rpartition(":")[2])


@pytest.mark.parametrize(
    ("release", "entry"),
    [v for v in VECTORS if not any(part in v.id for part in UNUSUAL_PROPERTIES)],
)
def test_a_vector_is_written_from_its_values_as_java_wrote_it(release, entry):
    for message in iter_messages(bytes.fromhex(entry["record_hex"])):
        wanted = message.record
        message.record = b""
        assert encode_message(message, release_named(release)) == wanted


@pytest.mark.parametrize(
    "archive", golden.store_archives(), ids=lambda p: f"{p.parts[-3]}-{p.name}"
)
def test_every_record_of_a_java_store_is_understood(archive):
    count = 0
    for start, data in golden.commit_log_files(archive):
        pos = 0
        while len(data) - pos >= 8 and peek(data, pos)[0]:
            found = check_record(data, pos)
            if found.is_blank:
                assert found.total_size == len(data) - pos
                break
            record = data[pos : pos + found.total_size]
            message = decode_message(record)
            assert encode_message(message) == record
            assert message.physical_offset == found.physical_offset == start + pos
            assert (message.topic, message.queue_id) == (found.topic, found.queue_id)
            assert message.body == data[found.body_start : found.body_end]
            pos += found.total_size
            count += 1
    assert count > 10


def test_every_recorded_pull_answer_is_understood():
    count = 0
    for path in golden.frame_files("c_p*") + golden.frame_files("c_tag*"):
        for entry, frame in golden.frames(path):
            if entry["kind"] != "response" or entry["code"] != 0:
                continue
            if entry["name"] not in {"PULL_MESSAGE", "POP_MESSAGE", "LITE_PULL_MESSAGE"}:
                continue
            body = bytes(decode_command(frame).body)
            found = list(iter_messages(body))
            assert b"".join(map(encode_message, found)) == body
            count += len(found)
    assert count > 50


@settings(max_examples=100, deadline=None)
@given(messages())
def test_what_is_written_is_read_back(message):
    data = encode_message(message)
    message.total_size = len(data)
    assert decode_message(data) == message
    assert encode_message(decode_message(data)) == data
    found = read_position(data)
    assert (found.queue_id, found.queue_offset) == (message.queue_id, message.queue_offset)
    assert found.store_timestamp == message.store_timestamp
    assert (found.topic, found.sys_flag) == (message.topic, message.sys_flag)
    assert data[found.body_start : found.body_end] == message.body


@settings(max_examples=200, deadline=None)
@given(messages().flatmap(lambda m: damaged(encode_message(m))), st.integers(0, 3))
def test_damage_raises_bad_record_and_nothing_else(data, pos):
    for read in (decode_message, lambda d: list(iter_messages(d))):
        with suppress(BadRecord):
            read(data)
    for look in (read_position, check_record):
        with suppress(BadRecord):
            look(b"x" * pos + data, pos)


def test_a_changed_message_is_written_anew_and_keeps_the_rest():
    # An empty value and a missing last 0x02: only the sender's own bytes look like that.
    buffer = bytearray()
    values = {"topic": b"T", "body": b"b", "properties": b"A\x01\x02B\x012"}
    append_record(buffer, **values, **NUMBERS)
    message = decode_message(buffer)
    message.queue_id = 9
    again = decode_message(encode_message(message))
    assert again.queue_id == 9
    assert again.record.endswith(b"A\x01\x02B\x012")
    message.properties["C"] = "3"
    assert encode_message(message, V4_9_7).endswith(b"B\x012\x02C\x013")


NUMBERS = {
    "queue_id": 1,
    "flag": 0,
    "queue_offset": 0,
    "physical_offset": 0,
    "sys_flag": 0,
    "born_timestamp": 0,
    "born_host": pack_host("127.0.0.1", 1),
    "store_timestamp": 0,
    "store_host": pack_host("127.0.0.1", 2),
    "reconsume_times": 0,
    "prepared_transaction_offset": 0,
}


@pytest.mark.parametrize("properties", [b"", b"A\x011\x02", b"A\x011"])
def test_the_record_crc_closes_the_properties_and_is_verified(properties):
    buffer = bytearray(b"before")
    size = append_record(
        buffer, topic=b"T", body=b"body", properties=properties, append_crc=True, **NUMBERS
    )
    assert size == len(buffer) - 6
    found = check_record(buffer, 6)
    assert found.properties.startswith(properties)
    assert len(found.properties) in {
        len(properties) + CRC32_RESERVED_LEN + extra for extra in (0, 1)
    }
    buffer[6 + 20] ^= 1
    with pytest.raises(BadRecord, match="record CRC"):
        check_record(buffer, 6)
    assert check_record(buffer, 6, check_crc=False).topic == "T"


def test_a_record_crc_is_computed_anew_when_the_message_changed():
    buffer = bytearray()
    append_record(buffer, topic=b"T", body=b"b", properties=b"A\x011", append_crc=True, **NUMBERS)
    message = decode_message(buffer)
    message.queue_offset = 77
    assert check_record(encode_message(message)).queue_offset == 77


def test_a_wrong_body_crc_is_found():
    data = bytearray(encode_message(sample(body_crc=0)))
    with pytest.raises(BadRecord, match="body CRC"):
        check_record(data)


def test_the_size_is_known_before_the_record_is_built():
    for born, store, v2 in ((False, False, False), (True, False, True), (False, True, False)):
        message = sample(
            born_host=("::1" if born else "10.0.0.1", 1),
            store_host=("::1" if store else "10.0.0.1", 1),
            magic=MESSAGE_MAGIC_V2 if v2 else MESSAGE_MAGIC_V1,
        )
        data = encode_message(message)
        properties = len(read_position(data).properties)
        assert len(data) == record_size(9, 4, properties, born_v6=born, store_v6=store, v2=v2)
    assert record_size(0, 0, 0) == 91


@pytest.mark.parametrize(
    "change",
    [
        {"topic": "t" * 128},
        {"queue_id": 1 << 31},
        {"physical_offset": 1 << 63},
        {"properties": {"a": "b" * 32767}},
        {"magic": MESSAGE_MAGIC_V2, "topic": "t" * 32768},
    ],
)
def test_what_does_not_fit_a_field_is_refused(change):
    with pytest.raises(BadRecord):
        encode_message(sample(**change))


def test_nothing_is_left_in_the_buffer_of_a_refused_record():
    buffer = bytearray(b"kept")
    with pytest.raises(BadRecord):
        append_record(
            buffer, topic=b"T", body=b"", properties=b"", **{**NUMBERS, "queue_id": 1 << 40}
        )
    assert buffer == b"kept"


def test_bad_properties_and_hosts_are_refused():
    with pytest.raises(BadProperties):
        encode_message(sample(properties={"a\x01b": "c"}))
    with pytest.raises(ProtocolError):
        encode_message(sample(born_host=("nowhere", 1)))


def test_the_filler_of_a_file_s_end():
    buffer = bytearray()
    append_blank(buffer, 20)
    found = read_position(buffer)
    assert found.is_blank
    assert (found.total_size, found.magic) == (20, BLANK_MAGIC)
    assert len(buffer) == 20
    assert check_record(buffer).is_blank
    with pytest.raises(BadRecord):
        append_blank(buffer, 7)
    with pytest.raises(BadRecord):
        read_position(b"\0\0\0\1" + buffer[4:])


def test_a_pull_answer_with_a_cut_record_names_its_place():
    data = encode_message(sample())
    with pytest.raises(BadRecord) as caught:
        list(iter_messages(data + data[:-1]))
    assert caught.value.offset == len(data)


@pytest.mark.parametrize("data", [b"", bytes(7), bytes(200)])
def test_nothing_there_is_a_bad_record(data):
    with pytest.raises(BadRecord):
        read_position(data)
