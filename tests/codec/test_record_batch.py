"""The records of a batch, made at once, are those that are made one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec.batch import columns_of
from rmqwire.codec.consume_queue import UNIT_STRUCT
from rmqwire.codec.record import append_record, pack_host
from rmqwire.codec.record_batch import make_records
from rmqwire.errors import BadRecord

HOSTS = (pack_host("127.0.0.1", 1), pack_host("::1", 2))
SHARED = {"sys_flag", "born_host", "reconsume_times"}
INT = st.integers(-(1 << 31), (1 << 31) - 1)
LONG = st.integers(-(1 << 63), (1 << 63) - 1)
MEMBERS = st.tuples(INT, st.binary(max_size=40), st.binary(max_size=40), LONG)
PLACES = st.tuples(INT, LONG, LONG)  # queue, offset in it, when the message was made


@given(
    st.lists(st.tuples(MEMBERS, PLACES), min_size=1, max_size=5),
    st.booleans(),
    st.fixed_dictionaries(
        {
            "sys_flag": INT,
            "born_host": st.sampled_from(HOSTS),
            "reconsume_times": INT,
            "prepared_transaction_offset": LONG,
            "store_timestamp": LONG,
            "store_host": st.sampled_from(HOSTS),
        }
    ),
    st.binary(max_size=127),
    st.integers(0, 1 << 40),
)
def test_the_bytes_are_those_of_single_records(members, of_one_send, shared, topic, offset):
    messages, places = zip(*members, strict=True)
    flags, texts, bodies, codes = zip(*messages, strict=True)
    if of_one_send:
        places = [places[0]] * len(members)
    queue_ids, queue_offsets, borns = zip(*places, strict=True)
    made = make_records(
        columns_of(flags, bodies, texts),
        codes,
        topic=topic,
        queue_ids=queue_ids[:1] if of_one_send else queue_ids,
        queue_offsets=queue_offsets,
        physical_offset=offset,
        born_timestamps=borns[:1] if of_one_send else borns,
        **shared,
    )
    alone, units, offsets, sizes, at = bytearray(), b"", [], [], offset
    for number, (flag, properties, body, code) in enumerate(messages):
        size = append_record(
            alone,
            topic=topic,
            body=body,
            properties=properties,
            flag=flag,
            queue_id=queue_ids[number],
            queue_offset=queue_offsets[number],
            physical_offset=at,
            born_timestamp=borns[number],
            **shared,
        )
        units += UNIT_STRUCT.pack(at, size, code)
        offsets.append(at)
        sizes.append(size)
        at += size
    assert made == (alone, offsets, sizes, units)


@pytest.mark.parametrize(
    "bad", [{"flag": 1 << 31}, {"properties": bytes(32768)}, {"topic": b"t" * 128}]
)
def test_what_does_not_fit_is_no_record(bad):
    shared = dict.fromkeys(SHARED, 0) | {"born_host": HOSTS[0]}
    other = (bad.get("flag", 0), b"b", bad.get("properties", b""))
    with pytest.raises(BadRecord):
        make_records(
            columns_of(*zip((0, b"b", b""), other, strict=True)),
            [0],
            topic=bad.get("topic", b"T"),
            queue_ids=[0],
            queue_offsets=[0, 1],
            physical_offset=0,
            born_timestamps=[0],
            store_timestamp=0,
            store_host=HOSTS[0],
            **shared,
        )
