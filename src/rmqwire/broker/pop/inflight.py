"""How many popped messages are neither acknowledged nor back (``PopInflightMessageCounter``)."""

from __future__ import annotations


class PopInflight:
    """Counts by topic, group and queue, for ``popInflightMessageThreshold``."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, int], int] = {}

    def of(self, topic: str, group: str, queue_id: int) -> int:
        """Return how many messages of a queue the group holds."""
        return self._counts.get((topic, group, queue_id), 0)

    def add(self, topic: str, group: str, queue_id: int, count: int) -> None:
        """Count messages that were handed out."""
        key = (topic, group, queue_id)
        self._counts[key] = self._counts.get(key, 0) + count

    def subtract(self, topic: str, group: str, queue_id: int, count: int) -> None:
        """Count messages that came to an end; of pops before the start there may be more."""
        key = (topic, group, queue_id)
        left = self._counts.get(key, 0) - count
        if left > 0:
            self._counts[key] = left
        else:
            self._counts.pop(key, None)

    def clear(self, topic: str, group: str, queue_id: int) -> None:
        """Begin again at none."""
        self._counts.pop((topic, group, queue_id), None)
