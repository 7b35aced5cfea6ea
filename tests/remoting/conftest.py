"""What clients connect to, and the pool that serves sockets."""

from contextlib import ExitStack

import pytest
import trio

from tests.remoting.nets import Net, echo
from tests.remoting.pools import Client, Server


@pytest.fixture
def net(nursery):
    return Net(nursery, {1: echo, 11: lambda c, r: None})


@pytest.fixture
async def start_pool():
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
