"""One trio stream and its :class:`Connection`: a client's, and a server's that is no plain socket.

Two tasks. The read loop makes the passes: read, handle, ``end_of_pass``, send. The writer sleeps
until something is to be sent outside of a pass (a late answer, a request of ours) that
``LateAnswers`` doesn't send at once. Whoever is sending goes on until the outbox is empty, so the
stream never sees two senders; the read loop waits for that, so a peer that does not read is not
read from either.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import trio

from rmqwire.remoting.tls import why
from rmqwire.remoting.tls_mode_handler import TlsModeHandler
from rmqwire.remoting.transport import SocketTransport
from rmqwire.wakeup import AnyThreadWakeup

if TYPE_CHECKING:
    from rmqwire.remoting.connection import Connection
    from rmqwire.remoting.late_answers import LateAnswers
    from rmqwire.remoting.limits import Limits
    from rmqwire.remoting.loan import Borrower, Loan
    from rmqwire.remoting.tls_mode_handler import TlsMode

logger = logging.getLogger(__name__)

EndOfPass = Callable[[], None]
Barrier = Callable[[], Awaitable[None] | None]

EARLY_BYTES = 16_384  # of requests, so that the other side has work before its next turn

LOST = (trio.BrokenResourceError, trio.ClosedResourceError, OSError)


def trio_ms() -> int:
    """Milliseconds of trio's clock, which tests replace."""
    return int(trio.current_time() * 1000)


class Channel:
    """Run one connection on one stream.

    Args:
        stream: any byte stream; a SocketTransport also sends without a checkpoint.
        connection: its core.
        limits: ``drain_ms`` bounds the sending after the connection was closed.
        end_of_pass: called after each pass, before its answers are sent.
        barrier: called after the requests of a pass; what it gives is awaited before the answers
            are sent, and when that raises OSError the connection ends without them.
        late_answers: sends what comes for many channels at once, without their writers' turns.
        tls: whether the stream's bytes may be TLS; None: they are plain, or it is a TLS stream.

    Attributes:
        loan: lends the reading to other threads; None: it hasn't been lent yet.
    """

    def __init__(
        self,
        stream: trio.abc.Stream,
        connection: Connection,
        limits: Limits,
        end_of_pass: EndOfPass | None = None,
        late_answers: LateAnswers | None = None,
        *,
        barrier: Barrier | None = None,
        tls: TlsMode | None = None,
    ) -> None:
        self.stream = stream
        self.connection = connection
        self._handler = TlsModeHandler(connection, tls)
        self._drain_s = limits.drain_ms / 1000
        self._end_of_pass = end_of_pass
        self._barrier = barrier
        self._late_answers = late_answers
        self._rest: bytes | memoryview = b""  # of what the outbox gave, what the kernel didn't take
        self._sending = False
        self._sent = trio.lowlevel.ParkingLot()  # waiters for the sender to finish
        self._wake = AnyThreadWakeup()
        self._stopping = False
        self._running = trio.CancelScope()
        self._reading = trio.CancelScope()
        self._send_now = stream.send_now if isinstance(stream, SocketTransport) else None
        self.loan: Loan | None = None
        connection.on_wake = self._on_wake

    def _on_wake(self) -> None:
        connection = self.connection
        if self._wake.called:  # the writer is on its way
            if connection.outbox_size >= EARLY_BYTES and not (self._sending or self._rest):
                self.send_ready()
            return
        if connection.closed:
            self._wake()
        elif not self._sending:
            if len(connection.requests.waiting) == 1:  # a lone one: nothing would go with it
                self.send_ready()
                return
            late_answers = self._late_answers
            if late_answers is None or not late_answers.takes(self):
                self._wake()

    def break_off(self, reason: str) -> None:
        """End the connection with nothing more sent; from any thread while no task runs."""
        self._rest = b""
        self.connection.break_off(reason)
        self._wake()

    def lend(self, borrower: Borrower) -> None:
        """Let the thread that sends a request next read its answer, if nothing else is waited for."""
        if self.loan is None:
            if not isinstance(self.stream, SocketTransport):
                return
            from rmqwire.remoting.loan import Loan  # noqa: PLC0415  servers lend nothing

            self.loan = Loan(self.connection, self.stream, self.break_off)
        self.loan.lend(borrower)

    def stop(self) -> None:
        """Read no more; send what is ready, at most for ``drain_ms``, then end ``run``."""
        self._stopping = True
        self._running.deadline = trio.current_time() + self._drain_s
        if not self.connection.corked:  # else it is sending, and must not be cut there
            self._reading.cancel()

    async def run(self) -> None:
        """Serve the connection until either side ends it. Raises nothing but Cancelled."""
        try:
            with self._running:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write_loop, nursery.cancel_scope)
                    with self._reading:
                        await self._read_loop()
                    await self._drain()
                    nursery.cancel_scope.cancel()
        except* LOST as group:
            logger.debug("%s lost: %r", self.connection.peer, group.exceptions[0])
            self._blame(group.exceptions[0])
        finally:
            if self.loan is not None:
                self.loan.take_back()
            self.connection.connection_lost()
            self._handler.end()
            await trio.aclose_forcefully(self.stream)

    def _blame(self, error: BaseException) -> None:
        """Tell those who wait for answers what the other side had against us, if TLS tells it."""
        if isinstance(error.__cause__, ssl.SSLError):
            self.connection.close(f"TLS failed: {why(error)}")

    async def _read_loop(self) -> None:
        connection, receive_some = self.connection, self.stream.receive_some
        while not (connection.closed or self._stopping):
            data = await receive_some()
            if not data:
                return
            connection.corked = True
            ahead = self._handler.receive_data(bytes(data))
            if ahead:
                self._rest = b"".join((self._rest, ahead))
            await self._finish_pass()
            while connection.paused:
                connection.resume()
                await self._finish_pass()
                await trio.lowlevel.checkpoint()  # much was answered: let others run
            connection.corked = False

    async def _finish_pass(self) -> None:
        barrier = self._barrier() if self._barrier is not None else None
        if self._end_of_pass is not None:
            self._end_of_pass()
        if barrier is not None:
            await barrier
        await self.flush()

    async def flush(self) -> None:
        """Send the outbox, or wait until the task that is sending has sent it."""
        connection = self.connection
        while connection.outbox_size or self._rest or self._sending:
            if self._sending:
                await self._sent.park()
            elif not self._send_some():
                await self._send_rest()

    def send_ready(self) -> None:
        """Send what goes without waiting; the writer sends the rest, and sees whether it can."""
        if self.connection.closed:
            return  # the writer is awake
        with suppress(*LOST):
            if self._send_some():
                return
        self._wake()

    def _send_some(self) -> bool:
        """Send of the outbox what the kernel takes at once; tell whether that was all."""
        data = self._rest = self._rest or self._handler.data_to_send()
        sent = self._send_now(data) if self._send_now is not None else 0
        self._rest = memoryview(data)[sent:] if sent < len(data) else b""
        return not self._rest

    async def _send_rest(self) -> None:
        self._sending = True
        data, self._rest = self._rest, b""
        try:
            await self.stream.send_all(data)
        finally:
            self._sending = False
            self._sent.unpark_all()

    async def _write_loop(self, scope: trio.CancelScope) -> None:
        connection = self.connection
        while not connection.closed:
            await self._wake.wait()
            if not self._sending:
                await self.flush()
        if connection.corked:
            await trio.sleep(self._drain_s)  # the read loop is sending and ends by itself
        else:
            await self._drain()
        scope.cancel()

    async def _drain(self) -> None:
        """Send what is ready although the connection is over, to a peer that may not read."""
        with trio.move_on_after(self._drain_s):
            await self.flush()
