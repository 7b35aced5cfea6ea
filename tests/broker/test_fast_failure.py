"""What waited for too long is refused: in its socket, or while a write stood still."""

from __future__ import annotations

import socket
import threading
import time

import pytest
import trio

from rmqwire.broker import fast_failure
from rmqwire.broker.fast_failure import LINGER_MS, BrokerFastFailure
from rmqwire.broker.settings.values import BrokerConfig
from rmqwire.codec.command import RemotingCommand, decode_command, encode_command
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.remoting.connection import Connection
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.store.log.commit_log import CommitLog
from tests.end_to_end.support import cluster
from tests.support import requests
from tests.support.stores import Clock

SEND, SEND_BACK, PULL = 310, 36, 11
HEARTBEAT, COMMIT, END_TRANSACTION, LITE_PULL, ACK, TOPICS = 34, 15, 37, 361, 200051, 21
STALL_S = 0.6
PATIENCE = {  # ms, Java's defaults
    SEND: 200,
    SEND_BACK: 200,
    PULL: 5_000,
    END_TRANSACTION: 3_000,
    HEARTBEAT: 31_000,
    LITE_PULL: 5_000,
    ACK: 3_000,
    TOPICS: 5_000,
}


class Table:
    """Handlers that answer all, and the hook before them."""

    def __init__(self, release=V5_5_0, **settings):
        self.clock = Clock()
        handlers = {code: lambda _, r: r.create_response() for code in (*PATIENCE, COMMIT)}
        self.handlers = HandlerTable(handlers=handlers)
        self.config = BrokerConfig(**settings)
        hooks = self.handlers.hooks
        self.guard = BrokerFastFailure(self.config, release, 1_000, hooks, self.clock)

    def answer(self, code):
        return self.handlers.handle(Connection(self.handlers), RemotingCommand(code))

    def code(self, code):
        return self.answer(code).code

    def codes(self, waited_ms):
        """Return what each request is answered after waiting for so long."""
        self.guard.waited(waited_ms)
        codes = {code: self.code(code) for code in PATIENCE}
        self.guard.waited(0)
        return codes


def test_each_kind_of_request_waits_for_as_long_as_it_does_in_java():
    table = Table()
    for code, limit_ms in PATIENCE.items():
        assert (table.codes(limit_ms - 1)[code], table.codes(limit_ms)[code]) == (0, 2)
    assert not table.handlers.hooks


def test_the_shortest_wait_is_what_it_wants_to_hear_of():
    table = Table()
    assert table.guard.least_ms == 200
    table.config.wait_time_mills_in_admin_broker_queue = 50
    assert table.guard.least_ms == 50


def test_what_java_lets_wait_is_never_refused():
    table = Table()
    table.guard.waited(1_000_000)
    assert table.code(COMMIT) == 0


def test_an_administrator_of_4_9_waits_for_ever():
    assert Table(V4_9_7).codes(1_000_000)[TOPICS] == 0


def test_the_remark_is_java_s_and_names_the_time():
    table = Table()
    table.guard.waited(345)
    assert table.answer(SEND).remark == (
        "[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while, "
        "period in queue: 345ms, size of queue: 0"
    )


def test_a_wait_that_is_changed_holds_at_once():
    table = Table(wait_time_mills_in_send_queue=1_000)
    assert table.codes(500)[SEND] == 0
    table.config.wait_time_mills_in_send_queue = 400
    assert table.codes(500)[SEND] == 2


def test_waiting_is_refused_no_more_without_the_setting():
    assert set(Table(broker_fast_failure_enable=False).codes(1_000_000).values()) == {0}


def test_after_a_stall_sends_hear_of_it_and_pulls_of_their_wait():
    table = Table()
    table.guard.stalled(6_000)
    table.guard.waited(6_000)
    assert table.answer(SEND).remark.startswith("[PCBUSY_CLEAN_QUEUE]")
    assert table.answer(PULL).remark.startswith("[TIMEOUT_CLEAN_QUEUE]")
    table.guard.waited(0)
    assert (table.code(SEND), table.code(PULL)) == (2, 0)
    table.guard.release()
    assert not table.handlers.hooks


def test_one_pass_of_sends_is_refused_after_a_stall():
    table = Table()
    table.guard.stalled(1_000)
    assert not table.handlers.hooks
    table.guard.stalled(1_001)
    table.guard.stalled(1_500)
    assert len(table.handlers.hooks) == 1
    assert [table.code(code) for code in (SEND, SEND_BACK, PULL)] == [2, 2, 0]
    table.guard.release()
    assert not table.handlers.hooks
    assert table.code(SEND) == 0


def test_a_pass_that_comes_later_has_not_waited():
    table = Table()
    table.guard.stalled(5_000)
    table.clock.now_ms += LINGER_MS + 1
    assert table.code(SEND) == 0


def test_nothing_is_refused_without_the_setting():
    table = Table(broker_fast_failure_enable=False)
    table.guard.stalled(5_000)
    assert not table.handlers.hooks


@pytest.mark.parametrize("enabled", ["true", "false"])
async def test_what_came_during_a_stalled_write_is_answered_busy(tmp_path, enabled, monkeypatch):
    settings = {"osPageCacheBusyTimeOutMills": "300", "brokerFastFailureEnable": enabled}
    monkeypatch.setattr(fast_failure, "LINGER_MS", 60_000)  # the machine may be busy as well
    async with cluster(tmp_path, **settings) as here, here.wire() as first:
        await first.call(requests.send())
        stalls, write = threading.Event(), CommitLog.write

        def stalled(log):
            if not stalls.is_set():
                stalls.set()
                time.sleep(STALL_S)
            write(log)

        monkeypatch.setattr(CommitLog, "write", stalled)
        with socket.create_connection(here.broker) as waiting:
            sender = threading.Thread(target=send_during, args=(stalls, waiting))
            sender.start()
            assert (await first.call(requests.send(body=b"stalled"))).code == 0
            sender.join()
            async with here.wire() as other:
                assert (await other.call(requests.send(body=b"later"))).code == 0
            answer = decode_command(waiting.recv(1 << 16))
        assert answer.code == (2 if enabled == "true" else 0)
        if enabled == "true":
            assert answer.remark.startswith("[PCBUSY_CLEAN_QUEUE]broker busy, start flow control")
        count = here.server.core.state.store.max_offset("T", 0)
        assert count == (3 if enabled == "true" else 4)


def send_during(stalls, waiting):
    stalls.wait(5)
    waiting.sendall(encode_command(requests.send(body=b"waited")))


async def test_what_waited_for_a_busy_loop_is_answered_busy(tmp_path):
    async with cluster(tmp_path, waitTimeMillsInSendQueue="200") as here:
        ready, stalls, sent = trio.Event(), threading.Event(), threading.Event()
        async with trio.open_nursery() as nursery:
            answers = []
            asked = here, ready, stalls, sent, answers
            nursery.start_soon(trio.to_thread.run_sync, ask_twice, *asked)
            await ready.wait()
            stalls.set()
            sent.wait(5)
            time.sleep(STALL_S)  # noqa: ASYNC251  it is what keeps the loop busy
        assert [answer.code for answer in answers] == [0, 2]
        assert answers[1].remark.startswith("[TIMEOUT_CLEAN_QUEUE]broker busy")
        assert here.server.core.state.store.max_offset("T", 0) == 1


def ask_twice(here, ready, stalls, sent, answers):
    """Send a message, and another one when the loop stands still."""
    with socket.create_connection(here.broker) as connection:
        for body in (b"first", b"waited"):
            connection.sendall(encode_command(requests.send(body=body)))
            if body == b"waited":
                continue
            answers.append(decode_command(connection.recv(1 << 16)))
            trio.from_thread.run_sync(ready.set)
            stalls.wait(5)
        sent.set()
        answers.append(decode_command(connection.recv(1 << 16)))
