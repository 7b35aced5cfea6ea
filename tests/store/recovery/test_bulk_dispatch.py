"""Units of many records at once: the same as one by one, and nothing that a closer look refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec.consume_queue import UNIT_STRUCT
from rmqwire.codec.message_const import RMQ_SYS_SCHEDULE_TOPIC
from rmqwire.codec.record import check_record, pack_host
from rmqwire.codec.sys_flag import (
    INNER_BATCH_FLAG,
    TRANSACTION_PREPARED_TYPE,
    TRANSACTION_ROLLBACK_TYPE,
)
from rmqwire.errors import BadRecord
from rmqwire.store.recovery.bulk_dispatch import BulkDispatch
from rmqwire.store.recovery.redispatch import record_tags_code
from tests.support.stores import make_store, message, put, small_config

TAGGED = b"KEYS\x01k\x02TAGS\x01TagA\x02"


def open_store(**changes):
    store = make_store(config=small_config(mapped_file_size_commit_log=1 << 20, **changes))
    store.open()
    return store


def log_of(*messages, **changes) -> bytes:
    store = open_store(**changes)
    put(store, *messages)
    return store.log.read(0, store.log.end)


def walked(data: bytes, *, store=None, stop=None):
    """Walk a log's beginning; give how far that came and (topic, queue) -> units."""
    bulk = BulkDispatch((store or open_store()).queues, check_crc=True)
    end = bulk.walk(data, 0, len(data) if stop is None else stop, 0)
    found = {
        (lane.queue.topic, lane.queue.queue_id): list(UNIT_STRUCT.iter_unpack(lane.units))
        for lane in bulk.take()
    }
    assert bulk.take() == []
    return end, found


def one_by_one(data: bytes) -> dict:
    found: dict = {}
    pos = 0
    while pos < len(data):
        record = check_record(data, pos)
        if not record.sys_flag & TRANSACTION_PREPARED_TYPE:
            unit = (pos, record.total_size, record_tags_code(record, {}))
            found.setdefault((record.topic, record.queue_id), []).append(unit)
        pos += record.total_size
    return found


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["T", "%RETRY%g", "x" * 127, "Thema-é"]),
            st.integers(0, 2),
            st.binary(max_size=40),
            st.sampled_from(
                [b"", TAGGED, b"TAGS\x01TagB", b"TAGS\x01\xc3\xa9\x02UNIQ_KEY\x01A\x02"]
            ),
        ),
        max_size=12,
    )
)
def test_units_are_those_of_a_closer_look(rows):
    data = log_of(
        *[
            message(topic=topic, queue_id=queue, body=body, properties=properties)
            for topic, queue, body, properties in rows
        ]
    )
    assert walked(data) == (len(data), one_by_one(data))


@pytest.mark.parametrize(
    "properties",
    [
        b"",
        b"TAGS\x01A\x02",
        b"TAGS\x01A",
        b"K\x01v\x02TAGS\x01A\x02",
        b"TAGS\x01\x02K\x01v\x02",
        b"TAGS\x01A\x02TAGS\x01\x02",
        b"TAGS\x01A\x02TAGS\x01B\x02",
        b"TAGS\x01A\x02MYTAGS\x01B\x02",
        b"MYTAGS\x01B\x02",
        b"K\x01TAGS\x02",
    ],
)
def test_the_tag_is_the_last_one_with_a_value(properties):
    data = log_of(message(properties=properties))
    assert walked(data) == (len(data), one_by_one(data))


def test_a_flipped_bit_never_passes_what_a_closer_look_refuses():
    first, whole = log_of(message()), log_of(message(), message(properties=TAGGED, queue_id=1))
    for bit in range(8 * len(first), 8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        data = bytes(damaged)
        end, found = walked(data)
        assert end >= len(first)
        if end > len(first):
            record = check_record(data, len(first))
            assert record.physical_offset == len(first)
            assert record.total_size == end - len(first)
            assert found == one_by_one(data)


@pytest.mark.parametrize("length", range(1, 140, 7))
def test_what_is_cut_off_or_random_is_left_alone(length):
    data = log_of(message(), message())
    half = len(data) // 2
    assert walked(data[: half + length % half])[0] == half
    assert walked(data, stop=half + length % half)[0] == half
    assert walked(data[:half] + bytes([length]) * 200)[0] == half


@pytest.mark.parametrize(
    "strange",
    [
        message(born_host=pack_host("::1", 4000)),
        message(topic=RMQ_SYS_SCHEDULE_TOPIC, properties=b"DELAY\x013\x02"),
        message(topic="%RETRY%" + "g" * 140),
    ],
)
def test_what_is_of_another_kind_is_left_to_its_caller(strange):
    first = log_of(message())
    data = log_of(message(), strange, message())
    assert walked(data)[0] == len(first)


def test_an_inner_batch_is_left_to_its_caller():
    data = bytearray(log_of(message()))
    data[39] |= INNER_BATCH_FLAG
    assert walked(bytes(data))[0] == 0


def test_a_crc_in_the_properties_is_left_to_its_caller():
    assert walked(log_of(message(), enabled_append_prop_crc=True))[0] == 0


def test_a_gap_in_a_queue_is_left_to_its_caller():
    data = log_of(message(), message(), message(queue_id=1))
    assert walked(data, store=open_store())[0] == len(data)
    half = len(data) // 3
    behind = BulkDispatch(open_store().queues, check_crc=True)
    assert behind.walk(data, half, len(data), 0) == half


def test_units_that_are_there_are_passed_and_others_are_left_to_the_caller():
    data = log_of(message(), message(), message(), message(queue_id=1))
    store, other = open_store(), open_store()
    put(store, message(), message())
    end, found = walked(data, store=store)
    assert end == len(data)
    half = len(data) // 2
    assert [unit[0] for unit in found["T", 0]] == [half]
    put(other, message(), message(body=b"another one"))
    assert walked(data, store=other)[0] == half // 2


def test_no_queue_gets_units_below_the_reach_without_a_closer_look():
    data = log_of(message(), message())
    for reach, end in ((0, len(data)), (1, 0), (len(data) // 2, 0)):
        bulk = BulkDispatch(open_store().queues, check_crc=True, reach=reach)
        assert bulk.walk(data, 0, len(data), 0) == end
        assert bulk.records == (2 if end else 0)


def test_a_record_that_ends_in_zeros_is_left_to_its_caller():
    first = log_of(message())
    data = log_of(message(), message(properties=b"TAGS\x01A\0"))
    assert walked(data)[0] == len(first)


def test_half_messages_and_rollbacks_are_in_no_queue():
    kinds = (TRANSACTION_PREPARED_TYPE, 0, TRANSACTION_ROLLBACK_TYPE)
    data = log_of(*[message(sys_flag=kind) for kind in kinds])
    end, found = walked(data)
    assert end == len(data)
    assert [unit[0] for unit in found["T", 0]] == [len(data) // 3]


def test_where_it_ended_and_when_that_was_stored():
    store = open_store()
    put(store, message(), message(body=b"the last one"))
    bulk = BulkDispatch(store.queues, check_crc=True)
    other = BulkDispatch(open_store().queues, check_crc=True)
    data = store.log.read(0, store.log.end)
    assert bulk.walk(data, 0, 40, 0) == 0
    assert bulk.last_record == (0, 0)
    assert other.walk(data, 0, len(data), 0) == len(data)
    assert other.last_record == store.log.last_record
    assert other.last_store_timestamp == store.log.last_store_timestamp


def test_a_bad_crc_ends_the_walk_unless_nobody_asks():
    data = bytearray(log_of(message(body=b"some body")))
    data[90] ^= 1
    store = open_store()
    with pytest.raises(BadRecord):
        check_record(data)
    assert BulkDispatch(store.queues, check_crc=True).walk(bytes(data), 0, len(data), 0) == 0
    trusting = BulkDispatch(store.queues, check_crc=False)
    assert trusting.walk(bytes(data), 0, len(data), 0) == len(data)
