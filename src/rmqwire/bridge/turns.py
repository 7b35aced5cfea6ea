"""Whose turn it is to touch what lives in the engine: its loop's, or another thread's while that sleeps.

The loop has the turn but for the time that it waits for sockets and clocks. A thread that finds it asleep
may do in its place what takes no call of trio's, and nothing else runs there meanwhile.
"""

from __future__ import annotations

import logging
import time
from threading import Lock, get_ident
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

PATIENCE_S: Final = 3.0  # a thread has the turn for microseconds


class Turns(trio.abc.Instrument):
    """The turn, given and taken around each wait of the loop.

    Attributes:
        wanted: the loop is awake: it waits for the turn, or has it.
    """

    def __init__(self) -> None:
        self.wanted = False
        self._turn = Lock()
        self._user = 0  # the thread in whose turn work is done
        self._clock_s = 0.0  # trio's clock at 0 of the performance counter
        self._after: list[Callable[[], None]] = []

    def before_run(self) -> None:
        """Begin with the loop's turn."""
        self.wanted = self._turn.acquire()

    def set_clock(self) -> None:
        """Learn how trio's clock runs; in the loop."""
        self._clock_s = trio.current_time() - time.perf_counter()

    def before_io_wait(self, timeout: float) -> None:
        """Let other threads have it, and those go on whose calls are over."""
        self.wanted = False
        self._end_turn(self._turn)

    def after_run(self) -> None:
        """Let the last ones go on; nobody waits for a loop that has ended."""
        self._end_turn(self._turn)

    def after(self, call: Callable[[], None]) -> None:
        """Call something at the end of the loop's turn, when who is woken by it finds the turn free."""
        self._after.append(call)

    def _end_turn(self, turn: Lock) -> None:
        after = self._after
        if after:
            self._after = []
        turn.release()
        for call in after:
            try:
                call()
            except Exception:  # trio would give this instrument up
                logger.exception("telling a thread that its call is over")

    def after_io_wait(self, timeout: float) -> None:
        """Take it back from a thread that has a moment's work in it, and before any other one.

        A turn that doesn't end is nobody's any more: Ctrl-C came before its thread knew that it has it.
        """
        self.wanted = True
        if not self._turn.acquire(timeout=PATIENCE_S):
            self._turn = Lock()
            self._turn.acquire()
            self._user = 0

    def use(self, work: Callable[[int], bool]) -> bool:
        """Do a piece of work in the loop's place, if it sleeps; from any thread.

        Args:
            work: called with the ms of trio's clock; returns whether it has done anything.

        Returns:
            what ``work`` has returned; False: it wasn't called.
        """
        turn = self._turn
        if self.wanted or not turn.acquire(blocking=False):
            return False
        try:
            self._user = get_ident()
            return work(int((self._clock_s + time.perf_counter()) * 1000))
        finally:
            self._user = 0
            self._end_turn(turn)

    def wait(self, over: Callable[[], object]) -> None:
        """Wait for the loop in a thread; one that is in its turn lends it to the loop meanwhile.

        That is a signal's handler: it has interrupted the work, which goes on when the loop sleeps again.

        Args:
            over: blocks as long as is to be waited.
        """
        if self._user != (ident := get_ident()):
            over()
            return
        turn, self._user = self._turn, 0
        turn.release()
        try:
            over()
        finally:
            turn.acquire()
            self._user = ident
