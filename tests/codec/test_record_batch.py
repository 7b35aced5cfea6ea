"""The records of a batch, made at once, are those that are made one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec.consume_queue import UNIT_STRUCT
from rmqwire.codec.record import append_record, pack_host
from rmqwire.codec.record_batch import append_records
from rmqwire.errors import BadRecord
from rmqwire.store.results import MessageInner

HOSTS = (pack_host("127.0.0.1", 1), pack_host("::1", 2))
SHARED = {"queue_id", "sys_flag", "born_timestamp", "born_host", "reconsume_times"}
INT = st.integers(-(1 << 31), (1 << 31) - 1)
LONG = st.integers(-(1 << 63), (1 << 63) - 1)
MEMBERS = st.tuples(INT, st.binary(max_size=40), st.binary(max_size=40), LONG)


def made(member, shared):
    flag, properties, body, code = member
    first = {"topic": "T", "flag": flag, "properties": properties, "body": body, "tags_code": code}
    return MessageInner(**first, **shared)


@given(
    st.lists(MEMBERS, min_size=1, max_size=5),
    st.fixed_dictionaries(
        {
            "queue_id": INT,
            "sys_flag": INT,
            "born_timestamp": LONG,
            "born_host": st.sampled_from(HOSTS),
            "reconsume_times": INT,
            "prepared_transaction_offset": LONG,
        }
    ),
    st.sampled_from(HOSTS),
    st.binary(max_size=127),
    st.integers(0, 1 << 40),
)
def test_the_bytes_are_those_of_single_records(members, shared, host, topic, offset):
    messages = [made(member, shared) for member in members]
    numbers = {"store_timestamp": 7, "store_host": host}
    buffer, alone, units, sizes = bytearray(b"before"), bytearray(b"before"), b"", []
    places, added = append_records(
        buffer, messages, topic=topic, queue_offset=3, physical_offset=offset, **numbers
    )
    at = offset
    for number, message in enumerate(messages):
        size = append_record(
            alone,
            topic=topic,
            body=message.body,
            properties=message.properties,
            flag=message.flag,
            queue_offset=3 + number,
            physical_offset=at,
            **shared,
            **numbers,
        )
        units += UNIT_STRUCT.pack(at, size, message.tags_code)
        sizes.append((at, size))
        at += size
    assert (buffer, places, added) == (alone, sizes, units)


@pytest.mark.parametrize(
    "bad", [{"flag": 1 << 31}, {"properties": bytes(32768)}, {"topic": b"t" * 128}]
)
def test_what_does_not_fit_leaves_the_buffer_as_it_was(bad):
    shared = dict.fromkeys(SHARED, 0) | {"born_host": HOSTS[0]}
    good = made((0, b"", b"b", 0), shared)
    fields = {"flag": 0, "properties": b""} | {k: v for k, v in bad.items() if k != "topic"}
    other = made((fields["flag"], fields["properties"], b"b", 0), shared)
    buffer = bytearray(b"before")
    with pytest.raises(BadRecord):
        append_records(
            buffer,
            [good, other],
            topic=bad.get("topic", b"T"),
            queue_offset=0,
            physical_offset=0,
            store_timestamp=0,
            store_host=HOSTS[0],
        )
    assert buffer == b"before"
