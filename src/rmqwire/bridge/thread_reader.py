"""Answers that a waiting thread reads itself, in the engine's place (``remoting/loan.py``)."""

from __future__ import annotations

import os
import select
from contextlib import suppress
from functools import cache
from threading import get_ident
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from queue import SimpleQueue

    from rmqwire.remoting.loan import Loan

T = TypeVar("T")


class ThreadReader:
    """Watches sockets while its thread waits for a call; made there.

    An epoll can't wait for a queue, too: what another thread puts into that comes with a bell, a descriptor
    that is always readable and is added to the epoll.

    Args:
        read: reads what is on loan; tells whether it goes on so.
        give_back: has the reading given back in the loop.

    Attributes:
        thread: which one.
        waits: it is within ``get``.
    """

    keeps = False  # it watches nothing when its call is over

    def __init__(
        self, read: Callable[[Loan], bool], give_back: Callable[[Callable[[], None]], None]
    ) -> None:
        self.thread = get_ident()
        self.waits = False
        self._read = read
        self._give_back = give_back
        self._epoll: select.epoll | None = None
        self._loans: dict[int, Loan] = {}

    def watch(self, loan: Loan, fd: int) -> bool:
        """Call ``loan.read`` when a socket is readable; tell whether that can be done."""
        try:
            if self._epoll is None:
                _bell()  # there is one when it is to ring
                self._epoll = select.epoll()
            self._epoll.register(fd, select.EPOLLIN)
        except OSError:  # no descriptor is left
            return False
        self._loans[fd] = loan
        return True

    def forget(self, fd: int) -> None:
        """Watch a socket no more; from any thread."""
        self._loans.pop(fd, None)
        if self._epoll is not None:
            with suppress(OSError):  # closed meanwhile
                self._epoll.unregister(fd)

    def put(self, over: SimpleQueue[T], what: T) -> None:
        """Put what is waited for into a queue; from any thread."""
        over.put(what)
        if self.waits and self._epoll is not None and get_ident() != self.thread:
            with suppress(OSError):  # it rings already
                self._epoll.register(_bell(), select.EPOLLIN)

    def get(self, over: SimpleQueue[T]) -> T:
        """Return what comes into a queue, and read until then."""
        epoll = self._epoll
        if epoll is None or not self._loans:
            return over.get()
        self.waits = True
        try:
            while over.empty():
                for fd, _ in epoll.poll():
                    self._readable(epoll, fd)
        finally:
            self.waits = False
            for loan in list(self._loans.values()):  # Ctrl-C
                self._give_back(loan.take_back)
        return over.get()

    def _readable(self, epoll: select.epoll, fd: int) -> None:
        if (loan := self._loans.get(fd)) is not None:
            if not self._read(loan):
                self.forget(fd)
        else:
            with suppress(OSError):  # the bell's, or one that is closed
                epoll.unregister(fd)


@cache
def _bell() -> int:
    return os.eventfd(1, os.EFD_CLOEXEC)
