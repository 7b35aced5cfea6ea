"""The reading of a client's connection, lent to a thread that has sent there and waits for nothing else.

The loop's own task sleeps at the socket, too. To be woken there, only to wake that thread, costs more than to
read the answer. So the thread watches the socket itself while its send alone waits, and reads in the loop's
place; what isn't the plain answer to a send it leaves there, and gives the reading back.
"""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.remoting.connection import Connection
    from rmqwire.remoting.transport import SocketTransport


class Borrower(Protocol):
    """A thread that can watch sockets while it waits.

    Attributes:
        thread: which one.
        keeps: it goes on watching when nothing waits any more.
    """

    @property
    def thread(self) -> int: ...  # noqa: D102  an attribute
    @property
    def keeps(self) -> bool: ...  # noqa: D102  an attribute

    def watch(self, loan: Loan, fd: int) -> bool:
        """Call ``loan.read`` when a socket is readable; tell whether that can be done. In the thread."""

    def forget(self, fd: int) -> None:
        """Watch a socket no more; from any thread."""


class Loan:
    """Who reads one connection; all but ``take_back`` in the loop or in its place.

    Args:
        connection: its core.
        transport: its socket.
        break_off: ends it, as nobody knows what was read of it.
    """

    __slots__ = (
        "_borrower",
        "_break_off",
        "_connection",
        "_fd",
        "_reading",
        "_transport",
        "_unpaid",
    )

    def __init__(
        self,
        connection: Connection,
        transport: SocketTransport,
        break_off: Callable[[str], None],
    ) -> None:
        self._connection = connection
        self._transport = transport
        self._break_off = break_off
        self._borrower: Borrower | None = None
        self._fd = -1
        self._reading = False
        self._unpaid = False  # what came wasn't for the thread to read, or it wasn't alone

    def lend(self, borrower: Borrower) -> None:
        """Lend the reading to the thread that sends a request next, if no other one waits."""
        connection = self._connection
        if borrower is self._borrower or self._unpaid or connection.closed:
            return
        self.take_back()
        if connection.requests.waiting or not self._transport.can_stop_waiting():
            return
        self._fd = self._transport.fileno()
        if not borrower.watch(self, self._fd):
            return
        self._borrower = borrower
        connection.on_deadline = self._asked
        self._transport.wait_for_data(wanted=False)

    def _asked(self) -> None:
        """Go on only while that thread's one request waits; where two do, more will."""
        borrower = self._borrower
        if len(self._connection.requests.waiting) > 1:
            self._unpaid = True
            self.take_back()
        elif borrower is not None and borrower.thread != get_ident():
            self.take_back()

    def take_back(self) -> None:
        """Let the loop read again."""
        borrower, self._borrower = self._borrower, None
        if borrower is not None:
            self._connection.on_deadline = None
            borrower.forget(self._fd)
            if not self._reading:
                self._transport.wait_for_data(wanted=True)

    def end(self) -> None:
        """Take it back from a thread that may have no time, with the answer that it has left there.

        From now on it may be lent again where that hasn't paid; called each second.
        """
        self._unpaid = False
        if self._borrower is not None:
            self.take_back()
            self._read()

    def read(self, mono_ms: int = 0) -> bool:
        """Take the answer that has come; tell whether that was all there was for the loop to read.

        In the thread that it is lent to. One that doesn't know yet that it was taken back reads nothing: it
        can't wake the loop for whoever waits there.
        """
        borrower = self._borrower
        return borrower is None or borrower.thread != get_ident() or self._read()

    def _read(self) -> bool:
        if self._reading:
            return True  # a signal's handler has interrupted that, and lets the loop run meanwhile
        self._reading = True
        try:
            return self._take()
        except BaseException:  # Ctrl-C: nobody knows what was taken
            self._break_off("a read was interrupted")
            raise
        finally:
            self._reading = False
            if self._borrower is None:
                self._transport.wait_for_data(wanted=True)

    def _take(self) -> bool:
        transport = self._transport
        data = transport.look()
        if data is None:
            return True
        if not self._connection.take_stored(data):
            self._unpaid = True
            return False
        transport.skip(len(data))
        if self._borrower is not None and not self._borrower.keeps:
            self.take_back()
        return True
