"""Many sockets to a pass: what they share, and what one of them does that the others don't notice."""

from __future__ import annotations

import errno
import logging
import socket
import struct
from contextlib import ExitStack

import pytest
import trio
import trio.testing

from rmqwire.codec.command import RemotingCommand, decode_frame
from rmqwire.remoting import socket_pool
from rmqwire.remoting.connection import Connection
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.remoting.frame_reader import FrameReader
from rmqwire.remoting.late_answers import LateAnswers
from rmqwire.remoting.limits import Limits
from rmqwire.remoting.socket_pool import SocketPool
from tests.remoting.support import ECHO, HOLD, LARGE, FarEnd, frame

TABLE = 17  # answered at once, but not before the barrier is over


class Client(FarEnd):
    """The far end of a socket of the pool."""

    def __init__(self, server, limits):
        super().__init__(limits, {TABLE: server.change_table})
        self.ended = trio.Event()
        self.member = server.pool.add(self.ours, self.connection, lambda _: self.ended.set())

    def ask(self, *opaques, code=ECHO, body=b""):
        self.send(*opaques, code=code, body=body)


class Server:
    """A pool that counts its passes."""

    def __init__(self, *, limits=None, fails=None, busy_wait=None):
        self.limits = limits or Limits()
        self.late_answers = LateAnswers()
        self.passes = 0
        self.fails = fails
        self.written = trio.Event()
        self.error = None
        self.waits = []
        self.now_s = 0.0
        self._changed = False
        self.pool = SocketPool(
            self.limits,
            self.late_answers,
            self._end_of_pass,
            self._take_barrier,
            patience=self,
            mono_s=lambda: self.now_s,
            busy_wait=busy_wait,
        )

    least_ms = 40

    def waited(self, waited_ms):
        self.waits.append(waited_ms)

    def _end_of_pass(self):
        self.passes += 1
        if self.fails is not None:
            raise self.fails

    def change_table(self, _, request):
        self._changed = True
        return request.create_response(0)

    def _take_barrier(self):
        changed, self._changed = self._changed, False
        return self._wait() if changed else None

    async def _wait(self):
        await self.written.wait()
        if self.error is not None:
            raise self.error


@pytest.fixture
async def start():
    """Start a pool with sockets; both end with the test."""
    with ExitStack() as sockets:
        async with trio.open_nursery() as nursery:

            def run(count, **options):
                server = Server(**options)
                nursery.start_soon(server.pool.run)
                clients = [Client(server, server.limits) for _ in range(count)]
                for client in clients:
                    sockets.enter_context(client.socket)
                opened.append((server, clients))
                return server, *clients

            opened = []
            yield run
            for server, clients in opened:
                for client in clients:
                    server.pool.end(client.member)
                server.pool.close()


async def turn():
    """Return when the loop has seen all that the kernel has, and sleeps."""
    await trio.testing.wait_all_tasks_blocked()


async def test_all_that_are_readable_share_one_pass(start):
    server, *clients = start(8)
    await turn()
    server.passes = 0
    for number, client in enumerate(clients):
        client.ask(number, number + 100)
    await turn()
    assert [client.arrived() for client in clients] == [[n, n + 100] for n in range(8)]
    assert server.passes == 1


@pytest.mark.parametrize(("age_ms", "told"), [(39, []), (40, [40, 0]), (700, [700, 0])])
async def test_after_a_busy_time_it_is_told_how_long_requests_have_waited(
    start, monkeypatch, age_ms, told
):
    server, client = start(1)
    await turn()
    monkeypatch.setattr(socket_pool, "ms_since_data", lambda _: age_ms)
    server.now_s = 5.0
    client.ask(1)
    assert await client.read(1) == [1]
    assert server.waits == told


async def test_nobody_is_asked_how_long_requests_have_waited_while_the_loop_keeps_up(
    start, monkeypatch
):
    server, client = start(1)
    await turn()
    asked = []
    monkeypatch.setattr(socket_pool, "ms_since_data", asked.append)
    for number in range(5):
        server.now_s += 0.039
        client.ask(number)
        assert await client.read(1) == [number]
        await turn()
    assert (asked, server.waits) == ([], [])


async def test_what_a_pass_had_no_room_for_has_waited_since_it_was_seen(start, monkeypatch):
    monkeypatch.setattr(socket_pool, "PASS_BYTES", 1)
    monkeypatch.setattr(socket_pool, "ms_since_data", lambda _: 50)
    server, first, second, third = start(3)
    await turn()
    server.waits.clear()

    def take_long(_, request):
        server.now_s += 0.05
        return request.create_response()

    for client in (first, second, third):
        client.connection.handlers.replace(ECHO, take_long)
        client.ask(1)
    assert [await client.read(1) for client in (first, second, third)] == [[1]] * 3
    assert server.waits == [50, 0, 50, 0]  # not of the first


async def test_a_late_answer_caused_by_a_pass_leaves_with_it(start):
    server, first, second = start(2)
    first.ask(1, code=HOLD)
    await turn()
    original = second.echo
    second.connection.handlers.replace(
        ECHO, lambda peer, request: (first.answer(), original(peer, request))[1]
    )
    server.passes = 0
    second.ask(2)
    await turn()
    assert (first.arrived(), second.arrived(), server.passes) == ([1], [2], 1)


async def test_a_late_answer_of_another_task_leaves_soon(start):
    _, client = start(1)
    client.ask(1, 2, code=HOLD)
    await turn()
    client.answer()
    assert client.arrived() == []
    assert await client.read(2) == [1, 2]


async def test_late_answers_of_one_event_leave_at_once(start):
    server, first, second = start(2)
    first.ask(1, code=HOLD)
    second.ask(2, code=HOLD)
    await turn()
    with trio.testing.assert_no_checkpoints(), server.late_answers:
        first.answer()
        second.answer()
    assert (first.arrived(), second.arrived()) == ([1], [2])


async def test_only_the_connection_that_changed_a_table_waits_for_it(start):
    server, first, second = start(2)
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


async def test_what_a_lane_takes_waits_for_no_barrier_and_what_it_leaves_does(start):
    server, first, second = start(2)
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


async def test_a_table_that_is_not_written_ends_its_connection_without_an_answer(start):
    server, first, second = start(2)
    server.error = OSError(errno.ENOSPC, "no space")
    first.ask(1, code=TABLE)
    await turn()
    server.written.set()
    await turn()
    assert first.arrived() is None
    assert first.ended.is_set()
    second.ask(2)
    assert await second.read(1) == [2]


async def test_a_pass_that_still_waits_keeps_its_answers(start):
    server, client = start(1)
    client.ask(1, code=TABLE)
    await turn()
    client.connection.close("over")
    await turn()
    assert client.arrived() == []
    server.written.set()
    assert await client.read(1) == [1]
    await client.ended.wait()


async def test_a_reset_is_not_looked_at_while_answers_wait(start):
    server, client = start(1)
    client.ask(1, code=TABLE)
    await turn()
    client.socket.close()
    server.passes = 0
    await turn()
    assert server.passes == 0  # the loop sleeps
    server.written.set()
    await client.ended.wait()


async def test_a_peer_that_does_not_read_is_not_read_from(start):
    _, slow, other = start(2)
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


async def test_held_requests_go_on_when_the_answers_are_read(start):
    _, client = start(1, limits=Limits(pause_bytes=1000))
    client.ask(*range(40), body=bytes(400))
    await turn()
    assert client.connection.frames_received < 40
    assert await client.read(40) == list(range(40))
    client.ask(99)
    assert await client.read(1) == [99]


async def test_one_that_brings_much_leaves_the_others_their_turn(start, monkeypatch):
    monkeypatch.setattr(socket_pool, "PASS_BYTES", 1000)
    server, *clients = start(6)
    await turn()
    server.passes = 0
    for number, client in enumerate(clients):
        client.ask(number, body=bytes(600))
    await turn()
    assert [client.arrived() for client in clients] == [[n] for n in range(6)]
    assert server.passes == 3  # of two each, none of them twice


async def test_who_asks_again_at_once_is_answered_in_the_same_turn(start):
    server, client = start(1)
    turns = []

    def echo_and_ask(peer, request):
        if request.opaque < 5:
            client.ask(request.opaque + 1)
        return client.echo(peer, request)

    client.connection.handlers.replace(ECHO, echo_and_ask)
    await turn()
    one_turn, server.passes = server.pool._turn, 0
    server.pool._turn = lambda: (turns.append(server.passes), one_turn())
    client.ask(0)
    await turn()
    assert client.arrived() == list(range(6))
    assert (turns, server.passes) == ([0], 6)


async def test_who_asks_again_for_ever_leaves_other_tasks_their_turn(start):
    server, client = start(1)
    last = 10 * socket_pool.TURN_PASSES

    def ask_again(_, request):
        if request.opaque < last:
            client.ask(request.opaque + 1)

    client.connection.handlers.replace(ECHO, ask_again)
    await turn()
    one_turn, server.passes = server.pool._turn, 0
    ends = []
    server.pool._turn = lambda: (one_turn(), ends.append(server.passes))
    client.ask(0)
    await turn()
    assert ends[:3] == [n * socket_pool.TURN_PASSES for n in (1, 2, 3)]
    assert server.passes == last + 1


async def test_the_end_of_the_peers_stream_lets_its_answers_leave(start):
    _, client = start(1)
    client.ask(1)
    client.socket.shutdown(socket.SHUT_WR)
    assert await client.read(1) == [1]
    await client.ended.wait()
    assert client.arrived() is None
    assert client.connection.closed


async def test_a_reset_ends_that_connection_only(start):
    _, first, second = start(2)
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


async def test_what_was_closed_while_it_does_not_read_ends_after_the_drain(start, autojump_clock):
    _, client = start(1)
    client.ask(1, code=HOLD)
    await turn()
    client.answer(bytes(LARGE))
    await turn()
    began = trio.current_time()
    client.connection.close("idle")
    await client.ended.wait()
    assert 2.9 <= trio.current_time() - began <= 3.1


async def test_bytes_that_are_no_command_end_their_connection_after_the_answers_before(start):
    _, bad, good = start(2)
    bad.socket.sendall(frame(RemotingCommand(ECHO, opaque=1)) + b"GET / HTTP/1.1\r\n")
    good.ask(2)
    assert await bad.read(1) == [1]
    await bad.ended.wait()
    assert await good.read(1) == [2]


async def test_a_stop_sends_what_is_ready_and_then_ends(start):
    _, ready, silent = start(2)
    ready.ask(1, code=HOLD)
    await turn()
    ready.answer()
    ready.member.stop()
    silent.member.stop()
    assert ready.arrived() == [1]
    assert ready.ended.is_set()
    assert silent.ended.is_set()


async def test_a_stop_waits_for_a_peer_that_does_not_read_but_not_for_ever(start, autojump_clock):
    _, client = start(1)
    client.ask(1, code=HOLD)
    await turn()
    client.answer(bytes(LARGE))
    began = trio.current_time()
    client.member.stop()
    await client.ended.wait()
    assert 2.9 <= trio.current_time() - began <= 3.1


async def test_run_ends_with_the_last_socket_though_it_is_cancelled_before():
    server = Server()
    client = Client(server, server.limits)
    with client.socket:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.pool.run)
            await turn()
            nursery.cancel_scope.cancel()
            client.ask(1)
            with trio.CancelScope(shield=True):
                assert await client.read(1) == [1]
            server.pool.close()
            client.member.stop()
        assert client.ended.is_set()


async def test_a_pass_that_fails_ends_the_connections_in_it_and_no_other(start, caplog):
    server, first, second = start(2)
    server.fails = RuntimeError("disk on fire")
    with caplog.at_level(logging.ERROR):
        first.ask(1)
        await first.ended.wait()
    assert first.arrived() is None
    assert "disk on fire" in caplog.text
    server.fails = None
    second.ask(2)
    assert await second.read(1) == [2]


async def test_a_callback_that_fails_at_the_end_is_logged_and_ends_nothing_else(start, caplog):
    server, client = start(1)
    ours, theirs = socket.socketpair()

    def broken(_):
        raise RuntimeError("nobody home")

    server.pool.add(ours, Connection(HandlerTable(), "x:1"), broken)
    theirs.close()
    await turn()
    assert "nobody home" in caplog.text
    client.ask(1)
    assert await client.read(1) == [1]


async def test_a_lane_that_fails_ends_that_connection_only(start, caplog):
    class Lane:
        def take(self, inputs):
            raise RuntimeError("the native lane panicked")

    _, first, second = start(2)
    first.connection.handlers.lane = Lane()
    with caplog.at_level(logging.ERROR):
        first.ask(1)
        await first.ended.wait()
    assert "panicked" in caplog.text
    assert first.arrived() is None
    second.ask(2)
    assert await second.read(1) == [2]


class Watched:
    """A busy wait that is only counted."""

    def __init__(self):
        self.waits = 0

    def look(self, _):
        self.waits += 1
        return []


@pytest.mark.parametrize(
    ("code", "count", "waits"),
    [(ECHO, 1, 1), (HOLD, 1, 0), (TABLE, 1, 0), (ECHO, 2, 1), (ECHO, socket_pool.FEW + 1, 0)],
    ids=["answered", "held by its handler", "held by a barrier", "two", "many"],
)
async def test_it_waits_awake_for_few_that_were_all_answered(start, code, count, waits):
    busy_wait = Watched()
    _, *clients = start(count, busy_wait=busy_wait)
    await turn()
    busy_wait.waits = 0
    for client in clients:
        client.ask(1, code=code)
    await turn()
    assert busy_wait.waits == waits
