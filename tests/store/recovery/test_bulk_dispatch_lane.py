"""The native walk over records for their units beside the Python's, which is the reference."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.mutate import mutate
from rmqwire.codec.record import check_record
from rmqwire.errors import BadRecord
from rmqwire.store.recovery.bulk_dispatch import BulkDispatch
from tests.store.recovery.test_bulk_dispatch import log_of, open_store
from tests.support.golden import commit_log_files, store_archives
from tests.support.stores import message

LOGS = [(base, data) for archive in store_archives() for base, data in commit_log_files(archive)]


@pytest.fixture(autouse=True)
def _native(monkeypatch):
    monkeypatch.setenv("RMQWIRE_LANE", "native")


def walks(data: bytes, base: int = 0, stop: int | None = None) -> list[object]:
    """Return what each lane finds, of all records that it may begin at; the queues are empty."""
    found = []
    for name in ("walk_in_python", "_walk_natively"):
        bulk = BulkDispatch(open_store().queues, check_crc=True)
        walk, pos, ends = getattr(bulk, name), 0, []
        while True:
            end = walk(data, pos, len(data) if stop is None else stop, base)
            ends.append((end, bulk.records, bulk.last_record, bulk.last_store_timestamp))
            try:
                pos = end + check_record(data, end).total_size
            except BadRecord:
                break
        lanes = {
            (lane.queue.topic, lane.queue.queue_id): (lane.units, lane.codes, lane.next_offset)
            for lane in bulk.take()
        }
        found.append((ends, lanes))
    return found


def test_recorded_logs_have_the_same_units():
    units = 0
    for base, log in LOGS:
        python, native = walks(log[:150_000], base)
        assert native == python
        units += sum(len(lane[0]) for lane in python[1].values())
    assert units > 20 * 400


def test_damaged_logs_have_the_same_units():
    rng = Random(9)
    tagged = b"TAGS\x01TagA\x02A\x01b\x02"
    pool = [log_of(*[message(properties=tagged) for _ in range(4)])]
    for _ in range(600):
        data = mutate(rng, pool)
        python, native = walks(data)
        assert native == python


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["T", "%RETRY%g", "Thema-é"]),
            st.integers(0, 1),
            st.sampled_from([0, 4, 8, 12, 0x80]),
            st.lists(
                st.sampled_from(
                    [
                        b"TAGS\x01a",
                        b"TAGS\x01\xc3\xa9",
                        b"TAGS\x01\xff",
                        b"TAGS\x01a\xed\xa0\x80\xf0\x9f\x9az",
                        b"TAGS",
                        b"XTAGS\x01b",
                        b"TAGS\x01",
                        b"A\x01TAGS\x01c",
                        b"\0",
                    ]
                ),
                max_size=3,
            ).map(b"\x02".join),
        ),
        max_size=6,
    ),
    st.integers(0, 200),
)
def test_any_records_have_the_same_units(rows, cut):
    data = log_of(
        *[
            message(topic=topic, queue_id=queue, sys_flag=flag, properties=properties)
            for topic, queue, flag, properties in rows
        ]
    )
    python, native = walks(data, stop=max(len(data) - cut, 0))
    assert native[1] == python[1]
    assert native[0][-1] == python[0][-1]
