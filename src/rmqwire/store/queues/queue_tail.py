"""What of a consume queue changes with each message, and what a lane's pass brings many queues.

With thousands of topics a pass has a queue for each of its sends, and what is kept of these lies in no cache of
the processor. So it is in one object for each queue; the native lane has its own, and goes through the
queues of a pass without the interpreter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from rmqwire.codec.consume_queue import UNIT
from rmqwire.codec.native import is_native

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rmqwire.store.queues.consume_queue import ConsumeQueue

    Units = bytes | bytearray
    Row = tuple["Tail", int, Units, int, int]
    MakeBrought = Callable[[Sequence[Row]], "Brought"]

# Counts are one number: bytes, messages, sends and ms, from the lowest bits on.
_MESSAGE, _SEND, _MS = 1 << 48, 1 << 80, 1 << 112
_LONE = _MESSAGE + _SEND  # a send of one message


class Tail(Protocol):
    """The newest units of a queue and the offset of its next message; positions are bytes.

    Attributes:
        next_offset: of the next message that is put.
        is_unwritten: the queue is among those that have units in memory only.
    """

    next_offset: int
    is_unwritten: bool

    @property
    def start(self) -> int:
        """Position of the first unit in memory."""

    @property
    def end(self) -> int:
        """Position behind the last unit."""

    def __len__(self) -> int:
        """Return how many bytes of units are in memory."""

    def restart(self, position: int, /) -> None:
        """Forget all units and begin at a position."""

    def append(self, units: Units, /) -> None:
        """Add units behind the last one."""

    def read(self, begin: int, stop: int, /) -> bytes:
        """Return the units between two positions, as far as they are in memory."""

    def shorten(self, most: int, /) -> None:
        """Keep so many bytes, the newest ones."""

    def cut(self, position: int, /) -> None:
        """Forget the units from a position on."""

    def take_counts(self) -> tuple[int, int, int, int]:
        """Return what ``Brought.count`` has counted since the last time: messages, bytes, sends, ms of all sends."""


class Brought(Protocol):
    """What a lane's call brings its queues."""

    def take_offsets(self) -> None:
        """Let the next messages of the queues come behind these."""

    def give_back(self) -> None:
        """Undo that."""

    def units(self) -> Sequence[tuple[ConsumeQueue, Units]]:
        """Return the units that each queue gets."""

    def dispatch(self, limit: int, /) -> tuple[Iterable[ConsumeQueue], Iterable[ConsumeQueue]]:
        """Make the units visible.

        Returns:
            the queues that weren't ``is_unwritten`` and are now, and those with more than ``limit`` bytes in memory.
        """

    def count(self, elapsed_ms: int, /) -> Iterable[ConsumeQueue]:
        """Count the sends, each answered after ``elapsed_ms``; return the queues that had none to be taken."""


class PythonTail:
    """The reference of the native lane's ``QueueTail``; see ``Tail``.

    Args:
        queue: whose tail it is.
    """

    __slots__ = ("counted", "is_unwritten", "next_offset", "queue", "start", "units")

    def __init__(self, queue: ConsumeQueue) -> None:
        self.queue = queue
        self.next_offset = self.start = 0
        self.units = bytearray()
        self.is_unwritten = False
        self.counted = 0

    @property
    def end(self) -> int:
        """Position behind the last unit."""
        return self.start + len(self.units)

    def __len__(self) -> int:
        """Return how many bytes of units are in memory."""
        return len(self.units)

    def restart(self, position: int) -> None:
        """Forget all units and begin at a position."""
        self.start = position
        self.units.clear()

    def append(self, units: Units) -> None:
        """Add units behind the last one."""
        self.units += units

    def read(self, begin: int, stop: int) -> bytes:
        """Return the units between two positions, as far as they are in memory."""
        start = self.start
        return bytes(self.units[max(begin - start, 0) : max(stop - start, 0)])

    def shorten(self, most: int) -> None:
        """Keep so many bytes, the newest ones."""
        surplus = len(self.units) - most
        if surplus > 0:
            del self.units[:surplus]
            self.start += surplus

    def cut(self, position: int) -> None:
        """Forget the units from a position on."""
        if position < self.start:
            self.restart(position)
        else:
            del self.units[position - self.start :]

    def take_counts(self) -> tuple[int, int, int, int]:
        """Return messages, bytes, sends and ms of all sends since the last time."""
        counted, self.counted = self.counted, 0
        ms, counted = divmod(counted, _MS)
        sends, counted = divmod(counted, _SEND)
        messages, size = divmod(counted, _MESSAGE)
        return messages, size, sends, ms


class PythonBrought:
    """The reference of the native lane's ``Brought``.

    Args:
        rows: for each queue its tail, the offset behind its messages, their units, bytes of their records, sends.
    """

    __slots__ = ("_rows",)

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = cast("Sequence[tuple[PythonTail, int, Units, int, int]]", rows)

    def take_offsets(self) -> None:
        """Let the next messages of the queues come behind these."""
        for tail, next_offset, _, _, _ in self._rows:
            tail.next_offset = next_offset

    def give_back(self) -> None:
        """Undo that."""
        for tail, _, units, _, _ in self._rows:
            tail.next_offset -= len(units) // UNIT

    def units(self) -> Sequence[tuple[ConsumeQueue, Units]]:
        """Return the units that each queue gets."""
        return [(tail.queue, units) for tail, _, units, _, _ in self._rows]

    def dispatch(self, limit: int) -> tuple[list[ConsumeQueue], list[ConsumeQueue]]:
        """Make the units visible; see ``Brought``."""
        unwritten: list[ConsumeQueue] = []
        long: list[ConsumeQueue] = []
        for tail, _, units, _, _ in self._rows:
            some = tail.units
            some += units
            if not tail.is_unwritten:
                tail.is_unwritten = True
                unwritten.append(tail.queue)
            if len(some) > limit:
                long.append(tail.queue)
        return unwritten, long

    def count(self, elapsed_ms: int) -> list[ConsumeQueue]:
        """Count the sends; see ``Brought``."""
        first: list[ConsumeQueue] = []
        for tail, _, units, size, sends in self._rows:
            counted = tail.counted
            if not counted:
                first.append(tail.queue)
            if len(units) == UNIT:
                counted += size + _LONE
            else:
                counted += size + len(units) // UNIT * _MESSAGE + sends * _SEND
            tail.counted = counted + elapsed_ms * sends * _MS if elapsed_ms else counted
        return first


def tails_lane() -> tuple[Callable[[ConsumeQueue], Tail], MakeBrought]:
    """Return what makes the tails of queues and what is brought them: the native lane's, if there is one.

    Raises:
        ConfigError: the switch wants a lane that can't be used.
    """
    if not is_native():
        return PythonTail, PythonBrought
    from rmqwire_speedups import Brought as NativeBrought  # noqa: PLC0415  a distribution of its own
    from rmqwire_speedups import QueueTail  # noqa: PLC0415

    return QueueTail, cast("MakeBrought", NativeBrought)
