"""A TCP proxy between a slave and its master that breaks the link exactly where it is told to.

It speaks to streams, real or simulated: who makes them and how one is reset is given to it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

import trio

from tests.support.ha_tap import ACCEPTED, BEFORE_CONNECT, BODY_COMPLETE, Tap, Watch

RST = "RST"
FIN = "FIN"
BLACKHOLE_UP = "blackhole to master"
BLACKHOLE_DOWN = "blackhole to slave"
SIGSTOP = "SIGSTOP peer"
SIGKILL = "SIGKILL peer"
FAULTS = (RST, FIN, BLACKHOLE_UP, BLACKHOLE_DOWN, SIGSTOP, SIGKILL)

LOST = (trio.BrokenResourceError, trio.ClosedResourceError, OSError)


class Node:
    """A broker that can be stopped, killed and started again; all of it at once or not at all."""

    def __init__(self):
        self._stops = 0  # two may want it to stand still; it runs again when both are done

    async def freeze(self):
        """Let it stand still."""
        self._stops += 1
        if self._stops == 1:
            await self.stop()

    async def thaw(self):
        """Let it run on, unless somebody else wants it to stand still."""
        self._stops -= 1
        if not self._stops:
            await self.cont()

    async def stop(self):
        """SIGSTOP."""
        raise NotImplementedError

    async def cont(self):
        """SIGCONT; nothing if it was killed."""
        raise NotImplementedError

    async def kill(self):
        """SIGKILL."""
        raise NotImplementedError

    async def start(self):
        """Start it on what is left."""
        raise NotImplementedError


class FaultProxy:
    """Serve a slave's connections with a master's, and break one when a point is reached.

    Args:
        connect: opens a connection to the master.
        reset: ends a stream with RST.
        slave: who must stand still while the last byte of a body is on its way.
        peer: who SIGSTOP and SIGKILL are for.

    Attributes:
        watch: what the links have shown.
        struck: set when the fault has hit.
        links: those that are open.
        upheld: the fault goes on for links that are opened while it lasts.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[trio.abc.Stream]],
        reset: Callable[[trio.abc.Stream], Awaitable[None]],
        slave: Node,
        peer: Node,
    ):
        self._connect, self._reset = connect, reset
        self.slave, self._peer = slave, peer
        self.watch = Watch()
        self.point: str | None = None
        self._fault: str | None = None
        self._active = False
        self.upheld = False
        self.struck = trio.Event()
        self._healed = trio.Event()
        self.links: list[_Link] = []

    # --- what the grid says ------------------------------------------------------------------

    def arm(self, point: str, fault: str) -> None:
        """Let ``fault`` hit at ``point``: on the links there are, or on the next one."""
        self.point, self._fault = point, fault
        self.struck, self._healed = trio.Event(), trio.Event()
        for link in self.links:
            link.tap.point = point

    async def drop(self) -> None:
        """End all links, so that the slave connects again."""
        for link in list(self.links):
            await link.end(RST)

    async def strike(self) -> None:
        """Let the fault hit now: the links are quiet."""
        for link in list(self.links):
            await self.strike_at(link)

    async def heal(self) -> None:
        """End the fault: what was held goes on, who was stopped runs again."""
        self._active = self.upheld = False
        self.point = None
        self._healed.set()
        if not self.struck.is_set():
            return
        if self._fault == SIGSTOP:
            await self._peer.thaw()
        elif self._fault == SIGKILL:
            await self._peer.start()

    async def strike_at(self, link):
        """Let the fault hit one link."""
        self.point = None
        for other in self.links:
            other.tap.point = None
        self._active = self._fault in {BLACKHOLE_UP, BLACKHOLE_DOWN} or self.upheld
        if self._fault == SIGSTOP:
            await self._peer.freeze()
        elif self._fault == SIGKILL:
            await self._peer.kill()
        elif self._fault in {RST, FIN}:
            await link.end(self._fault)
        self.struck.set()

    # --- links -------------------------------------------------------------------------------

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Serve one connection of the slave until it ends."""
        if self._active and self._fault in {RST, FIN}:
            await self.refuse(stream, self._fault)
            return
        if self.point == BEFORE_CONNECT:
            link = _Link(self, stream, None)
            await self.strike_at(link)
            if self._fault in {RST, FIN}:
                return
        if self._active and self._fault == BLACKHOLE_UP:
            await self._healed.wait()
        try:
            master = await self._connect()
        except LOST:
            await self.refuse(stream, FIN)
            return
        link = _Link(self, stream, master)
        self.links.append(link)
        try:
            if self.point == ACCEPTED:
                await self.strike_at(link)
            await link.run()
        finally:
            self.links.remove(link)

    async def refuse(self, stream, how):
        """End a stream with RST or FIN."""
        if how == RST:
            await self._reset(stream)
        else:
            await stream.aclose()

    async def pass_gate(self, way: str) -> None:
        """Hold what goes one way while it is a black hole."""
        if self._active and self._fault == way:
            await self._healed.wait()

    async def pass_point(self, link: _Link) -> None:
        """Hold what follows the point while its sender stands still; a dead one never sent it."""
        if self._fault == SIGSTOP:
            await self._healed.wait()
        elif self._fault == SIGKILL:
            await link.end(FIN)


class _Link:
    """One connection of a slave and the one to the master that belongs to it."""

    def __init__(self, proxy, slave, master):
        self.proxy, self.slave, self.master = proxy, slave, master
        self.tap = Tap(proxy.watch, proxy.point)
        self._scope = trio.CancelScope()

    async def end(self, how):
        """End it on both sides, with RST or FIN."""
        for stream in (self.slave, self.master):
            if stream is None:
                continue
            await self.proxy.refuse(stream, how)
        self._scope.cancel()

    async def run(self):
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    up, down = (BLACKHOLE_UP, self.tap.up), (BLACKHOLE_DOWN, self.tap.down)
                    nursery.start_soon(self._pump, self.slave, self.master, *up)
                    nursery.start_soon(self._pump, self.master, self.slave, *down)
        finally:
            with trio.CancelScope(shield=True):
                for stream in (self.slave, self.master):
                    await trio.aclose_forcefully(stream)

    async def _pump(self, source, sink, way, follow):
        how = RST
        with suppress(*LOST):
            while data := bytes(await source.receive_some(65_536)):
                await self.proxy.pass_gate(way)
                await self._pass(data, sink, follow, way)
            how = FIN
            await self.proxy.pass_gate(way)
        await self.end(how)

    async def _pass(self, data, sink, follow, way):
        while data:
            point = self.tap.point
            hit = follow(data)
            if hit is None:
                await sink.send_all(data)
                return
            head, data = data[:hit], data[hit:]
            await self._hit(head, sink, point)
            await self.proxy.pass_point(self)
            await self.proxy.pass_gate(way)

    async def _hit(self, head, sink, point):
        """Send what still passes; the last byte of a whole body meets a slave that stands still."""
        still = point == BODY_COMPLETE
        with trio.CancelScope(shield=True):
            if head:
                await sink.send_all(head[:-1] if still else head)
            if still:
                await self.proxy.slave.freeze()
                await sink.send_all(head[-1:])
            await self.proxy.strike_at(self)
            if still:
                await self.proxy.slave.thaw()
