"""The plain sockets of one listening port, many to a pass.

All sockets that are readable at once belong to one pass: each is read once, its requests are
handled, the ``end_of_pass`` hook writes what all of them brought, then each is sent its answers. So
sixty connections with one send each cost one write to the log and one turn of trio, not sixty. One
epoll of ours holds the sockets; trio watches that epoll for one task.

What a socket waits for, and what ends it::

    readable      the normal state; at most RECEIVE_SIZE bytes a pass are taken from it
    writable      the kernel did not take all of its answers: not read from until it has
    nothing       its answers must wait for something (``barrier``), at other tasks' pace
    drain         closed, at its end or stopping: ends once all is sent, or ``drain_ms`` later
"""

from __future__ import annotations

import logging
import select
import time
from functools import partial
from typing import TYPE_CHECKING

import trio

from rmqwire.remoting.busy_wait import BusyWait
from rmqwire.remoting.lane_turn import take_together
from rmqwire.remoting.pooled_socket import NOTHING, READ, WRITE, PooledSocket
from rmqwire.remoting.tls_mode_handler import TlsModeHandler
from rmqwire.remoting.transport import ms_since_data

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable

    from rmqwire.remoting.channel import Barrier, EndOfPass
    from rmqwire.remoting.connection import Connection
    from rmqwire.remoting.handler import Patience
    from rmqwire.remoting.late_answers import LateAnswers
    from rmqwire.remoting.limits import Limits
    from rmqwire.remoting.pooled_socket import Offered
    from rmqwire.remoting.tls_mode_handler import TlsMode

logger = logging.getLogger(__name__)

MAX_EVENTS = 1024  # sockets of one pass at most
PASS_BYTES = 1 << 18  # read by one pass, then the sockets that are left have the next one
TURN_PASSES = 16  # made before other tasks run, if so many are wanted
FEW = 8  # sockets of a pass; behind more of them there is always somebody, or nobody in a hurry
LOOK_S = 0.01  # what has waited for less interests nobody; Java looks as often


def _receive_late(member: PooledSocket, offered: list[Offered], patience: Patience) -> int:
    """Read once what may have waited for too long; gives the number of bytes.

    What has is handled by itself, and not offered to a lane with that of others.

    Raises:
        OSError: the connection is broken.
    """
    waited_ms = ms_since_data(member.sock)
    if waited_ms < patience.least_ms:
        return member.receive(offered)
    patience.waited(waited_ms)
    try:
        return member.receive(None)
    finally:
        patience.waited(0)


class SocketPool:
    """The sockets, their epoll and the tasks that serve them.

    Args:
        limits: ``drain_ms`` bounds the sending to a socket that is to end.
        late_answers: sends what a pass has for sockets that are not in it.
        end_of_pass: called after the requests of a pass were handled, before its answers leave.
        barrier: called after the requests of one socket; its answers wait for what it gives.
        tls: which sockets speak TLS; None: none of them.
        patience: hears how long requests have waited in a socket, when the loop has been busy.
        mono_s: monotonic clock, s.
        busy_wait: whether to look again and again before the loop sleeps; None: its default.
    """

    def __init__(
        self,
        limits: Limits,
        late_answers: LateAnswers,
        end_of_pass: EndOfPass | None = None,
        barrier: Barrier | None = None,
        tls: TlsMode | None = None,
        patience: Patience | None = None,
        mono_s: Callable[[], float] = time.monotonic,
        busy_wait: BusyWait | None = None,
    ) -> None:
        self._tls = tls
        self._patience = patience
        self._mono_s = mono_s
        self._clear_s = mono_s()  # all that had come by then has been read
        self._impatient: Patience | None = None  # where what is read now may have waited too long
        self._drain_s = limits.drain_ms / 1000
        self._late_answers = late_answers
        self._end_of_pass = end_of_pass
        self._barrier = barrier
        self._epoll = select.epoll()
        self._busy_wait = busy_wait or BusyWait()
        self._look = partial(self._epoll.poll, 0, MAX_EVENTS)
        self._answered = False  # all of the last pass, a few: they may ask again at once
        self._members: dict[int, PooledSocket] = {}
        self._left: list[PooledSocket] = []  # ready, but the pass before had read enough
        self._woken: dict[PooledSocket, None] = {}
        self._wake = trio.Event()
        self._closing = False
        self._nursery: trio.Nursery | None = None

    def add(
        self, sock: socket.socket, connection: Connection, ended: Callable[[PooledSocket], None]
    ) -> PooledSocket:
        """Serve one more socket.

        Args:
            sock: a connected stream socket; it belongs to the pool now.
            connection: its core.
            ended: called once, when the socket is closed and the connection lost.
        """
        handler = TlsModeHandler(connection, self._tls)
        member = PooledSocket(sock, connection, handler, self, self._late_answers, ended)
        self._members[member.fd] = member
        self._watch(member, READ)
        return member

    async def run(self) -> None:
        """Serve the sockets until ``close`` was called and the last of them has ended."""
        try:
            with trio.CancelScope(shield=True):
                async with trio.open_nursery() as nursery:
                    self._nursery = nursery
                    nursery.start_soon(self._write_loop)
                    nursery.start_soon(self._read_loop)
                    self._end_if_done()
        finally:
            self._nursery = None
            for member in list(self._members.values()):  # some are left when a task of ours failed
                self.end(member)
            self._epoll.close()

    def close(self) -> None:
        """Let ``run`` end once the last socket has; they are stopped one by one."""
        self._closing = True
        self._end_if_done()

    def _end_if_done(self) -> None:
        if self._closing and not self._members and self._nursery is not None:
            self._nursery.cancel_scope.cancel()

    # --- passes

    async def _read_loop(self) -> None:
        fd, wait_readable = self._epoll.fileno(), trio.lowlevel.wait_readable
        while True:
            if self._left:
                await trio.lowlevel.checkpoint()
            else:
                await wait_readable(fd)
            self._turn()

    def _turn(self) -> None:
        """Make passes as long as something is there, but leave the other tasks their turn.

        Who has just been answered has often asked again by now, and to look once more costs less
        than to sleep and be woken.
        """
        look, members = self._look, self._members
        size = 0
        self._answered = False
        for _ in range(TURN_PASSES):
            polled_s = self._mono_s()
            events = look()
            if not events and self._answered:
                events = self._busy_wait.look(look)
            ready = [members[fd] for fd, _ in events]
            if self._left:  # those first, and no socket twice
                ready = list(dict.fromkeys(self._left + ready))
                self._left = []
            if not ready:
                self._clear_s = polled_s
                return
            gap_s = polled_s - self._clear_s
            self._impatient = self._who_waits(gap_s) if gap_s > LOOK_S else None
            all_seen = len(ready) < MAX_EVENTS
            size += self._run_pass(ready)
            if all_seen and not self._left:
                self._clear_s = polled_s
            if size >= PASS_BYTES:
                return

    def _who_waits(self, gap_s: float) -> Patience | None:
        """Return who wants to hear how long what came since the last look has waited."""
        patience = self._patience
        return None if patience is None or gap_s * 1000 < patience.least_ms else patience

    def _run_pass(self, ready: list[PooledSocket]) -> int:
        """Handle what these sockets have brought, write it, answer it; gives its bytes."""
        taken = size = 0
        offered: list[Offered] = []
        with self._late_answers:
            for member in ready:
                if size >= PASS_BYTES:
                    self._left = ready[taken:]
                    del ready[taken:]
                    break
                size += self._receive(member, offered)
                taken += 1
            if offered:
                self._hand_on(offered)
            try:
                if self._end_of_pass is not None:
                    self._end_of_pass()
            except Exception:
                logger.exception("a pass failed, its %d connections end", len(ready))
                for member in ready:
                    self.end(member)
        answered = len(ready) <= FEW
        for member in ready:
            answered = answered and member.unsent and not member.held
            self.settle(member)
        self._answered = answered and not self._woken  # who is woken needs a turn of the loop
        return size

    def _receive(self, member: PooledSocket, offered: list[Offered]) -> int:
        """Handle what one socket has brought, but for what is offered to a lane; gives its bytes."""
        connection, size, before = member.connection, 0, len(offered)
        try:
            if member.watched == READ:
                if self._impatient is None:
                    size = member.receive(offered)
                else:
                    size = _receive_late(member, offered, self._impatient)
            elif connection.paused and not member.unsent:
                connection.resume()
            if len(offered) == before:  # else nothing of it was handled yet
                self._ask_barrier(member)
        except OSError as error:
            self._lost(member, error)
        except Exception as error:  # noqa: BLE001  the border of one connection
            self._failed(member, error)
        return size

    def _hand_on(self, offered: list[Offered]) -> None:
        """Let a lane take what it can of all sockets at once, then handle the rest of each."""
        taken = take_together([(member.connection, rest, 0) for member, rest in offered])
        for (member, rest), one in zip(offered, taken, strict=True):
            try:
                member.connection.go_on(rest, one)
                if one is None or one[1] < len(rest):  # what a lane takes waits for no barrier
                    self._ask_barrier(member)
            except OSError as error:
                self._lost(member, error)
            except Exception as error:  # noqa: BLE001  the border of one connection
                self._failed(member, error)

    def _ask_barrier(self, member: PooledSocket) -> None:
        if self._barrier is not None and (barrier := self._barrier()) is not None:
            self._hold(member, barrier)

    def _failed(self, member: PooledSocket, error: Exception) -> None:
        logger.error("connection of %s failed", member.connection.peer, exc_info=error)
        self.end(member)

    def settle(self, member: PooledSocket) -> None:
        """Send what is ready, then say what the socket waits for. Never raises."""
        if member.fd < 0:
            return
        connection = member.connection
        if not member.held:
            try:
                sent = member.send()
            except OSError as error:
                self._lost(member, error)
                return
            if sent and not connection.paused:
                if member.at_end or connection.closed:
                    self.end(member)
                    return
                connection.corked = False
                if member.watched != READ:
                    self._watch(member, READ)
                return
            connection.corked = True
            self._watch(member, WRITE)  # to send the rest, or at once to go on with held requests
        if member.at_end or connection.closed:
            self._drain(member)

    # --- what waits

    def _hold(self, member: PooledSocket, barrier: Awaitable[None]) -> None:
        member.held = True
        self._watch(member, NOTHING)  # not even an error: nobody would look at it
        self._running().start_soon(self._wait_for, member, barrier)

    async def _wait_for(self, member: PooledSocket, barrier: Awaitable[None]) -> None:
        """Let the answers of one socket wait; it ends without them if that fails."""
        try:
            await barrier
        except OSError as error:
            self._lost(member, error)
        except Exception as error:  # noqa: BLE001  the border of one connection
            self._failed(member, error)
        member.held = False
        self.settle(member)

    def wake(self, member: PooledSocket) -> None:
        """Settle a socket soon: it has something to send outside of a pass, or was closed."""
        self._woken[member] = None
        self._wake.set()

    async def _write_loop(self) -> None:
        while True:
            await self._wake.wait()
            self._wake = trio.Event()
            woken, self._woken = self._woken, {}
            for member in woken:
                self.settle(member)

    def _watch(self, member: PooledSocket, events: int) -> None:
        watched = member.watched
        if events == watched:
            return
        member.watched = events
        if watched == NOTHING:
            self._epoll.register(member.fd, events)
        elif events == NOTHING:
            self._epoll.unregister(member.fd)
        else:
            self._epoll.modify(member.fd, events)

    # --- the end

    def _drain(self, member: PooledSocket) -> None:
        if not member.draining:
            member.draining = True
            self._running().start_soon(self._end_later, member)

    async def _end_later(self, member: PooledSocket) -> None:
        await trio.sleep(self._drain_s)
        self.end(member)

    def _lost(self, member: PooledSocket, error: OSError) -> None:
        logger.debug("%s lost: %r", member.connection.peer, error)
        self.end(member)

    def end(self, member: PooledSocket) -> None:
        """Close a socket now, whatever it has to send. Idempotent, never raises."""
        if member.fd < 0:
            return
        self._watch(member, NOTHING)
        del self._members[member.fd]
        member.fd = -1
        member.sock.close()
        member.handler.end()
        member.connection.connection_lost()
        try:
            member.ended(member)
        except Exception:
            logger.exception("connection of %s failed", member.connection.peer)
        self._end_if_done()

    def _running(self) -> trio.Nursery:
        if self._nursery is None:
            raise AssertionError("the pool does not run")
        return self._nursery
