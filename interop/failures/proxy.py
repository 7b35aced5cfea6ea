"""A TCP proxy in front of a broker: slow for a while, or with connections that are dead and look alive."""

from __future__ import annotations

import math
from contextlib import suppress

import trio

LOST = (trio.BrokenResourceError, trio.ClosedResourceError, OSError)


class Proxy:
    """Passes bytes on between clients and one server.

    Args:
        target: ``host:port`` of the server.

    Attributes:
        delay_s: how much later than they came the server's bytes reach a client.
    """

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = host, int(port)
        self._relays: set[trio.CancelScope] = set()
        self.delay_s = 0.0

    async def serve(
        self, host: str, port: int, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Listen there until cancelled."""
        listeners = await trio.open_tcp_listeners(port, host=host)
        async with trio.open_nursery() as nursery:
            task_status.started()
            await trio.serve_listeners(self._connected, listeners, handler_nursery=nursery)

    def forget(self) -> int:
        """Pass on nothing more of the connections there are, and close none; return how many."""
        relays, self._relays = self._relays, set()
        for relay in relays:
            relay.cancel()
        return len(relays)

    async def _connected(self, client: trio.SocketStream) -> None:
        try:
            server = await trio.open_tcp_stream(*self._target)
        except OSError:
            await trio.aclose_forcefully(client)
            return
        async with client, server:
            relay = trio.CancelScope()
            self._relays.add(relay)
            with relay:
                await self._relay(client, server)
            if relay in self._relays:  # one side has closed
                self._relays.discard(relay)
            else:  # forgotten: both stay open, and nobody reads them
                await trio.sleep_forever()

    async def _relay(self, client: trio.SocketStream, server: trio.SocketStream) -> None:
        """Pass bytes on until one side closes."""
        late, early = trio.open_memory_channel[tuple[float, bytes]](math.inf)
        async with trio.open_nursery() as nursery:

            async def upwards() -> None:
                with suppress(*LOST):
                    async for data in client:
                        await server.send_all(data)
                nursery.cancel_scope.cancel()

            async def downwards() -> None:
                with suppress(*LOST):
                    async for data in server:
                        late.send_nowait((trio.current_time() + self.delay_s, bytes(data)))
                late.close()

            async def deliver() -> None:
                with suppress(*LOST):
                    async for due, data in early:
                        await trio.sleep_until(due)
                        await client.send_all(data)
                nursery.cancel_scope.cancel()

            nursery.start_soon(upwards)
            nursery.start_soon(downwards)
            nursery.start_soon(deliver)
