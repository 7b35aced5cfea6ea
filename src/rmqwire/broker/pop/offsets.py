"""How far each group has popped, and when that counts (``PopBufferMergeService.commitOffsets``).

A pop goes on where the last one ended, but the group's offset follows only when the check point of
what was handed out can't be lost any more: in the log, and on the disk. So after a crash a message
is handed out again or its check point is there, whichever the disk kept.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

NOT_STORED = -1


class QueueKey(NamedTuple):
    """One queue of a topic as one group pops it (Java's lock key)."""

    topic: str
    group: str
    queue_id: int


class Step:
    """One pop from one queue.

    Args:
        key: the queue and the group.
        next_offset: queue offset behind what was handed out.

    Attributes:
        end: where in the log its check point ends, in bytes; -1 until it is stored.
    """

    __slots__ = ("end", "key", "next_offset")

    def __init__(self, key: QueueKey, next_offset: int) -> None:
        self.key = key
        self.next_offset = next_offset
        self.end = NOT_STORED


class PopOffsets:
    """The pops of all groups whose offsets are not committed yet.

    Args:
        commit: notes a group's offset: ``commit(group, topic, queue_id, offset)``.
    """

    def __init__(self, commit: Callable[[str, str, int, int], None]) -> None:
        self._commit = commit
        self._steps: dict[QueueKey, deque[Step]] = {}

    def __len__(self) -> int:
        return len(self._steps)

    def latest(self, key: QueueKey) -> int:
        """Return where the next pop begins, -1 when the group's offset says it (``getLatestOffset``)."""
        steps = self._steps.get(key)
        return steps[-1].next_offset if steps else -1

    def begin(self, key: QueueKey, next_offset: int) -> Step:
        """Note a pop whose check point is being stored."""
        step = Step(key, next_offset)
        self._steps.setdefault(key, deque()).append(step)
        return step

    def pass_over(self, key: QueueKey, next_offset: int) -> None:
        """Note that nothing was wanted up to an offset (``addCkMock``)."""
        steps = self._steps.get(key)
        if steps is None:
            self._commit(key.group, key.topic, key.queue_id, next_offset)
            return
        step = Step(key, next_offset)
        step.end = 0
        steps.append(step)

    def failed(self, step: Step) -> None:
        """Forget a pop whose check point was refused, and those behind it: all begin there again."""
        steps = self._steps.get(step.key)
        if steps is None or step not in steps:
            return
        while steps.pop() is not step:
            pass
        if not steps:
            del self._steps[step.key]

    def clear(self, key: QueueKey) -> None:
        """Forget the pops of a queue: its offset was set anew (``clearOffsetQueue``)."""
        self._steps.pop(key, None)

    def commit(self, flushed: int) -> None:
        """Commit what lies in the log up to ``flushed`` (bytes), each queue in order."""
        for key, steps in list(self._steps.items()):
            last = None
            while steps and NOT_STORED < steps[0].end <= flushed:
                last = steps.popleft()
            if last is not None:
                self._commit(key.group, key.topic, key.queue_id, last.next_offset)
            if not steps:
                del self._steps[key]
