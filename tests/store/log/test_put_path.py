"""What a put answers, when, and what a failed write leaves behind."""

from __future__ import annotations

import errno

import pytest

from rmqwire.codec.record import MESSAGE_MAGIC_V2, decode_message, pack_host
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.filter.message_filter import Filter
from rmqwire.store.message_store import PutStatus
from tests.support.stores import BORN, ROOT, Clock, make_store, message, put, small_config

BIG = {"mapped_file_size_commit_log": 1 << 18, "mapped_file_size_consume_queue": 6000}


def opened(files=None, *, release=V5_5_0, clock=None, host=None, **changes):
    kwargs = {"host": host} if host else {}
    store = make_store(
        files, config=small_config(**changes), release=release, clock=clock, **kwargs
    )
    store.open()
    return store


def record(store, result):
    data = store.look_message(result.physical_offset)
    assert data is not None
    return decode_message(data)


def test_the_answer_comes_at_the_end_of_the_pass():
    store = opened()
    results = []
    store.puts.put(message(), results.append)
    assert results == []
    assert store.max_offset("T", 0) == 0
    store.puts.end_pass()
    (result,) = results
    assert (result.status, result.physical_offset, result.queue_offset) == (0, 0, 0)
    assert result.message_id == "7F00000100002A9F0000000000000000"
    assert store.max_offset("T", 0) == 1
    store.puts.end_pass()
    assert len(results) == 1


def test_a_pass_that_took_long_is_one_line_with_its_puts(caplog):
    clock = Clock()
    store = opened(clock=clock)
    ends = []
    for elapsed, lines in ((500, 0), (501, 1)):
        for _ in range(3):
            store.puts.put(message(), lambda _: ends.append(store.puts.pass_ended))
        clock.now_ms += elapsed
        store.puts.end_pass()
        assert ends == [clock.now_ms] * 3
        assert caplog.text.count("3 puts took 501 ms from the first to the disk") == lines
        assert store.puts.pass_ended == 0
        ends.clear()


def test_one_write_for_one_pass():
    store = opened(**BIG)
    store.files.calls.clear()
    put(store, *[message(queue_id=n) for n in range(8)] * 4)
    assert [call for call in store.files.calls if call[0] == "pwrite"] == [
        ("pwrite", f"{ROOT}/commitlog/{0:020d}")
    ]
    store.files.calls.clear()
    put(store, message())
    assert store.files.calls == [("pwrite", f"{ROOT}/commitlog/{0:020d}")]


@pytest.mark.parametrize(
    ("release", "topic", "status"),
    [
        (V4_9_7, "%RETRY%" + "g" * 120, PutStatus.PUT_OK),
        (V4_9_7, "%RETRY%" + "g" * 121, PutStatus.MESSAGE_ILLEGAL),
        (V5_5_0, "%RETRY%" + "g" * 248, PutStatus.PUT_OK),
        (V5_5_0, "%RETRY%" + "g" * 249, PutStatus.MESSAGE_ILLEGAL),
        (V5_5_0, "t" * 127, PutStatus.PUT_OK),
        (V5_5_0, "t" * 128, PutStatus.MESSAGE_ILLEGAL),
        (V5_5_0, "é" * 64, PutStatus.MESSAGE_ILLEGAL),
        (V5_5_0, "../outside", PutStatus.MESSAGE_ILLEGAL),
        (V5_5_0, "..", PutStatus.MESSAGE_ILLEGAL),
        (V5_5_0, "", PutStatus.MESSAGE_ILLEGAL),
    ],
)
def test_topics_that_fit(release, topic, status):
    store = opened(release=release)
    (result,) = put(store, message(topic))
    assert result.status == status
    if status == PutStatus.PUT_OK:
        assert record(store, result).topic == topic
        assert (record(store, result).magic == MESSAGE_MAGIC_V2) == (len(topic) > 127)


def test_sizes_that_fit():
    store = opened(**BIG, max_message_size=1000)
    results = put(
        store,
        message(body=b"x" * 1000),
        message(body=b"x" * 1001),
        message(properties=b"p" * 32767),
        message(properties=b"p" * 32768),
        message(flag=1 << 31),
    )
    by_status = sorted((r.status, bool(r.remark)) for r in results)
    assert by_status == [(0, False), (0, False), (6, True), (6, True), (7, True)]
    assert store.max_offset("T", 0) == 2


def test_a_record_larger_than_a_file_is_refused():
    store = opened()
    first, second = put(store, message(body=b"x" * 4096), message(body=b"y"))
    assert first.status == PutStatus.MESSAGE_ILLEGAL
    assert (second.status, second.physical_offset) == (PutStatus.PUT_OK, 0)


@pytest.mark.parametrize("kind", [0x4, 0xC])
def test_half_and_rolled_back_messages_have_no_unit(kind):
    store = opened()
    results = put(store, message(sys_flag=kind), message(), message(sys_flag=kind))
    assert [r.queue_offset for r in results] == [0, 0, 0]
    assert store.max_offset("T", 0) == 1
    assert record(store, results[2]).queue_offset == 0
    again = make_store(store.files.copy(), config=store.config)
    again.open()
    assert again.max_offset("T", 0) == 1


def test_ipv6_hosts_set_their_bits():
    host = pack_host("::1", 10911)
    store = opened(host=host)
    (result,) = put(store, message(born_host=host))
    assert record(store, result).sys_flag == 0x30
    assert record(store, result).store_host == ("::1", 10911)
    assert len(result.message_id) == 56


def test_arrival_is_told_once_for_each_queue_and_tags_code():
    store = opened()
    told = []
    store.events.arrived = lambda *args: told.append(args)
    put(
        store,
        message(tags_code=1),
        message(tags_code=2),
        message(tags_code=1),
        message(queue_id=1, tags_code=5),
    )
    assert told == [("T", 0, 3, 1), ("T", 0, 3, 2), ("T", 1, 1, 5)]


def test_slaves_hear_of_a_pass_as_soon_as_it_is_written():
    store = opened()
    order = []
    store.events.written = lambda: order.append(("slaves", store.max_phy_offset))
    store.events.arrived = lambda *_: order.append("consumers")
    store.puts.put(message(), lambda _: order.append("producer"))
    assert order == []
    store.puts.end_pass()
    assert order == [("slaves", store.log.append_end), "producer", "consumers"]
    store.puts.end_pass()
    assert len(order) == 3


def test_a_batch_is_all_or_nothing():
    store = opened(max_message_size=200)
    results = []
    store.puts.put_batch([message(body=b"x"), message(body=b"y", properties=b"")], results.append)
    for bad in (
        [],
        [message(), message("U")],
        [message(), message(sys_flag=4)],
        [message(), message(properties=b"p" * 32768)],
        [message(body=b"x" * 101)] * 2,
        [message("a/b")],
    ):
        store.puts.put_batch(bad, results.append)
    store.puts.end_pass()
    assert [r.status for r in results] == [6] * 6 + [0]
    assert all(r.remark for r in results[:6])
    good = results[-1]
    assert (good.count, good.queue_offset, good.size) == (2, 0, store.max_phy_offset)
    assert [one[:16] for one in good.message_id.split(",")] == ["7F00000100002A9F"] * 2
    assert store.max_offset("T", 0) == 2


@pytest.mark.parametrize("changes", [{}, {"enabled_append_prop_crc": True}])
def test_a_batch_is_stored_as_its_messages_one_by_one_are(changes):
    batch = [message(body=bytes([n]) * 300, tags_code=n, flag=n) for n in range(20)]
    store, other = opened(**changes), opened(**changes)  # 4 KiB of log: it crosses a file's end
    results = []
    put(store, message(queue_id=1))
    put(other, message(queue_id=1))
    for _ in range(2):
        store.puts.put_batch(batch[:3], results.append)
        store.puts.put_batch(batch, results.append)
    store.puts.end_pass()
    alone = put(other, *batch[:3], *batch, *batch[:3], *batch)
    assert [r.queue_offset for r in results] == [0, 3, 23, 26]
    assert ",".join(r.message_id for r in results) == ",".join(r.message_id for r in alone)
    store.close()
    other.close()
    same = {path for path in store.files.data if "commitlog" in path or "consumequeue" in path}
    assert len(same) > 4
    assert all(store.files.data[path] == other.files.data[path] for path in same)


# --- faults ----------------------------------------------------------------------------------


def test_a_failed_write_takes_everything_back():
    store = opened()
    put(store, message(body=b"first"))
    end = store.max_phy_offset
    store.files.fail("pwrite", "commitlog")
    results = put(store, message(), message(queue_id=1))
    assert [r.status for r in results] == [PutStatus.SERVICE_NOT_AVAILABLE] * 2
    assert "injected" in results[0].remark
    assert (store.max_phy_offset, store.max_offset("T", 0), store.max_offset("T", 1)) == (end, 1, 0)
    assert not store.is_writable
    (later,) = put(store, message())
    assert later.status == PutStatus.SERVICE_NOT_AVAILABLE
    assert store.get_message("T", 0, 0, 32).count == 1
    store.close()
    assert f"{ROOT}/abort" in store.files.data
    again = make_store(store.files, config=store.config)
    assert again.open().log_end == end
    assert put(again, message())[0].queue_offset == 1


def test_what_a_failed_write_left_is_zeroed():
    store = opened()
    put(store, message())
    end = store.max_phy_offset
    store.files.fail("open", f"{4096:020d}")  # the second file of the pass
    results = put(store, *[message(body=b"x" * 1000)] * 6)
    assert {r.status for r in results} == {PutStatus.SERVICE_NOT_AVAILABLE}
    assert not any(store.files.data[f"{ROOT}/commitlog/{0:020d}"][end:])


def test_a_full_disk_is_tried_again_after_a_second():
    clock = Clock()
    store = opened(clock=clock)
    put(store, message())
    store.files.capacity = 4096 + 4096
    results = put(store, *[message(body=b"x" * 1500)] * 3)
    assert {r.status for r in results} == {PutStatus.SERVICE_NOT_AVAILABLE}
    assert "no space left" in results[0].remark
    assert put(store, message())[0].status == PutStatus.SERVICE_NOT_AVAILABLE
    clock.now_ms += 1000
    assert put(store, *[message(body=b"x" * 1500)] * 3)[0].status == 4
    store.files.capacity = None
    clock.now_ms += 1000
    assert [r.queue_offset for r in put(store, *[message(body=b"x" * 1500)] * 3)] == [1, 2, 3]
    store.close()
    assert f"{ROOT}/abort" not in store.files.data


@pytest.mark.parametrize("call", ["truncate", "pwrite"])  # the file, or what is written to it
def test_no_space_for_a_queue_keeps_the_units_in_memory(call):
    clock = Clock()
    store = opened(clock=clock, mapped_file_size_commit_log=1 << 20)
    put(store, message())
    store.files.fail(call, "consumequeue", errno.ENOSPC, times=99)
    put(store, *[message(body=b"")] * 3201)
    assert store.max_offset("T", 0) == 3202
    assert store.get_message("T", 0, 3201, 1).count == 1
    assert "consume queue" in store.read_only_reason


# --- SYNC_FLUSH ------------------------------------------------------------------------------


def flush(store):
    plan = store.flushes.log_flush_plan(thorough=True)
    if plan is not None:
        store.flushes.run_flush(plan)


def test_sync_flush_answers_and_shows_after_the_disk_has_it():
    store = opened(flush_disk_type="SYNC_FLUSH")
    wanted, told = [], []
    store.events.flush_wanted = lambda: wanted.append(1)
    store.events.arrived = lambda *args: told.append(args)
    results = []
    store.puts.put(message(), results.append)
    store.puts.put(message(wait_store_ok=False), results.append)
    store.puts.end_pass()
    assert [r.queue_offset for r in results] == [1]
    assert wanted == [1]
    assert (store.max_offset("T", 0), told) == (0, [])
    flush(store)
    assert [r.queue_offset for r in results] == [1, 0]
    assert (store.max_offset("T", 0), told) == (2, [("T", 0, 2, 0)])
    assert ("datasync", f"{ROOT}/commitlog/{0:020d}") in store.files.calls
    assert ("fsync_dir", f"{ROOT}/commitlog") in store.files.calls


def test_a_flush_covers_only_what_was_written_before_it():
    store = opened(flush_disk_type="SYNC_FLUSH")
    first = put(store, message())
    plan = store.flushes.log_flush_plan(thorough=True)
    assert plan is not None
    second = put(store, message())
    plan.run(store.files)
    store.flushes.flushed(plan)
    assert (len(first), len(second), store.max_offset("T", 0)) == (1, 0, 1)
    flush(store)
    assert (len(second), store.max_offset("T", 0)) == (1, 2)


def test_a_slow_flush_is_a_timeout_and_the_message_may_still_come():
    clock = Clock()
    store = opened(flush_disk_type="SYNC_FLUSH", clock=clock)
    results = put(store, message())
    clock.now_ms += 4999
    store.expire_waits()
    assert results == []
    clock.now_ms += 1
    store.expire_waits()
    assert [r.status for r in results] == [PutStatus.FLUSH_DISK_TIMEOUT]
    flush(store)
    assert len(results) == 1
    assert store.max_offset("T", 0) == 1


def test_a_failed_flush_is_never_an_ok():
    store = opened(flush_disk_type="SYNC_FLUSH")
    results = put(store, message())
    store.files.fail("datasync", "commitlog")
    flush(store)
    assert [r.status for r in results] == [PutStatus.FLUSH_DISK_TIMEOUT]
    assert not store.is_writable
    assert "flush" in store.read_only_reason
    calls = len(store.files.calls)
    assert store.flushes.log_flush_plan(thorough=True) is None
    assert len(store.files.calls) == calls
    assert store.max_offset("T", 0) == 0
    store.close()
    assert f"{ROOT}/abort" in store.files.data


def test_a_property_crc_is_appended_when_wanted():
    store = opened(enabled_append_prop_crc=True)
    (result,) = put(store, message(properties=b"A\x01B", born_host=BORN))
    found = record(store, result)
    assert list(found.properties) == ["A", "__CRC32#"]
    assert put(store, message(properties=b"p" * 32747))[0].status == 7


def test_a_delayed_message_s_unit_counts_from_the_store_time_as_a_slave_s_does():
    """The broker judged the message a moment before the store takes it."""
    store = opened()
    delayed = message("SCHEDULE_TOPIC_XXXX", 1, properties=b"DELAY\x012\x02", tags_code=5_000)
    (result,) = put(store, delayed)
    codes = []
    store.get_message("SCHEDULE_TOPIC_XXXX", 1, 0, 32, wanted=Filter(codes.append))
    assert codes == [result.store_timestamp + 5_000]
