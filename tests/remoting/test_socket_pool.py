"""Many sockets to a pass: what they share, whose turn it is, and what a pass that fails ends."""

from __future__ import annotations

import logging
import socket

import pytest
import trio
import trio.testing

from rmqwire.remoting import socket_pool
from rmqwire.remoting.connection import Connection
from rmqwire.remoting.dispatch import HandlerTable
from tests.remoting.pools import TABLE, Client, Server, turn
from tests.remoting.support import ECHO, HOLD


async def test_all_that_are_readable_share_one_pass(start_pool):
    server, *clients = start_pool(8)
    await turn()
    server.passes = 0
    for number, client in enumerate(clients):
        client.ask(number, number + 100)
    await turn()
    assert [client.arrived() for client in clients] == [[n, n + 100] for n in range(8)]
    assert server.passes == 1


@pytest.mark.parametrize(("age_ms", "told"), [(39, []), (40, [40, 0]), (700, [700, 0])])
async def test_after_a_busy_time_it_is_told_how_long_requests_have_waited(
    start_pool, monkeypatch, age_ms, told
):
    server, client = start_pool(1)
    await turn()
    monkeypatch.setattr(socket_pool, "ms_since_data", lambda _: age_ms)
    server.now_s = 5.0
    client.ask(1)
    assert await client.read(1) == [1]
    assert server.waits == told


async def test_nobody_is_asked_how_long_requests_have_waited_while_the_loop_keeps_up(
    start_pool, monkeypatch
):
    server, client = start_pool(1)
    await turn()
    asked = []
    monkeypatch.setattr(socket_pool, "ms_since_data", asked.append)
    for number in range(5):
        server.now_s += 0.039
        client.ask(number)
        assert await client.read(1) == [number]
        await turn()
    assert (asked, server.waits) == ([], [])


async def test_what_a_pass_had_no_room_for_has_waited_since_it_was_seen(start_pool, monkeypatch):
    monkeypatch.setattr(socket_pool, "PASS_BYTES", 1)
    monkeypatch.setattr(socket_pool, "ms_since_data", lambda _: 50)
    server, first, second, third = start_pool(3)
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


async def test_a_late_answer_caused_by_a_pass_leaves_with_it(start_pool):
    server, first, second = start_pool(2)
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


async def test_a_late_answer_of_another_task_leaves_soon(start_pool):
    _, client = start_pool(1)
    client.ask(1, 2, code=HOLD)
    await turn()
    client.answer()
    assert client.arrived() == []
    assert await client.read(2) == [1, 2]


async def test_late_answers_of_one_event_leave_at_once(start_pool):
    server, first, second = start_pool(2)
    first.ask(1, code=HOLD)
    second.ask(2, code=HOLD)
    await turn()
    with trio.testing.assert_no_checkpoints(), server.late_answers:
        first.answer()
        second.answer()
    assert (first.arrived(), second.arrived()) == ([1], [2])


async def test_one_that_brings_much_leaves_the_others_their_turn(start_pool, monkeypatch):
    monkeypatch.setattr(socket_pool, "PASS_BYTES", 1000)
    server, *clients = start_pool(6)
    await turn()
    server.passes = 0
    for number, client in enumerate(clients):
        client.ask(number, body=bytes(600))
    await turn()
    assert [client.arrived() for client in clients] == [[n] for n in range(6)]
    assert server.passes == 3  # of two each, none of them twice


async def test_who_asks_again_at_once_is_answered_in_the_same_turn(start_pool):
    server, client = start_pool(1)
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


async def test_who_asks_again_for_ever_leaves_other_tasks_their_turn(start_pool):
    server, client = start_pool(1)
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


async def test_a_pass_that_fails_ends_the_connections_in_it_and_no_other(start_pool, caplog):
    server, first, second = start_pool(2)
    server.fails = RuntimeError("disk on fire")
    with caplog.at_level(logging.ERROR):
        first.ask(1)
        await first.ended.wait()
    assert first.arrived() is None
    assert "disk on fire" in caplog.text
    server.fails = None
    second.ask(2)
    assert await second.read(1) == [2]


async def test_a_callback_that_fails_at_the_end_is_logged_and_ends_nothing_else(start_pool, caplog):
    server, client = start_pool(1)
    ours, theirs = socket.socketpair()

    def broken(_):
        raise RuntimeError("nobody home")

    server.pool.add(ours, Connection(HandlerTable(), "x:1"), broken)
    theirs.close()
    await turn()
    assert "nobody home" in caplog.text
    client.ask(1)
    assert await client.read(1) == [1]


async def test_a_lane_that_fails_ends_that_connection_only(start_pool, caplog):
    class Lane:
        def take(self, inputs):
            raise RuntimeError("the native lane panicked")

    _, first, second = start_pool(2)
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
async def test_it_waits_awake_for_few_that_were_all_answered(start_pool, code, count, waits):
    busy_wait = Watched()
    _, *clients = start_pool(count, busy_wait=busy_wait)
    await turn()
    busy_wait.waits = 0
    for client in clients:
        client.ask(1, code=code)
    await turn()
    assert busy_wait.waits == waits
