"""The TCP stream against trio's own contract for streams."""

import socket
import time

import pytest
import trio
import trio.testing

from rmqwire.remoting.transport import SocketTransport, format_address, ms_since_data

WAIT_S = 0.1


def pair():
    left, right = socket.socketpair()
    return SocketTransport(left), SocketTransport(right)


async def test_trios_contract_for_streams():
    async def maker():
        left, right = pair()
        return left, right

    async def clogged():
        left, right = pair()
        while left.send_now(bytes(65536)):
            pass
        while right.send_now(bytes(65536)):
            pass
        return left, right

    await trio.testing.check_two_way_stream(maker, clogged)


async def test_send_now_takes_what_fits_and_never_waits():
    left, right = pair()
    with trio.testing.assert_no_checkpoints():
        assert left.send_now(b"abc") == 3
        total = 3
        while count := left.send_now(bytes(100_000)):
            total += count
    got = 0
    while got < total:
        got += len(await right.receive_some())
    assert got == total
    await left.aclose()
    with pytest.raises(trio.ClosedResourceError):
        left.send_now(b"x")
    assert await right.receive_some() == b""
    await right.aclose()


async def test_receiving_data_that_is_there_passes_a_checkpoint():
    left, right = pair()
    left.send_now(b"x")
    with trio.testing.assert_checkpoints():
        assert await right.receive_some() == b"x"
    await left.aclose()
    await right.aclose()


async def test_addresses_of_a_tcp_connection():
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    stream = SocketTransport.of(await trio.open_tcp_stream("127.0.0.1", port))
    async with stream, listeners[0]:
        assert stream.getpeername() == f"127.0.0.1:{port}"
        assert stream.getsockname().startswith("127.0.0.1:")


def test_ipv6_is_written_in_brackets():
    assert format_address(("::1", 10911, 0, 0)) == "[::1]:10911"


def test_the_kernel_knows_when_the_last_bytes_came():
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as sender,
    ):
        receiver, _ = listener.accept()
        with receiver:
            sender.sendall(b"first")
            receiver.recv(5)
            sender.sendall(b"waits")
            began = time.monotonic()
            time.sleep(WAIT_S)
            age_ms = ms_since_data(receiver)
            assert WAIT_S * 1000 - 20 <= age_ms <= (time.monotonic() - began) * 1000 + 20
            sender.sendall(b"last")
            assert receiver.recv(9) == b"waitslast"
            assert ms_since_data(receiver) <= 20


def test_of_other_sockets_nothing_is_known():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert ms_since_data(ours) == 0
    assert ms_since_data(ours) == 0
