"""Write changed tables in a thread, and let the answers of those who changed them wait.

A slow disk holds up nobody else. All changes made while a round is being written share the next one.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Protocol, TypeVar

import trio

from rmqwire.wakeup import Waiting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rmqwire.disk.table_file import TableWrites

T = TypeVar("T")
logger = logging.getLogger(__name__)
RETRY_S = 5.0  # a table that the disk refused is written again after this


class InThread(Protocol):
    """Runs a function where it holds nobody up, such as ``trio.to_thread.run_sync``."""

    async def __call__(self, function: Callable[[], T], /) -> T:
        """Return what the function does."""
        ...


class _Round:
    """One writing of the tables that have changed: when it is due, and how it ended."""

    def __init__(self) -> None:
        self.wanted = trio.Event()
        self._failure: Exception | None = None
        self._ended = trio.Event()

    def ended(self, failure: Exception | None) -> None:
        self._failure = failure
        self._ended.set()

    async def wait(self) -> None:
        """Return when the tables are on the disk.

        Raises:
            Exception: they are not: the request that changed one must not be answered.
        """
        await self._ended.wait()
        if self._failure is not None:
            raise self._failure


class TableRounds:
    """The rounds of one broker.

    Args:
        in_thread: runs what waits for the disk.

    Attributes:
        writing: held while tables are written.
        held_for: what the answers to the requests just handled wait for.
    """

    def __init__(self, in_thread: InThread) -> None:
        self._in_thread = in_thread
        self.writing = trio.Lock()
        self._next = _Round()
        self.held_for: _Round | None = None

    def take_barrier(self) -> Awaitable[None] | None:
        """Return what the answers to the requests just handled must wait for."""
        held_for, self.held_for = self.held_for, None
        return None if held_for is None else Waiting(held_for.wait)

    def _hold_answers(self) -> None:
        self.held_for = self._next
        self._next.wanted.set()

    def _want(self) -> None:
        self._next.wanted.set()

    async def run(self, tables: TableWrites) -> None:
        """Write tables of which a change is told, until cancelled."""
        tables.start(self._hold_answers, self._want)
        while True:
            with trio.move_on_after(RETRY_S if tables.waiting else math.inf):
                await self._next.wanted.wait()
            running, self._next = self._next, _Round()
            async with self.writing:
                failure = await self._write(tables)
            running.ended(failure)

    async def _write(self, tables: TableWrites) -> Exception | None:
        try:
            await self._in_thread(tables.take())
        except OSError as error:
            logger.error("tables not written, tried again: %s", error)  # noqa: TRY400  one line says it
            return error
        except Exception as error:  # one writing is the border: logged, tried again
            logger.exception("tables not written, tried again")
            return error
        return None
