"""Something goes wrong at the end of a pass: it costs only what it is about, and nothing is acknowledged falsely."""

from __future__ import annotations

import pytest

from rmqwire.codec.release import DEFAULT_RELEASE
from rmqwire.store.events import StoreEvents
from rmqwire.store.log.commit_log import CommitLog
from rmqwire.store.message_store import MessageStore
from rmqwire.store.results import PutStatus
from tests.support.memory_files import MemoryFiles
from tests.support.stores import HOST, Clock, make_store, message, put, small_config


def broken(*_: object) -> None:
    raise ZeroDivisionError("injected")


@pytest.fixture(params=[False, True], ids=["async", "sync"])
def store(request):
    flush = {"flush_disk_type": "SYNC_FLUSH"} if request.param else {}
    made = make_store(config=small_config(**flush))
    made.open()
    return made


def finish(store):
    store.puts.end_pass()
    store.flushes.run_flush(store.flushes.log_flush_plan(thorough=True))


def units(store, topic="T"):
    return store.max_offset(topic, 0)


def test_an_answer_that_fails_costs_nobody_else_theirs(store, caplog):
    results = []
    store.puts.put(message(), results.append)
    store.puts.put(message(), broken)
    store.puts.put(message(topic="U"), results.append)
    finish(store)
    assert [result.status for result in results] == [PutStatus.PUT_OK] * 2
    assert (units(store), units(store, "U")) == (2, 1)
    assert "a put was not answered" in caplog.text
    assert not store.health.broken
    store.puts.put(message(), results.append)
    finish(store)
    assert (len(results), units(store)) == (3, 3)


def test_a_write_that_fails_in_another_way_acknowledges_nothing(store, monkeypatch, caplog):
    monkeypatch.setattr(CommitLog, "write", broken)
    results = put(store, message(), message(topic="U"))
    assert {result.status for result in results} == {PutStatus.SERVICE_NOT_AVAILABLE}
    assert len(results) == 2
    assert store.health.broken
    assert "ZeroDivisionError" in caplog.text
    assert (units(store), units(store, "U")) == (0, 0)


def test_a_refusal_that_fails_costs_nobody_else_theirs(store, monkeypatch):
    monkeypatch.setattr(CommitLog, "write", broken)
    results = []
    store.puts.put(message(), broken)
    store.puts.put(message(), results.append)
    store.puts.end_pass()
    assert [result.status for result in results] == [PutStatus.SERVICE_NOT_AVAILABLE]


def test_a_queue_that_fails_stops_the_store_and_the_next_start_has_all(monkeypatch):
    files = MemoryFiles()
    store = make_store(files)
    store.open()
    put(store, message(), message(topic="U"))
    monkeypatch.setattr(store.queues, "dispatch", broken)
    results = put(store, message(), message(topic="U"))
    assert [result.status for result in results] == [PutStatus.PUT_OK] * 2
    assert store.health.broken
    again = make_store(files.copy())
    again.open()
    assert (units(again), units(again, "U")) == (2, 2)


@pytest.mark.parametrize("event", ["written", "arrived"])
def test_what_is_told_of_a_pass_may_fail(event, caplog):
    store = MessageStore(
        small_config(),
        DEFAULT_RELEASE,
        MemoryFiles(),
        Clock(),
        HOST,
        events=StoreEvents(**{event: broken}),
    )
    store.open()
    results = put(store, message(), message(topic="U"))
    assert [result.status for result in results] == [PutStatus.PUT_OK] * 2
    assert (units(store), units(store, "U")) == (1, 1)
    assert "ZeroDivisionError" in caplog.text
