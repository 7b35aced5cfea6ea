"""Sends that waited while a write stood still are refused, those after them are not."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from rmqwire.broker.fast_failure import LINGER_MS, BrokerFastFailure
from rmqwire.broker.settings.values import BrokerConfig
from rmqwire.codec.command import RemotingCommand, decode_command, encode_command
from rmqwire.remoting.connection import Connection
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.store.log.commit_log import CommitLog
from tests.end_to_end.support import cluster
from tests.support import requests
from tests.support.stores import Clock

SEND, SEND_BACK, PULL = 310, 36, 11
STALL_S = 0.6


class Table:
    """Handlers that answer all, and the hook before them."""

    def __init__(self, **settings):
        self.clock = Clock()
        handlers = {code: lambda _, r: r.create_response() for code in (SEND, SEND_BACK, PULL)}
        self.handlers = HandlerTable(handlers=handlers)
        config = BrokerConfig(**settings)
        self.guard = BrokerFastFailure(config, 1_000, self.handlers.hooks, self.clock)

    def code(self, code):
        return self.handlers.handle(Connection(self.handlers), RemotingCommand(code)).code


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
