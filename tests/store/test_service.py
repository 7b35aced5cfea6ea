"""The shell: when it flushes, what it does with failures, how it stops."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest
import trio
import trio.testing

from rmqwire.store import service
from rmqwire.store.message_store import PutStatus
from rmqwire.store.service import FlushThread, run_store
from rmqwire.wakeup import Wakeup
from tests.support.memory_files import MemoryFiles
from tests.support.stores import ROOT, START_MS, make_store, message, put, small_config

LOG = f"{ROOT}/commitlog/{0:020d}"
QUEUE = f"{ROOT}/consumequeue/T/0/{0:020d}"
BIG = {"mapped_file_size_commit_log": 1 << 18, "mapped_file_size_consume_queue": 20_000}


async def inline(blocking):
    """Run it here: an autojump clock doesn't wait for threads."""
    blocking()
    await trio.lowlevel.checkpoint()


def trio_ms():
    return START_MS + round(trio.current_time() * 1000)


def flush_wanted_of(store):
    """Let a store that is made already wake its group commit."""
    store.events.flush_wanted = wakeup = Wakeup()
    return wakeup


def opened(**changes):
    store = make_store(config=small_config(**(BIG | changes)), clock=trio_ms)
    store.open()
    store.log.queue.create(0)  # a new file is synced when it is made: not what is counted here
    store.files.calls.clear()
    return store


def synced(store, path):
    return store.files.calls.count(("datasync", path))


async def test_four_pages_are_flushed_within_half_a_second(autojump_clock):
    store = opened()
    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda **kw: run_store(store, flush_wanted_of(store), offload=inline, **kw)
        )
        put(store, message(body=b"x" * 8200))
        await trio.sleep(3)
        assert synced(store, LOG) == 0
        put(store, message(body=b"x" * 8200))
        await trio.sleep(0.6)
        assert synced(store, LOG) == 1
        assert store.log.flushed == store.max_phy_offset
        nursery.cancel_scope.cancel()


async def test_everything_is_flushed_every_ten_seconds(autojump_clock):
    store = opened()
    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda **kw: run_store(store, flush_wanted_of(store), offload=inline, **kw)
        )
        put(store, message())
        await trio.sleep(10.6)
        assert synced(store, LOG) == 1
        await trio.sleep(20)
        assert synced(store, LOG) == 1
        nursery.cancel_scope.cancel()


async def test_queues_are_written_each_second_and_synced_each_minute(autojump_clock):
    store = opened()
    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda **kw: run_store(store, flush_wanted_of(store), offload=inline, **kw)
        )
        put(store, message(), message(tags_code=7))
        assert QUEUE not in store.files.data
        await trio.sleep(1.1)
        assert store.files.data[QUEUE][32:40] == (7).to_bytes(8, "big")
        assert synced(store, QUEUE) == 0
        await trio.sleep(60)
        assert synced(store, QUEUE) == 1
        values = store.checkpoint.values
        assert values.logics_msg_timestamp == values.physic_msg_timestamp == START_MS
        assert values.logics_physical_offset == store.max_phy_offset
        nursery.cancel_scope.cancel()


async def test_units_of_many_queues_are_written_in_slices_each_minute_while_puts_go_on(
    autojump_clock, monkeypatch
):
    store = opened()
    write_tails, seen = store.queues.write_tails, []

    def write_and_put(count):
        write_tails(count)
        seen.append((store.flushes.running, sum(one.written < one.end for one in store.queues)))
        put(store, message(queue_id=0))

    monkeypatch.setattr(store.queues, "write_tails", write_and_put)
    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda **kw: run_store(store, flush_wanted_of(store), offload=inline, **kw)
        )
        put(store, *[message(queue_id=queue) for queue in range(320)])
        end = store.max_phy_offset
        await trio.sleep(59)
        assert seen == []
        await trio.sleep(1.9)
        assert seen[0] == (1, 288)  # it counts as a flush: nothing is cut meanwhile
        assert seen[-1] == (1, 1)
        assert len(seen) == 10
        assert store.checkpoint.values.logics_physical_offset == end < store.max_phy_offset
        assert ("sync_all", f"{ROOT}/consumequeue") in store.files.calls
        monkeypatch.undo()
        nursery.cancel_scope.cancel()


async def test_stopping_leaves_a_clean_store(autojump_clock):
    store = opened()
    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda **kw: run_store(store, flush_wanted_of(store), offload=inline, **kw)
        )
        put(store, message())
        nursery.cancel_scope.cancel()
    assert not store.is_open
    assert store.files.handles == {}
    again = make_store(store.files, config=store.config)
    report = again.open()
    assert report.clean
    assert report.units_added == 0
    assert put(store, message())[0].status == PutStatus.SERVICE_NOT_AVAILABLE


async def test_sync_flush_answers_all_that_waited_with_one_flush(autojump_clock):
    store = opened(flush_disk_type="SYNC_FLUSH")
    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda **kw: run_store(store, flush_wanted_of(store), offload=inline, **kw)
        )
        results = put(store, *[message(queue_id=n) for n in range(20)])
        assert results == []
        await trio.testing.wait_all_tasks_blocked()
        assert [r.status for r in results] == [0] * 20
        assert synced(store, LOG) == 1
        nursery.cancel_scope.cancel()


async def test_what_a_flush_releases_is_answered_together(autojump_clock):
    store = opened(flush_disk_type="SYNC_FLUSH")
    order = []
    together = ExitStack()
    together.callback(order.append, "sent")
    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda **kw: run_store(store, flush_wanted_of(store), together, offload=inline, **kw)
        )
        for _ in range(2):
            store.puts.put(message(), lambda _: order.append("answered"))
        store.puts.end_pass()
        await trio.testing.wait_all_tasks_blocked()
        assert order == ["answered", "answered", "sent"]
        nursery.cancel_scope.cancel()


async def test_a_disk_that_hangs_is_a_timeout_and_then_recovers(autojump_clock):
    store = opened(flush_disk_type="SYNC_FLUSH")
    hang = trio.Event()

    async def slow(blocking):
        await hang.wait()
        blocking()

    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda **kw: run_store(store, flush_wanted_of(store), offload=slow, **kw)
        )
        results = put(store, message())
        await trio.sleep(4.9)
        assert results == []
        await trio.sleep(0.3)
        assert [r.status for r in results] == [PutStatus.FLUSH_DISK_TIMEOUT]
        late = put(store, message())
        hang.set()
        await trio.testing.wait_all_tasks_blocked()
        assert [r.status for r in late] == [0]
        assert store.max_offset("T", 0) == 2
        nursery.cancel_scope.cancel()


async def test_a_failed_flush_makes_the_store_read_only(autojump_clock, caplog):
    store = opened(flush_disk_type="SYNC_FLUSH")
    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda **kw: run_store(store, flush_wanted_of(store), offload=inline, **kw)
        )
        store.files.fail("datasync", "commitlog")
        results = put(store, message())
        await trio.testing.wait_all_tasks_blocked()
        assert [r.status for r in results] == [PutStatus.FLUSH_DISK_TIMEOUT]
        assert put(store, message())[0].status == PutStatus.SERVICE_NOT_AVAILABLE
        assert "read-only" in caplog.text
        nursery.cancel_scope.cancel()
    assert f"{ROOT}/abort" in store.files.data


async def test_failing_queues_do_not_stop_the_store(autojump_clock, caplog):
    store = opened()
    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda **kw: run_store(store, flush_wanted_of(store), offload=inline, **kw)
        )
        put(store, message())
        store.files.fail("pwrite", "consumequeue")
        store.files.fail("pwrite", "checkpoint")
        await trio.sleep(130)
        assert caplog.text.count("can not be") == 2
        assert put(store, message())[0].status == 0
        nursery.cancel_scope.cancel()
    assert f"{ROOT}/abort" not in store.files.data


async def test_after_a_failed_sync_of_queues_the_next_start_makes_their_units_again(
    autojump_clock, caplog
):
    store = opened()
    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda **kw: run_store(store, flush_wanted_of(store), offload=inline, **kw)
        )
        put(store, message())
        await trio.sleep(65)
        synced_to = store.checkpoint.values.logics_physical_offset
        assert synced_to == store.log.end
        put(store, message())
        store.files.fail("datasync", "consumequeue")
        await trio.sleep(60)
        assert "the next start rebuilds them" in caplog.text
        put(store, message())
        await trio.sleep(60)  # the kernel says yes now, whatever it has dropped
        assert store.checkpoint.values.logics_physical_offset == synced_to
        nursery.cancel_scope.cancel()
    assert f"{ROOT}/abort" in store.files.data
    units = bytes(store.files.data[QUEUE])
    store.files.data[QUEUE][20:40] = bytes(20)
    again = make_store(store.files, config=store.config, clock=trio_ms)
    again.open()
    assert bytes(store.files.data[QUEUE]) == units
    again.close()
    assert f"{ROOT}/abort" not in store.files.data


async def test_cancelling_during_a_flush_leaks_nothing(autojump_clock):
    store = opened(flush_disk_type="SYNC_FLUSH")

    async def never(blocking):
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda **kw: run_store(store, flush_wanted_of(store), offload=never, **kw)
        )
        results = put(store, message())
        await trio.sleep(0.01)
        nursery.cancel_scope.cancel()
    assert [r.status for r in results] == [0]  # closing flushed it
    assert store.files.handles == {}


async def test_flushes_run_in_a_thread():
    class WatchedFiles(MemoryFiles):
        def datasync(self, handle):
            threads.append(threading.get_ident())
            super().datasync(handle)

    threads = []
    config = small_config(**BIG, flush_disk_type="SYNC_FLUSH")
    store = make_store(WatchedFiles(), config=config, clock=trio_ms)
    store.open()
    store.log.queue.create(0)
    threads.clear()
    results = []
    answered = trio.Event()

    def done(result):
        results.append(result)
        answered.set()

    async with trio.open_nursery() as nursery:
        await nursery.start(lambda **kw: run_store(store, flush_wanted_of(store), **kw))
        store.puts.put(message(), done)
        store.puts.end_pass()
        with trio.fail_after(10):
            await answered.wait()
        assert threads
        assert threading.get_ident() not in threads
        nursery.cancel_scope.cancel()
    assert results[0].status == 0


@pytest.mark.parametrize(("limit", "after_s"), [(1 << 20, 10), (20, 0.5)])
async def test_the_index_is_written_every_ten_seconds_or_when_much_is_new(
    autojump_clock, monkeypatch, limit, after_s
):
    monkeypatch.setattr(service, "INDEX_UNWRITTEN", limit)
    store = opened()
    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda **kw: run_store(store, flush_wanted_of(store), offload=inline, **kw)
        )
        await trio.sleep(0.6)  # the first time it is written at once
        put(store, message())
        await trio.sleep(after_s - 0.2)
        assert store.index.unwritten == (20 if after_s == 10 else 0)
        await trio.sleep(0.8)
        assert store.index.files
        assert store.index.unwritten == 0
        nursery.cancel_scope.cancel()


async def test_the_flush_thread_runs_call_after_call_and_passes_errors_on():
    def fail():
        raise OSError("no disk")

    threads = []
    with FlushThread() as thread:
        for _ in range(3):
            await thread.offload(lambda: threads.append(threading.current_thread()))
            with pytest.raises(OSError, match="no disk"):
                await thread.offload(fail)
    assert len(set(threads)) == 1
    assert threads[0] is not threading.current_thread()
    threads[0].join(10)
    assert not threads[0].is_alive()


async def test_a_call_that_runs_is_waited_for_and_one_after_the_end_is_not_begun():
    begun, go_on = threading.Event(), threading.Event()
    done = []

    def slow():
        begun.set()
        go_on.wait(10)
        done.append("slow")

    async def cancel_it(scope):
        await trio.to_thread.run_sync(begun.wait)
        scope.cancel()
        go_on.set()

    with FlushThread() as thread:
        async with trio.open_nursery() as nursery:
            with trio.CancelScope() as scope:
                nursery.start_soon(cancel_it, scope)
                await thread.offload(slow)
                done.append("told")
                await thread.offload(lambda: done.append("never"))
    assert done == ["slow", "told"]
    assert scope.cancelled_caught


async def test_samples_give_rates(autojump_clock):
    store = opened()
    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda **kw: run_store(store, flush_wanted_of(store), offload=inline, **kw)
        )
        assert store.runtime_info()["putTps"] == "  "
        await trio.sleep(5)
        put(store, *[message()] * 30)
        await trio.sleep(6.5)
        assert store.runtime_info()["putTps"] == "3.0  "
        nursery.cancel_scope.cancel()


async def test_a_store_that_nobody_uses_calls_no_thread(autojump_clock):
    store, calls = opened(), []

    async def counted(blocking):
        calls.append(trio.current_time())
        await inline(blocking)

    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda **kw: run_store(store, flush_wanted_of(store), offload=counted, **kw)
        )
        await trio.sleep(9)
        assert calls == [0.5], "the index is written once"
        put(store, message())
        await trio.sleep(10)
        assert len(calls) > 1
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("offload", [None, inline])
async def test_a_thread_reads_ahead_unless_all_is_done_by_the_loop(offload):
    store = opened()
    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda **kw: run_store(store, flush_wanted_of(store), offload=offload, **kw)
        )
        assert (store.log.window.reader is None) == (offload is not None)
        nursery.cancel_scope.cancel()
