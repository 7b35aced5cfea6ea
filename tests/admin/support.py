"""An ``Admin`` without sockets: its answers come from a table, or from a broker in memory."""

from __future__ import annotations

import trio

from rmqwire.admin.admin import Admin
from rmqwire.codec.codes import ResponseCode
from rmqwire.errors import ConnectFailed

NAMESRV = "127.0.0.1:9876"
BROKER = "127.0.0.1:10911"


class Answers:
    """A remoting that answers from a table, and keeps what it was asked.

    Args:
        bodies: by (address, request code): the body of a success, a response code that refuses, or
            a function of the request that returns a response. An address that isn't in it can't be
            connected to.
    """

    def __init__(self, bodies):
        self.bodies = bodies
        self.asked = []

    async def invoke(self, addr, command, timeout_ms=3000):
        self.asked.append((addr, command))
        if addr not in {known for known, _ in self.bodies}:
            raise ConnectFailed("refused", addr)
        found = self.bodies.get((addr, command.code), ResponseCode.REQUEST_CODE_NOT_SUPPORTED)
        if callable(found):
            return found(command)
        if isinstance(found, bytes):
            response = command.create_response(0, None)
            response.body = found
            return response
        return command.create_response(int(found), "refused")


class InMemory:
    """A remoting to one ``MemoryBroker``, whatever the address.

    Args:
        client: ``MemoryBroker.connect()``.
    """

    def __init__(self, client):
        self.client = client

    async def invoke(self, _, command, timeout_ms=3000):
        return self.client.call(command)


def ask(remoting, method, *args, namesrv_addr=NAMESRV, **named):
    """Call a method of an ``Admin`` over this remoting and return its result."""

    async def called():
        return await getattr(Admin(remoting, namesrv_addr), method)(*args, **named)

    return trio.run(called)
