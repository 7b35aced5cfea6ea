"""A server on memory streams, for clients to connect to."""

import trio
import trio.testing

from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.remoting.server import RemotingServer

ADDR = "broker:10911"


class Net:
    """A server on memory streams, and how often it was connected to."""

    def __init__(self, nursery, handlers):
        self.nursery = nursery
        self.server = RemotingServer(HandlerTable(handlers=handlers))
        self.connects = []
        self.delay = 0
        self.error = None

    async def connect(self, host, port):
        self.connects.append((host, port))
        await trio.sleep(self.delay)
        if self.error:
            raise self.error
        far, near = trio.testing.memory_stream_pair()
        self.nursery.start_soon(self.server.serve_stream, near, "client:1")
        return far


def echo(connection, request):
    return request.create_response(request.code, None, body=bytes(request.body))
