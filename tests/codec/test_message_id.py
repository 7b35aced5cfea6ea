from __future__ import annotations

import os
import time
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec.command import decode_command
from rmqwire.codec.host import pack_host
from rmqwire.codec.message_id import (
    UniqueIdGenerator,
    decode_offset_id,
    encode_offset_id,
    is_message_id,
    offset_id,
    unique_id_ip,
    unique_id_pid,
    unique_id_time_ms,
)
from rmqwire.codec.record_batch import offset_ids
from rmqwire.errors import ProtocolError
from tests.support import golden

NOW = int(datetime(2026, 11, 21, 3, 4, 5).astimezone().timestamp() * 1000)
DECEMBER = int(datetime(2026, 12, 1).astimezone().timestamp() * 1000)


def test_offset_ids_are_java_s():
    wanted = {entry["name"]: entry["value"] for _, entry in golden.vectors("ids")}
    four = wanted["offset msgId IPv4 127.0.0.1:10911 offset 123456"]
    six = wanted["offset msgId IPv6 2001:db8::1 port 10911 offset 123456"]
    assert encode_offset_id("127.0.0.1", 10911, 123456) == four
    assert encode_offset_id("2001:db8::1", 10911, 123456) == six
    assert decode_offset_id(four) == ("127.0.0.1", 10911, 123456)
    assert decode_offset_id(six.lower()) == ("2001:db8::1", 10911, 123456)


@pytest.mark.parametrize("bad", ["", "7F", "7F00000100002A9F000000000001E24G", "0" * 33, "é" * 32])
def test_what_is_no_id_is_refused(bad):
    assert not is_message_id(bad)
    with pytest.raises(ProtocolError):
        decode_offset_id(bad)
    with pytest.raises(ProtocolError):
        unique_id_ip(bad)


@pytest.mark.parametrize(
    "host", [("nowhere", 1, 1), ("127.0.0.1", 1 << 31, 1), ("127.0.0.1", 1, -1)]
)
def test_what_fits_no_offset_id_is_refused(host):
    with pytest.raises(ProtocolError):
        encode_offset_id(*host)


def test_java_s_unique_id_is_understood():
    for _, entry in golden.vectors("ids"):
        if entry["name"].startswith("uniq id sample"):
            assert unique_id_ip(entry["value"]) == "127.0.0.1"
            assert unique_id_pid(entry["value"]) == int(entry["value"][8:12], 16)
            assert unique_id_time_ms(entry["value"], NOW) < NOW


@pytest.mark.parametrize("ip", ["127.0.0.1", "fe80::1"])
def test_a_generated_id_tells_where_and_when_it_was_made(ip):
    generator = UniqueIdGenerator(ip, 0x12345, lambda: NOW, seed=0xCAFE)
    first, second = generator.next(), generator.next()
    assert first != second
    assert unique_id_ip(first) == ip
    assert unique_id_pid(first) == 0x2345
    assert unique_id_time_ms(first, NOW + 1000) == NOW
    assert "0000CAFE" in first


def test_the_counter_wraps_and_the_month_turns():
    now = [DECEMBER - 1]
    generator = UniqueIdGenerator(b"\x7f\0\0\1", 1, lambda: now[0])
    ids = {generator.next() for _ in range(0x10000)}
    assert len(ids) == 0x10000
    assert generator.next() in ids
    last = generator.next()
    assert unique_id_time_ms(last, DECEMBER + 5) == DECEMBER - 1
    now[0] = DECEMBER + 2
    assert generator.next()[20:28] == "00000002"
    now[0] = DECEMBER - 500  # a clock set back a little
    assert generator.next()[20:28] == "00000000"


def test_the_month_begins_at_local_midnight(monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        start = int(datetime(2026, 11, 1).astimezone().timestamp() * 1000)
        # Clocks went back on this very day: the offset of the month's start counts.
        generator = UniqueIdGenerator("127.0.0.1", 1, lambda: start + 86_400_000 * 3)
        assert int(generator.next()[20:28], 16) == 86_400_000 * 3
    finally:
        monkeypatch.undo()
        time.tzset()
    assert os.environ.get("TZ") != "America/New_York"


def test_every_recorded_answer_to_a_send_has_ids_that_read_back():
    checked = 0
    for path in golden.frame_files("b_send*"):
        for entry, frame in golden.frames(path):
            if entry["kind"] != "response" or not entry["name"].startswith("SEND_MESSAGE"):
                continue
            for message_id in (decode_command(frame).ext_fields or {}).get("msgId", "").split(","):
                if message_id:
                    assert encode_offset_id(*decode_offset_id(message_id)) == message_id
                    checked += 1
    assert checked > 20


@pytest.mark.parametrize("ip", ["127.0.0.1", "2001:db8::1"])
@given(st.lists(st.integers(0, (1 << 63) - 1), min_size=1, max_size=9))
def test_the_ids_of_a_batch_are_joined_with_commas(ip, offsets):
    host = pack_host(ip, 10911)
    assert offset_ids(host, offsets).decode() == ",".join(offset_id(host, one) for one in offsets)
