"""TLS on real sockets: who is served in which mode, and what the others are told."""

from __future__ import annotations

import gc
import logging
import os
import ssl
import weakref
from functools import partial
from itertools import pairwise

import pytest
import trio
import trio.testing

from rmqwire.codec.command import RemotingCommand, encode_command
from rmqwire.errors import ConnectFailed, SendFailed
from rmqwire.remoting import server as server_module
from rmqwire.remoting import tls_mode_handler
from rmqwire.remoting.client import RemotingClient
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.remoting.limits import Limits
from rmqwire.remoting.pooled_socket import HANDSHAKE_COST
from rmqwire.remoting.server import RemotingServer
from rmqwire.remoting.socket_pool import PASS_BYTES
from rmqwire.remoting.tls import client_context
from rmqwire.remoting.tls_session import TlsSession
from rmqwire.remoting.transport import format_address
from rmqwire.settings.tls import ClientTls, ServerTls
from tests.ha.test_links import until
from tests.remoting.tls_reloads import ask, serve
from tests.support.certificates import Certificates

BIG = 3_000_000  # bytes: many records, more than a socket's buffer


def echo(connection, request):
    return request.create_response(0, None, body=bytes(request.body))


@pytest.fixture
async def dial():
    """Connect to an address; closed with the test."""
    opened = []

    async def connect(addr):
        stream = await trio.open_tcp_stream("127.0.0.1", int(addr.rpartition(":")[2]))
        opened.append(stream)
        return stream

    yield connect
    for stream in opened:
        await trio.aclose_forcefully(stream)


@pytest.fixture(params=["pooled", "tasks"])
def either_shell(request, monkeypatch):
    """Sockets in one pool, or each with tasks of its own, as where there's no epoll."""
    monkeypatch.setattr(server_module, "HAS_EPOLL", request.param == "pooled")


def kinds(c: Certificates) -> dict[str, ClientTls | None]:
    return {
        "plain": None,
        "believes": c.client_tls(auth_server=False),
        "verifies": c.client_tls(),
        "shows": c.client_tls(c.client),
        "stranger": c.client_tls(c.stranger),
        "believes others": ClientTls(trust_cert_path=str(c.strange_ca)),
    }


SILENT = "does the server want TLS?"
NO_TLS = "the other side hung up; does it speak TLS?"
UNTRUSTED = "certificate verify failed"
ASKED = "tls.server.need.client.auth"
WHO_IS_SERVED = [
    # mode, what clients have to show, kind of client, None for served or what it is told
    ("disabled", "none", "plain", None),
    ("disabled", "none", "verifies", NO_TLS),
    ("disabled", "none", "believes", NO_TLS),
    ("permissive", "none", "plain", None),
    ("permissive", "none", "believes", None),
    ("permissive", "none", "verifies", None),
    ("permissive", "none", "shows", None),
    ("permissive", "none", "stranger", None),
    ("permissive", "none", "believes others", UNTRUSTED),
    ("permissive", "require", "plain", None),
    ("permissive", "require", "verifies", "certificate required"),
    ("enforcing", "none", "plain", SILENT),
    ("enforcing", "none", "believes", None),
    ("enforcing", "none", "verifies", None),
    ("enforcing", "none", "believes others", UNTRUSTED),
    ("enforcing", "optional", "verifies", None),
    ("enforcing", "optional", "shows", None),
    ("enforcing", "optional", "stranger", "unknown ca"),
    ("enforcing", "require", "plain", SILENT),
    ("enforcing", "require", "verifies", "certificate required"),
    ("enforcing", "require", "shows", None),
    ("enforcing", "require", "stranger", "unknown ca"),
]


def lines_of(caplog):
    return [r.getMessage() for r in caplog.records if r.name.endswith("dispatch")]


@pytest.mark.parametrize(("mode", "shown", "kind", "told"), WHO_IS_SERVED)
@pytest.mark.usefixtures("either_shell")
async def test_who_is_served(nursery, certificates, caplog, mode, shown, kind, told):
    tls = certificates.server_tls(
        mode, need_client_auth=shown, trust_cert_path=str(certificates.ca)
    )
    _, addr = await serve(nursery, tls)
    client = kinds(certificates)[kind]
    if told is None:
        assert await ask(addr, client) == b"x"
        assert not lines_of(caplog)
        return
    with pytest.raises((ConnectFailed, SendFailed)) as caught:
        await ask(addr, client)
    assert told in str(caught.value)
    with trio.fail_after(5):
        await until(lambda: lines_of(caplog))
    assert len(lines_of(caplog)) == 1
    assert await ask(addr, kinds(certificates)["shows" if mode != "disabled" else "plain"]) == b"x"


async def test_tls_without_a_certificate_here_is_one_line(nursery, certificates, caplog):
    _, addr = await serve(nursery, ServerTls())
    with pytest.raises(ConnectFailed, match="hung up"):
        await ask(addr, certificates.client_tls())
    assert "it speaks TLS, there is no tls.server.certPath here" in caplog.text
    assert await ask(addr, None) == b"x"


async def test_a_server_that_is_no_remoting_server(nursery, certificates):
    async def greet(stream):
        await stream.send_all(b"220 mail.example ESMTP\r\n")
        await stream.receive_some()

    listeners = await nursery.start(partial(trio.serve_tcp, greet, 0, host="127.0.0.1"))
    addr = format_address(listeners[0].socket.getsockname())
    with pytest.raises(ConnectFailed, match="what the other side speaks is no TLS"):
        await ask(addr, certificates.client_tls())


@pytest.mark.usefixtures("either_shell")
async def test_much_in_both_directions(nursery, certificates):
    _, addr = await serve(nursery, certificates.server_tls("enforcing"))
    bodies = [os.urandom(BIG), b"", b"y" * 16_384, os.urandom(70_001)]
    async with RemotingClient(tls=certificates.client_tls()) as client:
        for body in bodies:
            answer = await client.invoke(addr, RemotingCommand(1, body=body), 20_000)
            assert bytes(answer.body) == body
        got = []

        async def one(number):
            answer = await client.invoke(addr, RemotingCommand(1, body=b"%d" % number))
            got.append(int(bytes(answer.body)))

        async with trio.open_nursery() as callers:
            for number in range(200):
                callers.start_soon(one, number)
        assert sorted(got) == list(range(200))


async def test_tls_and_plain_connections_share_their_passes(nursery, certificates):
    passes = []
    server, addr = await serve(
        nursery, certificates.server_tls(), end_of_pass=lambda: passes.append(1)
    )
    async with RemotingClient(tls=certificates.client_tls()) as secret, RemotingClient() as plain:
        for client in (secret, plain):
            await client.invoke(addr, RemotingCommand(1, body=b"1"))
        assert len(server.connections) == 2
        assert all(c.local == addr for c in server.connections)


async def test_a_crowd_of_handshakes_leaves_others_their_turn(nursery, certificates, dial):
    """Each takes a millisecond: the whole crowd in one pass would keep all others waiting."""
    shaken = []

    def count_handshakes():
        shaken.append(sum(c.shaking_hands for c in server.connections))

    server, addr = await serve(nursery, certificates.server_tls(), end_of_pass=count_handshakes)
    context = client_context(certificates.client_tls()).current()
    streams = [await dial(addr) for _ in range(60)]
    await until(lambda: len(server.connections) == 60)
    for stream in streams:
        mine = ssl.MemoryBIO()
        with pytest.raises(ssl.SSLWantReadError):
            context.wrap_bio(ssl.MemoryBIO(), mine).do_handshake()
        stream.socket._sock.send(mine.read())  # no turn of the loop in between
    await until(lambda: shaken and shaken[-1] == 60)
    grown = [after - before for before, after in pairwise([0, *shaken])]
    assert max(grown) <= PASS_BYTES // HANDSHAKE_COST


async def test_the_bytes_on_the_wire_are_secret(nursery, certificates, dial):
    _, addr = await serve(nursery, certificates.server_tls())
    seen = []

    async def relay(near):
        far = await dial(addr)

        async def pump(source, sink):
            async for chunk in source:
                seen.append(bytes(chunk))
                await sink.send_all(chunk)

        async with trio.open_nursery() as both:
            both.start_soon(pump, near, far)
            both.start_soon(pump, far, near)

    listeners = await nursery.start(partial(trio.serve_tcp, relay, 0, host="127.0.0.1"))
    through = format_address(listeners[0].socket.getsockname())
    body = b"a canary in the coal mine"
    assert await ask(through, certificates.client_tls(), body) == body
    assert seen
    assert body not in b"".join(seen)
    nursery.cancel_scope.cancel()


# --- what a peer can do to us


@pytest.mark.usefixtures("either_shell")
@pytest.mark.parametrize("data", [b"\x16\x03\x01\x00\x05junk!", b"\x16\x03\x03" + b"\xff" * 400])
async def test_a_broken_handshake_is_one_line_and_the_end(
    nursery, certificates, caplog, dial, data
):
    _, addr = await serve(nursery, certificates.server_tls("enforcing"))
    stream = await dial(addr)
    await stream.send_all(data)
    with trio.fail_after(5):
        while await stream.receive_some():
            pass
    lines = [r for r in caplog.records if " is closed: TLS failed: " in r.getMessage()]
    assert [line.levelno for line in lines] == [logging.WARNING]
    assert await ask(addr, certificates.client_tls()) == b"x"


async def test_a_broken_record_later_ends_that_connection_alone(
    nursery, certificates, caplog, dial
):
    _, addr = await serve(nursery, certificates.server_tls("enforcing"))
    raw = await dial(addr)
    secret = trio.SSLStream(raw, client_context(certificates.client_tls()).current())
    await secret.send_all(encode_command(RemotingCommand(1, opaque=1)))
    assert await secret.receive_some()
    await raw.send_all(b"\x17\x03\x03\x00\x20" + bytes(32))
    with trio.fail_after(5), pytest.raises(trio.BrokenResourceError) as caught:
        await secret.receive_some()
    assert "BAD_RECORD_MAC" in str(caught.value.__cause__)
    assert "is closed: TLS failed: decryption failed or bad record mac" in caplog.text
    assert await ask(addr, certificates.client_tls()) == b"x"


async def test_a_handshake_that_does_not_end_is_closed(autojump_clock, certificates, dial):
    tls = certificates.server_tls("enforcing")
    server = RemotingServer(
        HandlerTable(handlers={1: echo}), tls=tls, limits=Limits(handshake_ms=5_000)
    )
    async with trio.open_nursery() as nursery:
        _, port = await nursery.start(server.serve, "127.0.0.1", 0)
        stream = await dial(f":{port}")
        await stream.send_all(b"\x16\x03\x01\x01\x00")  # a record of 256 bytes begins
        assert await stream.receive_some() == b""
        assert 5 <= trio.current_time() <= 8
        nursery.cancel_scope.cancel()


async def test_a_silent_connection_has_the_idle_time_of_any(autojump_clock, certificates, dial):
    tls = certificates.server_tls("enforcing")
    server = RemotingServer(HandlerTable(), tls=tls, limits=Limits(idle_ms=20_000))
    async with trio.open_nursery() as nursery:
        _, port = await nursery.start(server.serve, "127.0.0.1", 0)
        stream = await dial(f":{port}")
        assert await stream.receive_some() == b""
        assert 20 <= trio.current_time() <= 23
        nursery.cancel_scope.cancel()


async def test_a_peer_that_does_not_read_is_not_read_from(nursery, certificates, dial):
    server, addr = await serve(
        nursery, certificates.server_tls("enforcing"), limits=Limits(drain_ms=50)
    )
    raw = await dial(addr)
    secret = trio.SSLStream(raw, client_context(certificates.client_tls()).current())
    await secret.do_handshake()
    request = encode_command(RemotingCommand(1, opaque=1, body=bytes(1_000_000)))
    with trio.move_on_after(0.5) as sending:
        for _ in range(100):
            await secret.send_all(request)
    assert sending.cancelled_caught
    (connection,) = server.connections
    assert connection.outbox_size < 8_000_000


async def test_a_client_s_goodbye_ends_its_connection(nursery, certificates, dial):
    closed = []
    _, addr = await serve(nursery, certificates.server_tls(), on_close=closed.append)
    raw = await dial(addr)
    secret = trio.SSLStream(raw, client_context(certificates.client_tls()).current())
    await secret.do_handshake()
    with trio.fail_after(5):
        await secret.unwrap()
        await until(lambda: closed)


@pytest.mark.usefixtures("either_shell")
async def test_the_session_of_a_connection_goes_with_it(nursery, certificates, monkeypatch):
    """Without waiting for the collector, which doesn't see what OpenSSL holds."""
    sessions = []

    class Seen(TlsSession):
        def __init__(self, context):
            super().__init__(context)
            sessions.append(weakref.ref(self))

    monkeypatch.setattr(tls_mode_handler, "TlsSession", Seen)
    server, addr = await serve(nursery, certificates.server_tls())
    gc.disable()
    try:
        for _ in range(3):
            assert await ask(addr, certificates.client_tls()) == b"x"
        await until(lambda: not server.connections)
        assert [session() for session in sessions] == [None] * 3
    finally:
        gc.enable()


async def test_a_stream_in_memory_speaks_tls_too(nursery, certificates):
    near, far = trio.testing.memory_stream_pair()
    server = RemotingServer(HandlerTable(handlers={1: echo}), tls=certificates.server_tls())
    nursery.start_soon(server.serve_stream, near, "memory")
    context = client_context(certificates.client_tls()).current()
    secret = trio.SSLStream(far, context, server_hostname="x")
    await secret.send_all(encode_command(RemotingCommand(1, opaque=7, body=b"there")))
    assert b"there" in await secret.receive_some()
    nursery.cancel_scope.cancel()
