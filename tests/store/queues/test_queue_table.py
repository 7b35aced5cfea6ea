"""Many queues: whose units are written when, and what their files take."""

from __future__ import annotations

import errno

import pytest

from tests.support.stores import ROOT, make_store, message, put, small_config

QUEUES = 600  # more than are written each second


def with_queues(count):
    store = make_store(config=small_config(mapped_file_size_commit_log=1 << 18))
    store.open()
    put(store, *[message(queue_id=queue) for queue in range(count)])
    return store


def in_files(store):
    return [queue.queue_id for queue in store.queues if queue.written == queue.end]


def test_files_of_queues_take_no_space_before_they_are_written():
    store = make_store()
    store.open()
    store.files.fail("fallocate", "consumequeue", errno.ENOSPC, times=99)
    put(store, message())
    store.queues.write_tails()
    assert len(store.files.data[f"{ROOT}/consumequeue/T/0/{0:020d}"]) == 200


def test_few_queues_are_written_all_at_once():
    store = with_queues(200)
    store.queues.write_tails(store.queues.tails_due())
    assert len(in_files(store)) == 200
    assert store.queues.tails_due() == 0


def test_those_are_written_first_that_have_waited_longest():
    store = with_queues(QUEUES)
    store.queues.write_tails(256)
    assert in_files(store) == list(range(256))
    put(store, message(queue_id=3), message(queue_id=400))
    store.queues.write_tails(256)
    assert in_files(store) == [queue for queue in range(512) if queue != 3]
    store.queues.write_tails(256)
    assert len(in_files(store)) == QUEUES


def test_many_queues_wait_for_the_flush_that_writes_all():
    store = with_queues(QUEUES)
    assert store.queues.tails_due() == 0
    assert store.queues.tails_due(thorough=True) == QUEUES


def test_what_comes_while_all_are_written_is_the_next_flushs():
    store = with_queues(QUEUES)
    reach = store.flushes.reach()
    store.queues.write_tails(32)
    put(store, message(queue_id=3), message(queue_id=500))
    store.queues.write_tails(QUEUES - 32)
    plan = store.flushes.queue_flush_plan(thorough=True, reach=reach)
    assert in_files(store) == [queue for queue in range(QUEUES) if queue != 3]
    plan.run(store.files)
    store.flushes.queues_flushed(plan, thorough=True)
    known = store.checkpoint.values.logics_physical_offset
    assert known == reach[0] < store.max_phy_offset
    again = make_store(store.files.copy(), config=store.config)
    again.open()
    assert [again.max_offset("T", queue) for queue in (0, 3, 500)] == [1, 2, 2]


def test_the_checkpoint_covers_queues_that_were_not_due():
    store = with_queues(QUEUES)
    plan = store.flushes.queue_flush_plan(thorough=True)
    plan.run(store.files)
    store.flushes.queues_flushed(plan, thorough=True)
    assert len(in_files(store)) == QUEUES
    assert all(queue.flushed == queue.end for queue in store.queues)
    assert store.checkpoint.values.logics_physical_offset == store.max_phy_offset


def test_a_deleted_topic_is_neither_written_nor_synced_again():
    store = with_queues(2)
    store.queues.write_tails(1)
    store.delete_topics(["T"])
    store.queues.write_tails()
    assert not [path for path in store.files.data if "consumequeue" in path]
    assert store.queues.flush_plan(thorough=True).book == []


def test_a_killed_store_finds_what_was_in_memory_only():
    store = with_queues(QUEUES)
    store.queues.write_tails(store.queues.tails_due())
    again = make_store(store.files.copy(), config=store.config)
    again.open()
    assert [again.max_offset("T", queue) for queue in range(QUEUES)] == [1] * QUEUES


def test_a_flush_of_many_queues_has_few_files_open(monkeypatch):
    store = with_queues(QUEUES)
    plan = store.flushes.queue_flush_plan(thorough=True)
    assert len(store.files.handles) < 300
    store.files.calls.clear()
    monkeypatch.setattr(store.files, "sync_all", lambda folder: False)  # this system can't
    plan.run(store.files)
    synced = {path for call, path in store.files.calls if call == "datasync"}
    assert len(synced) == QUEUES
    folders = [path for call, path in store.files.calls if call == "fsync_dir"]
    assert len(folders) == len(set(folders)) == QUEUES + 3  # T, consumequeue and what it is in
    store.flushes.queues_flushed(plan, thorough=True)
    assert len(store.files.handles) < 300


@pytest.mark.parametrize(("queues", "is_one"), [(8, False), (QUEUES, True)])
def test_many_queues_are_synced_by_one_call(queues, is_one):
    store = with_queues(queues)
    plan = store.flushes.queue_flush_plan(thorough=True)
    store.files.calls.clear()
    plan.run(store.files)
    synced = [call for call in store.files.calls if call[0] != "open"]
    assert (synced == [("sync_all", f"{ROOT}/consumequeue")]) == is_one
    assert len(synced) == 1 or {call for call, _ in synced} == {"datasync", "fsync_dir"}
    store.flushes.queues_flushed(plan, thorough=True)
    assert all(queue.flushed == queue.end for queue in store.queues)


def test_a_topic_may_be_deleted_while_its_queues_are_synced():
    store = with_queues(QUEUES)
    plan = store.flushes.queue_flush_plan(thorough=True)
    store.delete_topics(["T"])
    plan.run(store.files)
    store.flushes.queues_flushed(plan, thorough=True)
    assert store.queues.flush_plan(thorough=True).book == []
