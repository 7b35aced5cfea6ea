"""To let answers gather before they are read, where many sends are under way.

A server that answers each send on its own wakes its client for each few answers, and gets as few
requests back: both do more around the messages than for them. Where many sends wait and few were
answered, the other side has enough to do, so nobody loses by a moment in which it isn't looked at.
Where most are answered in that moment it had too little to do: then the next ones go without, twice
as many with each such pause.
"""

from __future__ import annotations

from typing import Final

PAUSE_S: Final = 0.001  # the least that a loop can sleep
MANY: Final = 64  # sends that wait
SHARE: Final = 4  # a quarter of them in one read is no few
MOST_SKIPPED: Final = 255  # reads without a pause between two tries


class ReadPause:
    """Decides whether to wait a moment before the next read."""

    __slots__ = ("_next_skipped", "_paused", "_skipped")

    def __init__(self) -> None:
        self._paused = False  # before the read that is over
        self._skipped = 0  # yet to come
        self._next_skipped = 1  # after the next pause that was too long

    def pays(self, answered: int, waiting: int) -> bool:
        """Return whether to wait for PAUSE_S now.

        Args:
            answered: sends that the last read has brought the answers to.
            waiting: sends that wait for theirs.
        """
        if self._paused:
            self._paused = False
            if answered > waiting:
                self._skipped = self._next_skipped
                self._next_skipped = min(2 * self._next_skipped + 1, MOST_SKIPPED)
            else:
                self._next_skipped = 1
        if waiting < MANY or answered * SHARE > waiting:
            return False
        if self._skipped:
            self._skipped -= 1
            return False
        self._paused = True
        return True
