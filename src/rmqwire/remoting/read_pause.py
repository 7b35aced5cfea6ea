"""To let answers gather before they are read, where many sends are under way.

A server that answers each send on its own wakes its client for each few answers, and gets as few
requests back: both do more around the messages than for them. Where many sends wait and few were
answered, the other side has enough to do, so nobody loses by a moment in which it isn't looked at.
The moment is as long as a third to a half of them take, as far as the loop's clock tells ms apart. Where
most are answered in the shortest one, the other side had too little to do: then the next ones go without,
twice as many with each such pause.
"""

from __future__ import annotations

from typing import Final

LEAST_MS: Final = 1  # that a loop can sleep
MOST_MS: Final = 4
MANY: Final = 64  # sends that wait
SHARE: Final = 2  # a third of all in one read, half of those that still wait, is no few
MOST_SKIPPED: Final = 255  # reads without a pause between two tries


class ReadPause:
    """Decides for how long to wait before the next read."""

    __slots__ = ("_length_ms", "_next_skipped", "_paused", "_skipped")

    def __init__(self) -> None:
        self._length_ms = LEAST_MS
        self._paused = False  # before the read that is over
        self._skipped = 0  # yet to come
        self._next_skipped = 1  # after the next pause that was too long

    def next_ms(self, answered: int, waiting: int) -> int:
        """Return for how long to wait now, in ms; 0: read on.

        Args:
            answered: sends that the last read has brought the answers to.
            waiting: sends that wait for theirs.
        """
        few = answered * SHARE <= waiting
        if self._paused:
            self._paused = False
            self._learn(few=few, too_many=answered > waiting)
        if waiting < MANY or not few:
            return 0
        if self._skipped:
            self._skipped -= 1
            return 0
        self._paused = True
        return self._length_ms

    def _learn(self, *, few: bool, too_many: bool) -> None:
        """Take what came in a pause."""
        if not too_many:
            self._next_skipped = 1
            if few and self._length_ms < MOST_MS:
                self._length_ms += 1
        elif self._length_ms > LEAST_MS:
            self._length_ms -= 1
        else:
            self._skipped = self._next_skipped
            self._next_skipped = min(2 * self._next_skipped + 1, MOST_SKIPPED)
