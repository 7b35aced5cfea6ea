"""Which half messages are done with, and which ops say so.

A half message is done with when its transaction ended, or when a copy of it took its place. Java
finds that out by reading the op queue in each check; here it is kept from one check to the next,
so that an end which is asked for twice is seen, and an end whose op isn't written yet.

Half messages are known by their offset in the half queue. ``position`` is the first that isn't
done with, which is the half topic's consumer offset; ops that name only half messages below it are
done with themselves.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

MOVED: Final = -1  # a copy took its place, or it was given up
ENDED: Final = 0  # its transaction ended: an op says so, but not how


class OpQueue:
    """The bookkeeping of one half queue and its op queue.

    Args:
        position: the half topic's consumer offset.
        op_offset: the op topic's.
    """

    def __init__(self, position: int = 0, op_offset: int = 0) -> None:
        self.position = position
        self.op_offset = op_offset
        self.done: dict[int, int] = {}  # half offset -> MOVED, ENDED, or how its transaction ended
        self._ops: deque[tuple[int, int]] = deque()  # (op offset, highest half offset named in it)
        self._unwritten: deque[int] = deque()  # half offsets that no op names yet
        self._unwritten_size = 0  # characters they will be

    def end(self, half_offset: int, how: int) -> None:
        """Note that a half message is done with."""
        if half_offset >= self.position:
            self.done[half_offset] = how

    def revive(self, half_offset: int) -> None:
        """Take an end back: the store refused what it would have stored."""
        self.done.pop(half_offset, None)

    def advance(self) -> bool:
        """Go on to the first half message that isn't done with; return whether there was one."""
        before, position, done = self.position, self.position, self.done
        while position in done:
            del done[position]
            position += 1
        self._pass(position)
        return position != before

    def skip_to(self, position: int) -> None:
        """Go on elsewhere: there are no half messages at ``position`` as it was."""
        for offset in [offset for offset in self.done if offset < position]:
            del self.done[offset]
        self._pass(position)

    def _pass(self, position: int) -> None:
        self.position = position
        ops = self._ops
        while ops and ops[0][1] < position:
            self.op_offset = ops.popleft()[0] + 1

    # --- ops

    def add_op(self, op_offset: int, half_offsets: Sequence[int]) -> None:
        """Note an op of the op queue; they come in the order of the queue."""
        for half_offset in half_offsets:
            if half_offset >= self.position:
                self.done.setdefault(half_offset, ENDED)
        highest = max(half_offsets, default=-1)
        if not self._ops and highest < self.position:
            self.op_offset = op_offset + 1
        else:
            self._ops.append((op_offset, highest))

    def want_op(self, half_offset: int) -> None:
        """Note that an op must name this half message."""
        self._unwritten.append(half_offset)
        self._unwritten_size += len(str(half_offset)) + 1

    @property
    def unwritten_size(self) -> int:
        """Characters that the ops still to be written are long."""
        return self._unwritten_size

    def take_unwritten(self, max_size: int) -> list[int]:
        """Return and forget half offsets for one op: up to ``max_size`` characters, one at least."""
        taken: list[int] = []
        size = 0
        while self._unwritten and (not taken or size < max_size):
            taken.append(self._unwritten.popleft())
            size += len(str(taken[-1])) + 1
        self._unwritten_size -= size
        return taken

    def untake(self, half_offsets: Sequence[int]) -> None:
        """Take offsets back whose op the store refused."""
        self._unwritten.extendleft(reversed(half_offsets))
        self._unwritten_size += sum(len(str(offset)) + 1 for offset in half_offsets)
