"""A pool of sockets that counts its passes, and the far ends of its sockets."""

from __future__ import annotations

import trio
import trio.testing

from rmqwire.remoting.late_answers import LateAnswers
from rmqwire.remoting.limits import Limits
from rmqwire.remoting.socket_pool import SocketPool
from tests.remoting.support import ECHO, FarEnd

TABLE = 17  # answered at once, but not before the barrier is over


class Client(FarEnd):
    """The far end of a socket of the pool."""

    def __init__(self, server, limits):
        super().__init__(limits, {TABLE: server.change_table})
        self.ended = trio.Event()
        self.member = server.pool.add(self.ours, self.connection, lambda _: self.ended.set())

    def ask(self, *opaques, code=ECHO, body=b""):
        self.send(*opaques, code=code, body=body)


class Server:
    """A pool that counts its passes."""

    def __init__(self, *, limits=None, fails=None, busy_wait=None):
        self.limits = limits or Limits()
        self.late_answers = LateAnswers()
        self.passes = 0
        self.fails = fails
        self.written = trio.Event()
        self.error = None
        self.waits = []
        self.now_s = 0.0
        self._changed = False
        self.pool = SocketPool(
            self.limits,
            self.late_answers,
            self._end_of_pass,
            self._take_barrier,
            patience=self,
            mono_s=lambda: self.now_s,
            busy_wait=busy_wait,
        )

    least_ms = 40

    def waited(self, waited_ms):
        self.waits.append(waited_ms)

    def _end_of_pass(self):
        self.passes += 1
        if self.fails is not None:
            raise self.fails

    def change_table(self, _, request):
        self._changed = True
        return request.create_response(0)

    def _take_barrier(self):
        changed, self._changed = self._changed, False
        return self._wait() if changed else None

    async def _wait(self):
        await self.written.wait()
        if self.error is not None:
            raise self.error


async def turn():
    """Return when the loop has seen all that the kernel has, and sleeps."""
    await trio.testing.wait_all_tasks_blocked()
