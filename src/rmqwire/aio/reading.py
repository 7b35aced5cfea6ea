"""Answers that an asyncio loop reads itself, in the engine's place (``remoting/loan.py``)."""

from __future__ import annotations

import select
from asyncio import get_running_loop
from contextlib import suppress
from threading import get_ident
from typing import TYPE_CHECKING

from rmqwire.bridge.engine import shared_engine

if TYPE_CHECKING:
    from rmqwire.aio.returns import Returns
    from rmqwire.remoting.loan import Loan


class LoopReader:
    """Watches sockets in one loop, by an epoll that holds them all; made in its thread.

    Args:
        returns: the way to the loop.

    Attributes:
        returns: the same.
        thread: the loop's.
    """

    keeps = True  # a loop watches all that it has

    def __init__(self, returns: Returns) -> None:
        self.returns = returns
        self.thread = get_ident()
        self._epoll: select.epoll | None = None
        self._loans: dict[int, Loan] = {}

    def watch(self, loan: Loan, fd: int) -> bool:
        """Call ``loan.read`` when a socket is readable; tell whether the loop can do that."""
        try:
            if self._epoll is None:
                self._epoll = self._watched()
            self._epoll.register(fd, select.EPOLLIN)
        except (NotImplementedError, OSError, ValueError):  # no such loop, no descriptor, closed
            return False
        self._loans[fd] = loan
        return True

    def _watched(self) -> select.epoll:
        epoll = select.epoll()
        try:
            self.returns.loop.add_reader(epoll.fileno(), self._read)
        except NotImplementedError:
            epoll.close()
            raise
        return epoll

    def forget(self, fd: int) -> None:
        """Watch a socket no more; from any thread."""
        self._loans.pop(fd, None)
        if self._epoll is not None:
            with suppress(OSError, ValueError):  # closed meanwhile
                self._epoll.unregister(fd)

    def close(self) -> None:
        """Watch nothing any more, if this is the loop; what is on loan is of clients that others use, too."""
        if self._epoll is not None and self.returns.loop is get_running_loop():
            self.returns.loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            for loan in list(self._loans.values()):
                shared_engine().post(loan.take_back)

    def _read(self) -> None:
        self.returns.at_once(self._read_all)

    def _read_all(self) -> None:
        if len(self._loans) == 1:
            readable = list(self._loans)
        else:
            readable = [fd for fd, _ in self._epoll.poll(0)] if self._epoll is not None else []
        for fd in readable:
            if (loan := self._loans.get(fd)) is not None and not shared_engine().read(loan):
                self.forget(fd)
