"""The index built by a thread, in parts that the loop has read: what stands in it, and what is not."""

from __future__ import annotations

import errno
from threading import Lock, Thread, get_ident

import pytest
import trio

from rmqwire.store.index import index_service
from rmqwire.store.service import run_store
from rmqwire.wakeup import Wakeup
from tests.store.index.test_index_service import (
    INDEX,
    built,
    check_all,
    filled,
    index_paths,
    kill,
    numbers,
    opened,
    put,
)
from tests.store.index.test_index_service import keyed as one


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch):
    monkeypatch.setattr(index_service, "_THREAD_WINDOW", 700)


def taken(store):
    part = store.take_for_index()
    assert part is not None
    return part


def add_all(store):
    count = 0
    while (part := store.take_for_index()) is not None:
        store.index.add(part)
        count += 1
    return count


@pytest.mark.parametrize(("room", "count"), [(20, 13), (200, 2)])
def test_the_files_are_the_same_as_those_that_the_loop_builds(room, count):
    stores = [filled(60, max_index_num=room) for _ in range(2)]
    built(stores[0])
    assert add_all(stores[1]) > 10
    stores[1].index.write()
    first, second = (
        [bytes(store.files.data[path]) for path in index_paths(store.files)] for store in stores
    )
    assert first == second
    assert len(first) == count
    check_all(stores[1], 60)


def test_what_a_query_has_built_meanwhile_is_not_added_again():
    store = filled()
    part = taken(store)
    assert numbers(store, "all") == list(range(30))
    entries = store.index.files[0].header.index_count
    store.index.add(part)
    assert store.index.files[0].header.index_count == entries
    assert store.take_for_index() is None


def test_what_was_cut_off_the_log_meanwhile_is_not_added():
    store = opened()
    put(store, one(1))
    kept = store.max_phy_offset
    put(store, one(2))
    part = taken(store)
    store.index.cut(kept)
    store.index.add(part)
    assert (store.index.files, store.index.position) == ([], 0)


def test_nothing_is_taken_when_the_index_is_switched_off():
    store = filled(message_index_enable=False)
    assert store.take_for_index() is None
    assert store.index.position == store.max_phy_offset


def test_a_disk_that_fails_loses_no_key():
    store = opened()
    for number in range(30):
        put(store, one(number))
    store.files.fail("truncate", INDEX, errno.ENOSPC, 1)
    part = taken(store)
    with pytest.raises(OSError, match="injected"):
        store.index.add(part)
    assert store.index.position == 0
    add_all(store)
    check_all(store)
    store.close()
    check_all(opened(store.files))


def test_queries_and_a_thread_build_one_index():
    store = opened()
    store.index.lock = Lock()
    for number in range(30):
        put(store, one(number))
        part = taken(store)
        thread = Thread(target=store.index.add, args=(part,))
        thread.start()
        assert numbers(store, f"k{number}") == [number]
        thread.join()
    assert numbers(store, "all") == list(range(30))
    assert store.index.files[0].header.index_count == 1 + 4 * 30
    again = opened(kill(store))
    check_all(again)


@pytest.mark.parametrize("in_thread", [True, False])
async def test_the_service_builds_in_a_thread_where_the_lane_allows_it(monkeypatch, in_thread):
    store = filled(30)
    store.index.in_thread = in_thread
    store.events.flush_wanted = wanted = Wakeup()
    monkeypatch.setattr("rmqwire.store.service.INDEX_S", 0.001)
    threads, add, token = set(), store.index._add, trio.lowlevel.current_trio_token()
    indexed = trio.Event()

    def noted(keys):
        threads.add(get_ident())
        add(keys)
        token.run_sync_soon(indexed.set)

    store.index._add = noted
    async with trio.open_nursery() as nursery:
        await nursery.start(lambda **kw: run_store(store, wanted, **kw))
        with trio.fail_after(10):
            await indexed.wait()
        nursery.cancel_scope.cancel()
    assert (threads == {get_ident()}) is not in_thread
    check_all(opened(store.files))
