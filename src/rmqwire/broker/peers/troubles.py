"""What failed with a peer last time: so that the log says what changed, not the same each round."""

from __future__ import annotations


class Troubles:
    """Tasks that are tried again and again, and how they failed in a row."""

    def __init__(self) -> None:
        self._failures: dict[str, tuple[str, int]] = {}

    def failed(self, task: str, text: str) -> bool:
        """Note a failure.

        Args:
            task: its name.
            text: what is said of it.

        Returns:
            whether it is another than the last one.
        """
        last, count = self._failures.get(task, ("", 0))
        self._failures[task] = (text, count + 1)
        return text != last

    def works(self, task: str) -> int:
        """Note a success; return how many times the task had failed in a row."""
        _, count = self._failures.pop(task, ("", 0))
        return count
