"""Connections in memory: RST, FIN, and owners that stand still."""

from __future__ import annotations

import trio


class SimStream(trio.abc.Stream):
    """One end of a connection; ``owner`` is the node whose end it is, None: the proxy's.

    A stopped owner neither gets nor sends anything, and does not even notice.
    """

    def __init__(self, owner=None):
        self.owner = owner
        self.peer: SimStream | None = None
        self._data = bytearray()
        self._eof = self._broken = self._closed = False
        self._news = trio.Event()

    def _tell(self):
        self._news.set()
        self._news = trio.Event()

    async def _running(self):
        if self.owner is not None:
            await self.owner.running()

    async def send_all(self, data):
        await trio.lowlevel.checkpoint()
        await self._running()
        if self._closed:
            raise trio.ClosedResourceError
        if self._broken or self.peer._closed:
            raise trio.BrokenResourceError
        self.peer._data += data
        self.peer._tell()

    async def wait_send_all_might_not_block(self):
        await self._running()

    async def receive_some(self, max_bytes=None):
        try:
            while not (self._data or self._eof or self._broken or self._closed):
                await self._news.wait()
            await trio.lowlevel.checkpoint()
        finally:
            await self._running()
        if self._closed:
            raise trio.ClosedResourceError
        if self._broken:
            raise trio.BrokenResourceError
        size = max_bytes or len(self._data)
        data = bytes(self._data[:size])
        del self._data[:size]
        return data

    async def aclose(self):
        """Close this end; the other reads what is there, then the end."""
        self._closed = True
        self._tell()
        self.peer._eof = True
        self.peer._tell()
        await trio.lowlevel.checkpoint()

    def reset(self):
        """RST: what was on its way is gone."""
        self._closed = self.peer._broken = True
        self.peer._data.clear()
        self._tell()
        self.peer._tell()


def connection(one, other) -> tuple[SimStream, SimStream]:
    """Return the two ends of a new connection of two nodes."""
    ends = SimStream(one), SimStream(other)
    ends[0].peer, ends[1].peer = ends[1], ends[0]
    for end in ends:
        if end.owner is not None:
            end.owner.streams.append(end)
    return ends


async def reset(stream):
    stream.reset()
    await trio.lowlevel.checkpoint()
