"""What a slave does when its log is not its master's: ``haDivergencePolicy`` (no Java counterpart).

A master that lost its end and wrote something else, or a former master with messages that nobody
has: their logs are equal up to some record and differ from there. ``stop`` says so and replicates
nothing; ``truncate`` saves what only the slave has, cuts it and follows.

A link compares 64 KiB of the log's end. When all of that differs, or the master ends the link
without a word as if asked for what it hasn't, the next link compares twice as much, until they
have a record in common. Logs with none are never cut: they belong to two clusters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.store.replica.replica_log import OVERLAP

if TYPE_CHECKING:
    from rmqwire.errors import LogDiverged
    from rmqwire.ha.slave_link import SlaveLink
    from rmqwire.store.replica.replica_log import ReplicaLog

STOP: Final = "stop"
TRUNCATE: Final = "truncate"


class Divergence:
    """Find where two logs part, over several links.

    Args:
        log: the slave's.
        policy: ``stop`` or ``truncate``.

    Attributes:
        overlap: bytes before the log's end that the next link compares.
        again: something was changed: the next link is worth trying at once.
        silence: what the last link's end means, when its master never said a word.
    """

    def __init__(self, log: ReplicaLog, policy: str) -> None:
        self._log = log
        self._policy = policy
        self.overlap = OVERLAP
        self.again = False
        self.silence = ""

    def link_begins(self) -> None:
        """Take note that a link begins."""
        self.again = False
        self.silence = ""

    def link_ended(self, link: SlaveLink) -> None:
        """Choose how much the next link compares."""
        if link.verified:
            self.overlap = OVERLAP
        elif not link.heard:
            self.silence = f"the master closed the link when asked for offset {link.position}"
            self._widen()

    def settle(self, error: LogDiverged) -> str:
        """Do what the policy says about two logs that differ; give it as a sentence.

        No flush may be running.

        Raises:
            OSError: what would be cut can't be saved, or the disk failed.
        """
        found = f"the logs have diverged: {error}"
        if self._policy != TRUNCATE:
            return f"{found}; nothing is replicated"
        tail = self._log.cut_behind(error.begin, error.end)
        if tail is None:
            self.again = self._widen()
            rest = (
                "more is compared" if self.again else "nothing in common is found, nothing is cut"
            )
            return f"{found}; {rest}"
        self.overlap = OVERLAP
        self.again = True
        return (
            f"{found}; {tail.messages} messages, the bytes from {tail.begin} to {tail.end} of our"
            f" log, are saved in {', '.join(tail.files)} and cut"
        )

    def _widen(self) -> bool:
        """Compare twice as much the next time; False, and little again, if it was everything."""
        begin, wider = (self._log.overlap_start(self.overlap * n) for n in (1, 2))
        self.overlap = self.overlap * 2 if wider < begin else OVERLAP
        return wider < begin
