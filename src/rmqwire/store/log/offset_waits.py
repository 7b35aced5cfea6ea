"""What is written and waits for something more: a flush, a slave (``GroupCommitService``).

One flush answers all that it covers. Entries come in the order of the log, so the list is ordered
by end offset and what a flush covers is its head.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.store.results import PutMessageResult


logger = logging.getLogger(__name__)


def answer(done: Callable[[PutMessageResult], None], result: PutMessageResult) -> None:
    """Tell a result to whoever put; what goes wrong there costs nobody else an answer."""
    try:
        done(result)
    except Exception:  # the border of one answer: logged, the others go on
        logger.exception("a put was not answered: %s", result)


class Replication(Protocol):
    """What a put waits for besides the disk: slaves (``ha.group_transfer.GroupTransfer``)."""

    def wait(
        self, end: int, result: PutMessageResult, done: Callable[[PutMessageResult], None]
    ) -> None:
        """Answer a written put that ends at ``end`` (bytes of the log) when slaves have it."""

    def after_flush(
        self, end: int, done: Callable[[PutMessageResult], None]
    ) -> Callable[[PutMessageResult], None]:
        """Return what the flush, or its timeout, shall answer in place of ``done``."""


class OffsetWaits:
    """Puts that wait until some offset of the log is reached.

    Args:
        timeout_status: the ``PutStatus`` of one that waited too long, or that can't succeed any more.
    """

    __slots__ = ("_timeout_status", "_waits")

    def __init__(self, timeout_status: int) -> None:
        self._timeout_status = timeout_status
        self._waits: deque[
            tuple[int, int, PutMessageResult, Callable[[PutMessageResult], None]]
        ] = deque()

    def __len__(self) -> int:
        """Count the puts that wait."""
        return len(self._waits)

    def add(
        self,
        end: int,
        deadline_ms: int,
        result: PutMessageResult,
        done: Callable[[PutMessageResult], None],
    ) -> None:
        """Let a put wait until ``end`` is reached, but not beyond ``deadline_ms``."""
        self._waits.append((end, deadline_ms, result, done))

    def release(self, offset: int) -> None:
        """Answer all puts that end at or below ``offset``."""
        waits = self._waits
        while waits and waits[0][0] <= offset:
            _, _, result, done = waits.popleft()
            answer(done, result)

    def expire(self, mono_ms: int) -> None:
        """Answer those whose time is over: they are stored, but nothing more is promised."""
        waits = self._waits
        while waits and waits[0][1] <= mono_ms:
            self._fail_first()

    def fail_all(self) -> None:
        """Answer all as if their time were over: what they wait for can't happen any more."""
        while self._waits:
            self._fail_first()

    def next_deadline(self) -> int | None:
        """Return when the first one's time is over, None if none waits."""
        return self._waits[0][1] if self._waits else None

    def _fail_first(self) -> None:
        _, _, result, done = self._waits.popleft()
        result.status = self._timeout_status
        answer(done, result)
