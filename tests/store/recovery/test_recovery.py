"""Opening stores that were killed, torn, damaged or robbed of files."""

from __future__ import annotations

import pytest

from rmqwire.codec.checkpoint import StoreCheckpoint
from rmqwire.codec.consume_queue import UNIT, UNIT_STRUCT
from rmqwire.codec.record import iter_messages
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.errors import CorruptLog, StoreLocked
from rmqwire.store.message_store import GetStatus
from tests.support.stores import ROOT, Clock, make_store, message, put, small_config

LOG = f"{ROOT}/commitlog"
QUEUES = f"{ROOT}/consumequeue"
MARK = f"{ROOT}/rmqwire.mark"
FIRST = f"{LOG}/{0:020d}"


def filled(count=60, *, clock=None, queues=3, step_ms=1000, **changes):
    """Return an open store with messages over some queues and several log files."""
    clock = clock or Clock()
    store = make_store(clock=clock, config=small_config(**changes))
    store.open()
    for index in range(count):
        clock.now_ms += step_ms
        (result,) = put(store, message(queue_id=index % queues, body=b"%04d" % index * 25))
        assert result.status == 0
    return store


def reopened(files, *, clock=None, release=V5_5_0, **changes):
    store = make_store(files, clock=clock, config=small_config(**changes), release=release)
    return store, store.open()


def bodies(store, queue_id, topic="T"):
    found, offset = [], store.min_offset(topic, queue_id)
    while (result := store.get_message(topic, queue_id, offset, 32)).status == GetStatus.FOUND:
        found += [one.body[:4] for one in iter_messages(result.body)]
        offset = result.next_begin_offset
    return found


def all_bodies(store, queues=3):
    return [bodies(store, queue_id) for queue_id in range(queues)]


def test_an_empty_folder_becomes_a_store():
    store, report = reopened(None)
    assert (report.clean, report.log_end) == (True, 0)
    data = store.files.data
    assert data[f"{ROOT}/lock"] == b"lock"
    assert data[f"{ROOT}/abort"][:].isdigit()
    assert data[f"{ROOT}/abort.bak"] == b""
    assert len(data[f"{ROOT}/checkpoint"]) == 4096
    store.close()
    assert f"{ROOT}/abort" not in data


def test_abort_is_empty_in_4_9():
    store, _ = reopened(None, release=V4_9_7)
    assert store.files.data[f"{ROOT}/abort"] == b""
    assert f"{ROOT}/abort.bak" not in store.files.data


def test_a_second_store_on_the_folder_is_refused():
    store = filled(3)
    with pytest.raises(StoreLocked):
        reopened(store.files)
    assert put(store, message())[0].status == 0


def test_a_killed_store_is_complete():
    store = filled()
    expected = all_bodies(store)
    again, report = reopened(store.files.copy())
    assert all_bodies(again) == expected
    assert not report.clean
    assert report.units_added == 60
    assert again.files.data[f"{ROOT}/abort.bak"][:].isdigit()


def test_the_torn_last_record_is_cut_at_every_byte():
    store = filled(4, queues=1)
    files = store.files
    result = put(store, message(body=b"last" * 5))[0]
    begin, end = result.physical_offset, result.physical_offset + result.size
    for cut in range(begin, end):
        torn = files.copy()
        torn.data[FIRST][cut:end] = bytes(end - cut)
        again, report = reopened(torn)
        if any(files.data[FIRST][cut:end]):
            assert report.log_end == begin, cut
            assert bodies(again, 0) == [b"%04d" % n for n in range(4)]
            assert not any(torn.data[FIRST][begin:])
        again.close()


def test_an_old_record_can_not_come_back_behind_a_new_one():
    """Cut B out of A B C; write another B of the same size; C must stay away."""
    store = filled(1, queues=1)
    (b,) = put(store, message(body=b"bbbb"))
    (c,) = put(store, message(body=b"cccc"))
    files = store.files.copy()
    files.data[FIRST][b.physical_offset : c.physical_offset] = bytes(b.size)
    again, report = reopened(files)
    assert report.log_end == b.physical_offset
    assert report.bytes_zeroed > 0
    synced = ("datasync", FIRST)
    assert synced in files.calls
    (second,) = put(again, message(body=b"BBBB"))
    assert second.physical_offset == b.physical_offset
    third, _ = reopened(files.copy())
    assert bodies(third, 0) == [b"0000", b"BBBB"]


@pytest.mark.parametrize("field_at", [0, 4, 8, 28, 84, 90])
def test_a_damaged_record_ends_the_log(field_at):
    store = filled(6, queues=1)
    files = store.files.copy()
    at = store.queues.find("T", 0).unit(3)[0]
    files.data[FIRST][at + field_at] ^= 0x55
    again, report = reopened(files)
    assert report.log_end == at
    assert report.cut_reason
    assert bodies(again, 0) == [b"0000", b"0001", b"0002"]
    assert put(again, message())[0].queue_offset == 3


def test_files_behind_the_cut_go():
    store = filled(60)
    files = store.files.copy()
    files.data[FIRST][300:500] = bytes(200)
    again, report = reopened(files)
    assert report.files_dropped
    assert [path for path in files.data if path.startswith(LOG)] == [FIRST]
    assert again.max_phy_offset <= 300


def test_a_blank_without_a_next_file_is_kept():
    store = filled(60)
    end = store.max_phy_offset - store.max_phy_offset % 4096
    files = store.files.copy()
    del files.data[f"{LOG}/{end:020d}"]
    again, report = reopened(files)
    assert report.log_end == end
    (result,) = put(again, message())
    assert result.physical_offset == end


def test_a_preallocated_file_is_kept():
    store = filled(60)
    store.close()
    files = store.files
    end = store.log.queue.end_of_files
    files.put(f"{LOG}/{end:020d}", bytes(4096))
    files.put(f"{LOG}/{end + 4096:020d}")  # made, not sized yet
    _, report = reopened(files)
    assert report.files_dropped == [f"{LOG}/{end:020d}"]
    assert f"{LOG}/{end + 4096:020d}" not in files.data


@pytest.mark.parametrize(
    ("name", "data"),
    [("00000000000000004095", bytes(4096)), ("0x", b""), (f"{1 << 20:020d}", bytes(4096))],
)
def test_strange_files_in_the_log_refuse_to_start(name, data):
    store = filled(3)
    store.close()
    store.files.put(f"{LOG}/{name}", data)
    with pytest.raises(CorruptLog):
        reopened(store.files)
    assert store.files.locked == {}


def test_a_shortened_file_refuses_to_start():
    store = filled(60)
    store.close()
    del store.files.data[FIRST][4000:]
    with pytest.raises(CorruptLog, match="length not matched"):
        reopened(store.files)


@pytest.mark.parametrize("clean", [True, False])
def test_queues_come_back_from_the_log_alone(clean):
    store = filled()
    expected = all_bodies(store)
    files = store.files
    if clean:
        store.close()
    else:
        files = files.copy()
    for path in [path for path in files.data if path.startswith((QUEUES, f"{ROOT}/checkpoint"))]:
        del files.data[path]
    again, report = reopened(files)
    assert report.clean == clean
    assert all_bodies(again) == expected
    assert report.units_added == 60


@pytest.mark.parametrize("lost", range(0, 20 * UNIT, 7))
def test_a_queue_shortened_or_zeroed_anywhere_is_completed(lost):
    store = filled()
    expected = all_bodies(store)
    store.queues.write_tails()
    files = store.files.copy()
    path = f"{QUEUES}/T/1/{lost // 200 * 200:020d}"
    files.data[path][lost % 200 :] = bytes(200 - lost % 200)
    again, _ = reopened(files)
    assert all_bodies(again) == expected


def test_a_missing_or_short_queue_file_is_rebuilt():
    store = filled()
    expected = all_bodies(store)
    store.queues.write_tails()
    for damage in ("del", "short"):
        files = store.files.copy()
        path = f"{QUEUES}/T/1/{0:020d}"
        if damage == "short":
            del files.data[path][150:]
        else:
            del files.data[f"{QUEUES}/T/1/{200:020d}"]
            files.put(f"{QUEUES}/T/1/{400:020d}", bytes(200))
        again, report = reopened(files)
        assert report.notes
        assert all_bodies(again) == expected


def test_units_beyond_the_log_are_cut():
    store = filled(30)
    store.queues.write_tails()
    files = store.files.copy()
    at, _, _ = store.queues.find("T", 1).unit(5)
    files.data[f"{LOG}/{at // 4096 * 4096:020d}"][at % 4096 : at % 4096 + 8] = bytes(8)
    again, report = reopened(files)
    assert again.max_offset("T", 1) == 5
    assert report.units_cut > 0
    assert put(again, message(queue_id=1))[0].queue_offset == 5
    assert again.get_message("T", 1, 4, 32).count == 2


def test_stale_units_are_replaced():
    store = filled(30)
    expected = all_bodies(store)
    store.queues.write_tails()
    files = store.files.copy()
    path = f"{QUEUES}/T/2/{0:020d}"
    at, size, code = UNIT_STRUCT.unpack_from(files.data[path][:], 4 * UNIT)
    files.data[path][4 * UNIT : 5 * UNIT] = UNIT_STRUCT.pack(at + 1, size - 1, code)
    again, report = reopened(files)
    assert all_bodies(again) == expected
    assert any("stale" in note for note in report.notes)


@pytest.mark.parametrize("kind", ["T", "B"])
def test_a_file_of_a_deleted_topic_is_not_taken_for_one_of_the_topic_made_again(kind):
    """The power went before the disk knew that the deleted queue's second file was gone."""
    unit, folder = (20, QUEUES) if kind == "T" else (46, f"{ROOT}/batchconsumequeue")
    store = make_store(config=small_config(mapper_file_size_batch_consume_queue=10 * unit))
    store.queues.is_batch_topic = "B".__eq__
    store.open()
    for _ in range(16):
        put(store, message(kind))
    store.queues.write_tails()
    second = f"{folder}/{kind}/0/{10 * unit:020d}"
    deleted = bytes(store.files.data[second])
    store.delete_topics([kind])
    for _ in range(10):
        put(store, message(kind, body=b"again"))
    store.queues.write_tails()
    files = store.files.copy()
    files.put(second, deleted)
    again = make_store(files, config=store.config)
    again.queues.is_batch_topic = "B".__eq__
    again.open()
    assert again.max_offset(kind, 0) == 10
    assert second not in files.data
    found = again.get_message(kind, 0, 0, 32).body
    assert [one.body for one in iter_messages(found)] == [b"again"] * 10
    assert put(again, message(kind))[0].queue_offset == 10


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"\xff" * 4096, b"\x7f" * 4096, b"abc"])
def test_any_checkpoint_leads_to_a_complete_store(content):
    """C6."""
    store = filled(clock=Clock(), step_ms=10_000)
    expected = all_bodies(store)
    files = store.files.copy()
    files.put(f"{ROOT}/checkpoint", content)
    again, _ = reopened(files)
    assert all_bodies(again) == expected


def test_a_clock_that_jumped_does_not_hide_messages():
    """C7: some stores an hour ahead, the checkpoint believes it, the queues lack the rest."""
    clock = Clock()
    store = filled(20, clock=clock)
    clock.now_ms += 3_600_000
    put(store, message(queue_id=0, body=b"jump" * 25))
    store.queues.write_tails()
    clock.now_ms -= 3_600_000
    for index in range(40):
        put(store, message(queue_id=index % 3, body=b"back" * 25))
    expected = all_bodies(store)
    files = store.files.copy()
    ahead = clock.now_ms + 3_600_000
    files.data[f"{ROOT}/checkpoint"][:] = StoreCheckpoint(ahead, ahead, ahead).encode()
    again, _ = reopened(files, clock=clock)
    assert all_bodies(again) == expected


def test_an_unclean_start_begins_where_the_checkpoint_allows():
    clock = Clock()
    store = filled(60, clock=clock, step_ms=1000)
    plan = store.flushes.log_flush_plan(thorough=True)
    store.flushes.run_flush(plan)
    plan = store.flushes.queue_flush_plan(thorough=True)
    plan.run(store.files)
    store.flushes.queues_flushed(plan, thorough=True)
    put(store, message(body=b"late" * 25))
    again, report = reopened(store.files.copy(), clock=clock)
    assert 0 < report.scanned_from < report.log_end
    assert bodies(again, 0)[-1] == b"late"


def test_without_a_log_the_queues_go():
    store = filled(10)
    store.close()
    for path in [path for path in store.files.data if path.startswith((LOG, MARK))]:
        del store.files.data[path]
    again, report = reopened(store.files)
    assert again.topics() == []
    assert [note.split()[0] for note in report.notes] == ["consume", "index"]
    assert put(again, message())[0].queue_offset == 0


def test_a_log_that_begins_later_gives_queues_that_begin_later():
    """As on a slave that began at its master's last file: pre-blank units, later minimum."""
    store = filled(60)
    store.close()
    files = store.files
    del files.data[FIRST]
    for path in [path for path in files.data if path.startswith(QUEUES)]:
        del files.data[path]
    again, _ = reopened(files)
    low = again.min_offset("T", 1)
    assert 0 < low < again.max_offset("T", 1)
    assert again.get_message("T", 1, 0, 1).status == GetStatus.OFFSET_TOO_SMALL
    assert bodies(again, 1)[0] == b"%04d" % (3 * low + 1)
    again.close()
    first = min(path for path in files.data if path.startswith(f"{QUEUES}/T/1/"))
    assert files.data[first][:UNIT].hex() == "0000000000000000" + "7fffffff" + "0" * 16
    third, report = reopened(files)
    assert third.min_offset("T", 1) == low
    assert report.notes == []


def test_queues_follow_a_log_whose_first_file_was_removed():
    store = filled(60)
    store.close()
    del store.files.data[FIRST]
    again, _ = reopened(store.files)
    assert again.min_offset("T", 1) > 0
    assert again.get_message("T", 1, again.min_offset("T", 1), 1).count == 1


def test_a_failing_disk_leaves_no_lock_behind():
    store = filled(5)
    files = store.files.copy()
    files.fail("pread", "commitlog")
    with pytest.raises(OSError, match="injected"):
        reopened(files)
    assert files.locked == {}
    again, _ = reopened(files)
    assert again.max_offset("T", 0) == 2


def test_a_strange_queue_offset_is_put_at_the_end_once():
    store = filled(12)
    expected = all_bodies(store)
    files = store.files.copy()
    at, _, _ = store.queues.find("T", 1).unit(2)
    files.data[FIRST][at + 20 : at + 28] = (1 << 40).to_bytes(8, "big")
    again, report = reopened(files)
    assert [bodies(again, queue_id) for queue_id in (0, 2)] == [expected[0], expected[2]]
    with pytest.raises(CorruptLog):  # its place in the queue is kept, its wrong offset not served
        again.get_message("T", 1, 2, 32)
    rest = iter_messages(again.get_message("T", 1, 3, 32).body)
    assert [one.body[:4] for one in rest] == expected[1][3:]
    assert [note.partition(" says ")[2] for note in report.notes] == [
        "1099511627776 where 2 follows"
    ]
    third, _ = reopened(again.files.copy())
    assert [third.max_offset("T", queue_id) for queue_id in range(3)] == [4, 4, 4]
