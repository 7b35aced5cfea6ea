"""Batches of each lane beside the handlers, which are the reference: the same bytes."""

from __future__ import annotations

from typing import Any

import pytest

from rmqwire.broker.processors import plain_sends
from rmqwire.codec.batch import encode_entry
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.native import PYTHON
from rmqwire.codec.record_batch import make_records
from rmqwire.store.folder.file_queue import FileQueue
from tests.support.broker import commands
from tests.support.lanes import KEY, MEMBERS, batch_frame, send_frame, write_full


@pytest.mark.parametrize("serialize_type", [0, 1])
def test_batches_are_taken_where_their_messages_are_stored_as_they_came(lanes, serialize_type):
    as_they_came = not lanes.brokers[0].state.release.broker.appends_batch_properties
    for count in (1, 2, 7, 8, 20):  # the ids of 8 are longer than a template's
        data = batch_frame(
            *MEMBERS[:count], serialize_type=serialize_type, queue_id=2, opaque=count
        )
        lanes.feed(send_frame() + data + data + send_frame(queue_id=2))
    assert lanes.taken == 5 * (4 if as_they_came else 2)


ODD_BATCHES: list[dict[str, Any]] = [
    {"members": ["DELAY\x013\x02UNIQ_KEY\x01K"]},
    {"members": ["INNER_NUM\x013\x02UNIQ_KEY\x01K"]},
    {"members": ["A\x02UNIQ_KEY\x01K"]},
    {"members": ["TAGS\x01a\x02TAGS\x01b\x02UNIQ_KEY\x01K"]},
    {"members": []},
    {"properties": f"UNIQ_KEY\x01{KEY}\x02WAIT\x01false\x02"},
    {"properties": f"UNIQ_KEY\x01{KEY}\x02DELAY\x012\x02"},
    {"properties": "UNIQ_KEY\x01a-b\x02"},
    {"body": b"x" * 50},
    {"topic": "Unknown"},
    {"sys_flag": 4},
]


def test_batches_that_are_not_plain_are_handed_back(lanes, lane):
    for odd in ODD_BATCHES:
        lanes.taken = 0
        members = odd.get("members", MEMBERS[:2])
        fields = {name: value for name, value in odd.items() if name != "members"}
        lanes.feed(send_frame() + batch_frame(MEMBERS[0], *members, **fields) + send_frame())
        of_members = (
            lane == PYTHON and "members" in odd
        )  # it looks at no more than is stored of them
        if members and not of_members:
            assert lanes.taken == 2, odd


def test_a_batch_that_does_not_fit_into_its_file_is_the_pythons(lanes):
    data = batch_frame(*MEMBERS[:3], body=encode_entry(1, b"x" * 60_000, b"UNIQ_KEY\x01K") * 3)
    for _ in range(30):
        lanes.feed(data)
    log = lanes.brokers[1].state.store.log
    assert log.end > lanes.brokers[1].loaded.store.mapped_file_size_commit_log


def alike_batches(count, **fields):
    """Return so many batches of two messages that may be made records together."""
    body = b"".join([encode_entry(3, b"abcd", MEMBERS[n].encode()) for n in range(2)])
    return [
        batch_frame(body=body, queue_id=number % 3, opaque=number, **fields)
        for number in range(count)
    ]


def test_up_to_eight_batches_in_a_row_become_records_in_one_call(lanes, lane, monkeypatch):
    made = []

    def noted(*columns, **fields):
        made.append(len(columns[0].bodies))
        return make_records(*columns, **fields)

    monkeypatch.setattr(plain_sends, "make_records", noted)
    lanes.feed(b"".join(alike_batches(9)) + send_frame())
    in_python = lane == PYTHON and lanes.taken == 10
    assert made == ([16, 2] if in_python else [])
    assert lanes.taken == (
        1 if lanes.brokers[0].state.release.broker.appends_batch_properties else 10
    )


def test_a_failed_write_refuses_each_of_the_batches_in_a_row(lanes, monkeypatch):
    monkeypatch.setattr(FileQueue, "write", write_full)
    batches = alike_batches(5) + alike_batches(3, flag=2) + [send_frame(opaque=9)]
    answers = commands(lanes.feed(b"".join(batches))[1])
    refused = int(ResponseCode.SERVICE_NOT_AVAILABLE)
    assert [(one.opaque, one.code) for one in answers] == [
        (opaque, refused) for opaque in (0, 1, 2, 3, 4, 9)
    ]


def test_batches_in_a_row_that_do_not_fit_into_the_file_are_taken_as_far_as_they_do(lanes):
    body = encode_entry(1, b"x" * 40_000, b"UNIQ_KEY\x01K") * 2
    data = [batch_frame(body=body, queue_id=number % 4) for number in range(9)]
    for _ in range(15):
        lanes.feed(b"".join(data))
    log = lanes.brokers[1].state.store.log
    assert log.end > 2 * lanes.brokers[1].loaded.store.mapped_file_size_commit_log
    assert lanes.taken > 100 or lanes.brokers[1].state.release.broker.appends_batch_properties
