"""Light queues: offsets in the record, units in each queue, all of it again from the log."""

from __future__ import annotations

import pytest

from rmqwire.codec.consume_queue import UNIT, iter_units
from rmqwire.codec.properties import decode_properties
from rmqwire.codec.record import decode_message, iter_messages, read_position
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.store.log.commit_log import CommitLog
from rmqwire.store.message_store import GetStatus, PutStatus
from rmqwire.store.queues.light_queues import (
    allows_lmq,
    is_light,
    light_queues,
    recorded_queues,
    with_offsets,
)
from tests.store.queues.test_batch_queue import no_disk
from tests.support.memory_files import MemoryFiles
from tests.support.stores import ROOT, make_store, message, put, small_config

ENABLED = {"enable_lmq": True, "enable_multi_dispatch": True}
A, B = "%LMQ%a", "%LMQ%b"


def open_store(files=None, **changes):
    store = make_store(files, config=small_config(**(ENABLED | changes)))
    store.open()
    return store


def light(*names, body=b"body", topic="T", **changes):
    properties = f"UNIQ_KEY\x01A\x02INNER_MULTI_DISPATCH\x01{','.join(names)}\x02".encode()
    return message(topic, 0, body, properties=properties, **changes)


def offsets(store, result):
    record = decode_message(store.look_message(result.physical_offset))
    return record.properties.get("INNER_MULTI_QUEUE_OFFSET")


def bodies(store, topic):
    result = store.get_message(topic, 0, 0, 32)
    return [one.body for one in iter_messages(result.body)]


def test_a_message_is_in_each_queue_it_names():
    store = open_store()
    results = put(
        store,
        light(A, B, body=b"1", tags_code=5),
        light(B, body=b"2"),
        message("T", 0, b"3"),
        light(A, body=b"4"),
    )
    assert [offsets(store, result) for result in results] == ["0,0", "1", None, "1"]
    assert bodies(store, "T") == [b"1", b"2", b"3", b"4"]
    assert bodies(store, A) == [b"1", b"4"]
    assert bodies(store, B) == [b"1", b"2"]
    assert (store.min_offset(A, 0), store.max_offset(A, 0)) == (0, 2)
    assert store.get_message(A, 0, 2, 1).status == GetStatus.OFFSET_OVERFLOW_ONE
    assert store.offset_by_time(B, 0, 0) == 0


def test_units_of_a_light_queue_are_plain_ones():
    store = open_store()
    (result,) = put(store, light(A, tags_code=5))
    store.close()
    data = bytes(store.files.data[f"{ROOT}/consumequeue/{A}/0/{0:020}"])[:UNIT]
    assert iter_units(data) == [(result.physical_offset, result.size, 5)]


def test_waiting_pulls_of_light_queues_hear_of_it():
    store = open_store()
    heard = []
    store.events.arrived = lambda *what: heard.append(what)
    put(store, light(A, B), light(A))
    assert heard == [("T", 0, 2, 0), (A, 0, 2, 0), (B, 0, 1, 0)]


def test_names_that_are_no_light_queues_get_no_offset():
    store = open_store()
    (result,) = put(store, light("other", A, "%LMQ%x/../y"))
    assert offsets(store, result) == ",0,"
    assert store.topics() == ["T", A]
    assert store.max_offset(A, 0) == 1


@pytest.mark.parametrize("topic", ["%RETRY%g", "%DLQ%g", "rmq_sys_x", "SCHEDULE_TOPIC_XXXX"])
def test_topics_without_light_queues(topic):
    store = open_store()
    (result,) = put(store, light(A, topic=topic))
    assert offsets(store, result) is None
    assert store.max_offset(A, 0) == 0
    assert not allows_lmq(topic)


@pytest.mark.parametrize("changes", [{"enable_lmq": False}, {"enable_multi_dispatch": False}])
def test_both_settings_are_needed_for_units(changes):
    store = open_store(**changes)
    results = put(store, light(A), light(A))
    enabled = changes.get("enable_lmq", True)
    assert [offsets(store, r) for r in results] == (["0", "1"] if enabled else [None, None])
    assert store.max_offset(A, 0) == 0
    assert store.max_offset("T", 0) == 2


def test_light_queues_are_rebuilt_from_the_log_byte_for_byte():
    files = MemoryFiles()
    store = open_store(files)
    for number in range(30):
        put(store, light(*([A, B] if number % 3 else [B]), body=b"%d" % number))
    assert store.max_phy_offset > 4096
    store.close()
    before = {k: bytes(v) for k, v in files.data.items() if "/consumequeue/" in k}
    for path in before:
        del files.data[path]
    files.data.pop(f"{ROOT}/rmqwire.mark", None)
    again = open_store(files)
    assert (again.max_offset(A, 0), again.max_offset(B, 0)) == (20, 30)
    (result,) = put(again, light(A, B))
    assert offsets(again, result) == "20,30"
    again.close()
    after = {k: bytes(v) for k, v in files.data.items() if "/consumequeue/" in k}
    assert set(before) <= set(after)
    assert all(after[k].startswith(v.rstrip(b"\0")) for k, v in before.items())


def test_a_store_opened_again_has_nothing_to_add():
    store = open_store()
    put(store, *[light(A, B) for _ in range(25)])
    store.close()
    again = make_store(store.files, config=small_config(**ENABLED))
    report = again.open()
    assert (report.units_added, report.units_cut, report.notes) == (0, 0, [])
    assert again.max_offset(A, 0) == 25


def test_queues_are_served_without_the_settings_too():
    store = open_store()
    put(store, light(A, body=b"1"))
    store.close()
    again = open_store(store.files, enable_lmq=False, enable_multi_dispatch=False)
    assert bodies(again, A) == [b"1"]


def test_a_failed_pass_takes_the_offsets_back(monkeypatch):
    store = open_store()
    put(store, light(A))
    results = []
    store.puts.put(light(A, B), results.append)
    monkeypatch.setattr(CommitLog, "write", no_disk)
    store.puts.end_pass()
    assert results[0].status == PutStatus.SERVICE_NOT_AVAILABLE
    assert store.queues.find(A, 0).next_offset == 1
    assert store.queues.find(B, 0).next_offset == 0


def test_what_a_record_says_of_its_light_queues():
    store = open_store()
    (result,) = put(store, light(A, "x", B))
    found = read_position(store.look_message(result.physical_offset))
    assert list(recorded_queues(found)) == [(A, 0), (B, 0)]
    found.properties = b"INNER_MULTI_DISPATCH\x01%LMQ%a,%LMQ%b\x02INNER_MULTI_QUEUE_OFFSET\x011\x02"
    assert list(recorded_queues(found)) == []
    assert light_queues("T", b"INNER_MULTI_DISPATCH\x01 \x02") == []
    assert not is_light("%LMQ%a\0")


def test_properties_stand_in_the_order_of_java_s_map():
    properties = b"INNER_MULTI_DISPATCH\x01%LMQ%a\x02KEYS\x01k\x02UNIQ_KEY\x01A"
    for release in (V4_9_7, V5_5_0):
        data = with_offsets(properties, [7], release)
        assert decode_properties(data) == decode_properties(properties) | {
            "INNER_MULTI_QUEUE_OFFSET": "7"
        }
        assert data.endswith(b"\x02") == release.wire.trailing_property_separator


def test_the_quota_refuses_new_light_queues_only():
    store = open_store(enable_lmq_quota=True, max_lmq_consume_queue_num=2)
    assert [one.status for one in put(store, light(A), light(B))] == [0, 0]
    end = store.max_phy_offset
    (refused,) = put(store, light(A, "%LMQ%c"))
    assert refused.status == PutStatus.LMQ_CONSUME_QUEUE_NUM_EXCEEDED
    assert (store.max_phy_offset, store.max_offset("T", 0), store.max_offset(A, 0)) == (end, 2, 1)
    assert [one.status for one in put(store, light(A, B), message("T"))] == [0, 0]
    store.delete_topics([B])
    assert [one.status for one in put(store, light("%LMQ%c"))] == [0]
    assert [one.status for one in put(store, light(B))] == [12]
    store.close()
    again = open_store(store.files, enable_lmq_quota=True, max_lmq_consume_queue_num=2)
    assert [one.status for one in put(again, light("%LMQ%d"))] == [12]


def test_without_the_quota_the_number_is_no_limit():
    store = open_store(max_lmq_consume_queue_num=1)
    assert [one.status for one in put(store, light(A), light(B))] == [0, 0]


def test_messages_of_a_batch_are_in_their_own_queue_only():
    store = open_store()
    results = []
    store.puts.put_batch([light(A), light(A, B)], results.append)
    store.puts.end_pass()
    assert [(one.status, one.count) for one in results] == [(0, 2)]
    assert (store.max_offset("T", 0), store.max_offset(A, 0)) == (2, 0)
    assert offsets(store, results[0]) is None


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("lost", [0, 1])
def test_a_file_of_a_light_queue_that_is_lost_is_made_good_from_the_log(clean, lost):
    store = open_store()
    for number in range(20):
        put(store, light(A, body=b"%d" % number))
    store.close()
    folder = f"{ROOT}/consumequeue/{A}/0"
    names = store.files.list(folder)
    before = {name: bytes(store.files.data[f"{folder}/{name}"]) for name in names}
    assert len(before) == 2
    del store.files.data[f"{folder}/{names[lost]}"]
    if not clean:
        store.files.put(f"{ROOT}/abort")
    again = open_store(store.files)
    assert (again.min_offset(A, 0), again.max_offset(A, 0)) == (0, 20)
    again.close()
    assert {name: bytes(store.files.data[f"{folder}/{name}"]) for name in names} == before
