"""The tasks of a master's timers: they deliver when it's time, flush, and bear a disk that fails."""

from __future__ import annotations

import logging

import pytest
import trio

from rmqwire.broker import timer_tasks
from rmqwire.broker.timer_tasks import flush_timers, run_timers
from rmqwire.codec.checkpoint import TimerCheckpoint
from rmqwire.wakeup import Wakeup
from tests.support import requests
from tests.support.broker import START_MS, MemoryBroker


def started(folder) -> MemoryBroker:
    return MemoryBroker(folder, mapped_file_size_timer_log=52 * 40)


async def until(condition):
    """Let time pass until a thread, which has no part in it, has done its work."""
    for _ in range(500):
        if condition():
            return
        await trio.sleep(0.5)
        await trio.to_thread.run_sync(int)
    pytest.fail("it never came")


def send(broker, seconds):
    text = f"UNIQ_KEY\x01K{seconds}\x02TIMER_DELAY_SEC\x01{seconds}\x02"
    assert broker.connect().call(requests.send(body=b"x", properties=text)).code == 0


def told(check):
    return TimerCheckpoint.decode(check.read_bytes().ljust(56, b"\0"))


async def test_timers_are_delivered_and_flushed(tmp_path, autojump_clock):
    broker = started(tmp_path)
    wanted = Wakeup()
    begin = trio.current_time()

    async def tick():
        while True:
            broker.clock.ms = START_MS + int((trio.current_time() - begin) * 1000)
            await trio.sleep(0.05)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tick)
        nursery.start_soon(run_timers, broker.state, wanted)
        nursery.start_soon(flush_timers, broker.state)
        await trio.sleep(0.1)
        send(broker, 3)
        wanted()
        await trio.sleep(1.5)
        assert broker.state.store.max_offset("T", 0) == 0
        await trio.sleep(4)
        assert broker.state.store.max_offset("T", 0) == 1
        check = tmp_path / "config" / "timercheck"
        await until(lambda: check.exists() and told(check).master_timer_queue_offset == 1)
        assert (tmp_path / "timerwheel").exists()
        await trio.sleep(31)  # old files of the log were looked for
        broker.state.timers.stop()
        send(broker, 1)  # nobody delivers it here any more
        wanted()
        await trio.sleep(5)
        assert broker.state.store.max_offset("T", 0) == 1
        nursery.cancel_scope.cancel()
    broker.close()


async def test_a_disk_that_fails_is_told_and_nothing_is_noted_any_more(
    tmp_path, autojump_clock, monkeypatch, caplog
):
    broker = started(tmp_path)
    files = broker.state.store.files

    def fail(*_: object) -> None:
        raise OSError(5, "injected")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(flush_timers, broker.state)
        send(broker, 9)
        broker.pass_time(0)
        with monkeypatch.context() as patch:
            patch.setattr(files, "pwrite", fail)
            await until(lambda: "files can not be written, tried again" in caplog.text)
        with monkeypatch.context() as patch:
            patch.setattr(files, "datasync", fail)
            await until(lambda: "timers are noted no more until the next start" in caplog.text)
        assert broker.state.timers.flush_plan() is None
        nursery.cancel_scope.cancel()
    broker.close()


def test_a_table_of_counters_that_is_damaged_keeps_nobody_from_starting(tmp_path, caplog):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "timermetrics").write_text("damaged")
    broker = started(tmp_path)
    assert "starting without it" in caplog.text
    broker.close()


@pytest.fixture
def without_threads(monkeypatch):
    """Nothing is flushed: time would go on while a thread does."""

    async def flush(_):
        await trio.lowlevel.checkpoint()

    monkeypatch.setattr(timer_tasks, "_flush", flush)


async def test_the_log_is_told_how_far_the_timers_are_when_that_has_changed(
    tmp_path, autojump_clock, caplog, without_threads
):
    broker = started(tmp_path)

    def told():
        return [line for line in caplog.messages if line.startswith("timers: ")]

    with caplog.at_level(logging.INFO):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(flush_timers, broker.state)
            await trio.sleep(12)
            assert told() == [
                "timers: 0 delivered, 0 s behind; 0 taken from their queue, 0 left there"
            ]
            await trio.sleep(60)
            send(broker, 3)
            broker.pass_time(0)
            await trio.sleep(11)
            broker.pass_time(4_000)
            await trio.sleep(60)
            nursery.cancel_scope.cancel()
    assert told()[1:] == [
        "timers: 0 delivered, 0 s behind; 1 taken from their queue, 0 left there",
        "timers: 1 delivered, 0 s behind; 1 taken from their queue, 0 left there",
    ]
    broker.close()


async def test_what_waits_is_counted_again_when_the_hour_comes(
    tmp_path, autojump_clock, without_threads
):
    broker = started(tmp_path)
    broker.state.store.config.timer_check_metrics_when = ";".join(map(str, range(24)))
    send(broker, 100)
    broker.pass_time(0)
    counted = broker.state.timers.metrics.counts["T"]
    counted.count = 5
    async with trio.open_nursery() as nursery:
        nursery.start_soon(flush_timers, broker.state)
        await trio.sleep(44 * 60)
        assert counted.count == 5
        await trio.sleep(2 * 60)
        assert counted.count == 1
        nursery.cancel_scope.cancel()
    broker.close()
