"""What one socket of a pool does, which the others don't notice: barriers, peers that don't read, ends."""

from __future__ import annotations

import errno
import socket
import struct

import trio
import trio.testing

from rmqwire.codec.command import RemotingCommand, decode_frame
from rmqwire.remoting.connection import Connection
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.remoting.frame_reader import FrameReader
from rmqwire.remoting.limits import Limits
from tests.remoting.pools import TABLE, turn
from tests.remoting.support import ECHO, HOLD, LARGE, frame


async def test_only_the_connection_that_changed_a_table_waits_for_it(start_pool):
    server, first, second = start_pool(2)
    first.ask(1, code=TABLE)
    second.ask(2)
    await turn()
    first.ask(3)  # is not read before the first is answered
    second.ask(4)
    await turn()
    assert (first.arrived(), second.arrived()) == ([], [2, 4])
    server.written.set()
    assert await first.read(2) == [1, 3]


class EchoLane:
    """Takes the echoes at the front, many connections at once, and answers them."""

    def __init__(self):
        self.asked = []

    def take(self, inputs):
        self.asked.append(len(inputs))
        return [self._take(*one) for one in inputs]

    def _take(self, connection, data, position):
        count = 0
        for view in FrameReader().split(data, position):
            request = decode_frame(view)
            if request.code != ECHO:
                return count, position, len(data), b""
            connection.reply(request, request.create_response(0))
            position += 4 + len(view)
            count += 1
        return count, position, position, b""


async def test_what_a_lane_takes_waits_for_no_barrier_and_what_it_leaves_does(start_pool):
    server, first, second = start_pool(2)
    lane = EchoLane()
    for client in (first, second):
        client.connection.handlers.lane = lane
    first.socket.sendall(frame(RemotingCommand(ECHO, opaque=1), RemotingCommand(TABLE, opaque=2)))
    second.ask(3)
    await turn()
    assert lane.asked == [2]
    assert (first.arrived(), second.arrived()) == ([], [3])
    server.written.set()
    assert await first.read(2) == [1, 2]


async def test_a_table_that_is_not_written_ends_its_connection_without_an_answer(start_pool):
    server, first, second = start_pool(2)
    server.error = OSError(errno.ENOSPC, "no space")
    first.ask(1, code=TABLE)
    await turn()
    server.written.set()
    await turn()
    assert first.arrived() is None
    assert first.ended.is_set()
    second.ask(2)
    assert await second.read(1) == [2]


async def test_a_pass_that_still_waits_keeps_its_answers(start_pool):
    server, client = start_pool(1)
    client.ask(1, code=TABLE)
    await turn()
    client.connection.close("over")
    await turn()
    assert client.arrived() == []
    server.written.set()
    assert await client.read(1) == [1]
    await client.ended.wait()


async def test_a_reset_is_not_looked_at_while_answers_wait(start_pool):
    server, client = start_pool(1)
    client.ask(1, code=TABLE)
    await turn()
    client.socket.close()
    server.passes = 0
    await turn()
    assert server.passes == 0  # the loop sleeps
    server.written.set()
    await client.ended.wait()


async def test_a_peer_that_does_not_read_is_not_read_from(start_pool):
    _, slow, other = start_pool(2)
    slow.ask(1, code=HOLD)
    await turn()
    slow.answer(bytes(LARGE))
    await turn()
    slow.ask(2)
    await turn()
    assert slow.connection.frames_received == 1
    other.ask(3)
    assert await other.read(1) == [3]
    assert await slow.read(2) == [1, 2]


async def test_held_requests_go_on_when_the_answers_are_read(start_pool):
    _, client = start_pool(1, limits=Limits(pause_bytes=1000))
    client.ask(*range(40), body=bytes(400))
    await turn()
    assert client.connection.frames_received < 40
    assert await client.read(40) == list(range(40))
    client.ask(99)
    assert await client.read(1) == [99]


async def test_the_end_of_the_peers_stream_lets_its_answers_leave(start_pool):
    _, client = start_pool(1)
    client.ask(1)
    client.socket.shutdown(socket.SHUT_WR)
    assert await client.read(1) == [1]
    await client.ended.wait()
    assert client.arrived() is None
    assert client.connection.closed


async def test_a_reset_ends_that_connection_only(start_pool):
    _, first, second = start_pool(2)
    far = socket.create_server(("127.0.0.1", 0))
    near = socket.create_connection(far.getsockname())
    accepted, _ = far.accept()
    member = first.member._pool.add(accepted, Connection(HandlerTable(), "x:1"), lambda _: None)
    near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    near.close()
    far.close()
    await turn()
    assert member.fd < 0
    assert member.connection.closed
    second.ask(1)
    assert await second.read(1) == [1]


async def test_what_was_closed_while_it_does_not_read_ends_after_the_drain(
    start_pool, autojump_clock
):
    _, client = start_pool(1)
    client.ask(1, code=HOLD)
    await turn()
    client.answer(bytes(LARGE))
    await turn()
    began = trio.current_time()
    client.connection.close("idle")
    await client.ended.wait()
    assert 2.9 <= trio.current_time() - began <= 3.1


async def test_bytes_that_are_no_command_end_their_connection_after_the_answers_before(start_pool):
    _, bad, good = start_pool(2)
    bad.socket.sendall(frame(RemotingCommand(ECHO, opaque=1)) + b"GET / HTTP/1.1\r\n")
    good.ask(2)
    assert await bad.read(1) == [1]
    await bad.ended.wait()
    assert await good.read(1) == [2]


async def test_a_stop_sends_what_is_ready_and_then_ends(start_pool):
    _, ready, silent = start_pool(2)
    ready.ask(1, code=HOLD)
    await turn()
    ready.answer()
    ready.member.stop()
    silent.member.stop()
    assert ready.arrived() == [1]
    assert ready.ended.is_set()
    assert silent.ended.is_set()


async def test_a_stop_waits_for_a_peer_that_does_not_read_but_not_for_ever(
    start_pool, autojump_clock
):
    _, client = start_pool(1)
    client.ask(1, code=HOLD)
    await turn()
    client.answer(bytes(LARGE))
    began = trio.current_time()
    client.member.stop()
    await client.ended.wait()
    assert 2.9 <= trio.current_time() - began <= 3.1
