"""Answers that leave at once, each connection's in one send, and what stands in their way."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest
import trio
import trio.testing

from rmqwire.codec.command import RemotingCommand
from rmqwire.remoting.channel import Channel
from rmqwire.remoting.late_answers import LateAnswers
from rmqwire.remoting.limits import Limits
from rmqwire.remoting.transport import SocketTransport
from tests.remoting.support import HOLD, LARGE, FarEnd, frame


class CountingTransport(SocketTransport):
    sends = 0

    def send_now(self, data):
        self.sends += 1
        return super().send_now(data)


class Client(FarEnd):
    """A channel over a socket, at whose other end we are. Requests of code 11 are answered later."""

    def __init__(self, late_answers, *, plain=True, barrier=None, limits=None):
        limits = limits or Limits()
        super().__init__(limits)
        self.stream = CountingTransport(self.ours)
        stream = self.stream if plain else trio.StapledStream(self.stream, self.stream)
        self.channel = Channel(stream, self.connection, limits, None, late_answers, barrier=barrier)
        self.ended = False

    async def run(self):
        await self.channel.run()
        self.ended = True

    async def ask(self, *opaques, code=HOLD):
        self.send(*opaques, code=code)
        await trio.testing.wait_all_tasks_blocked(0.01)


@pytest.fixture
def late_answers():
    return LateAnswers()


@pytest.fixture
async def connect(late_answers):
    """Start clients."""
    with ExitStack() as sockets:
        async with trio.open_nursery() as nursery:

            def start(**options):
                client = Client(late_answers, **options)
                sockets.enter_context(client.socket)
                nursery.start_soon(client.run)
                return client

            yield start
            nursery.cancel_scope.cancel()


async def test_they_leave_at_once_each_connection_s_in_one_send(late_answers, connect):
    clients = [connect(), connect(), connect()]
    for client in clients[:2]:
        await client.ask(1, 2, 3)
    with trio.testing.assert_no_checkpoints():
        with late_answers:
            for client in clients:
                client.answer()
            assert [client.arrived() for client in clients] == [[], [], []]
        assert [client.arrived() for client in clients] == [[1, 2, 3], [1, 2, 3], []]
    await trio.testing.wait_all_tasks_blocked(0.01)
    assert [client.stream.sends for client in clients] == [1, 1, 0]


async def test_outside_of_it_they_wait_for_the_writer(late_answers, connect):
    client = connect()
    with late_answers:
        await client.ask(1)
    client.answer()
    assert client.arrived() == []
    assert await client.read(1) == [1]


async def test_what_the_kernel_does_not_take_the_writer_sends_before_all_else(
    late_answers, connect
):
    client, other = connect(), connect()
    await client.ask(1)
    await other.ask(1)
    with late_answers:
        client.answer(bytes(LARGE))
        other.answer()
    assert other.arrived() == [1]
    client.socket.sendall(frame(RemotingCommand(11, opaque=2), RemotingCommand(1, opaque=3)))
    assert await client.read(2) == [1, 3]
    with late_answers:
        client.answer()
    assert client.arrived() == [2]


async def test_those_that_come_while_it_is_sending_go_behind(late_answers, connect):
    client = connect()
    await client.ask(1, 2)
    second = client.held.pop()
    client.answer(bytes(LARGE))
    await trio.testing.wait_all_tasks_blocked(0.01)  # the writer waits for us to read
    client.held = [second]
    with late_answers:
        client.answer()
    assert await client.read(2) == [1, 2]


async def test_a_broken_connection_ends_and_hurts_nobody(late_answers, connect):
    broken, other = connect(), connect()
    await broken.ask(1)
    await other.ask(1)
    broken.socket.shutdown(socket.SHUT_RD)  # our next send fails with EPIPE, nothing is read
    with late_answers:
        broken.answer()
        other.answer()
    assert other.arrived() == [1]
    assert not broken.ended
    await trio.testing.wait_all_tasks_blocked(0.01)
    assert broken.ended
    assert broken.connection.closed
    await other.ask(2, code=1)
    assert other.arrived() == [2]


async def test_a_connection_that_overflows_ends_without_them(late_answers, connect):
    client = connect(limits=Limits(outbox_bytes=5000))
    await client.ask(1)
    with late_answers:
        client.answer(bytes(6000))
    await trio.testing.wait_all_tasks_blocked(0.01)
    assert client.ended
    assert client.stream.sends == 0


async def test_a_pass_that_still_waits_keeps_its_answers(late_answers, connect):
    written = trio.Event()
    client = connect(barrier=written.wait)
    await client.ask(1, code=1)  # answered, but not before the end of the pass
    await trio.testing.wait_all_tasks_blocked(0.01)
    with late_answers:
        client.connection.close("over")
    assert client.arrived() == []
    written.set()
    assert await client.read(1) == [1]


async def test_a_channel_that_stops_still_sends(late_answers, connect):
    client = connect()
    await client.ask(1)
    with late_answers:
        client.answer()
        client.channel.stop()
    assert client.arrived() == [1]
    await trio.testing.wait_all_tasks_blocked(0.01)
    assert client.ended


async def test_a_stream_that_must_be_waited_for_is_the_writer_s(late_answers, connect):
    client = connect(plain=False)
    await client.ask(1, 2)
    with late_answers:
        client.answer()
    assert client.arrived() == []
    assert await client.read(2) == [1, 2]


async def test_one_within_another_loses_nothing(late_answers, connect):
    first, second, third = connect(), connect(), connect()
    for client in (first, second, third):
        await client.ask(1)
    with late_answers:
        first.answer()
        with late_answers:
            second.answer()
        assert (first.arrived(), second.arrived()) == ([1], [1])
        third.answer()
    assert await third.read(1) == [1]
