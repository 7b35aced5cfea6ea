"""The server's shell: real sockets on free ports, memory streams where time matters."""

import logging
import math

import pytest
import trio
import trio.testing

from rmqwire.codec.command import RemotingCommand, decode_frame
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.remoting.frame_reader import FrameReader
from rmqwire.remoting.limits import Limits
from rmqwire.remoting.server import RemotingServer
from tests.remoting.support import frame


def echo(connection, request):
    return request.create_response(0, None, body=bytes(request.body))


async def answers(stream, count):
    reader, got = FrameReader(), []
    while len(got) < count:
        data = bytes(await stream.receive_some())
        assert data
        got += reader.receive_data(data)
    return [decode_frame(view) for view in got]


@pytest.fixture
async def dial():
    """Connect to a port; closed with the test."""
    opened = []

    async def connect(port):
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        opened.append(stream)
        return stream

    yield connect
    for stream in opened:
        await trio.aclose_forcefully(stream)


def table():
    return HandlerTable(handlers={1: echo})


async def test_two_listeners_share_one_server(nursery):
    opened, closed = [], []
    server = RemotingServer(table(), on_open=opened.append, on_close=closed.append)
    ports = [(await nursery.start(server.serve, "127.0.0.1", 0))[1] for _ in range(2)]
    for port in ports:
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await stream.send_all(frame(RemotingCommand(1, body=b"hi")))
            (reply,) = await answers(stream, 1)
            assert bytes(reply.body) == b"hi"
            (connection,) = server.connections
            assert connection.local == f"127.0.0.1:{port}"
            assert connection.peer.startswith("127.0.0.1:")
        while server.connections:
            await trio.lowlevel.checkpoint()
    assert opened == closed
    assert len(opened) == 2


async def test_a_port_that_nobody_uses_wakes_nobody(nursery, dial):
    server = RemotingServer(table())
    _, port = await nursery.start(server.serve, "127.0.0.1", 0)
    await trio.testing.wait_all_tasks_blocked()
    assert trio.lowlevel.current_statistics().seconds_to_next_deadline == math.inf
    stream = await dial(port)
    await stream.send_all(frame(RemotingCommand(1)))
    await answers(stream, 1)
    assert trio.lowlevel.current_statistics().seconds_to_next_deadline < math.inf


async def test_a_bad_frame_closes_that_connection_only(nursery, dial):
    server = RemotingServer(table())
    _, port = await nursery.start(server.serve, "127.0.0.1", 0)
    good = await dial(port)
    bad = await dial(port)
    await bad.send_all(b"GET / HTTP/1.1\r\n\r\n")
    assert await bad.receive_some() == b""
    await good.send_all(frame(RemotingCommand(1)))
    assert len(await answers(good, 1)) == 1


async def test_a_full_server_turns_away_and_takes_the_next_when_there_is_room(
    nursery, dial, caplog
):
    server = RemotingServer(table(), limits=Limits(connections=2))
    _, port = await nursery.start(server.serve, "127.0.0.1", 0)
    first, second = await dial(port), await dial(port)
    for stream in (first, second):
        await stream.send_all(frame(RemotingCommand(1)))
        await answers(stream, 1)
    third = await dial(port)
    assert await third.receive_some() == b""
    assert "is turned away: 2 connections are open" in caplog.text
    await first.send_all(frame(RemotingCommand(1)))
    await answers(first, 1)
    await first.aclose()
    while len(server.connections) == 2:  # noqa: ASYNC110  the server's task sees it by itself
        await trio.sleep(0.01)
    fourth = await dial(port)
    await fourth.send_all(frame(RemotingCommand(1)))
    await answers(fourth, 1)


async def test_many_chunks_on_many_connections_never_mix(nursery, dial):
    server = RemotingServer(table())
    _, port = await nursery.start(server.serve, "127.0.0.1", 0)

    async def client(number):
        body = b"%d-" % number * 500
        stream = await dial(port)
        data = frame(*(RemotingCommand(1, body=body) for _ in range(20)))
        for start in range(0, len(data), 777 + number):
            await stream.send_all(data[start : start + 777 + number])
        assert {bytes(reply.body) for reply in await answers(stream, 20)} == {body}

    async with trio.open_nursery() as clients:
        for number in range(16):
            clients.start_soon(client, number)


async def test_stop_answers_what_was_asked_and_takes_no_more(dial):
    held = []
    server = RemotingServer(HandlerTable(handlers={11: lambda c, r: held.append((c, r))}))
    async with trio.open_nursery() as nursery:
        scope = trio.CancelScope()
        finished = trio.Event()

        async def serve(task_status):
            with scope:
                await server.serve("127.0.0.1", 0, task_status=task_status)
            finished.set()

        _, port = await nursery.start(serve)
        stream = await dial(port)
        await stream.send_all(frame(RemotingCommand(11, opaque=8)))
        while not held:
            await trio.lowlevel.checkpoint()
        connection, request = held[0]
        connection.reply(request, request.create_response(0))
        scope.cancel()
        assert [reply.opaque for reply in await answers(stream, 1)] == [8]
        assert await stream.receive_some() == b""
        await finished.wait()
        try:
            await dial(port)
        except OSError:
            pass
        else:
            raise AssertionError("still listening")


async def test_idle_connections_are_closed_by_the_housekeeping(autojump_clock, dial):
    server = RemotingServer(table())
    async with trio.open_nursery() as nursery:
        _, port = await nursery.start(server.serve, "127.0.0.1", 0)
        stream = await dial(port)
        assert await stream.receive_some() == b""
        assert 120 <= trio.current_time() <= 123
        nursery.cancel_scope.cancel()


async def test_a_failing_callback_ends_one_connection_and_is_logged(nursery, caplog, dial):
    def broken():
        raise RuntimeError("disk on fire")

    server = RemotingServer(table(), end_of_pass=broken)
    _, port = await nursery.start(server.serve, "127.0.0.1", 0)
    stream = await dial(port)
    with caplog.at_level(logging.ERROR):
        await stream.send_all(frame(RemotingCommand(1)))
        assert await stream.receive_some() == b""
        while "disk on fire" not in caplog.text:
            await trio.lowlevel.checkpoint()
    await dial(port)


async def test_a_streams_server_is_cancellable(autojump_clock):
    _, near = trio.testing.memory_stream_pair()
    with trio.move_on_after(1) as scope:
        await RemotingServer(table()).serve_stream(near, "memory")
    assert scope.cancelled_caught


async def test_an_address_in_use_is_named(nursery):
    _, port = await nursery.start(RemotingServer(table()).serve, "127.0.0.1", 0)
    with pytest.raises(OSError, match=f"127.0.0.1:{port}"):
        await RemotingServer(table()).serve("127.0.0.1", port)
