"""What is removed when, and what never is (D9)."""

from __future__ import annotations

import time

import pytest
import trio

from rmqwire.codec.record import iter_messages
from rmqwire.store.message_store import GetStatus, PutStatus
from rmqwire.store.service import run_store
from tests.store.test_service import flush_wanted_of, inline, trio_ms
from tests.support.memory_files import MemoryFiles
from tests.support.stores import ROOT, START_MS, Clock, make_store, message, put, small_config

HOUR = 3_600_000
LOG = f"{ROOT}/commitlog"
QUEUE = f"{ROOT}/consumequeue/T/0"


class Disk(MemoryFiles):
    """A disk of which the test says how full it is."""

    used = 0.10

    def used_ratio(self, path):
        return self.used


def at_hour(hour: int) -> int:
    """Return a time, ms, at that hour of the local day of ``START_MS``."""
    local = time.localtime(START_MS // 1000)
    return round(time.mktime((*local[:3], hour, 30, 0, 0, 0, -1)) * 1000)


def opened(files=None, clock=None, **changes):
    store = make_store(files or Disk(), clock=clock or Clock(), config=small_config(**changes))
    store.open()
    return store


def filled(hours=100, clock=None, **changes):
    """Return a store that got a message an hour, about eight to a file, all flushed."""
    clock = clock or Clock(at_hour(12))
    store = opened(clock=clock, **changes)
    for number in range(hours):
        put(store, message(body=bytes(400), properties=b"UNIQ_KEY\x01U%d\x02" % number))
        clock.now_ms += HOUR
    flush(store)
    while store.build_index():
        pass
    store.index.write()
    return store, clock


def flush(store):
    if (plan := store.flushes.log_flush_plan(thorough=True)) is not None:
        store.flushes.run_flush(plan)
    plan = store.flushes.queue_flush_plan(thorough=True)
    plan.run(store.files)
    store.flushes.queues_flushed(plan, thorough=True)


def names(store, folder=LOG) -> list[int]:
    return [int(name) for name in store.files.list(folder)]


def clean(store) -> int:
    """Do one run as the service does it; give the number of log files removed."""
    store.cleaner.begin()
    count = 0
    while (segment := store.cleaner.take_file()) is not None:
        store.cleaner.remove(segment)
        count += 1
    list(store.cleaner.trim())
    return count


def readable(store) -> list[int]:
    """Return the numbers of the messages that are served, all of them whole."""
    offset, found = store.min_offset("T", 0), []
    while (result := store.get_message("T", 0, offset, 32)).status == GetStatus.FOUND:
        found += [int(one.unique_key[1:]) for one in iter_messages(result.body)]
        offset = result.next_begin_offset
    return found


def set_hour(clock, hour):
    """Move on to that hour of the day."""
    while time.localtime(clock.now_ms // 1000).tm_hour != hour:
        clock.now_ms += HOUR


# --- by time ---------------------------------------------------------------------------------------


def test_expired_files_go_at_the_hour_for_it():
    store, clock = filled()
    before = names(store)
    set_hour(clock, 3)
    assert clean(store) == 0
    set_hour(clock, 4)
    removed = clean(store)
    assert removed > 1
    assert names(store) == before[removed:]
    kept = readable(store)
    assert kept == list(range(100 - len(kept), 100))
    hours_ago = (clock.now_ms - at_hour(12)) // HOUR
    first = kept[0]
    assert hours_ago - first >= 72  # nothing younger than 72 hours is gone
    assert clean(store) == 0


@pytest.mark.parametrize(("when", "hours"), [("04", {4}), ("04;16", {4, 16}), ("0;23", {0, 23})])
def test_hours_of_delete_when(when, hours):
    store, clock = filled(delete_when=when, delete_file_batch_max=1)
    seen = set()
    for hour in range(24):
        set_hour(clock, hour)
        if clean(store):
            seen.add(hour)
    assert seen == hours


@pytest.mark.parametrize(("reserved", "left"), [(10_000, 13), (1, 1), (0, 1)])
def test_file_reserved_time(reserved, left):
    store, clock = filled(file_reserved_time=reserved, delete_file_batch_max=100)
    count = len(names(store))
    set_hour(clock, 4)
    clean(store)
    assert len(names(store)) == min(left, count)


def test_a_run_removes_ten_files_at_most():
    store, clock = filled(file_reserved_time=1)
    set_hour(clock, 4)
    before = len(names(store))
    assert clean(store) == 10
    assert len(names(store)) == before - 10


def test_the_file_being_written_stays_whatever_its_age():
    store, clock = filled(hours=5)
    clock.now_ms += 10_000 * HOUR
    set_hour(clock, 4)
    store.files.used = 0.99
    assert clean(store) == 0
    assert len(names(store)) == 1
    assert readable(store) == list(range(5))


def test_files_that_are_not_on_the_disk_yet_stay():
    clock = Clock(at_hour(4))
    store = opened(clock=clock, file_reserved_time=0)
    for number in range(40):
        put(store, message(body=bytes(400), properties=b"UNIQ_KEY\x01U%d\x02" % number))
    assert len(names(store)) > 3
    assert clean(store) == 0
    flush(store)
    assert clean(store) > 2


def test_deleting_by_hand_works_at_any_hour_for_a_while():
    store, clock = filled(delete_file_batch_max=1)
    set_hour(clock, 12)
    assert clean(store) == 0
    store.cleaner.delete_manually()
    assert [clean(store) for _ in range(3)] == [1, 1, 1]
    for _ in range(17):
        clean(store)
    clock.now_ms += 24 * HOUR
    assert clean(store) == 0


# --- by space --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("used", "expired_go", "all_go"),
    [(0.75, False, False), (0.76, True, False), (0.85, True, False), (0.86, True, True)],
)
def test_a_disk_that_fills_up(used, expired_go, all_go):
    store, clock = filled(delete_file_batch_max=100)
    set_hour(clock, 12)
    store.files.used = used
    count = len(names(store))
    clean(store)
    assert (len(names(store)) < count) is expired_go
    assert (len(names(store)) == 1) is all_go
    assert readable(store)[-1] == 99


def test_young_files_stay_when_forcing_is_switched_off():
    store, clock = filled(delete_file_batch_max=100, clean_file_forcibly_enable=False)
    set_hour(clock, 12)
    store.files.used = 0.89
    clean(store)
    assert len(names(store)) > 1


def test_a_disk_of_which_nothing_is_known_is_cleaned_of_what_expired():
    store, clock = filled()
    set_hour(clock, 12)
    store.files.used = -1.0
    assert clean(store) > 0
    assert store.is_writable


def test_above_ninety_percent_no_writes():
    store, _ = filled(hours=3)
    store.files.used = 0.90
    store.cleaner.check_disk()
    assert put(store, message())[0].status == PutStatus.PUT_OK
    store.files.used = 0.91
    store.cleaner.check_disk()
    (result,) = put(store, message())
    assert result.status == PutStatus.SERVICE_NOT_AVAILABLE
    assert result.remark == "CL:  0.91 CQ:  0.91 INDEX:  0.91"
    assert store.get_message("T", 0, 0, 32).count == 4
    store.files.used = 0.95
    store.cleaner.check_disk()
    assert store.read_only_reason == "CL:  0.95 CQ:  0.95 INDEX:  0.95"
    store.files.used = 0.89
    store.cleaner.check_disk()
    assert put(store, message())[0].status == PutStatus.PUT_OK


def test_a_broken_store_stays_closed_when_there_is_space_again():
    store, _ = filled(hours=3)
    store.files.used = 0.95
    store.cleaner.check_disk()
    store.health.fail("broken")
    store.cleaner.check_disk()
    store.files.used = 0.1
    store.cleaner.check_disk()
    assert store.read_only_reason == "broken"


@pytest.mark.parametrize(
    ("warning", "forcibly", "used", "writable"),
    [(90, 85, 0.91, False), (50, 40, 0.51, False), (35, 30, 0.35, True), (35, 30, 0.36, False)],
)
def test_writes_stop_above_the_warning_ratio(warning, forcibly, used, writable):
    store, _ = filled(
        hours=3,
        disk_space_warning_level_ratio=warning,
        disk_space_clean_forcibly_ratio=forcibly,
    )
    store.files.used = used
    store.cleaner.check_disk()
    assert store.is_writable is writable


# --- queues, index, later starts ---------------------------------------------------------------------


def test_queues_and_index_follow_the_log():
    store, clock = filled(max_index_num=20)
    full = store.index.full_files()
    for file in full:
        file.sync()
    store.index.full_files_synced(full)
    index_files = len(store.files.list(f"{ROOT}/index"))
    set_hour(clock, 4)
    clean(store)
    first = readable(store)[0]
    assert store.min_offset("T", 0) == first
    assert names(store, QUEUE)[0] == first // 10 * 200
    assert len(store.files.list(f"{ROOT}/index")) < index_files
    assert not store.lookup.query_message("T", "U0", 32, 0, 1 << 62).body
    assert store.lookup.query_message("T", f"U{first}", 32, 0, 1 << 62).body
    assert store.get_message("T", 0, 0, 1).status == GetStatus.OFFSET_TOO_SMALL


@pytest.mark.parametrize("killed", [False, True])
def test_a_cleaned_store_starts_again(killed):
    store, clock = filled()
    set_hour(clock, 4)
    clean(store)
    kept = readable(store)
    if killed:
        files = store.files.copy()
    else:
        store.close()
        files = store.files
    again = opened(files, clock=clock)
    assert readable(again) == kept
    (result,) = put(again, message(properties=b"UNIQ_KEY\x01U100\x02"))
    assert result.queue_offset == 100
    assert readable(again) == [*kept, 100]


def test_a_queue_without_messages_keeps_its_offsets():
    store, clock = filled(hours=10)
    for _ in range(60):
        put(store, message("other", body=bytes(400)))
        clock.now_ms += HOUR
    flush(store)
    clock.now_ms += 72 * HOUR
    set_hour(clock, 4)
    clean(store)
    assert readable(store) == []
    assert (store.min_offset("T", 0), store.max_offset("T", 0)) == (10, 10)
    assert put(store, message())[0].queue_offset == 10


def test_a_file_that_can_not_be_deleted_stays_in_the_row():
    store, clock = filled()
    set_hour(clock, 4)
    before = names(store)
    store.files.fail("unlink", LOG)
    store.cleaner.begin()
    segment = store.cleaner.take_file()
    with pytest.raises(OSError, match="injected"):
        store.cleaner.remove(segment)
    store.cleaner.keep(segment)
    assert store.cleaner.take_file() is None
    assert names(store) == before
    assert readable(store) == list(range(100))
    assert clean(store) > 0


# --- requests ----------------------------------------------------------------------------------------


def test_expired_queues_are_removed_on_request():
    store, clock = filled(hours=10)
    put(store, message("kept"), message("SYS", body=b"x"))
    for _ in range(60):
        put(store, message("other", body=bytes(400)))
        clock.now_ms += HOUR
    flush(store)
    assert store.cleaner.clean_expired_queues(lambda _: False) == 0
    clock.now_ms += 72 * HOUR
    set_hour(clock, 4)
    clean(store)
    put(store, message("kept"))
    assert store.cleaner.clean_expired_queues("SYS".__eq__) == 1
    assert sorted(store.topics()) == ["SYS", "kept", "other"]
    assert not store.files.exists(f"{ROOT}/consumequeue/T")
    assert put(store, message())[0].queue_offset == 0


def test_a_queue_with_a_message_on_its_way_is_not_expired():
    store, clock = filled(hours=50, flush_disk_type="SYNC_FLUSH", file_reserved_time=0)
    put(store, *[message("other", body=bytes(400)) for _ in range(20)])
    flush(store)
    set_hour(clock, 4)
    clean(store)
    put(store, message())
    assert store.cleaner.clean_expired_queues(lambda _: False) == 0
    flush(store)
    assert store.max_offset("T", 0) == 51


def test_queues_of_unused_topics_are_removed_on_request():
    store, _ = filled(hours=3)
    put(store, message("unused"), message("SYS"), message("%LMQ%x"))
    assert store.cleaner.clean_unused_topics({"T"}, "SYS".__eq__) == 1
    assert sorted(store.topics()) == ["%LMQ%x", "SYS", "T"]


# --- the service -------------------------------------------------------------------------------------


async def test_the_service_cleans_after_a_minute(autojump_clock):
    store, _ = filled()
    store.close()
    store = make_store(
        store.files,
        clock=lambda: at_hour(4) + 300 * HOUR - at_hour(4) % HOUR + trio_ms() - START_MS,
        config=small_config(delete_when=";".join(map(str, range(24)))),
    )
    store.open()
    count = len(names(store))
    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda **kw: run_store(store, flush_wanted_of(store), offload=inline, **kw)
        )
        await trio.sleep(59)
        assert len(names(store)) == count
        await trio.sleep(10)
        assert len(names(store)) == count - 10
        await trio.sleep(30)
        assert len(names(store)) == 1
        store.files.used = 0.97
        await trio.sleep(11)
        assert not store.is_writable
        store.files.used = 0.5
        await trio.sleep(11)
        assert store.is_writable
        nursery.cancel_scope.cancel()


async def test_the_service_tries_again_what_failed(autojump_clock, caplog):
    store, _ = filled()
    store.close()
    store = make_store(
        store.files,
        clock=lambda: at_hour(4) + 300 * HOUR + trio_ms() - START_MS,
        config=small_config(delete_when=";".join(map(str, range(24)))),
    )
    store.open()
    count = len(names(store))
    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda **kw: run_store(store, flush_wanted_of(store), offload=inline, **kw)
        )
        store.files.fail("unlink", LOG)
        await trio.sleep(65)
        assert len(names(store)) == count
        assert "tried again" in caplog.text
        await trio.sleep(30)
        assert len(names(store)) == 1
        nursery.cancel_scope.cancel()


async def test_files_that_go_before_their_time_are_told_of(autojump_clock, caplog):
    store, clock = filled()
    assert len(names(store)) > 2
    clock.now_ms = at_hour(12)  # nothing is old
    store.files.used = 0.88
    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda **kw: run_store(store, flush_wanted_of(store), offload=inline, **kw)
        )
        await trio.sleep(100)
        nursery.cancel_scope.cancel()
    assert len(names(store)) == 1
    told = [line for line in caplog.records if "before their time" in line.getMessage()]
    assert {line.levelname for line in told} == {"WARNING"}
    assert LOG in told[0].getMessage()
