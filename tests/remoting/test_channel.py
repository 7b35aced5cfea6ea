"""Passes, late answers and slow readers on memory streams and the mock clock."""

import math
import socket

import trio
import trio.testing

from rmqwire.codec.command import RemotingCommand, decode_frame, encode_command
from rmqwire.remoting.channel import EARLY_BYTES, Channel
from rmqwire.remoting.connection import Connection
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.remoting.frame_reader import FrameReader
from rmqwire.remoting.limits import Limits
from rmqwire.remoting.open_requests import Asked
from rmqwire.remoting.transport import SocketTransport
from tests.remoting.support import frame


def echo(connection, request):
    return request.create_response(0, None, body=bytes(request.body))


class CountingStream(trio.abc.Stream):
    """A memory stream that remembers each send_all and refuses two at once."""

    def __init__(self, inner):
        self.inner = inner
        self.sends = []
        self.busy = False

    async def send_all(self, data):
        assert not self.busy
        self.busy = True
        try:
            self.sends.append(bytes(data))
            await self.inner.send_all(data)
        finally:
            self.busy = False

    async def wait_send_all_might_not_block(self):
        await self.inner.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes=None):
        return await self.inner.receive_some(max_bytes)

    async def aclose(self):
        await self.inner.aclose()


class Setup:
    def __init__(self, nursery, handlers, *, limits=None, lockstep=False, end_of_pass=None):
        make = trio.testing.lockstep_stream_pair if lockstep else trio.testing.memory_stream_pair
        self.far, near = make()
        self.near = CountingStream(near)
        limits = limits or Limits()
        self.connection = Connection(HandlerTable(handlers=handlers), "peer:1", limits=limits)
        self.channel = Channel(self.near, self.connection, limits, end_of_pass)
        self.ended = trio.Event()
        self.reader = FrameReader()
        nursery.start_soon(self._run)

    async def _run(self):
        await self.channel.run()
        self.ended.set()

    async def answers(self, count):
        got = []
        while len(got) < count:
            got += self.reader.receive_data(bytes(await self.far.receive_some()))
        return [decode_frame(view) for view in got]


async def test_one_read_is_one_send(autojump_clock):
    passes = []
    async with trio.open_nursery() as nursery:
        setup = Setup(nursery, {1: echo}, end_of_pass=lambda: passes.append(1))
        await setup.far.send_all(frame(*(RemotingCommand(1, opaque=n) for n in range(50))))
        assert [r.opaque for r in await setup.answers(50)] == list(range(50))
        assert len(setup.near.sends) == len(passes) == 1
        nursery.cancel_scope.cancel()


async def test_end_of_pass_can_answer_in_the_same_send(autojump_clock):
    held = []

    def release():
        for connection, request in held:
            connection.reply(request, request.create_response(0, "written"))
        held.clear()

    async with trio.open_nursery() as nursery:
        setup = Setup(nursery, {1: lambda c, r: held.append((c, r))}, end_of_pass=release)
        await setup.far.send_all(frame(RemotingCommand(1), RemotingCommand(2)))
        assert [r.code for r in await setup.answers(2)] == [3, 0]
        assert len(setup.near.sends) == 1
        nursery.cancel_scope.cancel()


async def test_late_answers_go_out_together(autojump_clock):
    held = []
    async with trio.open_nursery() as nursery:
        setup = Setup(nursery, {11: lambda c, r: held.append(r)})
        await setup.far.send_all(frame(*(RemotingCommand(11, opaque=n) for n in range(3))))
        await trio.testing.wait_all_tasks_blocked()
        assert setup.near.sends == []
        for request in held:
            setup.connection.reply(request, request.create_response(0))
        assert [r.opaque for r in await setup.answers(3)] == [0, 1, 2]
        assert len(setup.near.sends) == 1
        nursery.cancel_scope.cancel()


async def test_late_answers_during_a_send_wait_for_it(autojump_clock):
    held = []
    async with trio.open_nursery() as nursery:
        handlers = {1: echo, 11: lambda c, r: held.append(r)}
        setup = Setup(nursery, handlers, lockstep=True)
        await setup.far.send_all(frame(RemotingCommand(11, opaque=1), RemotingCommand(1, opaque=2)))
        await trio.testing.wait_all_tasks_blocked()  # the answer to 2 waits for its reader
        setup.connection.reply(held[0], held[0].create_response(0))
        await trio.testing.wait_all_tasks_blocked()
        assert len(setup.near.sends) == 1
        assert [r.opaque for r in await setup.answers(2)] == [2, 1]
        nursery.cancel_scope.cancel()


async def test_a_peer_that_does_not_read_is_not_read_from(autojump_clock):
    seen = []

    def handler(connection, request):
        seen.append(request.opaque)
        return request.create_response(0)

    async with trio.open_nursery() as nursery:
        setup = Setup(nursery, {1: handler}, lockstep=True)
        await setup.far.send_all(frame(RemotingCommand(1, opaque=1)))
        with trio.move_on_after(5) as scope:
            await setup.far.send_all(frame(RemotingCommand(1, opaque=2)))
        assert scope.cancelled_caught
        assert seen == [1]
        nursery.cancel_scope.cancel()


async def test_a_peer_that_does_not_read_is_closed_at_the_cap(autojump_clock):
    held = []
    async with trio.open_nursery() as nursery:
        limits = Limits(outbox_bytes=5000)
        handlers = {1: echo, 11: lambda c, r: held.append(r)}
        setup = Setup(nursery, handlers, lockstep=True, limits=limits)
        await setup.far.send_all(frame(RemotingCommand(11), RemotingCommand(1)))
        await trio.testing.wait_all_tasks_blocked()
        setup.connection.reply(held[0], held[0].create_response(0, body=bytes(6000)))
        await setup.ended.wait()
        assert setup.connection.closed


async def test_held_requests_go_on_when_the_answers_are_read(autojump_clock):
    async with trio.open_nursery() as nursery:
        setup = Setup(nursery, {1: echo}, limits=Limits(pause_bytes=1000), lockstep=True)
        requests = [RemotingCommand(1, body=bytes(400), opaque=n) for n in range(20)]
        await setup.far.send_all(frame(*requests))
        assert [r.opaque for r in await setup.answers(20)] == list(range(20))
        assert max(map(len, setup.near.sends)) < 2000
        nursery.cancel_scope.cancel()


async def test_answers_before_a_bad_frame_are_sent_then_the_stream_ends(autojump_clock):
    async with trio.open_nursery() as nursery:
        setup = Setup(nursery, {1: echo}, lockstep=True)
        await setup.far.send_all(frame(RemotingCommand(1, opaque=6)) + b"GET / HTTP/1.1")
        assert [r.opaque for r in await setup.answers(1)] == [6]
        assert await setup.far.receive_some() == b""
        await setup.ended.wait()


async def test_close_by_the_core_ends_the_stream(autojump_clock):
    async with trio.open_nursery() as nursery:
        setup = Setup(nursery, {1: echo})
        await trio.testing.wait_all_tasks_blocked()
        setup.connection.send_oneway(RemotingCommand(5, opaque=2))
        setup.connection.close()
        assert [r.opaque for r in await setup.answers(1)] == [2]
        assert await setup.far.receive_some() == b""
        await setup.ended.wait()


async def test_stop_sends_what_is_ready(autojump_clock):
    async with trio.open_nursery() as nursery:
        setup = Setup(nursery, {1: echo}, lockstep=True)
        await setup.far.send_all(frame(RemotingCommand(1, opaque=6)))
        await trio.testing.wait_all_tasks_blocked()
        setup.channel.stop()
        assert len(await setup.answers(1)) == 1
        await setup.ended.wait()


async def test_stop_does_not_wait_for_ever(autojump_clock):
    async with trio.open_nursery() as nursery:
        setup = Setup(nursery, {1: echo}, lockstep=True)
        await setup.far.send_all(frame(RemotingCommand(1)))
        await trio.testing.wait_all_tasks_blocked()
        start = trio.current_time()
        setup.channel.stop()
        await setup.ended.wait()
        assert math.isclose(trio.current_time() - start, 3, abs_tol=0.1)


async def test_the_peers_end_fails_our_requests(autojump_clock):
    got = []
    async with trio.open_nursery() as nursery:
        setup = Setup(nursery, {})
        setup.connection.request(RemotingCommand(1), got.append, 3000)
        await setup.answers(1)
        await setup.far.aclose()
        await setup.ended.wait()
    assert "the connection ended" in str(got[0])


async def test_many_requests_of_a_turn_are_on_their_way_before_it_ends():
    left, right = socket.socketpair()
    stream = SocketTransport(left)
    connection = Connection(HandlerTable(), "peer:1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Channel(stream, connection, Limits()).run)
        await trio.testing.wait_all_tasks_blocked()
        request = encode_command(RemotingCommand(1, body=bytes(EARLY_BYTES // 4)))
        for opaque in range(5):
            connection.request_frame(opaque, request, Asked(print, 10**9))
        assert len(right.recv(1 << 20)) == 5 * len(request), "a lone one, then four together"
        connection.request_frame(5, request, Asked(print, 10**9))
        assert connection.outbox_size == len(request)
        await trio.testing.wait_all_tasks_blocked()
        assert len(right.recv(1 << 20)) == len(request)
        nursery.cancel_scope.cancel()
    right.close()
