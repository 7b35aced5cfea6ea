from __future__ import annotations

import pytest

from rmqwire.codec.batch import encode_batch
from rmqwire.codec.compression import CompressionType, compress
from rmqwire.codec.message import StoredMessage
from rmqwire.codec.record import encode_message
from rmqwire.errors import CorruptLog, StoreError
from rmqwire.inspector.commitlog import commit_log_rows
from tests.inspector.stores import unpack


@pytest.fixture
def store(tmp_path):
    return unpack(tmp_path, "4.9.7", "kill9")


def test_every_record_of_a_store_is_a_row(store):
    rows = list(commit_log_rows(store))
    assert rows == list(commit_log_rows(store / "commitlog"))
    assert [row["kind"] for row in rows].count("blank") == 2
    ends = [row["offset"] + row["size"] for row in rows]
    assert ends[:-1] == [row["offset"] for row in rows[1:]]
    first = rows[0]
    assert first["topic"] == "gsst1"
    assert first["msgId"] == "7F000001000051AF0000000000000000"
    assert first["properties"]["KEYS"] == "k0"
    assert (first["bodyLength"], first["bodyEncoding"]) == (150, "hex")


def test_reading_begins_at_an_offset(store):
    rows = list(commit_log_rows(store))
    later = next(row["offset"] for row in rows if row["offset"] > 1_048_576)
    assert next(iter(commit_log_rows(store, later)))["offset"] == later
    assert next(iter(commit_log_rows(store, rows[1]["offset"]))) == rows[1]
    with pytest.raises(CorruptLog, match="at 5: no record begins here"):
        list(commit_log_rows(store, 5))
    with pytest.raises(StoreError, match="offset 99999999 is not in this commit log"):
        list(commit_log_rows(store, 99_999_999))


def test_a_compressed_body_is_shown_plain(tmp_path):
    rows = list(commit_log_rows(unpack(tmp_path, "5.5.0", "ipv6_v2topic")))
    kinds = {row.get("compression") for row in rows}
    assert {"LZ4", "ZSTD", "ZLIB"} & kinds
    plain = next(row for row in rows if row.get("compression") and row["bodyEncoding"] == "utf-8")
    assert plain["body"].startswith("rocketmq golden")
    assert len(plain["body"]) > plain["bodyLength"]
    assert {row["version"] for row in rows if row["kind"] == "message"} == {1, 2}


@pytest.mark.parametrize("compressed", [False, True])
def test_a_batch_that_is_one_record_shows_its_messages(tmp_path, compressed):
    entries = [StoredMessage("", b"one", {"KEYS": "a"}, flag=3), StoredMessage("", b"\xff")]
    body, sys_flag = encode_batch(entries), 0xC0
    if compressed:
        body, sys_flag = compress(body, CompressionType.ZLIB), sys_flag | 0x301
    message = StoredMessage("B", body, sys_flag=sys_flag, queue_offset=10)
    (tmp_path / f"{0:020}").write_bytes(encode_message(message))
    (row,) = commit_log_rows(tmp_path, check_crc=False)
    assert row["messages"] == [
        {"queueOffset": 10, "flag": 3, "properties": {"KEYS": "a"}, "body": "one",
         "bodyEncoding": "utf-8"},
        {"queueOffset": 11, "flag": 0, "properties": {}, "body": "ff", "bodyEncoding": "hex"},
    ]  # fmt: skip
    assert ("body" in row, row["bodyLength"]) == (False, len(body))


def test_a_record_that_only_says_it_is_a_batch_shows_its_body(tmp_path):
    message = StoredMessage("B", b"junk", sys_flag=0xC0)
    (tmp_path / f"{0:020}").write_bytes(encode_message(message))
    (row,) = commit_log_rows(tmp_path, check_crc=False)
    assert (row["body"], "messages" in row) == ("junk", False)
    assert "cut off" in row["bodyError"]


def test_damage_is_named_after_the_rows_before_it(store):
    file = store / "commitlog" / f"{0:020}"
    whole = list(commit_log_rows(file))
    data = bytearray(file.read_bytes())
    third = whole[2]["offset"]
    data[third + 88] ^= 0xFF
    file.write_bytes(data)
    seen = []
    with pytest.raises(CorruptLog, match="body CRC") as caught:
        seen.extend(commit_log_rows(file))
    assert (caught.value.file, caught.value.offset) == (str(file), third)
    assert len(list(commit_log_rows(file, check_crc=False))) == len(whole)


def test_a_record_in_another_s_place_is_damage(store):
    file = store / "commitlog" / f"{0:020}"
    rows = list(commit_log_rows(file))
    (store / "commitlog" / f"{9:020}").write_bytes(file.read_bytes()[rows[1]["offset"] :])
    with pytest.raises(CorruptLog, match=f"says it lies at {rows[1]['offset']}"):
        list(commit_log_rows(store / "commitlog" / f"{9:020}"))


def test_a_file_under_another_name_is_read_from_its_first_byte(store, tmp_path):
    part = tmp_path / "part.bin"
    part.write_bytes((store / "commitlog" / f"{1048576:020}").read_bytes())
    assert next(iter(commit_log_rows(part)))["offset"] == 0


@pytest.mark.parametrize(
    "data", [b"\x7f\xff\xff\xff\xda\xa3\x20\xa7", b"\0\0\0\x04" + bytes(4) + b"x"]
)
def test_what_is_no_commit_log_is_refused(tmp_path, data):
    file = tmp_path / "x"
    file.write_bytes(data + bytes(100))
    with pytest.raises(CorruptLog, match="no record begins here"):
        list(commit_log_rows(file))
