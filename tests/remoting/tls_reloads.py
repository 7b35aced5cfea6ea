"""Replacing a server's certificate over and over, and what the process has left then."""

from __future__ import annotations

import gc
import os
from pathlib import Path

from rmqwire.codec.command import RemotingCommand
from rmqwire.remoting.client import RemotingClient
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.remoting.server import RemotingServer
from rmqwire.remoting.tls import server_context
from tests.support.certificates import Certificates


def echo(connection, request):
    return request.create_response(0, None, body=bytes(request.body))


async def serve(nursery, tls, **more):
    """Start a server that echoes code 1; return it and its address."""
    server = RemotingServer(HandlerTable(handlers={1: echo}), tls=tls, **more)
    _, port = await nursery.start(server.serve, "127.0.0.1", 0)
    return server, f"127.0.0.1:{port}"


async def ask(addr, tls, body=b"x"):
    """Connect, and return the echo of a body."""
    async with RemotingClient(tls=tls) as client:
        return bytes((await client.invoke(addr, RemotingCommand(1, body=body))).body)


async def reload_many(nursery, folder, count):
    """Replace it so often; descriptors and memory have to stay as they are."""
    c = Certificates(folder)
    _, addr = await serve(nursery, c.server_tls("enforcing"))
    context = server_context(c.server_tls())
    renewed = [c.issue(f"other{number}") for number in range(2)]

    async def reload(number):
        other = renewed[number % 2]
        for path, source in ((c.server.cert, other.cert), (c.server.key, other.key)):
            copy = path.with_suffix(".copy")
            copy.write_bytes(source.read_bytes())
            copy.replace(path)
        before = context.current()
        assert before is context.current()
        if number % (count // 10) == 0:
            assert await ask(addr, c.client_tls()) == b"x"

    for number in range(count // 4):
        await reload(number)
    descriptors, memory = figures()
    for number in range(count):
        await reload(number)
    descriptors_after, memory_after = figures()
    assert descriptors_after <= descriptors
    assert memory_after - memory < 8 << 20, "bytes"


def figures():
    """Return open descriptors and bytes of resident memory."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return len(list(Path("/proc/self/fd").iterdir())), pages * os.sysconf("SC_PAGE_SIZE")
