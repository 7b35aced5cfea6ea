"""Loopback echo over RemotingServer and RemotingClient in one process: requests/s and CPU.

python -m bench remoting [seconds per row]
"""

import sys
import time

import trio

from rmqwire.codec.command import RemotingCommand
from rmqwire.remoting.client import RemotingClient
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.remoting.server import RemotingServer

CODE = 310
EXT_FIELDS = {
    "a": "producer-group",
    "b": "BenchmarkTest",
    "c": "TBW102",
    "d": "8",
    "e": "3",
    "f": "0",
    "g": "1760000000000",
    "h": "0",
    "i": "UNIQ_KEY\x017F000001000000000000000000000000\x02WAIT\x01true\x02",
    "j": "0",
    "k": "false",
    "m": "false",
}


def echo(_connection, request):
    return request.create_response()


async def load(addr, outstanding, seconds, serialize_type):
    count = 0
    body = b"x" * 128

    async def caller(client):
        nonlocal count
        while True:
            command = RemotingCommand(CODE, EXT_FIELDS, body, serialize_type=serialize_type)
            await client.invoke(addr, command)
            count += 1

    async with RemotingClient() as client:
        wall, cpu = time.perf_counter(), time.process_time()
        with trio.move_on_after(seconds):
            async with trio.open_nursery() as nursery:
                for _ in range(outstanding):
                    nursery.start_soon(caller, client)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    kind = "ROCKETMQ" if serialize_type else "JSON"
    print(
        f"{outstanding:3} outstanding {kind:8} {count / wall:8.0f} req/s"
        f" {cpu / wall:5.2f} cores {cpu / count * 1e6:6.1f} us CPU each (client and server)"
    )


async def main(seconds):
    server = RemotingServer(HandlerTable(handlers={CODE: echo}))
    async with trio.open_nursery() as nursery:
        host, port = await nursery.start(server.serve, "127.0.0.1", 0)
        for serialize_type in (0, 1):
            for outstanding in (1, 64):
                await load(f"{host}:{port}", outstanding, seconds, serialize_type)
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main, float(sys.argv[1]) if len(sys.argv) > 1 else 2)
